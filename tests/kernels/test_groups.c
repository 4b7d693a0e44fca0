/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Kernels that score several queries in one pass write exactly the floats that they write for one
 * query after the other: shapes and token counts around every block, extreme and random codes,
 * every kind of look-ahead, a fold. The last segment ends at a page that must not be touched; the
 * scores lie between canaries, the last query's before such a page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guarded.h"
#include "problem.h"
#include "src/machine/isa.h"

enum { SEGMENTS = 3, CANARY = 0x7fc0beef, MOST_QUERIES = 8 };

static const uint32_t token_counts[] = {1,  2,  3,  4,  5,  7,  8,   9,   15,  16,  17,
                                        31, 33, 47, 63, 64, 65, 127, 129, 200, 577};
static const uint32_t head_dims[] = {16, 32, 48, 64, 80, 96, 128, 144, 256};
static const uint32_t table_counts[] = {1, 2, 3, 4, 5, 8, 16, 31, 64};
static const struct { uint32_t segments, bytes, streams; } aheads[] = {
    {0, 0, 0}, {0, 0, 2}, {2, 0, 1}, {1, 0, 4}, {0, 64, 1}, {0, 2048, 2}, {0, 65536, 1}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct problem {
    const struct kvr_kernel *kernel;
    const struct kvr_score_group *group;
    struct kvr_shape shape;
    struct kvr_segments segments;
    uint32_t order[SEGMENTS];
    struct guarded codes, scores;
    size_t prepared_stride, scores_stride;
    unsigned char *prepared;
    float *expected;
};

static void open_problem(struct problem *p, enum fill fill, uint64_t seed)
{
    const struct kvr_format *format = p->kernel->format;
    const uint32_t tokens = p->shape.tokens, queries = p->group->queries;
    const size_t bytes = format->segment_bytes(&p->shape, tokens);
    uint64_t random = seed;
    p->codes = guarded_map(SEGMENTS * bytes);
    p->scores_stride = tokens + 1 + seed % 3;
    p->scores = guarded_map(queries * p->scores_stride * sizeof(float));
    p->prepared_stride = (format->prepared_bytes(&p->shape) + 63) / 64 * 64 + 64 * (seed % 2);
    p->prepared = aligned_bytes(queries * p->prepared_stride);
    p->expected = aligned_bytes(tokens * sizeof *p->expected);
    unsigned char *codes = p->codes.end - SEGMENTS * bytes;
    fill_codes(format, &p->shape, fill, codes, SEGMENTS * bytes, &random);
    for (uint32_t q = 0; q < queries; q++)
        fill_prepared(format, &p->shape, q % 2 ? FILL_RANDOM : fill,
                      p->prepared + q * p->prepared_stride, &random);
    for (uint32_t i = 0; i < SEGMENTS; i++)
        p->order[i] = (i + 2) % SEGMENTS;
    p->segments = (struct kvr_segments){.base = codes, .stride_bytes = bytes, .order = p->order,
                                        .count = SEGMENTS, .tokens = tokens};
}

static void close_problem(struct problem *p)
{
    guarded_unmap(&p->codes);
    guarded_unmap(&p->scores);
    free(p->prepared);
    free(p->expected);
}

/* Up to the guard page; what lies before and between the queries' scores stays as it is. */
static void check_segment(struct problem *p, uint32_t i)
{
    const uint32_t queries = p->group->queries, tokens = p->shape.tokens;
    const uint32_t canary = CANARY;
    float *first = (float *)p->scores.first, *end = (float *)p->scores.end;
    float *scores = end - ((queries - 1) * p->scores_stride + tokens);
    const struct kvr_query_group at = {p->prepared, scores, p->prepared_stride, p->scores_stride};
    for (float *f = first; f < end; f++)
        memcpy(f, &canary, sizeof canary);
    p->group->score(&p->shape, &p->segments, i, NULL, &at);
    for (uint32_t q = 0; q < queries; q++) {
        float *of_query = scores + q * p->scores_stride;
        p->kernel->score(&p->shape, &p->segments, i, NULL, p->prepared + q * p->prepared_stride,
                         p->expected);
        if (memcmp(of_query, p->expected, tokens * sizeof *of_query))
            fail_msg("d%u m%u n%u: query %u of %u is not scored as it is alone, look-ahead %u "
                     "segments %u bytes, fold %zu",
                     p->shape.head_dim, p->shape.tables, tokens, q, queries,
                     p->segments.ahead_segments, p->segments.ahead_bytes, p->segments.fold_bytes);
        for (uint32_t k = 0; k < tokens; k++)
            memcpy(of_query + k, &canary, sizeof canary);
    }
    for (float *f = first; f < end; f++)
        if (memcmp(f, &canary, sizeof canary))
            fail_msg("d%u m%u n%u: wrote beside the scores of %u queries", p->shape.head_dim,
                     p->shape.tables, tokens, queries);
}

/* Of a fold only one block exists, right before the guard page. */
static void check_fold(struct problem *p)
{
    const size_t block = p->kernel->format->segment_bytes(&p->shape, p->kernel->format->block_keys);
    const unsigned char *base = p->segments.base;
    if (p->shape.tokens < p->kernel->format->block_keys)
        return;
    p->segments.streams = 0;
    p->segments.fold_bytes = block;
    p->segments.base = p->codes.end - block - p->segments.stride_bytes * p->order[1];
    check_segment(p, 1);
    p->segments.base = base;
    p->segments.fold_bytes = 0;
}

static void check_shape(const struct kvr_kernel *kernel, const struct kvr_score_group *group,
                        struct kvr_shape shape)
{
    static uint64_t seed = 1;
    for (size_t t = 0; t < COUNT(token_counts); t++) {
        struct problem p = {.kernel = kernel, .group = group, .shape = shape};
        p.shape.tokens = token_counts[t];
        open_problem(&p, (enum fill)(seed % FILL_COUNT), seed);
        seed++;
        for (size_t a = 0; a < COUNT(aheads); a++) {
            p.segments.ahead_segments = aheads[a].segments;
            p.segments.ahead_bytes = aheads[a].bytes;
            p.segments.streams = aheads[a].streams;
            for (uint32_t i = 0; i < SEGMENTS; i++)
                check_segment(&p, i);
            check_fold(&p);
        }
        close_problem(&p);
    }
}

static void check_kernel(void **state)
{
    const struct kvr_kernel *kernel = *state;
    const int lookup = strncmp(kernel->format->name, "lookup", 6) == 0;
    uint32_t before = UINT32_MAX;
    for (const struct kvr_score_group *g = kernel->groups; g->queries; g++) {
        assert_true(g->queries > 1 && g->queries < before); /* kvr_next_group takes the first */
        assert_true(g->queries <= MOST_QUERIES);
        before = g->queries;
        for (size_t i = 0; i < (lookup ? COUNT(table_counts) : COUNT(head_dims)); i++) {
            struct kvr_shape shape = {.heads = 1, .queries = g->queries};
            shape.head_dim = lookup ? table_counts[i] : head_dims[i];
            shape.tables = lookup ? table_counts[i] : 0;
            shape.entries = lookup ? 256 : 0;
            check_shape(kernel, g, shape);
        }
    }
}

/* A list of groups is walked from the largest that fits. */
static void next_group(void **state)
{
    const struct kvr_score_group groups[] = {{.queries = 4}, {.queries = 2}, {.queries = 0}};
    const struct kvr_kernel none = {.variant = "fused"}, some = {.groups = groups};
    (void)state;
    assert_null(kvr_next_group(&none, 8));
    assert_null(kvr_next_group(&some, 1));
    assert_ptr_equal(kvr_next_group(&some, 2), &groups[1]);
    assert_ptr_equal(kvr_next_group(&some, 3), &groups[1]);
    assert_ptr_equal(kvr_next_group(&some, 4), &groups[0]);
    assert_ptr_equal(kvr_next_group(&some, 9), &groups[0]);
}

int main(void)
{
    struct kvr_isa_info isa;
    struct CMUnitTest tests[65] = {cmocka_unit_test(next_group)};
    static char names[64][96];
    size_t count, n = 1;
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    kvr_isa_detect(&isa);
    for (size_t i = 0; i < count && n < 65; i++) {
        const struct kvr_kernel *k = kernels[i];
        if (!k->groups)
            continue;
        snprintf(names[n - 1], sizeof names[0], "%s@%s", k->format->name, k->isa_name);
        if (k->isa & ~isa.usable)
            printf("# %s: not usable on this host, not tested\n", names[n - 1]);
        else
            tests[n] = (struct CMUnitTest){.name = names[n - 1], .test_func = check_kernel,
                                           .initial_state = (void *)(uintptr_t)k},
            n++;
    }
    if (_cmocka_run_group_tests("groups", tests, n, NULL, NULL))
        return 1;
    if (n == 1)
        printf("skipped: no kernel that scores several queries at once can run on this host\n");
    return n == 1 ? 77 : 0;
}
