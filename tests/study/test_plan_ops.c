/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is done with the keys and how they lie: operations, codebooks, batches, queries that share a
 * key, pages, eviction; which of it concerns which codec, and how many bytes a head then streams.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "planning.h"

#define FP16 "fp16.fused@auto/d64/n512/W64M/1t/"
#define INT8 "int8.fused@scalar/d64/n512/W64M/1t/"
#define LOOKAT "lookat.u8@scalar/d64/m4/K256/n512/W64M/1t/"

static void profile_of(struct world *w, const char *axes)
{
    char yaml[600];
    snprintf(yaml, sizeof yaml,
             "groups:\n"
             "  - kernels: [fp16, lookat.u8]\n"
             "    bytes: [64M]\n%s",
             axes);
    world_profile(w, yaml);
}

static void test_operations_multiply_out(void **state)
{
    struct world *w = *state;
    profile_of(w, "    ops: [scan, step, attention]\n    layouts: [heads, contiguous]\n");
    EXPECT(w, FP16 "scan/heads/thp", LOOKAT "scan/heads/thp", FP16 "step/heads/thp",
           LOOKAT "step/heads/thp", FP16 "attention/heads/thp", LOOKAT "attention/heads/thp",
           FP16 "scan/contiguous/thp", LOOKAT "scan/contiguous/thp", FP16 "step/contiguous/thp",
           LOOKAT "step/contiguous/thp", FP16 "attention/contiguous/thp",
           LOOKAT "attention/contiguous/thp");
    const struct kvr_case *c = w->plan.cases;
    for (size_t i = 0; i < 6; i++) {
        bool tables = i == 3 || i == 5;
        assert_int_equal(c[i].codebook, tables ? KVR_CODEBOOK_F16 : KVR_CODEBOOK_NONE);
        assert_int_equal(c[i].shape.queries, 1);
        assert_int_equal(c[i].batch, 1);
        assert_false(c[i].codebook_warm);
        assert_int_equal(c[i].evict_bytes, 0);
    }
}

static void test_codebooks_concern_lookups_in_a_step(void **state)
{
    struct world *w = *state;
    profile_of(w, "    ops: [scan, step]\n"
                  "    codebooks: [f16, f32]\n"
                  "    codebook_residencies: [cold, warm]\n");
    EXPECT(w, FP16 "scan/heads/thp", LOOKAT "scan/heads/thp", FP16 "step/heads/thp",
           LOOKAT "step/heads/thp", LOOKAT "step/heads/thp/cbwarm", LOOKAT "step/heads/thp/cb32",
           LOOKAT "step/heads/thp/cb32/cbwarm");
    assert_int_equal(w->plan.cases[2].codebook, KVR_CODEBOOK_NONE);
    assert_false(w->plan.cases[2].codebook_warm);
    assert_int_equal(w->plan.cases[6].codebook, KVR_CODEBOOK_F32);
    assert_true(w->plan.cases[6].codebook_warm);
}

/* FP16 at the same batch is what a look-up codec is compared with. */
static void test_batches_concern_steps(void **state)
{
    struct world *w = *state;
    profile_of(w, "    ops: [scan, attention]\n    batches: [1, 8]\n");
    EXPECT(w, FP16 "scan/heads/thp", LOOKAT "scan/heads/thp", FP16 "attention/heads/thp",
           LOOKAT "attention/heads/thp", FP16 "attention/heads/thp/b8",
           LOOKAT "attention/heads/thp/b8");
    assert_int_equal(w->plan.cases[4].batch, 8);
}

static void test_group_queries_concern_everything(void **state)
{
    struct world *w = *state;
    profile_of(w, "    ops: [scan, step]\n    group_queries: [1, 4]\n");
    EXPECT(w, FP16 "scan/heads/thp", LOOKAT "scan/heads/thp", FP16 "step/heads/thp",
           LOOKAT "step/heads/thp", FP16 "scan/heads/thp/q4", LOOKAT "scan/heads/thp/q4",
           FP16 "step/heads/thp/q4", LOOKAT "step/heads/thp/q4");
    assert_int_equal(w->plan.cases[4].shape.queries, 4);
}

