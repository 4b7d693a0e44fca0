/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a run over whole heads calls, in which order and with which memory: steps that only write
 * down how they were called take the place of the real ones. Real ones: test_heads_attention.c.
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

#include "kernels/formats.h"
#include "src/study/heads.h"

enum { D = 16, MOST_CALLS = 4096, ALL = KVR_RUN_PREPARE | KVR_RUN_SCAN | KVR_RUN_SOFTMAX |
                                        KVR_RUN_VALUES };

/* One call: what, and the segment of memory or the codebook that it was given. */
struct call {
    char what; /* p, s, g (scores of a group), m (softmax) or v */
    uint32_t slot, tokens;
    const void *codebook, *ahead, *query, *prepared;
    float *scores, *output;
    float number; /* the maximum that softmax found, or the rescaling of values */
    uint32_t ahead_segments;
};

static struct call calls[MOST_CALLS];
static size_t call_count;

static struct call *called(char what)
{
    assert_true(call_count < MOST_CALLS);
    calls[call_count] = (struct call){.what = what};
    return &calls[call_count++];
}

static void log_prepare(const struct kvr_shape *shape, const void *codebook, const void *ahead,
                        const float *query, void *prepared)
{
    struct call *c = called('p');
    assert_int_equal(shape->head_dim, D);
    c->codebook = codebook;
    c->ahead = ahead;
    c->query = query;
    c->prepared = prepared;
}

static void log_score(const struct kvr_shape *shape, const struct kvr_segments *s, uint32_t i,
                      const void *side, const void *prepared, float *scores)
{
    struct call *c = called('s');
    (void)shape;
    (void)side;
    assert_true(i < s->count);
    c->slot = s->order[i];
    c->tokens = s->tokens;
    c->ahead_segments = s->ahead_segments;
    c->prepared = prepared;
    c->scores = scores;
}

static void log_group(const struct kvr_shape *shape, const struct kvr_segments *s, uint32_t i,
                      const void *side, const struct kvr_query_group *group)
{
    log_score(shape, s, i, side, group->prepared, group->scores);
    calls[call_count - 1].what = 'g';
}

static void log_softmax(float *scores, uint32_t count, struct kvr_softmax *state)
{
    struct call *c = called('m');
    c->tokens = count;
    c->scores = scores;
    c->number = state->maximum;
    *state = (struct kvr_softmax){(float)call_count, 1, .25F};
}

static void log_values(const struct kvr_shape *shape, const struct kvr_segments *s, uint32_t i,
                       const float *weights, float rescale, float *output)
{
    struct call *c = called('v');
    (void)shape;
    assert_true(i < s->count);
    c->slot = s->order[i];
    c->tokens = s->tokens;
    c->ahead_segments = s->ahead_segments;
    c->scores = (float *)(uintptr_t)weights;
    c->output = output;
    c->number = rescale;
}

static const struct kvr_kernel kernel = {
    .variant = "logs", .isa_name = "scalar", .format = &kvr_format_dense_f16, .score = log_score};
static const struct kvr_score_group groups[] = {{.queries = 2, .score = log_group}, {.queries = 0}};
static const struct kvr_kernel grouping = {.variant = "logs", .isa_name = "scalar",
                                           .format = &kvr_format_dense_f16, .score = log_score,
                                           .groups = groups};
static const struct kvr_prepare_step prepare_step = {
    .isa_name = "scalar", .format = &kvr_format_dense_f16, .prepare = log_prepare};
static const struct kvr_softmax_step softmax_step = {.isa_name = "scalar", .softmax = log_softmax};
static const struct kvr_values_step values_step = {.isa_name = "scalar", .values = log_values};

/* Heads of `tokens` keys in parts of `part`, with a list of codebooks for every `batch` of them. */
struct bench {
    struct kvr_heads heads;
    struct kvr_lists keys, codebooks, rows;
    struct kvr_head_buffers buffers;
    float query[8 * D];
};

static unsigned char memory[1];

