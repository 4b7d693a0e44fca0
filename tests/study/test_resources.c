/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * P of a kernel from made-up rates: which rate a resource goes by, and how work grows with the
 * shape. What the real kernels declare must be consistent.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/formats.h"
#include "kernels/peak.h"
#include "src/study/resources.h"

struct made_up {
    const char *type, *dtype, *isa;
    double value;
};

static void fill(struct kvr_ceiling *ceilings, const struct made_up *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ceilings[i] = (struct kvr_ceiling){.kind = "rate", .unit = "Gop/s", .value = from[i].value};
        snprintf(ceilings[i].type, sizeof ceilings[i].type, "%s", from[i].type);
        snprintf(ceilings[i].dtype, sizeof ceilings[i].dtype, "%s", from[i].dtype);
        snprintf(ceilings[i].isa, sizeof ceilings[i].isa, "%s", from[i].isa);
        snprintf(ceilings[i].id, sizeof ceilings[i].id, "%s.%s/%s", from[i].type, from[i].dtype,
                 from[i].isa);
    }
}

/* The ceiling's id is of the record, which is gone then: it is checked here. */
static struct kvr_core_limit limit_of_shape(const struct kvr_kernel *kernel,
                                            const struct kvr_shape *shape, const char *ceiling)
{
    static const struct made_up rates[] = {
        {"shuffle", "byte", "avx512", 4},  {"shuffle", "two", "avx512", 1},
        {"shuffle", "two", "avx512vbmi", 2}, {"convert", "f16", "avx512", 8},
        {"convert", "i32", "avx512", .5},  {"load", "", "avx512", 4},
        {"issue", "", "scalar", 6},
    };
    enum { COUNT = sizeof rates / sizeof *rates };
    struct kvr_ceiling ceilings[COUNT];
    struct kvr_run_record record = {.ceilings = ceilings, .ceiling_count = COUNT};
    struct kvr_core_limit limit;
    fill(ceilings, rates, COUNT);
    kvr_core_limit(&record, kernel, shape, &limit);
    assert_string_equal(limit.ceiling ? limit.ceiling : "", ceiling);
    limit.ceiling = NULL;
    return limit;
}

static struct kvr_core_limit limit_of_queries(const struct kvr_kernel *kernel, uint32_t tables,
                                              uint32_t queries, const char *ceiling)
{
    const struct kvr_shape shape = {.head_dim = 64, .tables = tables, .queries = queries};
    return limit_of_shape(kernel, &shape, ceiling);
}

static struct kvr_core_limit limit_of(const struct kvr_kernel *kernel, uint32_t tables,
                                      const char *ceiling)
{
    return limit_of_queries(kernel, tables, 1, ceiling);
}

static void expect(struct kvr_core_limit limit, const char *resource, double ns)
{
    assert_string_equal(limit.resource, resource);
    assert_true(fabs(limit.ns_per_key - ns) < 1e-12);
}

static void test_a_kernel_names_its_rates(void **state)
{
    (void)state;
    struct kvr_kernel k = {.isa_name = "avx512vbmi", .work_head_dim = 64, .work_tables = 4,
                           .work = {.block_keys = 16, .shuffles = 32, .loads = 4}};
    /* shuffle.byte, of the base */
    expect(limit_of(&k, 4, "shuffle.byte/avx512"), "shuffle", 32.0 / 4 / 16);
    k.work.shuffle_rate = "shuffle.two";
    /* Its own, not the base's. */
    expect(limit_of(&k, 4, "shuffle.two/avx512vbmi"), "shuffle", 32.0 / 2 / 16);
    k.work.converts = 32;
    expect(limit_of(&k, 4, "shuffle.two/avx512vbmi"), "shuffle", 32.0 / 2 / 16);
    k.work.convert_rate = "convert.i32";
    expect(limit_of(&k, 4, "convert.i32/avx512"), "convert", 32.0 / .5 / 16);
    k.work.convert_rate = "convert.i3"; /* no such rate: that resource limits nothing */
    expect(limit_of(&k, 4, "shuffle.two/avx512vbmi"), "shuffle", 32.0 / 2 / 16);
    k.work.block_keys = 0; /* nothing declared */
    assert_true(isnan(limit_of(&k, 4, "").ns_per_key));
}

static void test_only_a_part_grows_with_the_shape(void **state)
{
    (void)state;
    const struct kvr_kernel k = {.isa_name = "avx512", .work_tables = 4,
                                 .work = {.block_keys = 64, .shuffles = 12},
                                 .work_once = {.shuffles = 4}};
    expect(limit_of(&k, 4, "shuffle.byte/avx512"), "shuffle", 12.0 / 4 / 64);
    expect(limit_of(&k, 16, "shuffle.byte/avx512"), "shuffle", (4 + 8 * 4) / 4.0 / 64);
    expect(limit_of(&k, 2, "shuffle.byte/avx512"), "shuffle", (4 + 8 / 2) / 4.0 / 64);
}

/* The front end is the same for all: the wide ISA's own rate is not needed. */
static void test_issue(void **state)
{
    (void)state;
    struct kvr_kernel k = {.isa_name = "avx512vbmi", .work = {.block_keys = 16, .uops = 48}};
    expect(limit_of(&k, 4, "issue./scalar"), "issue", 48.0 / 6 / 16);
    k.isa_name = "avx2";
    expect(limit_of(&k, 4, "issue./scalar"), "issue", 48.0 / 6 / 16);
    k.work = (struct kvr_work){.block_keys = 16, .loads = 4};
    assert_true(isnan(limit_of(&k, 4, "").ns_per_key)); /* avx512 is no base of avx2 */
}