static void test_flags_replace_these_axes_too(void **state)
{
    struct world *w = *state;
    struct kvr_options *o = &w->options;
    profile_of(w, "    ops: [scan]\n    codebooks: [f16]\n    codebook_residencies: [cold]\n"
                  "    batches: [1]\n    group_queries: [1]\n    evict: 1M\n");
    o->ops[o->op_count++] = "attention";
    o->codebooks[o->codebook_count++] = "f32";
    o->residencies[o->residency_count++] = "warm";
    o->value_formats[o->value_format_count++] = "q8";
    o->batches[o->batch_count++] = 2;
    o->group_queries[o->group_query_count++] = 8;
    o->layouts[o->layout_count++] = "pages:4k";
    o->layouts[o->layout_count++] = "pages:4096";
    o->evict_given = true;
    o->evict_bytes = 64 << 20;
    /* Both spellings of a layout are one, and its name is one: no head is longer than a page. */
    EXPECT(w, FP16 "attention/pages:4096/thp/q8/b2/vq8/evict64M",
           LOOKAT "attention/pages:4096/thp/q8/b2/vq8/cb32/cbwarm/evict64M");
    assert_int_equal(w->plan.cases[0].page_tokens, 4096);
    const char *const parts[] = {"\"ops\":[\"attention\"]",
                                 "\"codebooks\":[\"f32\"]",
                                 "\"codebook_residencies\":[\"warm\"]",
                                 "\"value_formats\":[\"q8\"]",
                                 "\"batches\":[2]",
                                 "\"group_queries\":[8]",
                                 "\"evict\":[67108864]",
                                 "\"layouts\":[\"pages:4k\",\"pages:4096\"]"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!strstr(w->plan.profile_json, parts[i]))
            fail_msg("no %s in %s", parts[i], w->plan.profile_json);
    }
}

static void test_evict(void **state)
{
    struct world *w = *state;
    profile_of(w, "    evict: 64M\n");
    EXPECT(w, FP16 "scan/heads/thp/evict64M", LOOKAT "scan/heads/thp/evict64M");
    assert_int_equal(w->plan.cases[0].evict_bytes, 64 << 20);
    /* Heads of a given number find the caches emptied, unless something else is said. */
    profile_of(w, "");
    w->options.heads = 16;
    EXPECT(w, "fp16.fused@auto/d64/n512/W1M/1t/scan/heads/thp",
           "lookat.u8@scalar/d64/m4/K256/n512/W32k/1t/scan/heads/thp");
    assert_true(w->plan.cases[0].evict_bytes == KVR_EVICT_AUTO);
    w->options.evict_given = true;
    EXPECT(w, "fp16.fused@auto/d64/n512/W1M/1t/scan/heads/thp/evict0",
           "lookat.u8@scalar/d64/m4/K256/n512/W32k/1t/scan/heads/thp/evict0");
    assert_int_equal(w->plan.cases[0].evict_bytes, 0);
    w->options.max_mem_bytes = 256 << 20;
    w->options.evict_bytes = 256 << 20;
    world_expect_error(w, -ENODEV, "--evict: more than a half of the arena, which is at most 128M");
    w->options.evict_given = false;
    w->options.heads = 0;
    world_profile(w, "groups:\n"
                     "  - {kernels: [fp16], bytes: [1M]}\n"
                     "  - {kernels: [fp16], bytes: [1M], evict: 1G}\n");
    EXPECT(w, "fp16.fused@auto/d64/n512/W1M/1t/scan/heads/thp");
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].what, "memory");
    assert_non_null(strstr(w->plan.skips[0].why, "reads 1G between passes"));
}

