/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every traffic figure of a few shapes against counts by hand: an attention of LOOKAT in pages,
 * INT8 keys that are turned back into float16, the same in tiles, and RVQ, whose tables L1 does not
 * hold.
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

#include "kernels/additive.h"
#include "kernels/formats.h"
#include "src/study/traffic.h"

static unsigned char memory[1];
static const char *const levels[] = {"L1", "L2", "L3", "DRAM"};

/* Kernels as the counts know them. */
static const struct kvr_kernel registers = {.variant = "u8", .format = &kvr_format_lookup_u8,
                                            .isa = KVR_ISA_AVX512 | KVR_ISA_VBMI};
static const struct kvr_kernel scalar = {.variant = "u8", .format = &kvr_format_lookup_u8};
static const struct kvr_kernel gathers = {.variant = "f32-gather", .isa = KVR_ISA_AVX2,
                                          .format = &kvr_format_lookup_f32,
                                          .work = {.gathered = 64}};
static const struct kvr_kernel dense = {.variant = "fused", .format = &kvr_format_dense_f16};
static const struct kvr_kernel tiled = {.variant = "tiled", .isa = KVR_ISA_AVX2,
                                        .format = &kvr_format_affine8_f16};

static const struct kvr_kernel sums = {.variant = "f32-gather", .isa = KVR_ISA_AVX2,
                                       .format = &kvr_format_additive_f32,
                                       .work = {.gathered = 64}};
static const struct kvr_kernel rows = {.variant = "rows", .isa = KVR_ISA_AVX2,
                                       .format = &kvr_format_additive_rows};

static void near(const char *level, const char *name, double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-12 * expected))
        fail_msg("%s of a working set in %s: %.12g bytes a key, by hand %.12g", name, level, found,
                 expected);
}

static void check(const char *level, const struct kvr_traffic *found, struct kvr_traffic expected)
{
    near(level, "l1", found->l1, expected.l1);
    near(level, "l1_l2", found->l1_l2, expected.l1_l2);
    near(level, "l2_l3", found->l2_l3, expected.l2_l3);
    near(level, "mem_read", found->mem_read, expected.mem_read);
    near(level, "mem_write", found->mem_write, expected.mem_write);
    near(level, "mem_allocate", found->mem_allocate, expected.mem_allocate);
}

static void build(const struct kvr_format *format, const struct kvr_shape *shape, uint32_t part,
                  struct kvr_lists *lists)
{
    const struct kvr_lists_request request = {.base = memory, .format = format, .shape = shape,
                                              .part_tokens = part, .heads = 8, .threads = 1,
                                              .paged = part < shape->tokens};
    assert_int_equal(kvr_lists_build(&request, lists), 0);
}

/* 500 keys of d = 64 and m = 4 in pages of 64, four sequences to a codebook of float16. */
static void attention_of_lookat_in_pages(void **state)
{
    struct kvr_case c = {.shape = {.head_dim = 64, .tokens = 500, .queries = 1, .tables = 4,
                                   .entries = 256},
                         .batch = 4};
    struct kvr_lists keys;
    struct kvr_beside beside = {.has_rows = true, .has_codebooks = true};
    (void)state;
    build(&kvr_format_lookup_u8, &c.shape, 64, &keys);
    assert_int_equal(
        kvr_lists_beside(&keys, memory, &kvr_format_dense_f16, &c.shape, &beside.rows), 0);
    assert_int_equal(
        kvr_lists_codebooks(&keys, memory, 256 * 64 * 2, 4, false, 1, &beside.codebooks), 0);
    /* 8 pages (the last one lies whole): 4 bytes of codes and 128 of values a key, 4 of the order
     * list a page */
    const double head = (8 * 64 * 4 + 8 * 64 * 128 + 8 * 4) / 500.0;
    const double codebook = 256 * 64 * 2 / 4 / 500.0;
    const double all = head + codebook;
    /* a line with step and bias, and 4 tables of 256 bytes, go into registers once a head */
    const double core = all + (64 + 4 * 256) / 500.0;
    const struct kvr_traffic cold[] = {{core, 0, 0, 0, 0, 0},
                                       {core, all, 0, 0, 0, 0},
                                       {core, all, all, 0, 0, 0},
                                       {core, all, all, all, 0, 0}};
    const struct kvr_traffic warm[] = {{core, 0, 0, 0, 0, 0},
                                       {core, all, 0, 0, 0, 0},
                                       {core, all, head, 0, 0, 0},
                                       {core, all, head, head, 0, 0}};
    for (size_t i = 0; i < 4; i++) {
        struct kvr_traffic_request request = {.c = &c, .kernel = &registers, .level = levels[i],
                                              .keys = &keys, .beside = &beside};
        struct kvr_traffic traffic;
        c.codebook_warm = false;
        kvr_traffic_count(&request, &traffic);
        check(levels[i], &traffic, cold[i]);
        c.codebook_warm = true;
        kvr_traffic_count(&request, &traffic);
        check(levels[i], &traffic, warm[i]);
        /* from memory it is an entry a look-up: four of a byte, four floats */
        request.kernel = &scalar;
        kvr_traffic_count(&request, &traffic);
        near(levels[i], "l1 of a scalar kernel", traffic.l1, all + 4);
        request.kernel = &gathers;
        kvr_traffic_count(&request, &traffic);
        near(levels[i], "l1 of a gathering kernel", traffic.l1, all + 4 * 4);
    }
    kvr_lists_free(&keys);
    kvr_beside_free(&beside);
}

