/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the kernels are compared with: references on examples worked out by hand, costs and sizes;
 * the list of kernels; and every finite 16-bit float through every dense kernel.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/additive.h"
#include "kernels/half_value.h"
#include "problem.h"
#include "src/machine/isa.h"

static const struct kvr_format *const formats[] = {
    &kvr_format_dense_f16, &kvr_format_dense_bf16, &kvr_format_affine8, &kvr_format_affine4,
    &kvr_format_affine4g, &kvr_format_affine8_f16, &kvr_format_affine4_f16,
    &kvr_format_affine4g_f16, &kvr_format_affine8_q8, &kvr_format_affine4_q8,
    &kvr_format_lookup_f32, &kvr_format_lookup_u8, &kvr_format_lookup4_f32, &kvr_format_lookup4_u8,
    &kvr_format_affine8g, &kvr_format_affine8g_q8, &kvr_format_affine4g_q8, &kvr_format_channel1,
    &kvr_format_channel2, &kvr_format_channel4, &kvr_format_channel1_q8, &kvr_format_channel2_q8,
    &kvr_format_channel4_q8, &kvr_format_signs_u8, &kvr_format_additive_f32,
    &kvr_format_additive_rows};
enum { FORMATS = sizeof formats / sizeof *formats };
static double score_of(const struct kvr_format *format, const struct kvr_shape *shape,
                       uint32_t key, const void *codes, const void *prepared)
{
    double scores[128];
    format->reference(shape, key + 1, codes, NULL, prepared, scores);
    return scores[key];
}

/* row: 1, -2, `small`, `large`, 0.5 */
static void check_dense_by_hand(const struct kvr_format *format, const uint16_t *row, double small,
                                double large)
{
    const struct kvr_shape shape = {.head_dim = 16, .tokens = 18, .queries = 1};
    uint16_t *codes = aligned_bytes(format->segment_bytes(&shape, 18));
    struct kvr_prepared_dense *p = aligned_bytes(sizeof *p);
    memcpy(codes + 17 * 16, row, 16 * sizeof *row);
    p->query[0] = 3;
    p->query[1] = 5;
    p->query[2] = (float)(1 / small);
    p->query[3] = 1;
    p->query[4] = -8;
    assert_true(score_of(format, &shape, 17, codes, p) == 3 - 10 + 1 + large - 4);
    assert_true(format->scale(&shape, p) == 3 + 5 + 1 / small + 1 + 8);
    assert_true(format->magnitude(&shape, 18, codes) == large);
    assert_true(format->magnitude(&shape, 17, codes) == 0);
    free(codes);
    free(p);
}

static void test_dense_by_hand(void **state)
{
    /* the smallest subnormal and the largest float16; normal ones of bfloat16 */
    static const uint16_t halves[16] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x3800};
    static const uint16_t uppers[16] = {0x3f80, 0xc000, 0x2480, 0x4b7f, 0x3f00};
    (void)state;
    check_dense_by_hand(&kvr_format_dense_f16, halves, 0x1p-24, 65504);
    check_dense_by_hand(&kvr_format_dense_bf16, uppers, 0x1p-54, 0x1.fep23);
}

static void test_affine_by_hand(void **state)
{
    const struct kvr_shape shape = {.head_dim = 16, .tokens = 17, .queries = 1};
    unsigned char *codes = aligned_bytes(2 * 16 * 16);
    struct kvr_prepared_affine *p = aligned_bytes(sizeof *p);
    (void)state;
    p->query[0] = 1;
    p->query[6] = 10;
    p->query[15] = 100;
    /* key 16 is key 0 of block 1; affine8: 256 bytes a block, channel c at c / 4 * 64 + c % 4 */
    memset(codes, 128, 512);
    codes[256 + 0] = 131;
    codes[256 + 64 + 2] = 126;
    codes[256 + 3 * 64 + 3] = 0;
    assert_true(score_of(&kvr_format_affine8, &shape, 16, codes, p) == 3 - 20 - 12800);
    assert_true(score_of(&kvr_format_affine8, &shape, 15, codes, p) == 0);
    assert_true(kvr_format_affine8.scale(&shape, p) == 128 * 111);
    /* key 3, affine4: 128 bytes a block, channel c in nibble c % 8 of the dword c / 8 * 16 + 3 */
    memset(codes, 0x88, 512);
    codes[3 * 4] = 0x8f;          /* channel 0: 7 */
    codes[3 * 4 + 3] = 0x80;      /* channel 6: -8 */
    codes[64 + 3 * 4 + 3] = 0x98; /* channel 15: 1 */
    assert_true(score_of(&kvr_format_affine4, &shape, 3, codes, p) == 7 - 80 + 100);
    assert_true(score_of(&kvr_format_affine4, &shape, 2, codes, p) == 0);
    assert_true(kvr_format_affine4.scale(&shape, p) == 8 * 111);
    free(codes);
    free(p);
}

