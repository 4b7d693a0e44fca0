/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * float16 and bfloat16 conversions against their definition: every value, and every rounding border
 * between two neighbours.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/codec/codec.h"

static double half_value(unsigned half)
{
    int exponent = half >> 10 & 31, mantissa = half & 0x3ff;
    double magnitude = exponent == 31 ? (mantissa ? NAN : INFINITY)
                       : exponent     ? ldexp(1024 + mantissa, exponent - 25)
                                      : ldexp(mantissa, -24);
    return half & 0x8000 ? -magnitude : magnitude;
}

static void every_half_is_exact(void **state)
{
    (void)state;
    for (unsigned half = 0; half <= 0xffff; half++) {
        float value = kvr_half_to_float((uint16_t)half);
        double expected = half_value(half);
        int negative = half >= 0x8000;
        if (isnan(expected) ? !isnan(value) : (double)value != expected)
            fail_msg("half %04x gives %g, not %g", half, (double)value, expected);
        if (!!signbit(value) != negative)
            fail_msg("half %04x has the wrong sign", half);
    }
}

static void every_half_comes_back(void **state)
{
    (void)state;
    for (unsigned half = 0; half <= 0xffff; half++) {
        unsigned back = kvr_float_to_half(kvr_half_to_float((uint16_t)half));
        int is_nan = (half & 0x7fff) > 0x7c00;
        unsigned expected = is_nan ? half | 0x200 : half; /* NaNs become quiet */
        if (back != expected)
            fail_msg("half %04x comes back as %04x, not %04x", half, back, expected);
    }
}

static void check(float value, unsigned expected)
{
    if (kvr_float_to_half(value) != expected)
        fail_msg("%a gives %04x, not %04x", (double)value, kvr_float_to_half(value), expected);
    if (kvr_float_to_half(-value) != (expected | 0x8000))
        fail_msg("%a gives %04x, not %04x", (double)-value, kvr_float_to_half(-value),
                 expected | 0x8000);
}

static void rounds_to_nearest_even(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 0x7c00; half++) {
        double low = half_value(half);
        /* what would follow the largest half if the exponent went on decides its overflow */
        double high = half == 0x7bff ? 65536.0 : half_value(half + 1);
        float middle = (float)((low + high) / 2);
        assert_true((double)middle == (low + high) / 2);
        check(nextafterf(middle, 0.0f), half);
        check(middle, half + (half & 1));
        check(nextafterf(middle, INFINITY), half + 1);
    }
}

static void extremes(void **state)
{
    (void)state;
    check(0.0f, 0);
    check(0x1p-149f, 0);
    check(0x1p-126f, 0);
    check(0x1.fffffep+127f, 0x7c00);
    check(INFINITY, 0x7c00);
    assert_true((kvr_float_to_half(NAN) & 0x7e00) == 0x7e00);
    uint32_t signalling = 0xff800001u; /* its payload lies below the half's bits */
    float value;
    memcpy(&value, &signalling, sizeof value);
    assert_int_equal(kvr_float_to_half(value), 0xfe00);
}

static double bf16_value(unsigned bits)
{
    int exponent = bits >> 7 & 255, mantissa = bits & 127;
    double magnitude = exponent ? ldexp(128 + mantissa, exponent - 134) : ldexp(mantissa, -133);
    return bits & 0x8000 ? -magnitude : magnitude;
}

static void every_bf16_is_exact_and_comes_back(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits <= 0xffff; bits++) {
        float value = kvr_bf16_to_float((uint16_t)bits);
        unsigned back = kvr_float_to_bf16(value), magnitude = bits & 0x7fff;
        unsigned expected = magnitude > 0x7f80 ? bits | 0x40 : bits;
        if (magnitude < 0x80)
            expected &= 0x8000;
        int is_right = magnitude > 0x7f80    ? isnan(value) && !(value < 0)
                       : magnitude == 0x7f80 ? isinf(value)
                                             : (double)value == bf16_value(bits);
        if (!is_right || !!signbit(value) != (bits >= 0x8000))
            fail_msg("bfloat16 %04x gives %a", bits, (double)value);
        if (back != expected)
            fail_msg("bfloat16 %04x comes back as %04x, not %04x", bits, back, expected);
    }
}

static void check_bf16(float value, unsigned expected)
{
    if (kvr_float_to_bf16(value) != expected || kvr_float_to_bf16(-value) != (expected | 0x8000))
        fail_msg("%a gives %04x and %04x, not %04x", (double)value, kvr_float_to_bf16(value),
                 kvr_float_to_bf16(-value), expected);
}

static void bf16_rounds_to_nearest_even(void **state)
{
    (void)state;
    for (unsigned bits = 0x80; bits < 0x7f80; bits++) {
        double low = bf16_value(bits), high = bf16_value(bits + 1);
        if (bits == 0x7f7f)
            high = 0x1p128; /* what would follow decides the overflow */
        float middle = (float)((low + high) / 2);
        assert_true((double)middle == (low + high) / 2);
        check_bf16(nextafterf(middle, 0.0f), bits);
        check_bf16(middle, bits + (bits & 1));
        check_bf16(nextafterf(middle, INFINITY), bits + 1);
    }
}

static void bf16_extremes(void **state)
{
    (void)state;
    static const uint32_t signalling = 0xff800001u; /* its payload lies below the 7 bits */
    float value;
    memcpy(&value, &signalling, sizeof value);
    assert_int_equal(kvr_float_to_bf16(value), 0xffc0);
    assert_int_equal(kvr_float_to_bf16(NAN) & 0x7fc0, 0x7fc0);
    check_bf16(0.0f, 0);
    check_bf16(0x1p-149f, 0);
    check_bf16(0x1.fffffcp-127f, 0); /* the largest subnormal */
    check_bf16(0x1p-126f, 0x80);
    check_bf16(0x1.fefffep127f, 0x7f7f);
    check_bf16(0x1.ffp127f, 0x7f80);
    check_bf16(INFINITY, 0x7f80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_is_exact),
        cmocka_unit_test(every_half_comes_back),
        cmocka_unit_test(rounds_to_nearest_even),
        cmocka_unit_test(extremes),
        cmocka_unit_test(every_bf16_is_exact_and_comes_back),
        cmocka_unit_test(bf16_rounds_to_nearest_even),
        cmocka_unit_test(bf16_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
