/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kivi2, kivi4, asymkv1: bytes a key, scales, zeros, codes and layout by hand and by the paper's
 * formula, the float16 residual, keys that are appended, and what is refused.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kernels/formats.h"
#include "support.h"

static const struct { const char *name; int bits; } codecs[] = {
    {"kivi2", 2}, {"kivi4", 4}, {"asymkv1", 1}, {"squat2", 2}, {"squat4", 4}};
enum { CODECS = sizeof codecs / sizeof *codecs, OF_KIVI = 3 };

static const struct kvr_codec *codec(size_t i)
{
    const struct kvr_codec *found = kvr_codec_find(codecs[i].name);
    assert_non_null(found);
    return found;
}

/* The layout of kernel.h from the reader's side: half `index` of a group, and a key's code. */
static float half_at(const uint8_t *group, size_t index)
{
    uint16_t half;
    memcpy(&half, group + 2 * index, sizeof half);
    return kvr_half_to_float(half);
}

static uint32_t code_at(const uint8_t *group, size_t d, int bits, size_t key, size_t channel)
{
    uint32_t dwords[32];
    const size_t of_a_dword = 32 / (size_t)bits;
    memcpy(dwords, group + 4 * d + channel / of_a_dword * 128, sizeof dwords);
    return dwords[key] >> channel % of_a_dword * (size_t)bits & ((1u << bits) - 1);
}

/* The literature's figures: 24 and 48 bytes for 2 bits at d = 64 and 128, 40 and 80 for 4. */
static void bytes_a_key(void **state)
{
    static const double expected[CODECS][2] = {{24, 48}, {40, 80}, {16, 32}, {24, 48}, {40, 80}};
    (void)state;
    for (size_t i = 0; i < CODECS; i++) {
        for (uint32_t d = 64; d <= 128; d += 64) {
            const struct kvr_shape shape = {.head_dim = d, .tokens = 320, .group = 32};
            const double bytes = expected[i][d / 128];
            assert_true(codec(i)->key_bytes(&shape) == bytes);
            assert_true(codec(i)->formats[0]->segment_bytes(&shape, 320) == 320 * bytes);
            /* 7 keys more: float16, padded to 32 of them */
            assert_true(codec(i)->formats[0]->segment_bytes(&shape, 327) == 320 * bytes + 64 * d);
        }
    }
}

/* 2 bits in groups of 32, d = 128: 48 bytes a coded key, 256 of one in the residual. The literature
 * has groups of 128 with R = 128, 36 bytes just after a flush and (384 * 36 + 127 * 256) / 511 = 91
 * just before. */
static void bytes_a_key_at_both_ends(void **state)
{
    static const struct { uint32_t residual, tokens; double bytes; } ends[] = {
        {0, 512, 48}, {0, 511, (480 * 48 + 31 * 256) / 511.}, {0, 513, (512 * 48 + 256) / 513.},
        {128, 512, 48}, {128, 511, (384 * 48 + 127 * 256) / 511.}, {128, 0, 48},
        {128, 100, 256}};
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const struct kvr_shape shape = {.head_dim = 128, .tokens = ends[i].tokens, .group = 32,
                                        .residual = ends[i].residual};
        assert_true(fabs(codec(0)->key_bytes(&shape) - ends[i].bytes) < 1e-9);
    }
    /* a block of 32 places for each 32 keys of the residual, whole lines */
    const struct kvr_shape shape = {.head_dim = 128, .group = 32, .residual = 128};
    const struct kvr_format *format = codec(0)->formats[0];
    assert_int_equal(format->segment_bytes(&shape, 511), 384 * 48 + 128 * 256);
    assert_int_equal(format->segment_bytes(&shape, 385), 384 * 48 + 32 * 256);
    assert_int_equal(format->segment_bytes(&shape, 100), 128 * 256);
}

/* Every code is the nearest of 2^bits values between the least and the greatest of its channel, as
 * the paper's formula has it in double; only the stored scale and zero are float16. */
