/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Kernels with extra instructions score bit by bit as their base does, whatever the shape, the
 * look-ahead and the fill; and the registry's counts are n and 2n. Argument --list: one line per
 * copy, for test_injected.py, which reads the object code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/injected.h"
#include "problem.h"
#include "src/machine/isa.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { SEGMENTS = 3 };

static const uint32_t order[SEGMENTS] = {2, 0, 1};
static const struct { uint32_t segments, bytes, streams; } tunings[] = {
    {0, 0, 1}, {1, 0, 1}, {0, 512, 1}, {0, 0, 2}, {2, 0, 4}};

struct problem {
    struct kvr_shape shape;
    struct kvr_segments segments;
    unsigned char *codes;
    void *prepared;
    float *expected, *scores;
};

static void problem_make(struct problem *p, const struct kvr_format *format, enum fill fill)
{
    uint64_t random = 11 + p->shape.tokens;
    size_t bytes = format->segment_bytes(&p->shape, p->shape.tokens);
    p->codes = aligned_bytes(SEGMENTS * bytes);
    p->prepared = aligned_bytes(format->prepared_bytes(&p->shape));
    p->expected = aligned_bytes(p->shape.tokens * sizeof *p->expected);
    p->scores = aligned_bytes(p->shape.tokens * sizeof *p->scores);
    fill_codes(format, &p->shape, fill, p->codes, SEGMENTS * bytes, &random);
    fill_prepared(format, &p->shape, fill, p->prepared, &random);
    p->segments = (struct kvr_segments){.base = p->codes, .stride_bytes = bytes, .order = order,
                                        .count = SEGMENTS, .tokens = p->shape.tokens};
}

static void problem_free(struct problem *p)
{
    free(p->codes);
    free(p->prepared);
    free(p->expected);
    free(p->scores);
}

static void check_problem(struct problem *p, const struct kvr_injected *copies, size_t count)
{
    size_t bytes = p->shape.tokens * sizeof *p->scores;
    for (size_t t = 0; t < COUNT(tunings); t++) {
        p->segments.ahead_segments = tunings[t].segments;
        p->segments.ahead_bytes = tunings[t].bytes;
        p->segments.streams = tunings[t].streams;
        for (uint32_t i = 0; i < SEGMENTS; i++) {
            copies->base->score(&p->shape, &p->segments, i, NULL, p->prepared, p->expected);
            for (size_t c = 0; c < count; c++) {
                memset(p->scores, 0xff, bytes);
                copies[c].kernel->score(&p->shape, &p->segments, i, NULL, p->prepared, p->scores);
                if (memcmp(p->scores, p->expected, bytes) != 0)
                    fail_msg("%s.%s@%s with %u of %s: other scores than without, d%u m%u n%u",
                             copies->base->format->name, copies->base->variant,
                             copies->base->isa_name, copies[c].count, copies[c].resource,
                             p->shape.head_dim, p->shape.tables, p->shape.tokens);
            }
        }
    }
}

static void check_kernel(const struct kvr_injected *copies, size_t count)
{
    static const uint32_t tokens[] = {1, 50, 64, 577}, dims[] = {32, 64, 80, 128, 256};
    static const uint32_t tables[] = {1, 2, 4, 5, 8, 16};
    const struct kvr_format *format = copies->base->format;
    const uint32_t code_tables = format->entries == 16 ? 2 : 1; /* two codes a byte */
    int lookup = format->block_keys == 64;
    for (size_t n = 0; n < COUNT(tokens); n++)
        for (size_t i = 0; i < (lookup ? COUNT(tables) : COUNT(dims)); i++)
            for (int fill = 0; fill < FILL_COUNT; fill++) {
                struct problem p = {.shape = {.head_dim = lookup ? 64 : dims[i],
                                              .tokens = tokens[n],
                                              .heads = 1,
                                              .queries = 1,
                                              .tables = lookup ? tables[i] * code_tables : 0,
                                              .entries = format->entries}};
                problem_make(&p, format, fill);
                check_problem(&p, copies, count);
                problem_free(&p);
            }
}

