/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From options, a profile and a machine to cases: what a flag orders, what a profile wishes.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "planning.h"

static const char one_group[] = "groups:\n"
                                "  - kernels: [fp16, lookat.u8]\n"
                                "    tokens: [512]\n"
                                "    bytes: [64M]\n";

static void test_defaults_of_a_group(void **state)
{
    struct world *w = *state;
    world_profile(w, "groups:\n  - kernels: [lookat]\n");
    EXPECT(w, "lookat.f32@scalar/d64/m4/K256/n512/WDRAM/1t/scan/heads/thp",
           "lookat.u8@scalar/d64/m4/K256/n512/WDRAM/1t/scan/heads/thp");
    assert_int_equal(w->plan.rounds, 9);
    assert_true(w->plan.min_time_s == .02);
    assert_true(isnan(w->plan.budget_s));
    assert_true(w->plan.mini_keys);
    assert_int_equal(w->plan.ladder_points_per_octave, 1);
}

static void test_axes_multiply_out(void **state)
{
    struct world *w = *state;
    world_profile(w, "groups:\n"
                     "  - kernels: [fp16, lookat.f32]\n"
                     "    head_dims: [64, 128]\n"
                     "    subspaces: [4, 8]\n"
                     "    tokens: [1k]\n"
                     "    layouts: [contiguous]\n"
                     "    levels: [L2]\n"
                     "    bytes: [16M]\n"
                     "    threads: [max]\n"
                     "    pages: 4k\n"
                     "    mem: interleave\n");
    EXPECT(w, "fp16.fused@auto/d64/n1024/WL2/2t/scan/contiguous/4k/interleave",
           "lookat.f32@scalar/d64/m4/K256/n1024/WL2/2t/scan/contiguous/4k/interleave",
           "lookat.f32@scalar/d64/m8/K256/n1024/WL2/2t/scan/contiguous/4k/interleave",
           "fp16.fused@auto/d64/n1024/W16M/2t/scan/contiguous/4k/interleave",
           "lookat.f32@scalar/d64/m4/K256/n1024/W16M/2t/scan/contiguous/4k/interleave",
           "lookat.f32@scalar/d64/m8/K256/n1024/W16M/2t/scan/contiguous/4k/interleave",
           "fp16.fused@auto/d128/n1024/WL2/2t/scan/contiguous/4k/interleave",
           "lookat.f32@scalar/d128/m4/K256/n1024/WL2/2t/scan/contiguous/4k/interleave",
           "lookat.f32@scalar/d128/m8/K256/n1024/WL2/2t/scan/contiguous/4k/interleave",
           "fp16.fused@auto/d128/n1024/W16M/2t/scan/contiguous/4k/interleave",
           "lookat.f32@scalar/d128/m4/K256/n1024/W16M/2t/scan/contiguous/4k/interleave",
           "lookat.f32@scalar/d128/m8/K256/n1024/W16M/2t/scan/contiguous/4k/interleave");
}

static void test_auto_keeps_every_usable_candidate(void **state)
{
    struct world *w = *state;
    world_profile(w, "groups:\n  - kernels: [fp16]\n");
    assert_int_equal(world_plan(w), 0);
    assert_int_equal(w->plan.case_count, 1);
    assert_int_equal(w->plan.cases[0].candidate_count, 3);
    assert_string_equal(w->plan.cases[0].candidates[2]->isa_name, "avx512");
    assert_int_equal(w->plan.skip_count, 0);
}

static void test_flags_replace_their_axis_in_every_group(void **state)
{
    struct world *w = *state;
    world_profile(w, "budget_s: 60\nrounds: 7\nmin_time_s: .05\n"
                     "groups:\n"
                     "  - {kernels: [fp16], tokens: [512], bytes: [64M], threads: [1]}\n"
                     "  - {kernels: [int8], tokens: [4k], levels: [L2], threads: [max]}\n");
    w->options.kernels[w->options.kernel_count++] = "lookat.f32";
    w->options.tokens[w->options.tokens_count++] = 1024;
    w->options.head_dims[w->options.head_dim_count++] = 128;
    w->options.subspaces[w->options.subspace_count++] = 2;
    w->options.entries[w->options.entry_count++] = 16;
    w->options.bytes[w->options.bytes_count++] = 8 << 20;
    w->options.pages_given = true;
    w->options.pages = KVR_PAGES_4K;
    w->options.rounds = 3;
    w->options.budget_s = 10;
    /* The groups still differ by their threads; nothing else distinguishes them any more. */
    EXPECT(w, "lookat.f32@scalar/d128/m2/K16/n1024/W8M/1t/scan/heads/4k",
           "lookat.f32@scalar/d128/m2/K16/n1024/W8M/2t/scan/heads/4k");
    assert_int_equal(w->plan.rounds, 3);
    assert_true(w->plan.budget_s == 10);
    assert_true(w->plan.min_time_s == .05);
    w->options.threads[w->options.thread_count++] = 1;
    EXPECT(w, "lookat.f32@scalar/d128/m2/K16/n1024/W8M/1t/scan/heads/4k");
}