/* Seven queries: a pass for four, one for two, one for the last; P is of the resource that all of
 * them together use most. */
static void test_groups_of_queries(void **state)
{
    (void)state;
    struct kvr_score_group groups[] = {
        {.queries = 4, .converts_once = 1, .work = {.block_keys = 8, .loads = 8, .shuffles = 24}},
        {.queries = 2, .converts_once = 1, .work = {.block_keys = 16, .loads = 8, .shuffles = 24},
         .work_once = {.shuffles = 8}},
        {.queries = 0}};
    struct kvr_kernel k = {.isa_name = "avx512", .work_tables = 4, .groups = groups,
                           .work = {.block_keys = 16, .loads = 64, .shuffles = 16}};
    const char *load = "load./avx512", *shuffle = "shuffle.byte/avx512";
    expect(limit_of_queries(&k, 4, 1, load), "load", 64.0 / 16 / 4);
    expect(limit_of_queries(&k, 4, 2, shuffle), "shuffle", 24.0 / 16 / 4);
    expect(limit_of_queries(&k, 8, 2, shuffle), "shuffle", (8 + 2 * 16) / 16.0 / 4);
    expect(limit_of_queries(&k, 4, 8, shuffle), "shuffle", 2 * 24.0 / 8 / 4);
    expect(limit_of_queries(&k, 4, 7, load), "load", (8.0 / 8 + 8.0 / 16 + 64.0 / 16) / 4);
    assert_true(fabs(kvr_converting_share(&k, 7) - 3.0 / 7) < 1e-12);
    assert_true(fabs(kvr_converting_share(&k, 1) - 1) < 1e-12);
    groups[0].converts_once = 0; /* of the sums */
    assert_true(fabs(kvr_converting_share(&k, 7) - 6.0 / 7) < 1e-12);
    groups[1].work.block_keys = 0; /* a pass that declares nothing */
    assert_true(isnan(limit_of_queries(&k, 4, 7, "").ns_per_key));
}

/* Of 100 keys 96 are in groups and 4 in a block of 32 places, which takes its lines whatever is in
 * it. */
static void test_a_residual_has_work_of_its_own(void **state)
{
    (void)state;
    const struct kvr_shape shape = {.head_dim = 128, .tokens = 100, .queries = 1};
    struct kvr_kernel k = {.isa_name = "avx512", .format = &kvr_format_channel2,
                           .work_head_dim = 64, .work = {.block_keys = 32, .loads = 40},
                           .residual_work = {.block_keys = 32, .loads = 3}};
    expect(limit_of_shape(&k, &shape, "load./avx512"), "load",
           (.96 * 2 * 40 / 32 + .32 * 128 * 3 / 32) / 4);
    k.residual_work.block_keys = 0;
    assert_true(isnan(limit_of_shape(&k, &shape, "").ns_per_key));
}

static void test_rate_is_stored(void **state)
{
    (void)state;
    const struct kvr_kernel k = {.isa_name = "avx512", .work = {.block_keys = 64, .shuffles = 12}};
    struct kvr_core_limit limit = limit_of(&k, 4, "shuffle.byte/avx512");
    struct kvr_verdict_record v = {.core_limit_ns = NAN, .core_limit_rate = NAN};
    limit.ceiling = "shuffle.byte/avx512";
    kvr_core_limit_store(&limit, &v); /* no P, no rate of it */
    assert_true(isnan(v.core_limit_rate));
    v.core_limit_ns = limit.ns_per_key;
    kvr_core_limit_store(&limit, &v);
    assert_true(v.core_limit_rate == 4);
    assert_string_equal(v.core_limit_ceiling, "shuffle.byte/avx512");
}

/* A rate that a kernel names exists, and once is a part of the whole. */
static void test_real_kernels(void **state)
{
    (void)state;
    size_t count, peaks;
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    const struct kvr_peak *const *peak = kvr_peaks(&peaks);
    for (size_t i = 0; i < count; i++) {
        const struct kvr_work *w = &kernels[i]->work, *once = &kernels[i]->work_once;
        const char *names[] = {w->shuffle_rate, w->convert_rate};
        for (int n = 0; n < 2; n++) {
            size_t p = 0;
            while (names[n] && p < peaks && strcmp(names[n], peak[p]->name))
                p++;
            assert_true(!names[n] || p < peaks);
        }
        assert_true(once->loads <= w->loads && once->stores <= w->stores);
        assert_true(once->shuffles <= w->shuffles && once->vector_alu <= w->vector_alu);
        assert_true(once->fma <= w->fma && once->int_dots <= w->int_dots);
        assert_true(once->converts <= w->converts && once->gathered <= w->gathered);
        assert_true(once->uops <= w->uops);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_kernel_names_its_rates),
        cmocka_unit_test(test_a_residual_has_work_of_its_own),
        cmocka_unit_test(test_only_a_part_grows_with_the_shape),
        cmocka_unit_test(test_groups_of_queries),
        cmocka_unit_test(test_issue),
        cmocka_unit_test(test_rate_is_stored),
        cmocka_unit_test(test_real_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