/* d = 96: 3 groups, so 96 bytes of scales in 2 lines, then 12 lines: 896 bytes a block. */
static void test_affine4g_by_hand(void **state)
{
    const struct kvr_shape shape = {.head_dim = 96, .tokens = 17, .queries = 1, .group = 32};
    unsigned char *codes = aligned_bytes(2 * 896);
    struct kvr_prepared_dense *p = aligned_bytes(sizeof *p);
    struct kvr_prepared_rounded *r = aligned_bytes(sizeof *r);
    uint16_t *scales = (uint16_t *)(void *)(codes + 896);
    (void)state;
    assert_int_equal(kvr_format_affine4g.segment_bytes(&shape, 17), 2 * 896);
    assert_int_equal(kvr_format_affine4g_f16.segment_bytes(&shape, 16), 896);
    for (size_t block = 0; block < 2; block++)
        memset(codes + block * 896 + 128, 0x88, 768);
    /* key 16 is key 0 of block 1 */
    scales[0] = 0x3800;  /* group 0: 0.5 */
    scales[16] = 0x0003; /* group 1: 3 x 2^-24 */
    scales[32] = 0x4c01; /* group 2: 16 + 2^-6 */
    codes[896 + 128] = 0x8f;                /* channel 0: 7 */
    codes[896 + 128 + 3 * 64 + 3] = 0x08;   /* channel 31: -8 */
    codes[896 + 128 + 4 * 64] = 0x98;       /* channel 33: 1 */
    codes[896 + 128 + 11 * 64 + 3] = 0x18;  /* channel 95: -7 */
    p->query[0] = r->query[0] = 2;
    p->query[31] = r->query[31] = 10;
    p->query[33] = r->query[33] = 0x1p24f;
    p->query[95] = r->query[95] = -1;
    assert_true(score_of(&kvr_format_affine4g, &shape, 16, codes, p) ==
                7 - 40 + 3 + 7 * (16 + 0x1p-6));
    assert_true(score_of(&kvr_format_affine4g, &shape, 15, codes, p) == 0);
    assert_true(kvr_format_affine4g.scale(&shape, p) == 8 * (13 + 0x1p24));
    assert_true(kvr_format_affine4g.magnitude(&shape, 17, codes) == 16 + 0x1p-6);
    assert_true(kvr_format_affine4g.magnitude(&shape, 16, codes) == 0);
    /* -7 x (16 + 2^-6) = -112.109375 lies between -112.125 and -112.0625, 1/16 apart */
    assert_true(score_of(&kvr_format_affine4g_f16, &shape, 16, codes, r) == 7 - 40 + 3 + 112.125);
    free(codes);
    free(p);
    free(r);
}

