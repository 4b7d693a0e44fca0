/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Attention over lists of heads with the real steps and the built-in queries, keys and values: in
 * pages with a partial last one, with queries that share keys and heads that share a codebook.
 * Against the definition in double within the bounds of tests/kernels/attention.c, and bit by bit
 * against the same heads with a query and a codebook of their own each.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/codec/codebook.h"
#include "src/codec/codec.h"
#include "src/data/keyset.h"
#include "src/machine/isa.h"
#include "src/study/heads.h"
#include "tests/kernels/attention.h"
#include "tests/kernels/problem.h"

enum { D = 64, TOKENS = 500, TABLES = 8, MOST_CALIBRATION = 512 };
enum { HEADS = 6, BATCH = 2, GROUP = 3, KV_HEADS = 2 };

static struct kvr_isa_info isa;
static struct kvr_keyset set;

/* The list's heads: two in a row are of one KV head, whose keys they take from different tokens
 * on. */
static uint32_t kv_of(uint32_t position)
{
    return position / BATCH % KV_HEADS;
}

static size_t first_value_of(uint32_t position)
{
    return ((size_t)kv_of(position) * set.tokens + position % BATCH * 12) * D;
}

/* The queries of the KV head's group, of the text's last token. */
static void queries_of(uint32_t kv, float *query)
{
    for (uint32_t q = 0; q < GROUP; q++)
        memcpy(query + q * D,
               set.queries + ((kv * GROUP + q + 1) * set.query_tokens - 1) * D, D * sizeof *query);
}

struct bench {
    const struct kvr_codec *codec;
    struct attention_steps steps;
    struct kvr_shape shape;
    struct kvr_lists keys, rows, shared, own; /* codebooks of a batch, and of each head */
    unsigned char *codes, *values, *shared_books, *own_books;
    void *read_sides[KV_HEADS]; /* as the preparing step has them */
    float query[GROUP * D];
};

/* Of the codec at hand: scales or codebooks, trained once for all its benches. */
static void *sides[KV_HEADS];

static struct kvr_shape shape_of(const struct kvr_codec *codec, uint32_t entries)
{
    struct kvr_shape shape = {.head_dim = D, .tokens = TOKENS, .queries = GROUP,
                              .tables = codec->calibrated ? TABLES : 0,
                              .entries = codec->calibrated ? entries : 0,
                              .group = codec->group};
    kvr_codec_set_tables(codec, &shape);
    return shape;
}

static void train(const struct kvr_codec *codec, uint32_t entries)
{
    const struct kvr_shape shape = shape_of(codec, entries);
    const size_t tokens = codec->calibrated ? set.calibration_tokens : set.tokens;
    const float *from = codec->calibrated ? set.calibration : set.keys;
    for (uint32_t kv = 0; kv < KV_HEADS; kv++) {
        sides[kv] = aligned_bytes(codec->side_bytes(&shape) + 1);
        /* a poor codebook is as good as any here */
        const size_t fewest = kvr_codec_fewest_keys(codec, &shape);
        const size_t wanted = fewest > MOST_CALIBRATION ? fewest : MOST_CALIBRATION;
        const size_t used = codec->calibrated && tokens > wanted ? wanted : tokens;
        assert_int_equal(codec->train(&shape, from + kv * tokens * D, used, 1, sides[kv]), 0);
    }
}

static void forget(void)
{
    for (uint32_t kv = 0; kv < KV_HEADS; kv++)
        free(sides[kv]);
}

/* Codes and values of a head where its list has its parts. Rows behind its tokens are NaN: nothing
 * may read them. */
static void place_head(struct bench *b, uint32_t position)
{
    const struct kvr_codec *fp16 = kvr_codec_find("fp16");
    const uint32_t part = b->keys.tokens, parts = b->keys.parts;
    for (uint32_t p = 0; p < parts; p++) {
        const uint32_t slot = b->keys.orders[0][position * parts + p];
        const uint32_t row = b->rows.orders[0][position * parts + p];
        const uint32_t tokens = p + 1 < parts ? part : b->keys.last_tokens;
        const size_t from = first_value_of(position) + (size_t)p * part * D;
        uint16_t *rows = (uint16_t *)(void *)(b->values + row * b->rows.stride_bytes);
        assert_int_equal(b->codec->encode(&b->shape, sides[kv_of(position)], set.keys + from,
                                          tokens, b->codes + slot * b->keys.stride_bytes), 0);
        assert_int_equal(fp16->encode(&b->shape, NULL, set.values + from, tokens, rows), 0);
        for (size_t i = (size_t)tokens * D; i < b->rows.segment_bytes / 2; i++)
            rows[i] = 0x7e00;
    }
}