static void test_pages_hold_whole_blocks(void **state)
{
    struct world *w = *state;
    profile_of(w, "");
    w->options.layouts[w->options.layout_count++] = "pages:64";
    w->options.layouts[w->options.layout_count++] = "heads";
    EXPECT(w, FP16 "scan/pages:64/thp", LOOKAT "scan/pages:64/thp", FP16 "scan/heads/thp",
           LOOKAT "scan/heads/thp");
    assert_int_equal(w->plan.cases[0].page_tokens, 64);
    assert_int_equal(w->plan.cases[2].page_tokens, 0);
    w->options.layouts[0] = "pages:16";
    world_expect_error(w, -EINVAL,
                       "lookat.u8: lookat stores blocks of 64 keys, which pages of 16 would cut; "
                       "use --layout pages:64 or another multiple of 64");
    w->options.layouts[0] = "pages:100";
    world_expect_error(w, -EINVAL, "use --layout pages:112 or");
    /* Rows lie one by one, and fewer than a block of them are scored one by one. */
    w->options.layout_count = 1;
    w->options.layouts[0] = "pages:1";
    w->options.kernels[w->options.kernel_count++] = "fp16";
    EXPECT(w, FP16 "scan/pages:1/thp");
    w->options.layouts[0] = "pages:24";
    world_expect_error(w, -EINVAL, "fp16.fused: fp16 scores blocks of 16 keys");
    w->options.layouts[0] = "pages:1";
    w->options.kernels[0] = "int8.fused";
    world_expect_error(w, -EINVAL, "int8.fused: int8 stores blocks of 16 keys");
    w->options.layouts[0] = "pages:16";
    EXPECT(w, INT8 "scan/pages:16/thp");
    /* A materialised copy is of rows, the codes are not. */
    w->options.kernels[0] = "int8.materialised";
    w->options.layouts[0] = "pages:8";
    world_expect_error(w, -EINVAL, "int8.materialised: int8 stores blocks of 16 keys");
}

static void test_pages_that_a_profile_wishes(void **state)
{
    struct world *w = *state;
    profile_of(w, "    layouts: [pages:16]\n");
    EXPECT(w, FP16 "scan/pages:16/thp");
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].name, LOOKAT "scan/pages:16/thp");
    assert_string_equal(w->plan.skips[0].what, "layout");
    assert_non_null(strstr(w->plan.skips[0].why, "blocks of 64 keys"));
}

static void test_materialised_is_a_scan(void **state)
{
    struct world *w = *state;
    static const char why[] = "materialised is measured as a scan";
    world_profile(w, "groups:\n"
                     "  - {kernels: [int8], bytes: [64M], ops: [scan, step]}\n");
    EXPECT(w, INT8 "scan/heads/thp", "int8.materialised@auto/d64/n512/W64M/1t/scan/heads/thp",
           INT8 "step/heads/thp");
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].what, "op");
    assert_non_null(strstr(w->plan.skips[0].why, why));
    /* An op that is ordered of a kernel that is only a wish, of the profile or of a glob. */
    w->options.ops[w->options.op_count++] = "attention";
    EXPECT(w, INT8 "attention/heads/thp");
    w->options.kernels[w->options.kernel_count++] = "int8";
    EXPECT(w, INT8 "attention/heads/thp");
    assert_int_equal(w->plan.skip_count, 1);
    w->options.kernels[w->options.kernel_count++] = "int8.materialised";
    world_expect_error(w, -EINVAL, why);
    w->options.ops[0] = "scan";
    EXPECT(w, INT8 "scan/heads/thp", "int8.materialised@auto/d64/n512/W64M/1t/scan/heads/thp");
}

static void test_materialised_is_for_one_query_and_caches_as_they_are(void **state)
{
    struct world *w = *state;
    world_profile(w, "groups:\n"
                     "  - {kernels: [int8.materialised], bytes: [64M], group_queries: [2]}\n");
    assert_int_equal(world_plan(w), -EINVAL); /* nothing is left to measure */
    world_profile(w, "groups:\n"
                     "  - {kernels: [int8], bytes: [64M], group_queries: [2]}\n");
    assert_int_equal(world_plan(w), 0);
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].what, "group-queries");
    /* --heads evicts by itself: a wish. */
    world_profile(w, "groups:\n"
                     "  - {kernels: [int8], bytes: [64M]}\n");
    w->options.heads = 1 << 10;
    assert_int_equal(world_plan(w), 0);
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].what, "evict");
    assert_non_null(strstr(w->plan.skips[0].why, "--evict 0"));
    w->options.kernels[w->options.kernel_count++] = "int8.materialised";
    w->options.evict_given = true;
    w->options.evict_bytes = 1 << 20;
    world_expect_error(w, -EINVAL, "measured without eviction");
}