static void codes_follow_the_formula(void **state)
{
    (void)state;
    enum { D = 96, KEYS = 64 };
    const struct kvr_shape shape = {.head_dim = D, .tokens = KEYS, .group = 32};
    float *keys = test_random(5, KEYS * D, 4.0f);
    for (size_t i = 0; i < KEYS * D; i++) /* a mean and a size of each channel; float16 */
        keys[i] = kvr_half_to_float(kvr_float_to_half(keys[i] * (float)(i % D) / 20 +
                                                      (float)(i % 7)));
    for (size_t i = 0; i < OF_KIVI; i++) {
        const int bits = codecs[i].bits, most = (1 << bits) - 1;
        struct test_encoded e = test_encode(codec(i), &shape, keys, KEYS, keys, KEYS);
        for (size_t g = 0; g < KEYS / 32; g++) {
            const uint8_t *group =
                (uint8_t *)e.codes + g * codec(i)->formats[0]->segment_bytes(&shape, 32);
            for (size_t c = 0; c < D; c++) {
                double low = INFINITY, high = -INFINITY;
                for (size_t k = 0; k < 32; k++) {
                    low = fmin(low, (double)keys[(g * 32 + k) * D + c]);
                    high = fmax(high, (double)keys[(g * 32 + k) * D + c]);
                }
                const double scale = (high - low) / most;
                assert_true(half_at(group, D + c) == (float)low);
                assert_true(fabs(half_at(group, c) - scale) <= scale * 0x1p-11);
                for (size_t k = 0; k < 32; k++) {
                    double steps = (keys[(g * 32 + k) * D + c] - low) / fmax(scale, 1e-30);
                    double off = steps - code_at(group, D, bits, k, c);
                    assert_true(fabs(off) <= .5 + most * 0x1p-11); /* the scale's rounding */
                }
            }
        }
        free(e.side);
        free(e.codes);
    }
    free(keys);
}

/* Channel 37 of d = 64 has 0, 1, 2, 3, 0 ... and channel 38 the same + 8 times 4. */
static void codes_by_hand(void **state)
{
    (void)state;
    const struct kvr_shape shape = {.head_dim = 64, .tokens = 33, .group = 32};
    float *keys = calloc(33 * 64, sizeof *keys), decoded[33 * 64];
    for (size_t k = 0; k < 33; k++) {
        keys[k * 64 + 37] = (float)(k % 4);
        keys[k * 64 + 38] = (float)(k % 4) * 4 + 8;
    }
    struct test_encoded e = test_encode(codec(0), &shape, keys, 33, keys, 33);
    const uint8_t *bytes = e.codes;
    assert_true(half_at(bytes, 37) == 1 && half_at(bytes, 64 + 37) == 0);
    assert_true(half_at(bytes, 38) == 4 && half_at(bytes, 64 + 38) == 8);
    assert_true(half_at(bytes, 36) == 0 && half_at(bytes, 64 + 36) == 0);
    /* channels 32..47 of key 3: bits 10..13 of the dword 2 * 32 + 3 behind 256 bytes of scales */
    uint32_t dword;
    memcpy(&dword, bytes + 256 + (2 * 32 + 3) * 4, sizeof dword);
    assert_int_equal(dword, 3 << 10 | 3 << 12);
    /* key 32 is the residual's first: its channels are 64 bytes apart, the other keys 0 */
    const uint8_t *residual = bytes + 32 * 24;
    for (size_t c = 0; c < 64; c++) {
        assert_true(half_at(residual, c * 32) == keys[32 * 64 + c]);
        for (size_t k = 1; k < 32; k++)
            assert_true(half_at(residual, c * 32 + k) == 0);
    }
    codec(0)->decode(&shape, e.side, e.codes, 33, decoded);
    assert_memory_equal(decoded, keys, sizeof decoded); /* all of them lie on the steps */
    free(keys);
    free(e.side);
    free(e.codes);
}

