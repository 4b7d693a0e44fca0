/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * LOOKAT's codec: codes and tables against an independent implementation and by hand.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kernels/formats.h"
#include "support.h"

static const struct kvr_codec *lookat(void)
{
    const struct kvr_codec *codec = kvr_codec_find("lookat");
    assert_non_null(codec);
    return codec;
}

static uint8_t code_at(const uint8_t *codes, size_t m, size_t key, size_t subspace)
{
    return codes[(key / 64 * m + subspace) * 64 + key % 64];
}

/* Stored codebooks give exactly the stored codes of all 512 keys of both heads. */
static void stored_codes_are_reproduced(void **state)
{
    (void)state;
    struct kvr_tensor keys, codebook;
    test_load("k.npy", &keys);
    for (uint32_t m = 2; m <= 16; m *= 2) {
        struct kvr_shape shape = {.head_dim = 64, .tokens = 512, .tables = m, .entries = 256};
        char name[32];
        snprintf(name, sizeof name, "codes_m%u.npy", m);
        uint8_t *expected = test_load_bytes(name, 2 * 512 * m);
        snprintf(name, sizeof name, "codebook_m%u.npy", m);
        test_load(name, &codebook);
        uint8_t *codes = test_memory(512 * m);
        for (size_t h = 0; h < 2; h++) {
            const float *side = codebook.values + h * 256 * 64;
            assert_int_equal(lookat()->encode(&shape, side, keys.values + h * 512 * 64, 512, codes),
                             0);
            for (size_t k = 0; k < 512; k++) {
                for (size_t i = 0; i < m; i++)
                    assert_int_equal(code_at(codes, m, k, i), expected[(h * 512 + k) * m + i]);
            }
        }
        free(codes);
        free(expected);
        kvr_tensor_free(&codebook);
    }
    kvr_tensor_free(&keys);
}

/* d = 4, m = 2: centroid c of subspace 0 is (c, -c), of subspace 1 (2c, 1). */
static void fill_by_hand(float *codebook)
{
    for (int c = 0; c < 256; c++) {
        codebook[2 * c] = (float)c;
        codebook[2 * c + 1] = (float)-c;
        codebook[512 + 2 * c] = (float)(2 * c);
        codebook[512 + 2 * c + 1] = 1.0f;
    }
}

static const struct kvr_shape hand = {.head_dim = 4, .tokens = 3, .tables = 2, .entries = 256};

static void codes_padding_and_decode_by_hand(void **state)
{
    (void)state;
    float codebook[1024], decoded[12];
    /* the third key lies midway: (.5, -.5) between 0 and 1, (3, 1) between 1 and 2 */
    const float keys[] = {3.2f, -2.9f, 9.0f, 7.0f, 900.0f, -1.0f, -5.0f, 1.0f, .5f, -.5f, 3, 1};
    const float expected[] = {3, -3, 8, 1, 255, -255, 0, 1, 0, 0, 2, 1};
    fill_by_hand(codebook);
    uint8_t *codes = test_memory(128 + 64);
    assert_int_equal(lookat()->encode(&hand, codebook, keys, 3, codes), 0);
    const uint8_t first[] = {3, 255, 0}, second[] = {4, 0, 1};
    assert_memory_equal(codes, first, 3);
    assert_memory_equal(codes + 64, second, 3);
    for (size_t i = 3; i < 64; i++) {
        assert_int_equal(codes[i], 0);
        assert_int_equal(codes[64 + i], 0);
        assert_int_equal(codes[128 + i], 0xa5);
    }
    lookat()->decode(&hand, codebook, codes, 3, decoded);
    assert_memory_equal(decoded, expected, sizeof expected);
    free(codes);
}

