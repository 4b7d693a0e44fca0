/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 16-bit floats by their definitions (float16 is binary16), in double, for references: not the
 * kernels' bit tricks, so that an error there shows.
 */
#ifndef KVR_HALF_VALUE_H
#define KVR_HALF_VALUE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* 2^exponent, of a normal double. ldexp costs more than all else of a reference. */
static inline double kvr_power_of_two(int exponent)
{
    const uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* A sign, an exponent in the rest, and so many bits of mantissa. */
static inline double kvr_value16(uint16_t bits, int mantissa_bits)
{
    const int most = (1 << (15 - mantissa_bits)) - 1; /* the exponent of infinities and NaNs */
    const int one = 1 << mantissa_bits, unit = 1 - most / 2 - mantissa_bits;
    const int exponent = bits >> mantissa_bits & most, mantissa = bits & (one - 1);
    double magnitude = exponent ? (one + mantissa) * kvr_power_of_two(exponent - 1 + unit)
                                : mantissa * kvr_power_of_two(unit);
    if (exponent == most)
        magnitude = mantissa ? (double)NAN : (double)INFINITY;
    return bits >> 15 ? -magnitude : magnitude;
}

static inline double kvr_half_value(uint16_t half)
{
    return kvr_value16(half, 10);
}

/* bfloat16: the exponent of a float and 7 bits of its mantissa. */
static inline double kvr_bf16_value(uint16_t bits)
{
    return kvr_value16(bits, 7);
}

/* The nearest value that float16 has (ties to even): 11 significant bits, none below 2^-24. */
static inline double kvr_nearest_half(double value)
{
    int exponent;
    frexp(value, &exponent);
    const int last = exponent - 11 > -24 ? exponent - 11 : -24;
    const double nearest = ldexp(rint(ldexp(value, -last)), last);
    return fabs(nearest) < 65536 ? nearest : copysign((double)INFINITY, value);
}

#endif
