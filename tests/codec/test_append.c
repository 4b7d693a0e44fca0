/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A cache grows by a token at a time. For every codec: a key that is coded alone and put into its
 * place gives, at every length, the segment that coding all keys at once gives, byte for byte, with
 * the padding. Codecs with a scale or codebook get it from outside, as of any keys; a scale of the
 * keys so far would be another one with every larger key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kernels/additive.h"
#include "../../kernels/formats.h"
#include "support.h"

enum { D = 96, KEYS = 150, CALIBRATION = 300, MOST_CALIBRATION = 700, TABLES = 4 };

static struct kvr_shape shape_of(const struct kvr_codec *codec, uint32_t entries)
{
    struct kvr_shape shape = {.head_dim = D, .tokens = KEYS, .queries = 1, .group = codec->group,
                              .tables = codec->calibrated ? TABLES : 0,
                              .entries = codec->calibrated ? entries : 0};
    kvr_codec_set_tables(codec, &shape);
    return shape;
}

/* Key `from` of one segment to place `to` of another: the layouts of kernel.h, written a second
 * time. A block's lines each hold the same number of bytes of each of its keys. */
static void move_key(const struct kvr_format *format, const struct kvr_shape *shape,
                     const uint8_t *source, size_t from, uint8_t *target, size_t to)
{
    if (format->row_major) {
        memcpy(target + to * D * 2, source + from * D * 2, D * 2);
        return;
    }
    const size_t block = format->block_keys;
    size_t bytes = format->segment_bytes(shape, block);
    const size_t part = 64 / block;
    size_t line = 0;
    source += from / block * bytes;
    target += to / block * bytes;
    /* first a float16 scale for every 32 channels */
    if (format == &kvr_format_affine4g || format == &kvr_format_affine8g) {
        for (size_t group = 0; group < D / 32; group++)
            memcpy(target + (group * 16 + to % 16) * 2, source + (group * 16 + from % 16) * 2, 2);
        line = (D / 32 * 16 * 2 + 63) / 64 * 64;
    }
    if (format == &kvr_format_signs_u8) { /* last two float16 norms, each of 64 keys in a row */
        bytes -= 256;
        for (size_t at = bytes; at < bytes + 256; at += 128)
            memcpy(target + at + to % 64 * 2, source + at + from % 64 * 2, 2);
    }
    if (format == &kvr_format_additive_f32) { /* last a float16 scale of each of 64 keys */
        bytes -= 128;
        memcpy(target + bytes + to % 64 * 2, source + bytes + from % 64 * 2, 2);
    }
    if (format->entries == 16) { /* a byte of two codes a line, next to those of keys 16 apart */
        from = from % 16 * 4 + from % 64 / 16;
        to = to % 16 * 4 + to % 64 / 16;
    }
    for (; line < bytes; line += 64)
        memcpy(target + line + to % block * part, source + line + from % block * part, part);
}

static void check_codec(const struct kvr_codec *codec, uint32_t entries, const float *calibration,
                        const float *keys)
{
    const struct kvr_shape shape = shape_of(codec, entries);
    const struct kvr_format *format = kvr_codec_layout(codec, &shape);
    const size_t all = format->segment_bytes(&shape, KEYS);
    void *side = test_memory(codec->side_bytes(&shape));
    uint8_t *grown = test_memory(all), *one = test_memory(all), *whole = test_memory(all);
    const size_t fewest = kvr_codec_fewest_keys(codec, &shape);
    const size_t count = fewest > CALIBRATION ? fewest : CALIBRATION;
    float *decoded = malloc(KEYS * D * sizeof *decoded), alone[D];
    assert_true(count <= MOST_CALIBRATION);
    assert_non_null(decoded);
    assert_null(codec->refuses(&shape));
    assert_int_equal(codec->train(&shape, calibration, count, 1, side), 0);
    for (size_t n = 1; n <= KEYS; n++) {
        const size_t bytes = format->segment_bytes(&shape, (uint32_t)n);
        const size_t block = (n - 1) / format->block_keys * format->block_keys;
        assert_int_equal(codec->encode(&shape, side, keys + (n - 1) * D, 1, one), 0);
        if (n - 1 == block) { /* a new block, with its padding: a row's is 0 */
            const size_t at = block ? format->segment_bytes(&shape, (uint32_t)block) : 0;
            memset(grown + at, 0, format->segment_bytes(&shape, format->block_keys));
            memcpy(grown + at, one, format->segment_bytes(&shape, 1));
        }
        move_key(format, &shape, one, 0, grown, n - 1);
        assert_int_equal(codec->encode(&shape, side, keys, n, whole), 0);
        for (size_t i = 0; i < bytes; i++)
            if (grown[i] != whole[i])
                fail_msg("%s: byte %zu of %zu keys is %#x, coded at once %#x", codec->name, i, n,
                         grown[i], whole[i]);
        codec->decode(&shape, side, one, 1, alone);
        codec->decode(&shape, side, whole, n, decoded);
        assert_memory_equal(alone, decoded + (n - 1) * D, sizeof alone);
    }
    free(decoded);
    free(whole);
    free(one);
    free(grown);
    free(side);
}

static void every_codec_grows_by_a_token(void **state)
{
    const struct kvr_codec *const *codecs = kvr_codecs();
    float *calibration = test_random(1, MOST_CALIBRATION * D, 4.0f);
    float *keys = test_random(2, KEYS * D, 6.0f); /* some beyond those seen: clipped alike */
    (void)state;
    assert_non_null(codecs[0]);
    for (; *codecs; codecs++)
        if (!(*codecs)->append) /* those that are no keys one by one: tests kivi and squat */
            check_codec(*codecs, 256, calibration, keys);
    check_codec(kvr_codec_find("lookat"), 16, calibration, keys);
    check_codec(kvr_codec_find("opq"), 16, calibration, keys);
    free(calibration);
    free(keys);
}

/* Which codecs take anything from the keys that they code: those with a scale of the tensor. What
 * they coded before a larger key is then not what they would code after it. */
static void a_scale_of_the_keys_so_far_does_not_hold(void **state)
{
    static const char *const scaled[] = {"int8", "int4", "int8q8", "int4q8"};
    float *keys = test_random(3, 2 * D, 1.0f);
    (void)state;
    keys[D] = 5.0f; /* of the second key */
    size_t count = 0;
    for (const struct kvr_codec *const *c = kvr_codecs(); *c; c++) {
        const struct kvr_shape shape = shape_of(*c, 256);
        if ((*c)->calibrated || (*c)->append || !(*c)->side_bytes(&shape))
            continue;
        struct test_encoded first = test_encode(*c, &shape, keys, 1, keys, 1);
        struct test_encoded both = test_encode(*c, &shape, keys, 2, keys, 1);
        assert_true(count < sizeof scaled / sizeof *scaled);
        assert_string_equal((*c)->name, scaled[count++]);
        assert_true(*(float *)both.side > *(float *)first.side);
        assert_memory_not_equal(first.codes, both.codes, first.codes_bytes);
        free(first.side);
        free(first.codes);
        free(both.side);
        free(both.codes);
    }
    assert_int_equal(count, sizeof scaled / sizeof *scaled);
    free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_grows_by_a_token),
        cmocka_unit_test(a_scale_of_the_keys_so_far_does_not_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