/* What float16 makes of code x scale: to nearest, ties to even, subnormal, and too large. */
static void test_rounded_by_hand(void **state)
{
    static const struct {
        float scale;
        int code;
        double rounded;
    } cases[] = {
        {1.0f, 127, 127},
        {0x1.002p0f, 1, 1},                /* 1 + 2^-11: a tie, to even */
        {0x1.006p0f, -1, -(1 + 0x1p-9)},   /* 1 + 3 x 2^-11: a tie, to even */
        {0x1.002002p0f, 1, 1 + 0x1p-10},   /* above the tie */
        {0x1p-24f, -3, -3 * 0x1p-24},
        {0x1p-25f, 1, 0},
        {0x1p-25f, 3, 0x1p-23},
        {0x1.8p-26f, 1, 0},
        {0x1.8p-25f, 1, 0x1p-24},
        {511.75f, -128, -65504},
        {511.9f, -128, (double)-INFINITY},
        {0.1f, 5, 0.5},
    };
    const struct kvr_shape shape = {.head_dim = 16, .tokens = 16, .queries = 1};
    unsigned char *codes = aligned_bytes(256);
    struct kvr_prepared_rounded *p = aligned_bytes(sizeof *p);
    (void)state;
    p->query[6] = -2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        p->scale = cases[i].scale;
        memset(codes, 128, 256);
        codes[64 + 3 * 4 + 2] = (unsigned char)(128 + cases[i].code);
        assert_true(score_of(&kvr_format_affine8_f16, &shape, 3, codes, p) ==
                    -2 * cases[i].rounded);
        if (cases[i].code < -8 || cases[i].code > 7)
            continue;
        memset(codes, 0x88, 256);
        codes[3 * 4 + 3] = (unsigned char)(0x80 | (8 + cases[i].code));
        assert_true(score_of(&kvr_format_affine4_f16, &shape, 3, codes, p) ==
                    -2 * cases[i].rounded);
    }
    p->scale = 2;
    assert_true(kvr_format_affine8_f16.scale(&shape, p) == 2 * 256);
    assert_true(kvr_format_affine4_f16.scale(&shape, p) == 2 * 16);
    assert_true(kvr_format_affine4g_f16.scale(&shape, p) == 2 * 8);
    free(codes);
    free(p);
}

static void test_affine_q8_by_hand(void **state)
{
    const struct kvr_shape shape = {.head_dim = 16, .tokens = 16, .queries = 1};
    unsigned char *codes = aligned_bytes(2 * 16 * 16);
    struct kvr_prepared_affine_q8 *p = aligned_bytes(sizeof *p);
    (void)state;
    p->query8[0] = 127;
    p->query8[15] = -100;
    p->scale = 0.1f;
    memset(codes, 128, 256);
    codes[0] = 255;
    codes[3 * 64 + 3] = 0;
    p->offset_sum = 128 * 27;
    float score = (float)(127 * 127 + 100 * 128) * 0.1f;
    assert_true(score_of(&kvr_format_affine8_q8, &shape, 0, codes, p) == (double)score);
    memset(codes, 0x88, 128);
    codes[0] = 0x8f;
    codes[64 + 3] = 0x08;
    p->offset_sum = 8 * 27;
    score = (float)(7 * 127 + 8 * 100) * 0.1f;
    assert_true(score_of(&kvr_format_affine4_q8, &shape, 0, codes, p) == (double)score);
    free(codes);
    free(p);
}

/* d = 96: 96 bytes of scales in 2 lines, then 24 or 12 lines; key 17 is key 1 of block 1. */
static void check_group_q8_by_hand(const struct kvr_format *format, int zero, size_t line_channels)
{
    const struct kvr_shape shape = {.head_dim = 96, .tokens = 18, .queries = 1, .group = 32};
    const size_t block_bytes = 128 + 96 / line_channels * 64;
    unsigned char *codes = aligned_bytes(2 * block_bytes), *lines = codes + block_bytes + 128;
    uint16_t *scales = (uint16_t *)(void *)(codes + block_bytes);
    const struct kvr_prepared_group_q8 prepared = {
        .steps = {0.25f, 4, 1}, .query8 = {[0] = 127, [63] = -100, [64] = 1}}, *p = &prepared;
    assert_int_equal(format->segment_bytes(&shape, 18), 2 * block_bytes);
    memset(lines, zero == 8 ? 0x88 : 128, block_bytes - 128);
    scales[1] = 0x3800;      /* group 0: 0.5 */
    scales[16 + 1] = 0xc000; /* group 1: -2 */
    lines[4] = zero == 8 ? 0x8f : 128 + 7;                          /* channel 0: 7 */
    lines[63 / line_channels * 64 + 7] = zero == 8 ? 0x08 : 128 - 8; /* channel 63: -8 */
    lines[64 / line_channels * 64 + 4] = 0xff;                      /* a scale of 0 */
    assert_true(score_of(format, &shape, 17, codes, p) == .5 * .25 * 889 - 8 * 800);
    assert_true(score_of(format, &shape, 16, codes, p) == 0);
    assert_true(format->scale(&shape, p) == zero * (127 * .25 + 400 + 1));
    assert_true(format->magnitude(&shape, 18, codes) == 2);
    free(codes);
}