static void test_equal_cases_are_run_once(void **state)
{
    struct world *w = *state;
    world_profile(w, "groups:\n"
                     "  - {kernels: [fp16, fp16.fused, 'fp*', 'f*.fused'], bytes: [64M]}\n"
                     "  - {kernels: [fp16], bytes: [64M, 64MiB], threads: [1, 1]}\n");
    EXPECT(w, "fp16.fused@auto/d64/n512/W64M/1t/scan/heads/thp");
}

static void test_subspaces_concern_lookups_only(void **state)
{
    struct world *w = *state;
    world_profile(w, one_group);
    w->options.subspaces[w->options.subspace_count++] = 2;
    w->options.subspaces[w->options.subspace_count++] = 8;
    EXPECT(w, "fp16.fused@auto/d64/n512/W64M/1t/scan/heads/thp",
           "lookat.u8@scalar/d64/m2/K256/n512/W64M/1t/scan/heads/thp",
           "lookat.u8@scalar/d64/m8/K256/n512/W64M/1t/scan/heads/thp");
}

static void test_heads_give_the_size(void **state)
{
    struct world *w = *state;
    world_profile(w, one_group);
    w->options.heads = 16;
    EXPECT(w, "fp16.fused@auto/d64/n512/W1M/1t/scan/heads/thp",
           "lookat.u8@scalar/d64/m4/K256/n512/W32k/1t/scan/heads/thp");
    assert_int_equal(w->plan.cases[1].shape.heads, 16);
    w->options.heads = 1;
    w->options.threads[w->options.thread_count++] = 2;
    world_expect_error(w, -EINVAL, "1 heads cannot be shared by 2 threads");
}

static void test_shape_refused_by_a_flag(void **state)
{
    struct world *w = *state;
    world_profile(w, one_group);
    w->options.subspaces[w->options.subspace_count++] = 4;
    w->options.subspaces[w->options.subspace_count++] = 3;
    world_expect_error(w, -EINVAL, "m does not divide d");
    w->options.subspace_count = 0;
    w->options.entries[w->options.entry_count++] = 17;
    world_expect_error(w, -EINVAL, "neither 16 nor 256");
    w->options.entry_count = 0;
    w->options.head_dims[w->options.head_dim_count++] = 40;
    world_expect_error(w, -EINVAL, "no multiple of 16");
}

static void test_shape_refused_by_a_profile(void **state)
{
    struct world *w = *state;
    world_profile(w, "groups:\n"
                     "  - {kernels: [fp16, lookat.f32], bytes: [1M], subspaces: [3, 4]}\n");
    EXPECT(w, "fp16.fused@auto/d64/n512/W1M/1t/scan/heads/thp",
           "lookat.f32@scalar/d64/m4/K256/n512/W1M/1t/scan/heads/thp");
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].name,
                        "lookat.f32@scalar/d64/m3/K256/n512/W1M/1t/scan/heads/thp");
    assert_string_equal(w->plan.skips[0].what, "shape");
    assert_string_equal(w->plan.skips[0].why, "m does not divide d");
}

static void test_kernels_that_serve_few_subspaces(void **state)
{
    struct world *w = *state;
    w->machine.isa.usable |= KVR_ISA_VBMI;
    world_profile(w, "groups:\n  - {kernels: [lookat.u8], bytes: [1M], subspaces: [8, 16]}\n");
    EXPECT(w, "lookat.u8@auto/d64/m8/K256/n512/W1M/1t/scan/heads/thp",
           "lookat.u8@scalar/d64/m16/K256/n512/W1M/1t/scan/heads/thp");
    w->options.kernels[w->options.kernel_count++] = "lookat.u8@avx512vbmi";
    EXPECT(w, "lookat.u8@avx512vbmi/d64/m8/K256/n512/W1M/1t/scan/heads/thp");
    assert_int_equal(w->plan.skip_count, 1);
    w->options.subspaces[w->options.subspace_count++] = 16;
    world_expect_error(w, -EINVAL, "at most 8 subspaces");
}

static void test_too_small_for_a_head(void **state)
{
    struct world *w = *state;
    world_profile(w, "groups:\n  - {kernels: [fp16, lookat.u8], bytes: [32k], tokens: [512]}\n");
    EXPECT(w, "lookat.u8@scalar/d64/m4/K256/n512/W32k/1t/scan/heads/thp");
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].what, "size");
    assert_non_null(strstr(w->plan.skips[0].why, "(64k)"));
    w->options.kernels[w->options.kernel_count++] = "fp16";
    world_expect_error(w, -EINVAL, "nothing to measure");
}

