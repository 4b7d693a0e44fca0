/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names of kernels and instruction sets, and what a host has: threads, CPUs, nodes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "planning.h"

#define SETTING "/n512/W1M/1t/scan/heads/thp"
#define DENSE "/d64" SETTING
#define LOOKUP "/d64/m4/K256" SETTING

static void choose(struct world *w, const char *kernel, const char *isa)
{
    world_profile(w, "groups:\n  - {kernels: [fp16], bytes: [1M]}\n");
    w->options.kernel_count = w->options.isa_count = 0;
    w->options.kernels[w->options.kernel_count++] = kernel;
    if (isa)
        w->options.isas[w->options.isa_count++] = isa;
}

static void test_patterns(void **state)
{
    struct world *w = *state;
    choose(w, "int8", NULL);
    EXPECT(w, "int8.fused@scalar" DENSE, "int8.materialised@auto" DENSE);
    choose(w, "lookat.u*", NULL);
    EXPECT(w, "lookat.u8@scalar" LOOKUP);
    choose(w, "lo*", NULL);
    EXPECT(w, "lookat.f32@scalar" LOOKUP, "lookat.u8@scalar" LOOKUP);
    choose(w, "*.fused", NULL);
    EXPECT(w, "fp16.fused@auto" DENSE, "int8.fused@scalar" DENSE);
    choose(w, "fp16*@avx*", NULL);
    EXPECT(w, "fp16.fused@auto" DENSE);
    assert_int_equal(w->plan.cases[0].candidate_count, 2);
    choose(w, "fp16.fused@avx2", NULL);
    EXPECT(w, "fp16.fused@avx2" DENSE);
    choose(w, "all", NULL);
    EXPECT(w, "fp16.fused@auto" DENSE, "int8.fused@scalar" DENSE,
           "int8.materialised@auto" DENSE, "lookat.f32@scalar" LOOKUP, "lookat.u8@scalar" LOOKUP);
    assert_int_equal(w->plan.skip_count, 0);
}

/* A variant whose kernels are those of fp16. */
static void test_materialised(void **state)
{
    struct world *w = *state;
    choose(w, "int8.materialised", NULL);
    EXPECT(w, "int8.materialised@auto" DENSE);
    assert_int_equal(w->plan.cases[0].candidate_count, 3);
    assert_string_equal(w->plan.cases[0].candidates[1]->format->name, "dense_f16");
    choose(w, "*.mat*", "all");
    EXPECT(w, "int8.materialised@scalar" DENSE, "int8.materialised@avx2" DENSE,
           "int8.materialised@avx512" DENSE);
    choose(w, "int8*@avx512", NULL);
    EXPECT(w, "int8.materialised@avx512" DENSE);
    choose(w, "int8.materialized", NULL);
    world_expect_error(w, -EINVAL, "did you mean int8.materialised?");
    choose(w, "lookat.materialised", NULL);
    world_expect_error(w, -EINVAL, "'lookat.materialised' means no kernel");
    w->machine.isa.usable = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C;
    choose(w, "int8.materialised@avx512", NULL);
    world_expect_error(w, -ENODEV, "int8.materialised@avx512 needs avx512");
}

static void test_patterns_without_a_kernel(void **state)
{
    struct world *w = *state;
    choose(w, "lokat", NULL);
    world_expect_error(w, -EINVAL, "--kernel: 'lokat' means no kernel; did you mean lookat?");
    choose(w, "int8.fuse", NULL);
    world_expect_error(w, -EINVAL, "did you mean int8.fused?");
    choose(w, "lookat.u8@avx512vbm", NULL);
    world_expect_error(w, -EINVAL, "did you mean lookat.u8@avx512vbmi?");
    choose(w, "xyzzy*", NULL);
    world_expect_error(w, -EINVAL, "kvroof list kernels");
    /* One good name does not excuse a bad one. */
    choose(w, "fp16", NULL);
    w->options.kernels[w->options.kernel_count++] = "nothing";
    world_expect_error(w, -EINVAL, "nothing");
    /* A kernel of an ISA that this build has no kernels for. */
    choose(w, "fp16.fused@avx512fp16", NULL);
    world_expect_error(w, -ENODEV, "avx512fp16");
}

