/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * 16-bit floats by their definitions (float16 is binary16), in double, for references: not the
 * kernels' bit tricks, so that an error there shows.
 */
#ifndef KVR_HALF_VALUE_H
#define KVR_HALF_VALUE_H

#include <math.h>
#include <stdint.h>

static inline double kvr_half_value(uint16_t half)
{
    int exponent = half >> 10 & 31, mantissa = half & 1023;
    double magnitude = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    if (exponent == 31)
        magnitude = mantissa ? (double)NAN : (double)INFINITY;
    return half >> 15 ? -magnitude : magnitude;
}

/* bfloat16: the exponent of a float and 7 bits of its mantissa. */
static inline double kvr_bf16_value(uint16_t bits)
{
    int exponent = bits >> 7 & 255, mantissa = bits & 127;
    double magnitude = exponent ? ldexp(128 + mantissa, exponent - 134) : ldexp(mantissa, -133);
    if (exponent == 255)
        magnitude = mantissa ? (double)NAN : (double)INFINITY;
    return bits >> 15 ? -magnitude : magnitude;
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