static void open_bench(struct bench *b, uint32_t tokens, uint32_t part, uint64_t count,
                       uint32_t queries, uint32_t batch)
{
    *b = (struct bench){.heads = {.run = ALL,
                                  .shape = {.head_dim = D, .tokens = tokens, .queries = queries},
                                  .batch = batch,
                                  .kernel = &kernel,
                                  .prepare = &prepare_step,
                                  .softmax = &softmax_step,
                                  .values = &values_step}};
    const struct kvr_lists_request request = {.base = memory,
                                              .format = &kvr_format_dense_f16,
                                              .shape = &b->heads.shape,
                                              .part_tokens = part,
                                              .heads = count,
                                              .threads = 1,
                                              .shuffled = true,
                                              .paged = part < tokens,
                                              .seed = 11};
    assert_int_equal(kvr_lists_build(&request, &b->keys), 0);
    assert_int_equal(kvr_lists_beside(&b->keys, memory, &kvr_format_dense_f16, &b->heads.shape,
                                      &b->rows), 0);
    assert_int_equal(kvr_lists_codebooks(&b->keys, memory, 128, batch, false, 5, &b->codebooks), 0);
    assert_int_equal(kvr_head_buffers_new(1, queries, part, 100, &b->buffers), 0);
    b->heads.query = b->query;
    b->heads.keys = &b->keys;
    b->heads.value_rows = &b->rows;
    b->heads.codebooks = &b->codebooks;
    b->heads.buffers = &b->buffers;
    call_count = 0;
}

static void close_bench(struct bench *b)
{
    kvr_lists_free(&b->keys);
    kvr_lists_free(&b->rows);
    kvr_lists_free(&b->codebooks);
    kvr_head_buffers_free(&b->buffers);
}

/* Two queries over a head of 40 keys in pages of 16: the last one holds 8. */
static void a_head_in_pages(void **state)
{
    struct bench b;
    (void)state;
    open_bench(&b, 40, 16, 1, 2, 1);
    b.heads.keys_tuning.ahead_segments = 2;
    b.heads.values_tuning.ahead_segments = 3;
    kvr_heads_slice(&b.heads, 0, 0, 3);
    assert_int_equal(call_count, 2 + 3 * 2 * 3);
    static const char order[] = "ppssmvmvssmvmvssmvmv";
    for (size_t i = 0; i < call_count; i++)
        assert_int_equal(calls[i].what, order[i]);
    for (uint32_t q = 0; q < 2; q++) {
        assert_ptr_equal(calls[q].query, b.query + q * D);
        assert_ptr_equal(calls[q].prepared, b.buffers.prepared[0] + q * 128); /* whole lines */
        for (uint32_t part = 0; part < 3; part++) {
            const struct call *first = &calls[2 + part * 6];
            const struct call c[] = {first[q], first[2 + q * 2], first[3 + q * 2]};
            uint32_t slot = b.keys.orders[0][part], tokens = part == 2 ? 8 : 16;
            float *scores = b.buffers.scores[0] + q * b.buffers.tile;
            assert_int_equal(c[0].slot, slot);
            assert_int_equal(c[2].slot, slot);
            for (int k = 0; k < 3; k++) {
                assert_int_equal(c[k].tokens, tokens);
                assert_ptr_equal(c[k].scores, scores);
            }
            assert_ptr_equal(c[0].prepared, calls[q].prepared);
            assert_int_equal(c[0].ahead_segments, 2);
            assert_int_equal(c[2].ahead_segments, 3);
            assert_ptr_equal(c[2].output, b.buffers.outputs[0] + q * KVR_MAX_HEAD_DIM);
            /* a new softmax with the first page; its state is kept query by query */
            assert_true(part ? c[1].number == (float)(2 + (part - 1) * 6 + 3 + q * 2)
                             : c[1].number == -INFINITY);
            assert_true(c[2].number == .25F);
        }
    }
    close_bench(&b);
}

/* Slices of any size, also across the list's end, are the list's order over and over; every page of
 * memory once a pass. */
static void slices_follow_the_list(void **state)
{
    enum { HEADS = 7, PARTS = 3, COUNT = HEADS * PARTS, PASSES = 4 };
    static const uint32_t sizes[] = {1, 5, 2, 13, 21, 4, 30, 8};
    struct bench b;
    uint32_t at = 0, seen[COUNT] = {0}, in_order = 0, n = 0, prepared = 0;
    (void)state;
    open_bench(&b, 40, 16, HEADS, 1, 1);
    assert_int_equal(b.keys.counts[0], COUNT);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        kvr_heads_slice(&b.heads, 0, at % COUNT, sizes[i]);
        at += sizes[i];
    }
    assert_int_equal(at, PASSES * COUNT);
    for (size_t i = 0; i < call_count; i++) {
        prepared += calls[i].what == 'p';
        if (calls[i].what != 's')
            continue;
        assert_int_equal(calls[i].slot, b.keys.orders[0][n % COUNT]);
        assert_int_equal(calls[i].tokens, n % PARTS == PARTS - 1 ? 8 : 16);
        in_order += calls[i].slot == n % COUNT;
        seen[calls[i].slot]++;
        n++;
    }
    assert_int_equal(n, PASSES * COUNT);
    assert_int_equal(prepared, PASSES * HEADS);
    for (uint32_t slot = 0; slot < COUNT; slot++)
        assert_int_equal(seen[slot], PASSES); /* a permutation */
    assert_true(in_order < n / 2);            /* and a random one */
    close_bench(&b);
}