static void test_kernels_that_the_host_lacks(void **state)
{
    struct world *w = *state;
    choose(w, "lookat.u8@avx512vbmi", NULL);
    world_expect_error(w, -ENODEV,
                       "lookat.u8@avx512vbmi needs avx512vbmi, which this host lacks");
    w->machine.isa.hidden = KVR_ISA_VBMI;
    world_expect_error(w, -ENODEV, "which the operating system withholds");
    world_profile(w, "groups:\n"
                     "  - {kernels: [fp16@nothing, lookat.u8@avx512vbmi, fp16], bytes: [1M]}\n");
    w->options.kernel_count = 0;
    EXPECT(w, "fp16.fused@auto" DENSE);
    assert_int_equal(w->plan.skip_count, 2);
    assert_string_equal(w->plan.skips[0].what, "kernel");
    assert_string_equal(w->plan.skips[0].name, "fp16@nothing");
    assert_string_equal(w->plan.skips[1].what, "isa");
    assert_string_equal(w->plan.skips[1].name, "lookat.u8@avx512vbmi");
    /* A profile of which nothing remains is impossible here. */
    world_profile(w, "groups:\n  - {kernels: [lookat.u8@avx512vbmi]}\n");
    world_expect_error(w, -ENODEV, "nothing to measure");
}

static void test_isa(void **state)
{
    struct world *w = *state;
    choose(w, "fp16", "all");
    EXPECT(w, "fp16.fused@scalar" DENSE, "fp16.fused@avx2" DENSE, "fp16.fused@avx512" DENSE);
    choose(w, "fp16", "scalar");
    w->options.isas[w->options.isa_count++] = "avx2";
    EXPECT(w, "fp16.fused@scalar" DENSE, "fp16.fused@avx2" DENSE);
    /* Every ISA: those that the host lacks are rows. */
    choose(w, "int8.fused", "all");
    EXPECT(w, "int8.fused@scalar" DENSE);
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].name, "int8.fused@avx512vnni");
    /* avx512 includes its extensions. */
    w->machine.isa.usable |= KVR_ISA_VNNI;
    choose(w, "*.fused", "avx512");
    EXPECT(w, "fp16.fused@avx512" DENSE, "int8.fused@avx512vnni" DENSE);
    choose(w, "*.fused", "avx512vnni");
    EXPECT(w, "int8.fused@avx512vnni" DENSE);
    assert_int_equal(w->plan.skip_count, 0);
    /* A name that means nothing under an ISA is a row; a pattern that means something is not. */
    w->options.kernels[w->options.kernel_count++] = "fp16";
    EXPECT(w, "int8.fused@avx512vnni" DENSE);
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].name, "fp16@avx512vnni");
    assert_string_equal(w->plan.skips[0].why, "fp16 has no kernel for avx512vnni");
}

static void test_isa_refused(void **state)
{
    struct world *w = *state;
    choose(w, "fp16", "avx215");
    world_expect_error(w, -EINVAL, "did you mean avx2?");
    choose(w, "fp16", "avx512vbmi");
    world_expect_error(w, -ENODEV,
                       "--isa: 'avx512vbmi' is not usable on this host; there are kernels for "
                       "scalar, avx2, avx512");
    choose(w, "fp16", "neon");
    world_expect_error(w, -ENODEV, "no kernel in this build");
    choose(w, "lookat.f32", "avx2");
    world_expect_error(w, -EINVAL, "lookat.f32 has no kernel for avx2");
}

static void test_threads(void **state)
{
    struct world *w = *state;
    choose(w, "fp16", NULL);
    w->options.threads[w->options.thread_count++] = 4;
    w->options.threads[w->options.thread_count++] = UINT32_MAX;
    EXPECT(w, "fp16.fused@auto/d64/n512/W1M/4t/scan/heads/thp",
           "fp16.fused@auto/d64/n512/W1M/2t/scan/heads/thp");
    w->options.threads[0] = 5;
    world_expect_error(w, -ENODEV, "--threads 5: this host has 4 CPUs; use -t max or at most -t 4");
    /* CPUs 1 and 3 are one core. */
    w->options.cpus[w->options.cpu_count++] = 3;
    w->options.cpus[w->options.cpu_count++] = 1;
    world_expect_error(w, -ENODEV, "--cpus names 2 CPUs");
    w->options.threads[0] = 2;
    EXPECT(w, "fp16.fused@auto/d64/n512/W1M/2t/scan/heads/thp",
           "fp16.fused@auto/d64/n512/W1M/1t/scan/heads/thp");
    w->options.cpus[0] = 9;
    world_expect_error(w, -ENODEV, "CPU 9");
}