static void test_group_q8_by_hand(void **state)
{
    (void)state;
    check_group_q8_by_hand(&kvr_format_affine8g_q8, 128, 4);
    check_group_q8_by_hand(&kvr_format_affine4g_q8, 8, 8);
}

static void test_lookup_by_hand(void **state)
{
    const struct kvr_shape shape = {.head_dim = 16, .tokens = 66, .queries = 1, .tables = 3,
                                    .entries = 256};
    unsigned char *codes = aligned_bytes(2 * 3 * 64);
    float *tables = aligned_bytes(3 * 256 * sizeof *tables);
    struct kvr_prepared_lookup_u8 *p = aligned_bytes(kvr_format_lookup_u8.prepared_bytes(&shape));
    (void)state;
    /* key 65 is key 1 of block 1 */
    codes[192 + 1] = 255;
    codes[192 + 64 + 1] = 128;
    codes[192 + 128 + 1] = 7;
    tables[255] = 1;
    tables[256 + 128] = 20;
    tables[512 + 7] = -300;
    assert_true(score_of(&kvr_format_lookup_f32, &shape, 65, codes, tables) == -279);
    assert_true(kvr_format_lookup_f32.scale(&shape, tables) == 321);
    p->tables[255] = 255;
    p->tables[256 + 128] = 3;
    p->tables[512 + 7] = 4;
    p->step = 0.1f;
    p->bias = -7.7f;
    float product = 262.0f * 0.1f;
    float score = product + -7.7f;
    assert_true(score_of(&kvr_format_lookup_u8, &shape, 65, codes, p) == (double)score);
    assert_true(kvr_format_lookup_u8.scale(&shape, p) == 262 * (double)0.1f + (double)-7.7f);
    free(codes);
    free(tables);
    free(p);
}

/* Key 64 + 37 is key 5 of the third quarter of block 1: byte 4 * 5 + 2 of each of its lines. */
static void test_lookup4_by_hand(void **state)
{
    const struct kvr_shape shape = {.head_dim = 16, .tokens = 102, .queries = 1, .tables = 4,
                                    .entries = 16};
    unsigned char *codes = aligned_bytes(2 * 2 * 64);
    float *tables = aligned_bytes(4 * 16 * sizeof *tables);
    struct kvr_prepared_lookup_u8 *p = aligned_bytes(kvr_format_lookup4_u8.prepared_bytes(&shape));
    (void)state;
    assert_int_equal(kvr_format_lookup4_u8.segment_bytes(&shape, 64), 128);
    assert_int_equal(kvr_format_lookup4_f32.segment_bytes(&shape, 65), 256);
    codes[128 + 22] = 0xf1;      /* subspace 0: 1, subspace 1: 15 */
    codes[128 + 64 + 22] = 0x70; /* subspace 2: 0, subspace 3: 7 */
    tables[1] = 1;
    tables[16 + 15] = 20;
    tables[32] = 400;
    tables[48 + 7] = -3000;
    assert_true(score_of(&kvr_format_lookup4_f32, &shape, 101, codes, tables) == -2579);
    assert_true(score_of(&kvr_format_lookup4_f32, &shape, 100, codes, tables) == 400);
    assert_true(kvr_format_lookup4_f32.scale(&shape, tables) == 3421);
    p->tables[1] = 255;
    p->tables[16 + 15] = 3;
    p->tables[32] = 4;
    p->tables[48 + 7] = 5;
    p->step = 0.1f;
    p->bias = -7.7f;
    float product = 267.0f * 0.1f;
    float score = product + -7.7f;
    assert_true(score_of(&kvr_format_lookup4_u8, &shape, 101, codes, p) == (double)score);
    assert_true(kvr_format_lookup4_u8.scale(&shape, p) == 267 * (double)0.1f + (double)-7.7f);
    free(codes);
    free(tables);
    free(p);
}

static void check_cost(const struct kvr_format *format, struct kvr_cost expected)
{
    const struct kvr_shape shape = {.head_dim = 64, .tokens = 100, .heads = 3, .queries = 2,
                                    .tables = is_lookup(format) ? 4 : 0,
                                    .entries = format->entries};
    struct kvr_cost cost;
    memset(&cost, 0xff, sizeof cost);
    format->cost(&shape, &cost);
    expected.score_bytes = 2 * 400;
    expected.useful_flops = 2 * 2 * 64 * 100;
    assert_memory_equal(&cost, &expected, sizeof cost);
    assert_true(cost.stream_bytes == (double)format->segment_bytes(&shape, 100));
}