/* Codebooks in a list's random order: segment i serves `batch` heads. */
static unsigned char *place_codebooks(struct bench *b, uint32_t batch, struct kvr_lists *list)
{
    const enum kvr_codebook kind = b->steps.prepare->codebook;
    const enum kvr_book_kind book = b->codec->book;
    const size_t bytes = (kvr_codebook_bytes(&b->shape, book, kind) + 63) / 64 * 64;
    unsigned char *books = aligned_bytes(HEADS / batch * bytes);
    assert_int_equal(kvr_lists_codebooks(&b->keys, books, bytes, batch, false, 3, list), 0);
    for (uint32_t i = 0; i < list->counts[0]; i++)
        assert_int_equal(kvr_codebook_pack(&b->shape, book, sides[kv_of(i * batch)], kind,
                                           books + bytes * list->orders[0][i]), 0);
    return books;
}

static void open_bench(struct bench *b, const struct kvr_codec *codec, uint32_t entries,
                       const struct attention_steps *steps, uint32_t part)
{
    *b = (struct bench){.codec = codec, .steps = *steps, .shape = shape_of(codec, entries)};
    struct kvr_lists_request request = {.format = kvr_codec_layout(codec, &b->shape),
                                        .shape = &b->shape,
                                        .part_tokens = part, .heads = HEADS, .threads = 1,
                                        .shuffled = true, .paged = true, .seed = part};
    const uint32_t parts = (TOKENS + part - 1) / part, slots = HEADS * parts;
    const uint32_t last = TOKENS - (parts - 1) * part;
    const size_t row_bytes = kvr_format_dense_f16.segment_bytes(&b->shape, part);
    /* a residual may make the last part the largest */
    request.base = b->codes =
        aligned_bytes(slots * request.format->segment_bytes(&b->shape, part) +
                      HEADS * request.format->segment_bytes(&b->shape, last));
    b->values = aligned_bytes(slots * row_bytes);
    assert_int_equal(kvr_lists_build(&request, &b->keys), 0);
    assert_int_equal(
        kvr_lists_beside(&b->keys, b->values, &kvr_format_dense_f16, &b->shape, &b->rows), 0);
    for (uint32_t position = 0; position < HEADS; position++)
        place_head(b, position);
    for (uint32_t kv = 0; kv < KV_HEADS; kv++)
        b->read_sides[kv] = attention_side(steps->prepare, codec, &b->shape, sides[kv]);
    if (steps->prepare->codebook != KVR_CODEBOOK_NONE) {
        b->shared_books = place_codebooks(b, BATCH, &b->shared);
        b->own_books = place_codebooks(b, 1, &b->own);
    }
}

static void close_bench(struct bench *b)
{
    kvr_lists_free(&b->keys);
    kvr_lists_free(&b->rows);
    kvr_lists_free(&b->shared);
    kvr_lists_free(&b->own);
    free(b->codes);
    free(b->values);
    free(b->shared_books);
    free(b->own_books);
    for (uint32_t kv = 0; kv < KV_HEADS; kv++)
        free(b->read_sides[kv]);
}

/* The whole op, with the first `queries` of `query`; heads share codebooks or have their own. */
static struct kvr_heads heads_of(struct bench *b, uint32_t position, uint32_t queries,
                                 const float *query, int shared, struct kvr_head_buffers *buffers)
{
    struct kvr_heads h = {.run = KVR_RUN_PREPARE | KVR_RUN_SCAN | KVR_RUN_SOFTMAX | KVR_RUN_VALUES,
                          .shape = b->shape,
                          .batch = shared ? BATCH : 1,
                          .kernel = b->steps.kernel,
                          .side = sides[kv_of(position)],
                          .prepare = b->steps.prepare,
                          .softmax = b->steps.softmax,
                          .values = b->steps.values,
                          .query = query,
                          .scale = sides[kv_of(position)],
                          .keys = &b->keys,
                          .value_rows = &b->rows,
                          .buffers = buffers};
    h.shape.queries = queries;
    if (b->shared_books)
        h.codebooks = shared ? &b->shared : &b->own;
    return h;
}