static void test_memory(void **state)
{
    struct world *w = *state;
    const uint64_t gib = UINT64_C(1) << 30;
    world_profile(w, "groups:\n  - {kernels: [fp16]}\n");
    assert_int_equal(world_plan(w), 0);
    assert_int_equal(w->plan.max_mem_bytes, 16 * gib / 10 * 6);
    assert_int_equal(w->plan.arena_half_bytes, gib);
    assert_false(w->plan.arena_reduced);
    w->options.max_mem_bytes = gib;
    assert_int_equal(world_plan(w), 0);
    assert_int_equal(w->plan.arena_half_bytes, gib / 2);
    assert_true(w->plan.arena_reduced);
    /* What a flag asks for is an order ... */
    w->options.bytes[w->options.bytes_count++] = gib;
    world_expect_error(w, -ENODEV, "--max-mem");
    /* ... that more memory can fulfil, beyond the profile's wish. */
    w->options.max_mem_bytes = 8 * gib;
    w->options.bytes[0] = 3 * gib;
    EXPECT(w, "fp16.fused@auto/d64/n512/W3G/1t/scan/heads/thp");
    assert_int_equal(w->plan.arena_half_bytes, 3 * gib);
    w->options.bytes_count = 0;
    w->options.max_mem_bytes = 1 << 20;
    world_expect_error(w, -EINVAL, "at least 4M");
    /* More than there is cannot be allowed by a flag. */
    w->options.max_mem_bytes = 1000 * gib;
    assert_int_equal(world_plan(w), 0);
    assert_int_equal(w->plan.max_mem_bytes, 16 * gib);
}

static void test_memory_that_a_profile_wishes(void **state)
{
    struct world *w = *state;
    world_profile(w, "dram_bytes: 64M\n"
                     "groups:\n  - {kernels: [fp16], bytes: [64M, 256M]}\n");
    w->options.max_mem_bytes = 256 << 20;
    EXPECT(w, "fp16.fused@auto/d64/n512/W64M/1t/scan/heads/thp");
    assert_int_equal(w->plan.arena_half_bytes, 64 << 20);
    assert_false(w->plan.arena_reduced);
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].what, "memory");
}

static void test_depth_comes_from_the_profile(void **state)
{
    struct world *w = *state;
    world_profile(w, "ladder_points_per_octave: 4\nceilings: full\ndeep: true\n"
                     "groups:\n  - {kernels: [fp16], bytes: [64M]}\n");
    EXPECT(w, "fp16.fused@auto/d64/n512/W64M/1t/scan/heads/thp");
    assert_int_equal(w->plan.ladder_points_per_octave, 4);
    assert_true(w->plan.full_ceilings && w->plan.deep);
    assert_non_null(strstr(w->plan.profile_json, "\"ladder_points_per_octave\":4"));
    assert_non_null(strstr(w->plan.profile_json, "\"ceilings\":\"full\""));
    assert_non_null(strstr(w->plan.profile_json, "\"deep\":true"));
    world_profile(w, "groups:\n  - {kernels: [fp16], bytes: [64M]}\n");
    EXPECT(w, "fp16.fused@auto/d64/n512/W64M/1t/scan/heads/thp");
    assert_int_equal(w->plan.ladder_points_per_octave, 1);
    assert_false(w->plan.full_ceilings || w->plan.deep);
    assert_null(strstr(w->plan.profile_json, "deep"));
    w->options.deep = true;
    assert_int_equal(world_plan(w), 0);
    assert_true(w->plan.deep);
}

static void test_heads_count_the_fp16_reference(void **state)
{
    struct world *w = *state;
    world_profile(w, one_group);
    w->options.kernels[w->options.kernel_count++] = "lookat.u8";
    w->options.heads = 32768; /* 64 MiB of codes, 2 GiB of FP16 keys */
    EXPECT(w, "lookat.u8@scalar/d64/m4/K256/n512/W64M/1t/scan/heads/thp");
    assert_int_equal(w->plan.arena_half_bytes, UINT64_C(2) << 30);
    w->options.heads = UINT32_MAX;
    w->options.tokens[w->options.tokens_count++] = 1 << 30;
    world_expect_error(w, -ENODEV, "--heads");
}

static void test_too_many_cases(void **state)
{
    struct world *w = *state;
    world_profile(w, one_group);
    for (uint32_t i = 0; i < KVR_MAX_LIST; i++) {
        w->options.tokens[w->options.tokens_count++] = i + 1;
        w->options.bytes[w->options.bytes_count++] = (i + 1) << 20;
        w->options.head_dims[w->options.head_dim_count++] = 16 * (i % 16 + 1);
    }
    world_expect_error(w, -EINVAL, "more than 10000 cases");
}