static void scores_are_the_same(void **state)
{
    struct kvr_isa_info isa;
    size_t kernels, count, tested = 0;
    const struct kvr_kernel *const *kernel = kvr_kernels(&kernels);
    (void)state;
    kvr_isa_detect(&isa);
    for (size_t i = 0; i < kernels; i++) {
        const struct kvr_injected *copies = kvr_injected(kernel[i], &count);
        if (!count || (kernel[i]->isa & ~isa.usable))
            continue;
        check_kernel(copies, count);
        tested++;
    }
    assert_true(tested > 0);
}

static void counts_are_n_and_2n(void **state)
{
    size_t kernels, count;
    const struct kvr_kernel *const *kernel = kvr_kernels(&kernels);
    (void)state;
    for (size_t i = 0; i < kernels; i++) {
        const struct kvr_injected *x = kvr_injected(kernel[i], &count);
        if (!count)
            continue;
        assert_int_equal(count % 2, 1);
        assert_string_equal(x[0].resource, "placebo");
        assert_int_equal(x[0].count, 0);
        for (size_t k = 0; k < count; k++) {
            assert_ptr_equal(x[k].base, kernel[i]);
            assert_ptr_equal(x[k].kernel->format, kernel[i]->format);
            assert_string_equal(x[k].kernel->variant, kernel[i]->variant);
            assert_string_equal(x[k].kernel->isa_name, kernel[i]->isa_name);
            assert_ptr_not_equal(x[k].kernel->score, kernel[i]->score);
        }
        for (size_t k = 1; k < count; k += 2) {
            assert_string_equal(x[k].resource, x[k + 1].resource);
            assert_int_equal(x[k].level, 1);
            assert_int_equal(x[k + 1].level, 2);
            assert_true(x[k].count > 0);
            assert_int_equal(x[k + 1].count, 2 * x[k].count);
        }
    }
}

/* Instructions of a key: count x places / keys, where a longer key or more tables make a place for
 * every whole unit, one at least. */
static void per_key_follows_the_shape(void **state)
{
    static const struct kvr_injected dense = {.count = 8, .block_keys = 16, .unit = 64};
    static const struct kvr_injected lookup = {.count = 6, .block_keys = 64, .unit = 4};
    static const struct { uint32_t dim, tables; double per_key; } cases[] = {
        {64, 0, .5}, {128, 0, 1}, {80, 0, .5}, {32, 0, .5}, {64, 4, .09375}, {64, 2, .09375},
        {64, 9, .1875}, {128, 16, .375}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct kvr_shape shape = {.head_dim = cases[i].dim, .tables = cases[i].tables};
        assert_float_equal(kvr_injected_per_key(shape.tables ? &lookup : &dense, &shape),
                           cases[i].per_key, 1e-12);
    }
}

static void other_kernels_have_none(void **state)
{
    struct kvr_kernel unknown = {0};
    size_t count = 7;
    (void)state;
    kvr_injected(&unknown, &count);
    assert_int_equal(count, 0);
}

static int list(void)
{
    size_t kernels, count;
    const struct kvr_kernel *const *kernel = kvr_kernels(&kernels);
    for (size_t i = 0; i < kernels; i++) {
        const struct kvr_injected *x = kvr_injected(kernel[i], &count);
        for (size_t k = 0; k < count; k++)
            printf("%s %s %s %s %u %u\n", kernel[i]->format->name, kernel[i]->variant,
                   kernel[i]->isa_name, x[k].resource, x[k].level, x[k].count);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_the_same), cmocka_unit_test(counts_are_n_and_2n),
        cmocka_unit_test(per_key_follows_the_shape), cmocka_unit_test(other_kernels_have_none)};
    size_t kernels, count = 0;
    const struct kvr_kernel *const *kernel = kvr_kernels(&kernels);
    for (size_t i = 0; i < kernels && !count; i++)
        kvr_injected(kernel[i], &count);
    if (!count) {
        printf("this build has no kernels with extra instructions\n");
        return 77;
    }
    if (argc > 1 && !strcmp(argv[1], "--list"))
        return list();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