static void test_threads_that_a_profile_wishes(void **state)
{
    struct world *w = *state;
    w->machine.cpu_count = w->machine.core_count = 1;
    world_profile(w, "groups:\n  - {kernels: [fp16], bytes: [1M], threads: [1, max, 8]}\n");
    EXPECT(w, "fp16.fused@auto" DENSE);
    assert_int_equal(w->plan.skip_count, 2);
    assert_string_equal(w->plan.skips[0].name,
                        "fp16.fused@auto/d64/n512/W1M/maxt/scan/heads/thp");
    assert_string_equal(w->plan.skips[0].what, "threads");
    assert_non_null(strstr(w->plan.skips[0].why, "one core"));
    assert_string_equal(w->plan.skips[1].name, "fp16.fused@auto/d64/n512/W1M/8t/scan/heads/thp");
    /* A flag's max is what the host has, be it one. */
    w->options.threads[w->options.thread_count++] = UINT32_MAX;
    EXPECT(w, "fp16.fused@auto" DENSE);
    assert_int_equal(w->plan.skip_count, 0);
}

static void test_nodes(void **state)
{
    struct world *w = *state;
    choose(w, "fp16", NULL);
    w->options.mem_given = true;
    w->options.mem = KVR_MEM_NODE;
    w->options.mem_node = 1;
    world_expect_error(w, -ENODEV, "--mem node:1: this host has no such node; its nodes: 0");
    w->options.mem_node = 0;
    EXPECT(w, "fp16.fused@auto" DENSE "/node:0");
    w->options.mem_given = false;
    world_profile(w, "groups:\n"
                     "  - {kernels: [fp16], bytes: [1M], mem: 'node:7'}\n"
                     "  - {kernels: [fp16], bytes: [1M]}\n");
    EXPECT(w, "fp16.fused@auto" DENSE);
    assert_int_equal(w->plan.skip_count, 1);
    assert_string_equal(w->plan.skips[0].what, "mem");
}

/* A run has one arena: a group that asks for another memory than the first case would lie in the
 * wrong one under its own name. */
static void test_one_memory_for_a_run(void **state)
{
    struct world *w = *state;
    world_profile(w, "groups:\n"
                     "  - {kernels: [fp16], bytes: [1M]}\n"
                     "  - {kernels: [fp16], bytes: [1M], pages: 4k}\n"
                     "  - {kernels: [fp16], bytes: [1M], mem: interleave}\n");
    EXPECT(w, "fp16.fused@auto" DENSE);
    assert_int_equal(w->plan.skip_count, 2);
    assert_string_equal(w->plan.skips[0].what, "pages");
    assert_string_equal(w->plan.skips[1].what, "mem");
    assert_non_null(strstr(w->plan.skips[0].why, "the same memory"));
    w->options.pages_given = true; /* a flag replaces the axis in every group */
    w->options.pages = KVR_PAGES_4K;
    w->options.mem_given = true;
    assert_int_equal(world_plan(w), 0);
    assert_int_equal(w->plan.case_count, 1);
    assert_int_equal(w->plan.skip_count, 0);
}