/* The order is the seed's: another one is another permutation. */
static void order_is_the_seeds(void **state)
{
    enum { HEADS = 64 };
    const struct kvr_shape shape = {.head_dim = D, .tokens = 16, .queries = 1};
    struct kvr_lists_request request = {.base = memory,      .format = &kvr_format_dense_f16,
                                        .shape = &shape,     .part_tokens = 16,
                                        .heads = HEADS,      .threads = 2,
                                        .shuffled = true,    .seed = 1};
    struct kvr_lists first, same, other;
    (void)state;
    assert_int_equal(kvr_lists_build(&request, &first), 0);
    assert_int_equal(kvr_lists_build(&request, &same), 0);
    request.seed = 2;
    assert_int_equal(kvr_lists_build(&request, &other), 0);
    for (unsigned t = 0; t < 2; t++) {
        const size_t bytes = HEADS / 2 * sizeof **first.orders;
        uint64_t slots = 0;
        assert_memory_equal(first.orders[t], same.orders[t], bytes);
        assert_memory_not_equal(first.orders[t], other.orders[t], bytes);
        for (uint32_t i = 0; i < HEADS / 2; i++)
            slots |= UINT64_C(1) << first.orders[t][i];
        assert_true(slots == UINT64_C(0xffffffff) << 32 * t); /* its own share, each once */
    }
    kvr_lists_free(&first);
    kvr_lists_free(&same);
    kvr_lists_free(&other);
}

/* Three heads in a row share a codebook; the list of seven begins anew with the first one. */
static void batches_share_codebooks(void **state)
{
    enum { HEADS = 7, BATCH = 3, BOOKS = 3 };
    struct bench b;
    (void)state;
    open_bench(&b, 32, 16, HEADS, 1, BATCH);
    b.heads.run = KVR_RUN_PREPARE;
    assert_int_equal(b.codebooks.counts[0], BOOKS);
    kvr_heads_slice(&b.heads, 0, 0, 2 * HEADS * 2);
    assert_int_equal(call_count, 2 * HEADS);
    for (uint32_t i = 0; i < call_count; i++) {
        uint32_t slot = b.codebooks.orders[0][i % HEADS / BATCH];
        assert_ptr_equal(calls[i].codebook, memory + (size_t)128 * slot);
    }
    call_count = 0;
    b.heads.codebooks = NULL; /* one scale for all of them */
    b.heads.scale = b.query;
    kvr_heads_slice(&b.heads, 0, 0, 2);
    assert_int_equal(call_count, 1);
    assert_ptr_equal(calls[0].codebook, b.query);
    close_bench(&b);
}

/* Each codebook is prefetched once, by the last of the heads and the first of the queries that
 * prepare from the one before; past the list's end the first ones are next. */
static void codebooks_are_prefetched_once(void **state)
{
    enum { HEADS = 9, BATCH = 3, BOOKS = 3, QUERIES = 2, AHEAD = 2 };
    struct bench b;
    (void)state;
    open_bench(&b, 16, 16, HEADS, QUERIES, BATCH);
    b.heads.run = KVR_RUN_PREPARE;
    b.heads.ahead_codebooks = AHEAD;
    kvr_heads_slice(&b.heads, 0, 0, 2 * HEADS);
    assert_int_equal(call_count, 2 * HEADS * QUERIES);
    for (uint32_t i = 0; i < call_count; i++) {
        const uint32_t head = i / QUERIES;
        const uint32_t next = b.codebooks.orders[0][(head / BATCH + AHEAD) % BOOKS];
        if (i % QUERIES == 0 && head % BATCH == BATCH - 1)
            assert_ptr_equal(calls[i].ahead, memory + (size_t)128 * next);
        else
            assert_null(calls[i].ahead);
    }
    call_count = 0;
    b.heads.ahead_codebooks = 0;
    kvr_heads_slice(&b.heads, 0, 0, HEADS);
    b.heads.ahead_codebooks = AHEAD;
    b.heads.codebooks = NULL;
    kvr_heads_slice(&b.heads, 0, 0, HEADS);
    for (uint32_t i = 0; i < call_count; i++)
        assert_null(calls[i].ahead);
    close_bench(&b);
}

