/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * float16 (IEEE binary16) in portable C, for kernels without conversion instructions: integer
 * operations, and one subtraction of normal floats, so that neither result depends on flush-to-zero
 * modes. No NaN comes in.
 */
#ifndef KVR_HALF_H
#define KVR_HALF_H

#include <string.h>

#include "ahead.h"

KVR_INLINE float kvr_float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Exact also with denormals-are-zero: a float16 subnormal is made by subtracting two normal
 * floats, 2^-14 * (1 + m / 1024) - 2^-14. One branch for these and infinities, whose exponents, 0
 * and 31, are what one more makes 1 and 32 of. */
KVR_INLINE float kvr_widen_half(uint16_t half)
{
    /* Sign, three copies of it (cleared), exponent, mantissa. */
    uint32_t bits = ((uint32_t)(int32_t)(int16_t)half << 13) & 0x8fffe000u;
    if (__builtin_expect(((half + 0x400) & 0x7800) == 0, 0)) {
        if (half & 0x7c00)
            return kvr_float_of_bits(bits | 0x7f800000u);
        float tiny = kvr_float_of_bits((bits & 0x7fffffffu) + (113u << 23)) - 0x1p-14f;
        return half & 0x8000 ? -tiny : tiny;
    }
    return kvr_float_of_bits(bits + (112u << 23));
}

/* To nearest, ties to even; from 65520 to infinity it is infinity, as conversion instructions have
 * it. */
KVR_INLINE uint16_t kvr_round_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude >= 0x477ff000u)
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude >= 0x38800000u) /* 2^-14: a normal float16 */
        return (uint16_t)(sign | (magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1)) >> 13);
    if (magnitude <= 0x33000000u) /* 2^-25 is the tie between 0 and the smallest subnormal */
        return (uint16_t)sign;
    const uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    const uint32_t shift = 126 - (magnitude >> 23); /* 14 to 24 bits go */
    const uint32_t kept = mantissa >> shift, half_way = 1u << (shift - 1);
    return (uint16_t)(sign | (kept + ((mantissa & (2 * half_way - 1)) + (kept & 1) > half_way)));
}

#endif
