/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * binary16 and bfloat16 by integer operations only: the result depends neither on the host's ISA
 * nor on the flush-to-zero modes of the thread that calls.
 */
#include "codec.h"

#include <string.h>

float kvr_half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1fu;
    uint32_t mantissa = half & 0x3ffu;
    uint32_t bits;

    if (exponent == 0x1f) { /* a NaN is made quiet, as conversion instructions do */
        bits = sign | 0x7f800000u | (mantissa ? (mantissa << 13) | 0x400000u : 0);
    } else if (exponent) {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    } else if (mantissa) { /* subnormal: value = mantissa * 2^-24, normal in binary32 */
        uint32_t shift = (uint32_t)__builtin_clz(mantissa) - 21;
        bits = sign | (113 - shift) << 23 | ((mantissa << shift) & 0x3ffu) << 13;
    } else {
        bits = sign;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint16_t kvr_float_to_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;

    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
    if (magnitude >= 0x477ff000u) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude >= 0x38800000u) { /* 2^-14: the smallest normal binary16 */
        uint32_t rebiased = magnitude - (112u << 23);
        uint32_t odd = (rebiased >> 13) & 1;
        return (uint16_t)(sign | (rebiased + 0xfffu + odd) >> 13);
    }
    if (magnitude <= 0x33000000u) /* 2^-25 is the tie between 0 and 2^-24: to even, 0 */
        return (uint16_t)sign;
    uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    uint32_t shift = 126 - (magnitude >> 23); /* 14 .. 24 */
    uint32_t kept = mantissa >> shift;
    uint32_t rest = mantissa & ((1u << shift) - 1), tie = 1u << (shift - 1);
    kept += rest > tie || (rest == tie && (kept & 1));
    return (uint16_t)(sign | kept);
}

float kvr_bf16_to_float(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float value;

    if ((bits & 0x7fffffffu) > 0x7f800000u)
        bits |= 0x400000u;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint16_t kvr_float_to_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t magnitude = bits & 0x7fffffffu;

    if (magnitude > 0x7f800000u) /* quiet, or a payload below the 7 bits would leave an infinity */
        return (uint16_t)(bits >> 16 | 0x40u);
    if (magnitude < 0x800000u)
        return (uint16_t)(bits >> 16 & 0x8000u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}