/* 100 keys of d = 64 are 7 blocks of 16 or 2 of 64; two queries. */
static void test_costs(void **state)
{
    (void)state;
    check_cost(&kvr_format_dense_f16, (struct kvr_cost){.stream_bytes = 112 * 128,
               .side_bytes = 512, .executed_flops = 25600, .converts = 12800});
    check_cost(&kvr_format_dense_bf16, (struct kvr_cost){.stream_bytes = 112 * 128,
               .side_bytes = 512, .executed_flops = 25600, .converts = 12800});
    check_cost(&kvr_format_affine8, (struct kvr_cost){.stream_bytes = 112 * 64,
               .side_bytes = 520, .executed_flops = 25600, .converts = 12800});
    check_cost(&kvr_format_affine4, (struct kvr_cost){.stream_bytes = 112 * 32,
               .side_bytes = 520, .executed_flops = 25600, .converts = 12800});
    /* two groups: a line of scales and 8 of codes, 36 bytes a key; their converts and products */
    check_cost(&kvr_format_affine4g, (struct kvr_cost){.stream_bytes = 112 * 36,
               .side_bytes = 512, .executed_flops = 26400, .converts = 13200});
    /* keys dequantised for each query; scales of groups come with the keys */
    check_cost(&kvr_format_affine8_f16, (struct kvr_cost){.stream_bytes = 112 * 64,
               .side_bytes = 520, .executed_flops = 38400, .converts = 25600});
    check_cost(&kvr_format_affine4_f16, (struct kvr_cost){.stream_bytes = 112 * 32,
               .side_bytes = 520, .executed_flops = 38400, .converts = 25600});
    check_cost(&kvr_format_affine4g_f16, (struct kvr_cost){.stream_bytes = 112 * 36,
               .side_bytes = 512, .executed_flops = 38400, .converts = 25600});
    check_cost(&kvr_format_affine8_q8, (struct kvr_cost){.stream_bytes = 112 * 64,
               .side_bytes = 144, .executed_flops = 200, .int_ops = 25600, .converts = 200});
    check_cost(&kvr_format_affine4_q8, (struct kvr_cost){.stream_bytes = 112 * 32,
               .side_bytes = 144, .executed_flops = 200, .int_ops = 25600, .converts = 200});
    check_cost(&kvr_format_affine8g, (struct kvr_cost){.stream_bytes = 112 * 68,
               .side_bytes = 512, .executed_flops = 26400, .converts = 13200});
    /* two groups: 64 bytes, and of each group a sum and a step; scale x step x sum, added up */
    check_cost(&kvr_format_affine8g_q8, (struct kvr_cost){.stream_bytes = 112 * 68,
               .side_bytes = 160, .executed_flops = 1200, .int_ops = 25600, .converts = 800});
    check_cost(&kvr_format_affine4g_q8, (struct kvr_cost){.stream_bytes = 112 * 36,
               .side_bytes = 160, .executed_flops = 1200, .int_ops = 25600, .converts = 800});
    check_cost(&kvr_format_lookup_f32, (struct kvr_cost){.stream_bytes = 128 * 4,
               .side_bytes = 8192, .executed_flops = 800, .lookups = 800});
    check_cost(&kvr_format_lookup_u8, (struct kvr_cost){.stream_bytes = 128 * 4, .side_bytes = 2176,
               .executed_flops = 400, .int_ops = 800, .lookups = 800, .converts = 200});
    check_cost(&kvr_format_lookup4_f32, (struct kvr_cost){.stream_bytes = 128 * 2,
               .side_bytes = 512, .executed_flops = 800, .lookups = 800});
    check_cost(&kvr_format_lookup4_u8, (struct kvr_cost){.stream_bytes = 128 * 2,
               .side_bytes = 256, .executed_flops = 400, .int_ops = 800, .lookups = 800,
               .converts = 200});
    /* two sketches of 4 tables: 4 lines of nibbles and 4 of norms for 64 keys */
    check_cost(&kvr_format_signs_u8, (struct kvr_cost){.stream_bytes = 128 * 8, .side_bytes = 384,
               .executed_flops = 1400, .int_ops = 1600, .lookups = 1600, .converts = 800});
}