/* 65 keys: the last one opens a second block. */
static void blocks_follow_each_other(void **state)
{
    (void)state;
    struct kvr_shape shape = hand;
    float codebook[1024], keys[65 * 4], decoded[65 * 4];
    fill_by_hand(codebook);
    for (int k = 0; k < 65; k++) {
        const float key[] = {(float)k, (float)-k, (float)(2 * (255 - k)), 1.0f};
        memcpy(keys + 4 * k, key, sizeof key);
    }
    uint8_t *codes = test_memory(256);
    assert_int_equal(lookat()->encode(&shape, codebook, keys, 65, codes), 0);
    assert_int_equal(codes[63], 63);
    assert_int_equal(codes[64 + 63], 255 - 63);
    assert_int_equal(codes[128], 64);
    assert_int_equal(codes[192], 255 - 64);
    assert_int_equal(codes[129], 0);
    assert_int_equal(codes[193], 0);
    lookat()->decode(&shape, codebook, codes, 65, decoded);
    assert_memory_equal(decoded, keys, sizeof keys);
    free(codes);
}

static void ties_take_the_lowest_index(void **state)
{
    (void)state;
    struct kvr_shape shape = {.head_dim = 2, .tokens = 1, .tables = 1, .entries = 256};
    float codebook[512];
    const float key[] = {0.0f, 0.0f};
    for (int c = 0; c < 256; c++) { /* 7, 100 and 200 lie equally near, on different sides */
        int near = c == 7 || c == 100 || c == 200;
        codebook[2 * c] = near ? (c == 100 ? -1.0f : 1.0f) : 5.0f;
        codebook[2 * c + 1] = 0.0f;
    }
    uint8_t *codes = test_memory(64);
    assert_int_equal(lookat()->encode(&shape, codebook, key, 1, codes), 0);
    assert_int_equal(codes[0], 7);
    free(codes);
}

static void float_tables_by_hand(void **state)
{
    (void)state;
    float codebook[1024];
    const float query[] = {3.0f, 1.0f, -1.0f, 6.0f};
    fill_by_hand(codebook);
    float *tables = test_prepare(lookat(), &hand, &kvr_format_lookup_f32, codebook, query);
    for (int c = 0; c < 256; c++) { /* (3c - c) / 2 and (-2c + 6) / 2 */
        assert_true(tables[c] == (float)c);
        assert_true(tables[256 + c] == (float)(3 - c));
    }
    free(tables);
}

static void byte_tables_by_hand(void **state)
{
    (void)state;
    float codebook[1024];
    const float query[] = {3.0f, 1.0f, -.5f, 6.0f};
    fill_by_hand(codebook);
    struct kvr_prepared_lookup_u8 *prepared =
        test_prepare(lookat(), &hand, &kvr_format_lookup_u8, codebook, query);
    /* T_0 = c, of width 255: step 1. T_1 = 3 - c / 2: lowest 3 - 127.5 */
    assert_true(prepared->step == 1.0f);
    assert_true(prepared->bias == -124.5f);
    for (int c = 0; c < 256; c++) {
        assert_int_equal(prepared->tables[c], c);
        int twice = 255 - c; /* offset from the lowest, in half steps */
        int down = twice / 2, up = (twice + 1) / 2, even = down % 2 ? up : down;
        assert_int_equal(prepared->tables[256 + c], twice % 2 ? even : down);
    }
    free(prepared);
}

static void zero_query_gives_zero(void **state)
{
    (void)state;
    float codebook[1024];
    const float query[4] = {0};
    fill_by_hand(codebook);
    struct kvr_prepared_lookup_u8 *prepared =
        test_prepare(lookat(), &hand, &kvr_format_lookup_u8, codebook, query);
    assert_true(prepared->step == 0.0f && prepared->bias == 0.0f);
    for (size_t i = 0; i < 512; i++)
        assert_int_equal(prepared->tables[i], 0);
    free(prepared);
}