static void phases_alone(void **state)
{
    static const struct { unsigned run; const char *calls; } cases[] = {
        {KVR_RUN_PREPARE, "p"},   {KVR_RUN_SCAN, "ss"},
        {KVR_RUN_SOFTMAX, "mm"},  {KVR_RUN_VALUES, "vv"},
        {KVR_RUN_PREPARE | KVR_RUN_SCAN, "pss"}, {KVR_RUN_SOFTMAX | KVR_RUN_VALUES, "mvmv"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bench b;
        open_bench(&b, 32, 16, 1, 1, 1);
        b.heads.run = cases[i].run;
        kvr_heads_slice(&b.heads, 0, 0, 2);
        assert_int_equal(call_count, strlen(cases[i].calls));
        for (size_t k = 0; k < call_count; k++)
            assert_int_equal(calls[k].what, cases[i].calls[k]);
        if (cases[i].run == KVR_RUN_VALUES) /* sums that no softmax scales must not grow */
            assert_true(calls[0].number == .5F && calls[1].number == .5F);
        close_bench(&b);
    }
}

/* Five queries are two groups and one alone: each with its own memory in an op, all with that of
 * one query where a kernel and its look-ahead are chosen. */
static void queries_in_groups(void **state)
{
    static const uint32_t first_query[] = {0, 2, 4};
    struct kvr_score_buffers scores;
    struct bench b;
    (void)state;
    open_bench(&b, 32, 16, 1, 5, 1);
    b.heads.kernel = &grouping;
    b.heads.run = KVR_RUN_SCAN;
    kvr_heads_slice(&b.heads, 0, 0, 1);
    assert_int_equal(kvr_score_buffers_new(1, 64, &scores), 0);
    struct kvr_scan scan = {.kernel = &grouping, .shape = b.heads.shape, .lists = &b.keys,
                            .prepared = memory, .queries = 5, .buffers = &scores};
    kvr_scan_slice(&scan, 0, 0, 1);
    assert_int_equal(call_count, 6);
    for (size_t k = 0; k < call_count; k++)
        assert_int_equal(calls[k].what, k % 3 == 2 ? 's' : 'g');
    for (size_t k = 0; k < 3; k++) {
        assert_ptr_equal(calls[k].prepared,
                         b.buffers.prepared[0] + first_query[k] * b.buffers.prepared_bytes);
        assert_ptr_equal(calls[k].scores, b.buffers.scores[0] + first_query[k] * b.buffers.tile);
        assert_ptr_equal(calls[k + 3].prepared, memory);
        assert_ptr_equal(calls[k + 3].scores, scores.scores[0]);
    }
    scan.queries = 0;
    kvr_scan_slice(&scan, 0, 0, 1);
    assert_int_equal(call_count, 7);
    assert_int_equal(calls[6].what, 's');
    kvr_score_buffers_free(&scores);
    close_bench(&b);
}

static void time_is_of_keys(void **state)
{
    struct bench b;
    (void)state;
    open_bench(&b, 40, 16, 2, 1, 1);
    /* six pages of 40 / 3 keys in the mean */
    const struct kvr_sample sample = {.segments = 6};
    assert_true(fabs(kvr_heads_ns_per_key(&b.heads, &sample, 800) - 10) < 1e-12);
    struct kvr_sample_request request = kvr_heads_request(&b.heads);
    assert_ptr_equal(request.argument, &b.heads);
    assert_ptr_equal(request.list_counts, b.keys.counts);
    assert_int_equal(b.buffers.tile, 64); /* scores of 16 keys, in whole blocks of any format */
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_in_pages),         cmocka_unit_test(slices_follow_the_list),
        cmocka_unit_test(order_is_the_seeds),      cmocka_unit_test(batches_share_codebooks),
        cmocka_unit_test(phases_alone),            cmocka_unit_test(time_is_of_keys),
        cmocka_unit_test(codebooks_are_prefetched_once),
        cmocka_unit_test(queries_in_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