/* A query of a group gives, bit by bit, what it gives alone and with a codebook of its own. */
static void check_single(struct bench *b, uint32_t position, uint32_t q,
                         const struct kvr_head_buffers *group)
{
    struct kvr_head_buffers alone;
    const size_t bytes = b->steps.prepare->format->prepared_bytes(&b->shape);
    assert_int_equal(kvr_head_buffers_new(1, 1, b->keys.tokens, bytes, &alone), 0);
    struct kvr_heads h = heads_of(b, position, 1, b->query + q * D, 0, &alone);
    kvr_heads_slice(&h, 0, position * b->keys.parts, b->keys.parts);
    assert_memory_equal(alone.outputs[0], group->outputs[0] + q * KVR_MAX_HEAD_DIM,
                        D * sizeof(float));
    assert_memory_equal(&alone.states[0][0], &group->states[0][q], sizeof alone.states[0][0]);
    kvr_head_buffers_free(&alone);
}

/* From the definition, over the codes where they lie. */
static void check_exact(struct bench *b, uint32_t position, uint32_t q,
                        const struct kvr_head_buffers *buffers)
{
    static double scores[TOKENS], exact[TOKENS];
    static float decoded[TOKENS * D], values[TOKENS * D];
    const struct kvr_format *format = b->steps.prepare->format;
    const float *query = b->query + q * D, *output = buffers->outputs[0] + q * KVR_MAX_HEAD_DIM;
    const void *prepared = buffers->prepared[0] + q * buffers->prepared_bytes;
    const uint32_t part = b->keys.tokens, parts = b->keys.parts;
    const float sum = buffers->states[0][q].sum;
    struct attention_expected expected;
    double error = 0, magnitude = 0;
    for (uint32_t p = 0; p < parts; p++) {
        const uint32_t tokens = p + 1 < parts ? part : b->keys.last_tokens, first = p * part;
        const uint32_t slot = b->keys.orders[0][position * parts + p];
        const unsigned char *codes = b->codes + slot * b->keys.stride_bytes;
        b->codec->decode(&b->shape, b->read_sides[kv_of(position)], codes, tokens,
                         decoded + first * D);
        magnitude = fmax(magnitude, attention_magnitude(format, &b->shape, tokens, codes));
        format->reference(&b->shape, tokens, codes, sides[kv_of(position)], prepared,
                          scores + first);
        error = fmax(error, allowed_difference(format, &b->shape, tokens, codes, prepared));
    }
    for (size_t i = 0; i < TOKENS * D; i++)
        values[i] = kvr_half_to_float(kvr_float_to_half(set.values[first_value_of(position) + i]));
    attention_scores(query, decoded, TOKENS, D, exact);
    double allowed =
        attention_format_error(b->steps.prepare, &b->shape, prepared, query, decoded, TOKENS,
                               magnitude);
    for (uint32_t t = 0; t < TOKENS; t++)
        if (!(fabs(scores[t] - exact[t]) <= allowed))
            fail_msg("score %u is %.7g, not %.7g, allowed +- %.3g", t, scores[t], exact[t],
                     allowed);
    attention_expect(scores, values, TOKENS, D, &expected);
    error += 0x1p-24 * expected.largest_score;
    for (uint32_t c = 0; c < D; c++) {
        allowed = attention_allowed(&expected, c, TOKENS, parts, error);
        if (!(fabs((double)output[c] / (double)sum - expected.output[c]) <= allowed))
            fail_msg("%s@%s, parts of %u, head %u, query %u: channel %u is %.7g, not %.7g, "
                     "allowed +- %.3g", format->name, b->steps.prepare->isa_name, part, position,
                     q, c, (double)output[c] / (double)sum, expected.output[c], allowed);
    }
}

static void check_bench(struct bench *b)
{
    const size_t bytes = b->steps.prepare->format->prepared_bytes(&b->shape);
    const uint32_t parts = b->keys.parts;
    struct kvr_head_buffers buffers;
    char error[320] = "";
    assert_int_equal(kvr_head_buffers_new(1, GROUP, b->keys.tokens, bytes, &buffers), 0);
    for (uint32_t position = 0; position < HEADS; position++) {
        queries_of(kv_of(position), b->query);
        struct kvr_heads h = heads_of(b, position, GROUP, b->query, 1, &buffers);
        kvr_heads_slice(&h, 0, position * parts, parts);
        for (uint32_t q = 0; q < GROUP; q++) {
            check_exact(b, position, q, &buffers);
            check_single(b, position, q, &buffers);
        }
        if (kvr_heads_verify(&h, position, error, sizeof error))
            fail_msg("%s", error);
    }
    kvr_head_buffers_free(&buffers);
}