/* On several nodes memory is limited by the one where the keys are to lie. */
static void test_the_arena_fits_the_node(void **state)
{
    struct world *w = *state;
    choose(w, "fp16", NULL);
    w->machine.this_system = true;
    w->machine.node_count = 2;
    w->machine.nodes[0].total_bytes = w->machine.nodes[1].total_bytes = UINT64_C(8) << 30;
    w->machine.nodes[0].free_bytes = UINT64_C(7) << 30;
    w->machine.nodes[1].os_index = 1;
    w->machine.nodes[1].free_bytes = UINT64_C(100) << 20;
    w->options.mem_given = true;
    w->options.mem = KVR_MEM_NODE;
    w->options.bytes[0] = UINT64_C(64) << 20;
    w->options.bytes_count = 1;
    assert_int_equal(world_plan(w), 0);
    w->options.mem_node = 1;
    world_expect_error(w, -ENODEV, "the NUMA node has room for 2 x 30M: choose another --mem");
    w->options.mem = KVR_MEM_INTERLEAVE;
    world_expect_error(w, -ENODEV, "the NUMA node has room for 2 x 60M");
    w->options.mem = KVR_MEM_LOCAL; /* all CPUs are of node 0 */
    assert_int_equal(world_plan(w), 0);
}

static void test_case_names(void **state)
{
    (void)state;
    struct kvr_case c = {.codec = kvr_codecs()[2], .variant = "u8", .threads = 2,
                         .level = "DRAM", .layout = "heads", .op = "scan",
                         .pages = KVR_PAGES_THP};
    char name[192];
    c.shape = (struct kvr_shape){.head_dim = 64, .tokens = 512, .tables = 4, .entries = 256};
    kvr_case_name(&c, "avx512vbmi", UINT64_C(1) << 30, name, sizeof name);
    assert_string_equal(name, "lookat.u8@avx512vbmi/d64/m4/K256/n512/W1G/2t/scan/heads/thp");
    kvr_case_name(&c, NULL, 96 << 20, name, sizeof name);
    assert_string_equal(name, "lookat.u8@auto/d64/m4/K256/n512/W96M/2t/scan/heads/thp");
    c.shape.tables = c.shape.entries = 0;
    c.mem = KVR_MEM_FIRST_TOUCH;
    c.pages = KVR_PAGES_2M;
    kvr_case_name(&c, "scalar", 0, name, sizeof name);
    assert_string_equal(name, "lookat.u8@scalar/d64/n512/WDRAM/2t/scan/heads/2m/first-touch");
    c.mem = KVR_MEM_NODE;
    c.shape.queries = 8;
    c.batch = 4;
    c.codebook = KVR_CODEBOOK_F32;
    c.codebook_warm = true;
    c.evict_bytes = 64 << 20;
    kvr_case_name(&c, "scalar", 0, name, sizeof name);
    assert_string_equal(name, "lookat.u8@scalar/d64/n512/WDRAM/2t/scan/heads/2m/q8/b4/cb32/cbwarm/"
                              "evict64M/node:0");
    /* What is the default has no part of a name: with --heads, that the caches are emptied. */
    c.mem = KVR_MEM_LOCAL;
    c.shape.queries = c.batch = 1;
    c.codebook = KVR_CODEBOOK_F16;
    c.codebook_warm = false;
    c.evict_bytes = 0;
    kvr_case_name(&c, "scalar", 0, name, sizeof name);
    assert_string_equal(name, "lookat.u8@scalar/d64/n512/WDRAM/2t/scan/heads/2m");
    c.shape.heads = 8;
    c.evict_bytes = KVR_EVICT_AUTO;
    kvr_case_name(&c, "scalar", 0, name, sizeof name);
    assert_string_equal(name, "lookat.u8@scalar/d64/n512/WDRAM/2t/scan/heads/2m");
    c.evict_bytes = 0;
    kvr_case_name(&c, "scalar", 0, name, sizeof name);
    assert_string_equal(name, "lookat.u8@scalar/d64/n512/WDRAM/2t/scan/heads/2m/evict0");
    char small[8];
    kvr_case_name(&c, "scalar", 0, small, sizeof small);
    assert_string_equal(small, "lookat.");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_patterns),
        TEST(test_materialised),
        TEST(test_patterns_without_a_kernel),
        TEST(test_kernels_that_the_host_lacks),
        TEST(test_isa),
        TEST(test_isa_refused),
        TEST(test_threads),
        TEST(test_threads_that_a_profile_wishes),
        TEST(test_nodes),
        TEST(test_one_memory_for_a_run),
        TEST(test_the_arena_fits_the_node),
        TEST(test_case_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
