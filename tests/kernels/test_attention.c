/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole head of attention composed of the steps (prepare, score, softmax, values, division by the
 * sum) over the built-in keys and values, in one tile and in several: the format's scores in double
 * against the definition over the decoded keys, and the output against softmax and product of
 * those scores in double. Both within stated bounds (attention.c).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attention.h"
#include "problem.h"
#include "src/codec/codebook.h"
#include "src/codec/codec.h"
#include "src/data/keyset.h"
#include "src/machine/isa.h"

enum { TOKENS = 500, TABLES = 8, MOST_CALIBRATION = 512 };

struct head {
    struct kvr_shape shape;
    const struct kvr_codec *codec;
    unsigned char *codes, *values; /* padded segments */
    float *side, *decoded, *decoded_values;
    void *codebook;
    const float *query;
};

static struct kvr_isa_info isa;

/* Tokens [first, first + tokens) as one segment, which begins with a block. */
static struct kvr_segments tile_of(const unsigned char *base, const struct kvr_format *format,
                                   const struct kvr_shape *shape, uint32_t first, uint32_t tokens)
{
    static const uint32_t order[] = {0};
    return (struct kvr_segments){.base = base + format->segment_bytes(shape, first),
                                 .order = order, .count = 1, .tokens = tokens};
}

static void attend(const struct head *h, const struct attention_steps *s, const void *prepared,
                   uint32_t tile, float *output)
{
    struct kvr_softmax state = {.maximum = -INFINITY};
    float *scores = aligned_bytes(tile * sizeof *scores);
    for (uint32_t first = 0; first < TOKENS; first += tile) {
        uint32_t tokens = TOKENS - first < tile ? TOKENS - first : tile;
        struct kvr_segments keys =
            tile_of(h->codes, s->kernel->format, &h->shape, first, tokens);
        struct kvr_segments values =
            tile_of(h->values, &kvr_format_dense_f16, &h->shape, first, tokens);
        s->kernel->score(&h->shape, &keys, 0, h->side, prepared, scores);
        s->softmax->softmax(scores, tokens, &state);
        s->values->values(&h->shape, &values, 0, scores, state.rescale, output);
    }
    for (uint32_t c = 0; c < h->shape.head_dim; c++)
        output[c] /= state.sum;
    free(scores);
}

/* The format's scores of all tokens, as exact as its rounding of query and keys allows. */
static void check_scores(const struct head *h, const struct attention_steps *s,
                         const void *prepared, double *scores)
{
    static double exact[TOKENS];
    double error = attention_format_error(s->prepare, &h->shape, prepared, h->query, h->decoded,
                                          TOKENS, attention_magnitude(s->prepare->format, &h->shape,
                                                                      TOKENS, h->codes));
    attention_scores(h->query, h->decoded, TOKENS, h->shape.head_dim, exact);
    s->prepare->format->reference(&h->shape, TOKENS, h->codes, h->side, prepared, scores);
    for (uint32_t t = 0; t < TOKENS; t++)
        if (!(fabs(scores[t] - exact[t]) <= error))
            fail_msg("%s@%s: score %u is %.7g, not %.7g, allowed +- %.3g", s->prepare->format->name,
                     s->prepare->isa_name, t, scores[t], exact[t], error);
}

static void check(const struct head *h, const struct attention_steps *s)
{
    static const uint32_t tile_tokens[] = {TOKENS, 64, 192, 448};
    static double scores[TOKENS];
    const struct kvr_format *format = s->prepare->format;
    struct attention_expected expected;
    void *prepared = aligned_bytes(format->prepared_bytes(&h->shape));
    float output[KVR_MAX_HEAD_DIM] __attribute__((aligned(64)));
    s->prepare->prepare(&h->shape, h->codebook, NULL, h->query, prepared);
    check_scores(h, s, prepared, scores);
    attention_expect(scores, h->decoded_values, TOKENS, h->shape.head_dim, &expected);
    double error = allowed_difference(format, &h->shape, TOKENS, h->codes, prepared) +
                   0x1p-24 * expected.largest_score; /* it is a float */
    for (size_t i = 0; i < sizeof tile_tokens / sizeof *tile_tokens; i++) {
        const uint32_t tiles = (TOKENS + tile_tokens[i] - 1) / tile_tokens[i];
        for (uint32_t c = 0; c < KVR_MAX_HEAD_DIM; c++)
            output[c] = NAN; /* the first tile does not read it */
        attend(h, s, prepared, tile_tokens[i], output);
        for (uint32_t c = 0; c < h->shape.head_dim; c++) {
            double allowed = attention_allowed(&expected, c, TOKENS, tiles, error);
            if (!(fabs((double)output[c] - expected.output[c]) <= allowed))
                fail_msg("%s@%s in tiles of %u: channel %u is %.7g, not %.7g, allowed +- %.3g",
                         format->name, s->prepare->isa_name, tile_tokens[i], c, (double)output[c],
                         expected.output[c], allowed);
        }
    }
    free(prepared);
}

/* entries: of the tables of a codec that has some. */
static struct kvr_shape shape_of(const struct kvr_keyset *set, const struct kvr_codec *codec,
                                 uint32_t entries)
{
    struct kvr_shape shape = {.head_dim = set->head_dim, .tokens = TOKENS, .heads = 1,
                              .queries = 1, .tables = entries ? TABLES : 0, .entries = entries,
                              .group = codec->group};
    kvr_codec_set_tables(codec, &shape);
    return shape;
}