/* Bounds and bits of every format and step of the codec for so many entries; their number. 500
 * keys: eight pages of 64, the last of 52; four of 128, the last of 116; one of all. */
static size_t check_codec(const struct kvr_codec *codec, uint32_t entries)
{
    static const uint32_t parts[] = {64, 128, TOKENS};
    struct attention_steps steps[ATTENTION_MOST_STEPS];
    struct bench b;
    const uint32_t tables = shape_of(codec, entries).tables;
    size_t count = attention_steps_of(codec, isa.usable, tables, steps), tested = 0;
    train(codec, entries);
    for (size_t i = 0; i < count; i++) {
        const uint32_t served = steps[i].kernel->format->entries;
        if (served && served != entries)
            continue;
        /* one layout is enough of keys that take seconds to encode */
        const size_t layouts = codec->slow_training ? 1 : sizeof parts / sizeof *parts;
        for (size_t p = 0; p < layouts; p++) {
            open_bench(&b, codec, entries, &steps[i], parts[p]);
            check_bench(&b);
            close_bench(&b);
        }
        tested++;
    }
    forget();
    return tested;
}

static void pages_groups_and_batches(void **state)
{
    size_t tested = 0;
    (void)state;
    for (const struct kvr_codec *const *codec = kvr_codecs(); *codec; codec++) {
        if (check_codec(*codec, (*codec)->formats[0]->entries))
            tested++;
        else
            print_message("no step prepares queries of %s\n", (*codec)->name);
    }
    assert_true(check_codec(kvr_codec_find("lookat"), 16)); /* the scans of half a byte */
    assert_true(tested >= 7); /* fp16, bf16, int8, int4, with a query of 8 bits, lookat */
}

static const struct kvr_values_step *honest;

static void values_too_large(const struct kvr_shape *shape, const struct kvr_segments *segments,
                             uint32_t i, const float *weights, float rescale, float *output)
{
    honest->values(shape, segments, i, weights, rescale, output);
    output[17] *= 1.01F; /* eight pages make more of it */
}

/* The program's own verification finds a wrong step. */
static void verification_can_fail(void **state)
{
    const struct kvr_codec *fp16 = kvr_codec_find("fp16");
    struct attention_steps steps[ATTENTION_MOST_STEPS];
    struct bench b;
    struct kvr_head_buffers buffers;
    char error[320] = "";
    (void)state;
    assert_true(attention_steps_of(fp16, isa.usable, 0, steps) > 0);
    honest = steps[0].values;
    struct kvr_values_step wrong = *honest;
    wrong.values = values_too_large;
    train(fp16, 0);
    open_bench(&b, fp16, 0, &steps[0], 64);
    queries_of(0, b.query);
    assert_int_equal(kvr_head_buffers_new(1, GROUP, 64, sizeof(struct kvr_prepared_dense),
                                          &buffers), 0);
    struct kvr_heads h = heads_of(&b, 0, GROUP, b.query, 1, &buffers);
    assert_int_equal(kvr_heads_verify(&h, 0, error, sizeof error), 0);
    h.values = &wrong;
    assert_int_equal(kvr_heads_verify(&h, 0, error, sizeof error), -EDOM);
    assert_non_null(strstr(error, "channel 17 of the attention output"));
    kvr_head_buffers_free(&buffers);
    close_bench(&b);
    forget();
}

static int load(void **state)
{
    const struct kvr_keyset_paths built_in = {0};
    char error[512] = "";
    (void)state;
    kvr_isa_detect(&isa);
    if (kvr_keyset_load(&built_in, D, &set, error, sizeof error)) {
        print_error("%s\n", error);
        return -1;
    }
    return set.kv_heads == KV_HEADS && set.query_heads == KV_HEADS * GROUP &&
                   set.tokens >= TOKENS + 12
               ? 0
               : -1;
}

static int unload(void **state)
{
    (void)state;
    kvr_keyset_free(&set);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pages_groups_and_batches),
                                       cmocka_unit_test(verification_can_fail)};
    return cmocka_run_group_tests(tests, load, unload);
}