/* Without -p the profile is quick, here the user's own. */
static void test_kernels_without_a_profile(void **state)
{
    struct world *w = *state;
    char folder[64] = "./quick-XXXXXX", inner[80], path[120];
    assert_non_null(mkdtemp(folder));
    snprintf(inner, sizeof inner, "%s/kvroof", folder);
    assert_int_equal(mkdir(inner, 0700), 0);
    snprintf(path, sizeof path, "%s/quick.yaml", inner);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("groups:\n"
          "  - {kernels: [int8.fused], bytes: [1M], ops: [scan, step]}\n"
          "  - {kernels: [int8.fused], bytes: [1M], layouts: [contiguous]}\n", file);
    fclose(file);
    assert_int_equal(setenv("XDG_CONFIG_HOME", folder, 1), 0);
    EXPECT(w, "int8.fused@scalar/d64/n512/W1M/1t/scan/heads/thp",
           "int8.fused@scalar/d64/n512/W1M/1t/step/heads/thp",
           "int8.fused@scalar/d64/n512/W1M/1t/scan/contiguous/thp");
    assert_string_equal(w->plan.profile, "quick");
    /* Kernels of one's own: the default layout and op only, unless a flag or -p says more. */
    w->options.kernels[w->options.kernel_count++] = "lookat.f32";
    EXPECT(w, "lookat.f32@scalar/d64/m4/K256/n512/W1M/1t/scan/heads/thp");
    w->options.profile = "quick";
    EXPECT(w, "lookat.f32@scalar/d64/m4/K256/n512/W1M/1t/scan/heads/thp",
           "lookat.f32@scalar/d64/m4/K256/n512/W1M/1t/step/heads/thp",
           "lookat.f32@scalar/d64/m4/K256/n512/W1M/1t/scan/contiguous/thp");
    w->options.profile = NULL;
    w->options.layouts[w->options.layout_count++] = "contiguous";
    EXPECT(w, "lookat.f32@scalar/d64/m4/K256/n512/W1M/1t/scan/contiguous/thp");
    assert_true(!unlink(path) && !rmdir(inner) && !rmdir(folder));
}

static void test_merged_profile_is_kept(void **state)
{
    struct world *w = *state;
    world_profile(w, "description: a test\nbudget_s: 60\ngroups:\n"
                     "  - {kernels: [fp16], levels: [L2], threads: [1, max]}\n");
    w->options.tokens[w->options.tokens_count++] = 4096;
    w->options.isas[w->options.isa_count++] = "scalar";
    w->options.keys = "keys.npy";
    assert_int_equal(world_plan(w), 0);
    assert_false(w->plan.mini_keys);
    const char *json = w->plan.profile_json;
    const char *const parts[] = {
        "\"description\":\"a test\"", "\"budget_s\":60.0",       "\"keys\":\"keys.npy\"",
        "\"isa\":[\"scalar\"]",       "\"kernels\":[\"fp16\"]",  "\"tokens\":[4096]",
        "\"levels\":[\"L2\"]",        "\"threads\":[1,\"max\"]", "\"pages\":[\"thp\"]",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!strstr(json, parts[i]))
            fail_msg("no %s in %s", parts[i], json);
    }
    const char *const defaults[] = {"\"ops\":[\"scan\"]", "\"codebooks\":[\"f16\"]",
                                    "\"codebook_residencies\":[\"cold\"]", "\"batches\":[1]",
                                    "\"value_formats\":[\"fp16\"]",
                                    "\"group_queries\":[1]"};
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        if (!strstr(json, defaults[i]))
            fail_msg("no %s in %s", defaults[i], json);
    }
    assert_null(strstr(json, "min_time_s"));
    assert_null(strstr(json, "evict"));
    assert_null(strstr(json, "\"bytes\""));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_defaults_of_a_group),
        TEST(test_axes_multiply_out),
        TEST(test_auto_keeps_every_usable_candidate),
        TEST(test_flags_replace_their_axis_in_every_group),
        TEST(test_equal_cases_are_run_once),
        TEST(test_subspaces_concern_lookups_only),
        TEST(test_heads_give_the_size),
        TEST(test_shape_refused_by_a_flag),
        TEST(test_shape_refused_by_a_profile),
        TEST(test_kernels_that_serve_few_subspaces),
        TEST(test_too_small_for_a_head),
        TEST(test_memory),
        TEST(test_memory_that_a_profile_wishes),
        TEST(test_depth_comes_from_the_profile),
        TEST(test_heads_count_the_fp16_reference),
        TEST(test_too_many_cases),
        TEST(test_kernels_without_a_profile),
        TEST(test_merged_profile_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