/* 512 keys of d = 128 in one piece: 128 bytes of codes, and a copy of 256. */
static void materialised_int8(void **state)
{
    const struct kvr_case c = {.shape = {.head_dim = 128, .tokens = 512, .queries = 1},
                               .batch = 1};
    struct kvr_lists keys, copy;
    const struct kvr_beside beside = {.has_rows = false};
    (void)state;
    build(&kvr_format_affine8, &c.shape, 512, &keys);
    assert_int_equal(kvr_lists_beside(&keys, memory, &kvr_format_dense_f16, &c.shape, &copy), 0);
    const double codes = 128 + 4 / 512.0;
    /* The core writes the copy and reads it. A cache that does not hold it takes each line twice,
     * to be written and to be read, and gives it back once. */
    const double core = codes + 2 * 256, thrice = codes + 3 * 256;
    const struct kvr_traffic through[] = {
        {core, 0, 0, 0, 0, 0},
        {core, thrice, 0, 0, 0, 0},
        {core, thrice, thrice, 0, 0, 0},
        {core, thrice, thrice, codes + 256, 256, 256}};
    /* Past the caches it lies in memory and is read from there, wherever the codes are. */
    const struct kvr_traffic past[] = {{core, 256, 256, 256, 256, 0},
                                       {core, codes + 256, 256, 256, 256, 0},
                                       {core, codes + 256, codes + 256, 256, 256, 0},
                                       {core, codes + 256, codes + 256, codes + 256, 256, 0}};
    for (size_t i = 0; i < 4; i++) {
        struct kvr_traffic_request request = {
            .c = &c, .kernel = &dense, .level = levels[i], .keys = &keys, .beside = &beside,
            .copy = &copy};
        struct kvr_traffic traffic;
        kvr_traffic_count(&request, &traffic);
        check(levels[i], &traffic, through[i]);
        request.copy_past_caches = true;
        kvr_traffic_count(&request, &traffic);
        check(levels[i], &traffic, past[i]);
    }
    kvr_lists_free(&keys);
    kvr_lists_free(&copy);
}

/* 512 keys of d = 128 for two queries: 128 bytes of codes, and each query's tile of 256 bytes a
 * key, which is written and read where it lies, in L1. */
static void int8_in_tiles(void **state)
{
    const struct kvr_case c = {.shape = {.head_dim = 128, .tokens = 512, .queries = 2},
                               .batch = 1};
    struct kvr_lists keys;
    const struct kvr_beside beside = {.has_rows = false};
    (void)state;
    build(&kvr_format_affine8_f16, &c.shape, 512, &keys);
    const double codes = 128 + 4 / 512.0, core = codes + 2 * 2 * 256;
    const struct kvr_traffic expected[] = {{core, 0, 0, 0, 0, 0},
                                           {core, codes, 0, 0, 0, 0},
                                           {core, codes, codes, 0, 0, 0},
                                           {core, codes, codes, codes, 0, 0}};
    for (size_t i = 0; i < 4; i++) {
        const struct kvr_traffic_request request = {
            .c = &c, .kernel = &tiled, .level = levels[i], .keys = &keys, .beside = &beside};
        struct kvr_traffic traffic;
        kvr_traffic_count(&request, &traffic);
        check(levels[i], &traffic, expected[i]);
    }
    kvr_lists_free(&keys);
}

/* 512 keys of d = 64: 16 look-ups each in tables of 128 KiB, which eight heads make of a codebook
 * of 1 MiB. */
static void residual_codes(void **state)
{
    struct kvr_case c = {.codec = kvr_codec_find("rvq"), .codebook = KVR_CODEBOOK_F16, .batch = 1,
                         .shape = {.head_dim = 64, .tokens = 512, .queries = 1, .tables = 16,
                                   .entries = 2048}};
    struct kvr_lists keys;
    struct kvr_beside beside = {.has_codebooks = true};
    struct kvr_traffic traffic;
    (void)state;
    build(&kvr_format_additive_f32, &c.shape, 512, &keys);
    assert_int_equal(kvr_case_book_heads(&c), 8);
    assert_int_equal(
        kvr_lists_codebooks(&keys, memory, 1 << 20, 8, false, 1, &beside.codebooks), 0);
    const double codes = 24 + 4 / 512.0, codebook = (1 << 20) / 8 / 512.0;
    const double tables = (128 << 10) / 512.0;
    struct kvr_traffic_request request = {.c = &c, .kernel = &sums, .level = "DRAM", .keys = &keys,
                                          .beside = &beside, .l1_bytes = 48 << 10};
    kvr_traffic_count(&request, &traffic);
    /* written, and a float a look-up; of L2 a line a look-up, and of tables each line twice */
    check("DRAM", &traffic, (struct kvr_traffic){codes + codebook + tables + 16 * 4,
                                                 codes + codebook + 2 * tables + 16 * 64,
                                                 codes + codebook, codes + codebook, 0, 0});
    request.l1_bytes = 1 << 20;
    kvr_traffic_count(&request, &traffic);
    near("DRAM", "l1 of tables that L1 holds", traffic.l1, codes + codebook + 16 * 4);
    near("DRAM", "l1_l2 of tables that L1 holds", traffic.l1_l2, codes + codebook);
    /* rows are of one codebook that the scan reads, whatever the op */
    c.codebook = KVR_CODEBOOK_NONE;
    beside.has_codebooks = false;
    request.kernel = &rows;
    kvr_traffic_count(&request, &traffic);
    check("DRAM", &traffic,
          (struct kvr_traffic){codes + 16 * 64, codes + 16 * 64, codes, codes, 0, 0});
    beside.has_codebooks = true;
    kvr_lists_free(&keys);
    kvr_beside_free(&beside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(attention_of_lookat_in_pages),
                                       cmocka_unit_test(materialised_int8),
                                       cmocka_unit_test(int8_in_tiles),
                                       cmocka_unit_test(residual_codes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