/* |8-bit score - float score| <= m * step / 2, for every key and some queries of the real set. */
static void byte_tables_keep_their_bound(void **state)
{
    (void)state;
    struct kvr_tensor keys, queries, codebook;
    test_load("k.npy", &keys);
    test_load("q.npy", &queries);
    for (uint32_t m = 2; m <= 16; m *= 2) {
        struct kvr_shape shape = {.head_dim = 64, .tokens = 512, .tables = m, .entries = 256};
        char name[32];
        snprintf(name, sizeof name, "codebook_m%u.npy", m);
        test_load(name, &codebook);
        uint8_t *codes = test_memory(512 * m);
        assert_int_equal(lookat()->encode(&shape, codebook.values, keys.values, 512, codes), 0);
        for (size_t q = 0; q < 512; q += 31) {
            const float *query = queries.values + q * 64;
            float *f32 =
                test_prepare(lookat(), &shape, &kvr_format_lookup_f32, codebook.values, query);
            struct kvr_prepared_lookup_u8 *u8 =
                test_prepare(lookat(), &shape, &kvr_format_lookup_u8, codebook.values, query);
            for (size_t k = 0; k < 512; k++) {
                double exact = 0.0, steps = 0.0, magnitude = 0.0;
                for (size_t i = 0; i < m; i++) {
                    size_t entry = i * 256 + code_at(codes, m, k, i);
                    exact += f32[entry];
                    magnitude += fabs((double)f32[entry]);
                    steps += u8->tables[entry];
                }
                double coarse = steps * u8->step + u8->bias;
                double bound = m * .5 * u8->step + FLT_EPSILON * (magnitude + fabs(u8->bias));
                if (!(fabs(coarse - exact) <= bound))
                    fail_msg("m %u query %zu key %zu: %g, exact %g, bound %g", m, q, k, coarse,
                             exact, bound);
            }
            free(f32);
            free(u8);
        }
        free(codes);
        kvr_tensor_free(&codebook);
    }
    kvr_tensor_free(&queries);
    kvr_tensor_free(&keys);
}

/* Trained codebooks code their own keys without loss when there are no more keys than entries,
 * and depend on nothing but keys and seed. */
static void training(void **state)
{
    (void)state;
    struct kvr_shape shape = {.head_dim = 32, .tokens = 256, .tables = 4, .entries = 256};
    float *keys = test_random(9, 1000 * 32, 2.0f), decoded[256 * 32];
    struct test_encoded e = test_encode(lookat(), &shape, keys, 256, keys, 256);
    lookat()->decode(&shape, e.side, e.codes, 256, decoded);
    assert_memory_equal(decoded, keys, sizeof decoded);

    size_t bytes = lookat()->side_bytes(&shape);
    assert_int_equal(bytes, 4 * 256 * 8 * sizeof(float));
    void *again = test_memory(bytes), *other = test_memory(bytes);
    assert_int_equal(lookat()->train(&shape, keys, 1000, 1, e.side), 0);
    assert_int_equal(lookat()->train(&shape, keys, 1000, 1, again), 0);
    assert_int_equal(lookat()->train(&shape, keys, 1000, 2, other), 0);
    assert_memory_equal(e.side, again, bytes);
    assert_memory_not_equal(e.side, other, bytes);
    assert_int_equal(lookat()->train(&shape, keys, 255, 1, again), -EINVAL);
    free(other);
    free(again);
    free(e.codes);
    free(e.side);
    free(keys);
}

/* Squared. */
static double distance(const float *a, const float *b, size_t dim)
{
    double sum = 0.0;
    for (size_t j = 0; j < dim; j++)
        sum += ((double)a[j] - b[j]) * ((double)a[j] - b[j]);
    return sum;
}

/* K = 16: every nibble of every byte is the nearest centroid's index, by the layout of kernel.h
 * written a second time; padding is 0, and decoding gives the centroids. */