static void make(struct head *h, const struct kvr_keyset *set, const struct kvr_codec *codec)
{
    const struct kvr_codec *fp16 = kvr_codec_find("fp16");
    const uint32_t d = set->head_dim;
    const int lookup = codec->calibrated;
    /* a poor codebook is as good as any here, and training is most of this test's time */
    const size_t fewest = kvr_codec_fewest_keys(codec, &h->shape);
    const size_t wanted = fewest < MOST_CALIBRATION ? MOST_CALIBRATION : fewest;
    const size_t calibration_tokens =
        set->calibration_tokens < wanted ? set->calibration_tokens : wanted;
    h->codec = codec;
    h->side = aligned_bytes(h->codec->side_bytes(&h->shape) + 1);
    const struct kvr_format *layout = kvr_codec_layout(h->codec, &h->shape);
    h->codes = aligned_bytes(layout->segment_bytes(&h->shape, TOKENS));
    h->values = aligned_bytes(kvr_format_dense_f16.segment_bytes(&h->shape, TOKENS));
    h->decoded = aligned_bytes(TOKENS * d * sizeof *h->decoded);
    h->decoded_values = aligned_bytes(TOKENS * d * sizeof *h->decoded_values);
    assert_int_equal(h->codec->train(&h->shape, lookup ? set->calibration : set->keys,
                                     lookup ? calibration_tokens : TOKENS, 1, h->side), 0);
    assert_int_equal(h->codec->encode(&h->shape, h->side, set->keys, TOKENS, h->codes), 0);
    assert_int_equal(fp16->encode(&h->shape, NULL, set->values, TOKENS, h->values), 0);
    fp16->decode(&h->shape, NULL, h->values, TOKENS, h->decoded_values);
}

static void check_steps(struct head *h, const struct kvr_keyset *set,
                        const struct attention_steps *s)
{
    const enum kvr_codebook kind = s->prepare->codebook;
    const enum kvr_book_kind book = s->prepare->book;
    void *side = attention_side(s->prepare, h->codec, &h->shape, h->side);
    h->codec->decode(&h->shape, side, h->codes, TOKENS, h->decoded);
    h->codebook = h->side;
    if (kind != KVR_CODEBOOK_NONE) {
        h->codebook = aligned_bytes(kvr_codebook_bytes(&h->shape, book, kind));
        assert_int_equal(kvr_codebook_pack(&h->shape, book, h->side, kind, h->codebook), 0);
    }
    for (size_t q = 0; q < 3; q++) {
        float query[KVR_MAX_HEAD_DIM];
        /* as it is, uniform weights, and nearly all weight on one key */
        static const float factors[] = {1, 1e-3f, 30};
        for (uint32_t c = 0; c < set->head_dim; c++)
            query[c] =
                set->queries[(q * 7 % set->query_tokens) * set->head_dim + c] * factors[q];
        h->query = query;
        check(h, s);
    }
    if (kind != KVR_CODEBOOK_NONE)
        free(h->codebook);
    free(side);
}

/* How many formats and steps the codec was tested with. */
static size_t check_codec(const struct kvr_keyset *set, const struct kvr_codec *codec,
                          uint32_t entries)
{
    struct head h = {.shape = shape_of(set, codec, entries)};
    size_t tested = 0;
    struct attention_steps steps[ATTENTION_MOST_STEPS];
    const char *refusal = codec->refuses(&h.shape);
    size_t count = attention_steps_of(codec, isa.usable, h.shape.tables, steps);
    if (refusal) {
        /* all serve multiples of 32, and nibbles of sign bits 64 tables at most */
        assert_true(set->head_dim % 32 || h.shape.tables > KVR_MAX_TABLES);
        print_message("%s\n", refusal);
        return 0;
    }
    make(&h, set, codec);
    for (size_t i = 0; i < count; i++) {
        if (steps[i].prepare->format->entries != entries)
            continue;
        check_steps(&h, set, &steps[i]);
        tested++;
    }
    free(h.side);
    free(h.codes);
    free(h.values);
    free(h.decoded);
    free(h.decoded_values);
    return tested;
}

static void test_attention(void **state)
{
    static const uint32_t dims[] = {64, 80, 96, 128, 256};
    (void)state;
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        const struct kvr_keyset_paths none = {0};
        struct kvr_keyset set;
        char error[512] = "";
        size_t tested = 0;
        if (kvr_keyset_load(&none, dims[i], &set, error, sizeof error))
            fail_msg("%s", error);
        assert_true(set.tokens >= TOKENS);
        for (const struct kvr_codec *const *codec = kvr_codecs(); *codec; codec++) {
            if ((*codec)->slow_training && dims[i] != 64 && dims[i] != 128)
                continue; /* seconds each */
            if (check_codec(&set, *codec, (*codec)->formats[0]->entries))
                tested++;
            else
                print_message("%s: not tested at d = %u\n", (*codec)->name, dims[i]);
            if ((*codec)->formats[0]->entries && !(*codec)->set_tables)
                assert_true(check_codec(&set, *codec, 16) > 0);
        }
        assert_true(tested >= 7); /* fp16, bf16, int8, int4, with a query of 8 bits, lookat */
        kvr_keyset_free(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_attention)};
    kvr_isa_detect(&isa);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