static void test_kernel_list(void **state)
{
    size_t count;
    const struct kvr_kernel *const *k = kvr_kernels(&count);
    (void)state;
    for (size_t f = 0; f < FORMATS; f++) {
        size_t scalar = 0;
        for (size_t i = 0; i < count; i++)
            scalar += k[i]->format == formats[f] && k[i]->isa == 0;
        assert_true(scalar > 0); /* every format can be scored on every machine */
    }
    for (size_t i = 0; i < count; i++) {
        assert_non_null(k[i]->score);
        assert_int_equal(k[i]->isa == 0, strcmp(k[i]->isa_name, "scalar") == 0);
        if (k[i]->work.block_keys) {
            assert_true(k[i]->work_head_dim || k[i]->work_tables);
            assert_true(k[i]->work.uops >= k[i]->work.stores + k[i]->work.shuffles);
        }
        for (size_t j = 0; j < i; j++)
            assert_false(k[i]->format == k[j]->format && !strcmp(k[i]->variant, k[j]->variant) &&
                         !strcmp(k[i]->isa_name, k[j]->isa_name));
    }
}

/* Key k holds the values k * 16 .. k * 16 + 15; a query of one 1 picks a channel exactly. */
static void check_halves(const void *argument)
{
    const struct kvr_kernel *kernel = argument;
    enum { D = 16, KEYS = 65536 / D };
    static const uint32_t order[] = {0};
    const struct kvr_shape shape = {.head_dim = D, .tokens = KEYS, .queries = 1};
    uint16_t *codes = aligned_bytes(65536 * sizeof *codes);
    struct kvr_prepared_dense *p = aligned_bytes(sizeof *p);
    float *scores = aligned_bytes(KEYS * sizeof *scores);
    const struct kvr_segments segments = {.base = (unsigned char *)codes, .order = order,
                                          .count = 1, .tokens = KEYS};
    const int bf16 = kernel->format == &kvr_format_dense_bf16;
    const uint16_t exponent = bf16 ? 0x7f80 : 0x7c00;
    for (uint32_t half = 0; half < 65536; half++) {
        codes[half] = (uint16_t)((half & exponent) == exponent ? 0 : half); /* finite */
        if (bf16 && (half & exponent) == 0)
            codes[half] = (uint16_t)(half & 0x8000); /* dense_bf16 has no subnormals */
    }
    for (uint32_t c = 0; c < D; c++) {
        memset(p, 0, sizeof *p);
        p->query[c] = 1;
        kernel->score(&shape, &segments, 0, NULL, p, scores);
        for (uint32_t k = 0; k < KEYS; k++) {
            uint16_t half = codes[k * D + c];
            double expected = bf16 ? kvr_bf16_value(half) : kvr_half_value(half);
            if ((double)scores[k] != expected)
                fail_msg("%s@%s: %#x is %.9g, not %.9g", kernel->format->name,
                         kernel->isa_name, half, expected, (double)scores[k]);
        }
    }
    free(codes);
    free(p);
    free(scores);
}

static void test_halves(void **state)
{
    size_t count;
    struct kvr_isa_info isa;
    const struct kvr_kernel *const *k = kvr_kernels(&count);
    (void)state;
    kvr_isa_detect(&isa);
    for (size_t i = 0; i < count; i++) {
        if (!k[i]->format->row_major || (k[i]->isa & ~isa.usable))
            continue;
        with_and_without_denormals(check_halves, k[i]); /* none is a denormal float */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_by_hand), cmocka_unit_test(test_affine_by_hand),
        cmocka_unit_test(test_affine4g_by_hand), cmocka_unit_test(test_rounded_by_hand),
        cmocka_unit_test(test_affine_q8_by_hand), cmocka_unit_test(test_lookup_by_hand),
        cmocka_unit_test(test_lookup4_by_hand), cmocka_unit_test(test_group_q8_by_hand),
        cmocka_unit_test(test_costs), cmocka_unit_test(test_kernel_list),
        cmocka_unit_test(test_halves)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