static void a_full_residual_becomes_a_group(void **state)
{
    (void)state;
    enum { D = 64, KEYS = 270 };
    static const uint32_t windows[] = {0, 96, 128};
    float *keys = test_random(6, KEYS * D, 4.0f), *queries = test_random(7, 20 * D, 2.0f);
    const struct kvr_teaching teaching = {.queries = queries, .count = 20};
    for (size_t i = 0; i < 3 * CODECS; i++) {
        const struct kvr_shape shape = {.head_dim = D, .tokens = KEYS, .group = 32,
                                        .residual = windows[i / CODECS]};
        const struct kvr_codec *c = codec(i % CODECS);
        const struct kvr_format *format = c->formats[0];
        const size_t room = format->segment_bytes(&shape, 2 * 128 - 1) + 8 * 4096;
        uint8_t *grown = test_memory(room), *whole = test_memory(room);
        void *side = test_memory(c->side_bytes(&shape) + 1);
        assert_int_equal(kvr_codec_train(c, &shape, keys, KEYS, &teaching, 1, side), 0);
        for (size_t n = 0; n < KEYS; n++) {
            assert_int_equal(c->append(&shape, side, keys + n * D, n, grown), 0);
            assert_int_equal(c->encode(&shape, side, keys, n + 1, whole), 0);
            assert_memory_equal(grown, whole, format->segment_bytes(&shape, (uint32_t)n + 1));
        }
        float large[D] = {1e5f};
        memcpy(whole, grown, room);
        assert_int_equal(c->append(&shape, side, large, KEYS, grown), -ERANGE);
        assert_memory_equal(grown, whole, room);
        free(side);
        free(grown);
        free(whole);
    }
    free(queries);
    free(keys);
}

static void what_is_refused(void **state)
{
    (void)state;
    float keys[33 * 64] = {0}, side[64 * 64 + 1];
    uint8_t *codes = test_memory(64 * 64 * 2);
    for (size_t i = 0; i < CODECS; i++) {
        struct kvr_shape shape = {.head_dim = 64, .group = 32};
        assert_null(codec(i)->refuses(&shape));
        assert_int_equal(codec(i)->train(&shape, keys, 0, 1, side), -EINVAL);
        keys[70] = NAN;
        assert_int_equal(codec(i)->train(&shape, keys, 33, 1, side), -EINVAL);
        keys[70] = 0;
        assert_int_equal(codec(i)->train(&shape, keys, 33, 1, side), 0);
        keys[70] = 70000;
        assert_int_equal(codec(i)->encode(&shape, side, keys, 33, codes), -ERANGE);
        keys[70] = 65504; /* and from there down to as little: no float16 scale of one bit */
        keys[6] = -65504;
        assert_int_equal(codec(i)->encode(&shape, side, keys, 33, codes),
                         codecs[i].bits == 1 ? -ERANGE : 0);
        keys[70] = keys[6] = 0;
        shape.group = 0;
        assert_non_null(strstr(codec(i)->refuses(&shape), "32 keys"));
        shape = (struct kvr_shape){.head_dim = 80, .group = 32};
        assert_non_null(strstr(codec(i)->refuses(&shape), "multiples of 32"));
        shape = (struct kvr_shape){.head_dim = 64, .group = 32, .residual = 33};
        assert_non_null(strstr(codec(i)->refuses(&shape), "--kivi-residual"));
        shape.residual = 288;
        assert_non_null(strstr(codec(i)->refuses(&shape), "288"));
        shape.residual = 256;
        assert_null(codec(i)->refuses(&shape));
        shape.head_dim = 288;
        assert_non_null(codec(i)->refuses(&shape));
    }
    free(codes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_a_key),
        cmocka_unit_test(bytes_a_key_at_both_ends),
        cmocka_unit_test(codes_follow_the_formula),
        cmocka_unit_test(codes_by_hand),
        cmocka_unit_test(a_full_residual_becomes_a_group),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