/* Every case of a product over all axes has a name of its own. */
static void test_names_are_unique(void **state)
{
    struct world *w = *state;
    world_profile(w, "groups:\n"
                     "  - kernels: [all]\n"
                     "    bytes: [64M, 128M]\n"
                     "    ops: [scan, step, attention]\n"
                     "    layouts: [heads, contiguous, pages:64, pages:128]\n"
                     "    codebooks: [f16, f32]\n"
                     "    codebook_residencies: [cold, warm]\n"
                     "    batches: [1, 2]\n"
                     "    group_queries: [1, 2]\n");
    assert_int_equal(world_plan(w), 0);
    /* Sizes, layouts and queries of: scans of four kernels, and in two ops and batches two kernels
     * without codebooks, two with four each; and the scan of a copy, which is for one query. */
    assert_int_equal(w->plan.case_count, 2 * 4 * (2 * (4 + 2 * 2 * (2 + 2 * 4)) + 1));
    char (*names)[192] = calloc(w->plan.case_count, sizeof *names);
    assert_non_null(names);
    for (size_t i = 0; i < w->plan.case_count; i++) {
        const struct kvr_case *c = &w->plan.cases[i];
        kvr_case_name(c, NULL, c->working_set_bytes, names[i], sizeof *names);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
    free(names);
}

/* ---- bytes ---- */

static struct kvr_case bytes_case(size_t codec, const char *op)
{
    struct kvr_case c = {.codec = kvr_codecs()[codec], .variant = "x", .batch = 1};
    snprintf(c.op, sizeof c.op, "%s", op);
    return c;
}

/* d = 64, 512 keys, m = 4, K = 256: the paper's shape. */
static void test_bytes_of_the_papers_shape(void **state)
{
    (void)state;
    const struct kvr_shape plain = {.head_dim = 64, .tokens = 512, .queries = 8};
    struct kvr_case c = bytes_case(0, "scan");
    c.shape = plain;
    assert_int_equal(kvr_case_head_bytes(&c), 512 * 128);
    assert_int_equal(kvr_case_codebook_bytes(&c), 0);
    snprintf(c.op, sizeof c.op, "attention");
    assert_int_equal(kvr_case_head_bytes(&c), 2 * 512 * 128);
    c = bytes_case(1, "scan");
    c.shape = plain;
    assert_int_equal(kvr_case_head_bytes(&c), 512 * 64);
    assert_int_equal(kvr_case_reference_bytes(&c), 512 * 128);
    c.variant = "materialised";
    assert_true(kvr_case_materialises(&c));
    assert_int_equal(kvr_case_head_bytes(&c), 512 * (64 + 128));
    c = bytes_case(2, "step");
    c.shape = plain;
    c.shape.tables = 4;
    c.shape.entries = 256;
    c.codebook = KVR_CODEBOOK_F16;
    assert_int_equal(kvr_case_codebook_bytes(&c), 256 * 64 * 2);
    assert_int_equal(kvr_case_head_bytes(&c), 512 * 4 + 32768);
    assert_int_equal(kvr_case_reference_bytes(&c), 512 * 128);
    c.codebook = KVR_CODEBOOK_F32;
    assert_int_equal(kvr_case_head_bytes(&c), 512 * 4 + 65536);
    c.batch = 8;
    assert_int_equal(kvr_case_head_bytes(&c), 512 * 4 + 8192);
    c.codebook_warm = true;
    assert_int_equal(kvr_case_head_bytes(&c), 512 * 4);
    snprintf(c.op, sizeof c.op, "attention");
    assert_int_equal(kvr_case_head_bytes(&c), 512 * 4 + 512 * 128);
    assert_int_equal(kvr_case_reference_bytes(&c), 2 * 512 * 128);
}

/* d = 16, 100 keys: neither blocks nor pages nor lines come out even. */
static void test_bytes_of_odd_lengths(void **state)
{
    (void)state;
    struct kvr_case c = bytes_case(0, "attention");
    c.shape = (struct kvr_shape){.head_dim = 16, .tokens = 101, .queries = 1};
    /* 7 blocks of 16 keys, and of values. */
    assert_int_equal(kvr_case_head_bytes(&c), 7 * 16 * 32 + 7 * 16 * 32);
    c.page_tokens = 48; /* three pages, of which the last is partial */
    assert_int_equal(kvr_case_head_bytes(&c), 3 * (48 * 32 + 48 * 32));
    c.page_tokens = 4096; /* one page, larger than the head */
    assert_int_equal(kvr_case_head_bytes(&c), 2 * 4096 * 32);
    c = bytes_case(1, "scan");
    c.variant = "materialised";
    c.shape = (struct kvr_shape){.head_dim = 16, .tokens = 101, .queries = 1};
    /* The copy is of whole blocks of codes. */
    assert_int_equal(kvr_case_head_bytes(&c), 7 * 16 * 16 + 7 * 16 * 32);
    c = bytes_case(2, "attention");
    c.shape =
        (struct kvr_shape){.head_dim = 16, .tokens = 101, .queries = 1, .tables = 2, .entries = 16};
    c.codebook = KVR_CODEBOOK_F16;
    c.batch = 3; /* 512 / 3 */
    assert_int_equal(kvr_case_head_bytes(&c), 2 * 64 * 2 + 7 * 16 * 32 + 171);
    c.page_tokens = 64;
    assert_int_equal(kvr_case_head_bytes(&c), 2 * (64 * 2 + 32 * 64) + 171);
    assert_int_equal(kvr_case_reference_bytes(&c), 2 * (64 * 32 + 32 * 64));
}

/* The working set of --heads is what they stream. */
static void test_heads_count_all_that_they_stream(void **state)
{
    struct world *w = *state;
    world_profile(w, "groups:\n"
                     "  - kernels: [int8.materialised, lookat.u8]\n"
                     "    bytes: [64M]\n"
                     "    ops: [scan, attention]\n");
    w->options.heads = 1 << 14;
    w->options.evict_given = true; /* 0: a copy is not evicted */
    assert_int_equal(world_plan(w), 0);
    assert_int_equal(w->plan.case_count, 3);
    assert_int_equal(w->plan.cases[0].working_set_bytes, UINT64_C(512 * 192) << 14);
    assert_int_equal(w->plan.cases[1].working_set_bytes, 2048 << 14);
    /* 2048 of codes, 32768 of codebook, 65536 of values. */
    assert_int_equal(w->plan.cases[2].working_set_bytes, UINT64_C(100352) << 14);
    /* The FP16 reference of an attention has values as well. */
    assert_int_equal(w->plan.arena_half_bytes, UINT64_C(2) << 30);
}

/* A working set must hold a head for every thread, with all that it streams. */
static void test_too_small_for_what_a_head_streams(void **state)
{
    struct world *w = *state;
    world_profile(w, "groups:\n"
                     "  - {kernels: [lookat.u8], bytes: [32k], ops: [scan, step]}\n");
    EXPECT(w, "lookat.u8@scalar/d64/m4/K256/n512/W32k/1t/scan/heads/thp");
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].what, "size");
    assert_non_null(strstr(w->plan.skips[0].why, "(34k)"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_operations_multiply_out),
        TEST(test_codebooks_concern_lookups_in_a_step),
        TEST(test_batches_concern_steps),
        TEST(test_group_queries_concern_everything),
        TEST(test_flags_replace_these_axes_too),
        TEST(test_evict),
        TEST(test_pages_hold_whole_blocks),
        TEST(test_pages_that_a_profile_wishes),
        TEST(test_materialised_is_a_scan),
        TEST(test_materialised_is_for_one_query_and_caches_as_they_are),
        TEST(test_names_are_unique),
        TEST(test_bytes_of_the_papers_shape),
        TEST(test_bytes_of_odd_lengths),
        TEST(test_heads_count_all_that_they_stream),
        TEST(test_too_small_for_what_a_head_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