static void nibbles_are_the_nearest_centroids(void **state)
{
    enum { D = 12, M = 6, DIM = 2, KEYS = 130, BYTES = 3 * 64 * M / 2 };
    const struct kvr_shape shape = {.head_dim = D, .tokens = KEYS, .tables = M, .entries = 16};
    float *keys = test_random(31, KEYS * D, 2.0f), decoded[KEYS * D];
    (void)state;
    struct test_encoded e = test_encode(lookat(), &shape, keys, KEYS, keys, KEYS);
    assert_int_equal(e.codes_bytes, BYTES);
    const float *codebook = e.side;
    const uint8_t *codes = e.codes;
    size_t used = 0;
    lookat()->decode(&shape, e.side, e.codes, KEYS, decoded);
    for (size_t at = 0; at < BYTES; at++) {
        size_t block = at / (64 * M / 2), pair = at / 64 % (M / 2);
        size_t key = block * 64 + at % 4 * 16 + at % 64 / 4; /* dword j: keys j, j + 16, ... */
        for (size_t half = 0; half < 2; half++) {
            unsigned code = codes[at] >> 4 * half & 15;
            size_t i = 2 * pair + half;
            if (key >= KEYS) {
                assert_int_equal(code, 0);
                continue;
            }
            const float *part = keys + key * D + i * DIM;
            const float *chosen = codebook + (i * 16 + code) * DIM;
            for (size_t c = 0; c < 16; c++)
                assert_true(distance(part, chosen, DIM) <=
                            distance(part, codebook + (i * 16 + c) * DIM, DIM));
            assert_memory_equal(decoded + key * D + i * DIM, chosen, DIM * sizeof(float));
            used++;
        }
    }
    assert_int_equal(used, KEYS * M);
    free(e.side);
    free(e.codes);
    free(keys);
}

static void refuses_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        struct kvr_shape shape;
        const char *says;
    } cases[] = {
        {{.head_dim = 64, .tables = 3, .entries = 256}, "m = 3 subspaces (--subspaces) do not"},
        {{.head_dim = 64, .tables = 0, .entries = 256}, "1 to 64 subspaces (--subspaces), not 0"},
        {{.head_dim = 128, .tables = 128, .entries = 256}, "(--subspaces), not 128"},
        {{.head_dim = 64, .tables = 4, .entries = 17}, "lookat serves 16 or 256 entries"},
        {{.head_dim = 64, .tables = 4, .entries = 0}, "(--entries), not 0"},
        {{.head_dim = 80, .tables = 5, .entries = 16}, "even numbers of subspaces (--subspaces)"},
        {{.head_dim = 64, .tables = 1, .entries = 16}, "two codes into a byte"},
        {{.head_dim = 0, .tables = 4, .entries = 256}, "(--head-dim) from 1 to 256, not 0"},
        {{.head_dim = 512, .tables = 4, .entries = 256}, "(--head-dim) from 1 to 256, not 512"},
        {{.head_dim = 64, .tables = 4, .entries = 256, .group = 32}, "no scale groups"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *reason = lookat()->refuses(&cases[i].shape);
        assert_non_null(reason);
        if (!strstr(reason, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", reason, cases[i].says);
    }
    for (uint32_t m = 1; m <= 64; m *= 2) {
        struct kvr_shape shape = {.head_dim = 64, .tables = m, .entries = 256};
        assert_null(lookat()->refuses(&shape));
        assert_true(lookat()->key_bytes(&shape) == m);
        assert_int_equal(lookat()->side_bytes(&shape), 256 * 64 * sizeof(float));
        shape.entries = 16;
        if (m == 1)
            continue;
        assert_null(lookat()->refuses(&shape));
        assert_true(lookat()->key_bytes(&shape) == m / 2.0);
        assert_int_equal(lookat()->side_bytes(&shape), 16 * 64 * sizeof(float));
        assert_int_equal(kvr_codec_layout(lookat(), &shape)->segment_bytes(&shape, 65), 64 * m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_codes_are_reproduced),
        cmocka_unit_test(codes_padding_and_decode_by_hand),
        cmocka_unit_test(blocks_follow_each_other),
        cmocka_unit_test(ties_take_the_lowest_index),
        cmocka_unit_test(float_tables_by_hand),
        cmocka_unit_test(byte_tables_by_hand),
        cmocka_unit_test(zero_query_gives_zero),
        cmocka_unit_test(byte_tables_keep_their_bound),
        cmocka_unit_test(training),
        cmocka_unit_test(nibbles_are_the_nearest_centroids),
        cmocka_unit_test(refuses_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
