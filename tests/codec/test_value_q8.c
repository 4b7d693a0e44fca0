/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Values of 8 bits: what comes back of them, where scale and byte lie, what is refused.
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
#include "../../src/codec/codec.h"

static const struct kvr_codec *const q8 = &kvr_codec_value_q8;

/* Every value within half a step of its group's scale, which is largest / 127 as float16. */
static void values_come_back(void **state)
{
    static const uint32_t dims[] = {32, 64, 96, 256}, counts[] = {1, 16, 17, 50};
    (void)state;
    for (size_t n = 0; n < 16; n++) {
        const uint32_t d = dims[n % 4], count = counts[n / 4];
        const struct kvr_shape shape = {.head_dim = d};
        float *values = malloc(count * d * sizeof *values);
        float *back = malloc(count * d * sizeof *back);
        void *codes = malloc(kvr_format_values_q8.segment_bytes(&shape, count));
        uint32_t random = 1 + d;
        for (size_t i = 0; i < (size_t)count * d; i++) {
            random = random * 1664525u + 1013904223u;
            values[i] = ((float)(random >> 8) / (1 << 23) - 1) * (float)(1 + i / 32 % 7);
        }
        memset(values, 0, 32 * sizeof *values); /* a group of zeros */
        assert_int_equal(q8->encode(&shape, NULL, values, count, codes), 0);
        q8->decode(&shape, NULL, codes, count, back);
        for (size_t g = 0; g < (size_t)count * d / 32; g++) {
            float largest = 0;
            for (int c = 0; c < 32; c++)
                largest = fmaxf(largest, fabsf(values[g * 32 + c]));
            for (int c = 0; c < 32; c++) /* half a step, and the rounding of the scale at 127 */
                assert_true(fabsf(values[g * 32 + c] - back[g * 32 + c]) <=
                            largest * (.5F / 127 + 0x1p-11F) * 1.001F);
        }
        free(values);
        free(back);
        free(codes);
    }
}

static void extremes_keep_their_sign(void **state)
{
    const struct kvr_shape shape = {.head_dim = 32};
    float values[32] = {127, -127, 63, -1}, back[32];
    unsigned char codes[64 + 16 * 32];
    (void)state;
    assert_int_equal(kvr_format_values_q8.segment_bytes(&shape, 1), sizeof codes);
    assert_int_equal(q8->encode(&shape, NULL, values, 1, codes), 0);
    q8->decode(&shape, NULL, codes, 1, back);
    assert_memory_equal(back, values, sizeof back);
    assert_int_equal(codes[64], 127);
    assert_int_equal(codes[65], 0x81);
    assert_int_equal(codes[1] << 8 | codes[0], 0x3c00); /* 1 */
    for (size_t i = 2; i < 64; i++)
        assert_int_equal(codes[i], 0); /* rows that are padding, and the line's rest */
}

static void what_is_refused(void **state)
{
    float values[32] = {127 * 65536.0F};
    unsigned char codes[64 + 16 * 32];
    (void)state;
    assert_non_null(q8->refuses(&(struct kvr_shape){.head_dim = 80}));
    assert_null(q8->refuses(&(struct kvr_shape){.head_dim = 96}));
    assert_int_equal(q8->encode(&(struct kvr_shape){.head_dim = 32}, NULL, values, 1, codes),
                     -ERANGE);
    assert_true(q8->key_bytes(&(struct kvr_shape){.head_dim = 64}) == 68);
    assert_null(kvr_codec_find("q8")); /* no system of keys */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(extremes_keep_their_sign),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
