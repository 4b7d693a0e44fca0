/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Queries of the dense and affine formats in portable C.
 */
#include "prepare.h"

KVR_INLINE double scale_query(const float *query, float factor, uint32_t d, float *scaled)
{
    double sum = 0;
    for (uint32_t c = 0; c < d; c++) {
        scaled[c] = query[c] * factor;
        sum += (double)scaled[c];
    }
    memset(scaled + d, 0, (KVR_MAX_HEAD_DIM - d) * sizeof *scaled);
    return sum;
}

KVR_INLINE float largest_of(const float *query, uint32_t d)
{
    float largest = 0;
    for (uint32_t c = 0; c < d; c++)
        largest = __builtin_fabsf(query[c]) > largest ? __builtin_fabsf(query[c]) : largest;
    return largest;
}

/* Nibbles: of 8 channels the even ones, then the odd ones. */
KVR_INLINE size_t place_of(size_t c, const int nibbles)
{
    return nibbles ? c / 8 * 8 + c % 2 * 4 + c % 8 / 2 : c;
}

KVR_INLINE void prepare_q8(const struct kvr_shape *shape, const void *side, const float *query,
                           struct kvr_prepared_affine_q8 *p, const int nibbles)
{
    const uint32_t d = shape->head_dim;
    unsigned char *bytes = (unsigned char *)p->dwords;
    const float largest = largest_of(query, d);
    int sum = 0;
    const float step = kvr_query_step(largest);
    memset(p, 0, sizeof *p);
    for (uint32_t c = 0; c < d; c++) {
        int code = (int)__builtin_lrintf(query[c] / step);
        code = code > KVR_MAX_QUERY8 ? KVR_MAX_QUERY8 : code;
        code = code < -KVR_MAX_QUERY8 ? -KVR_MAX_QUERY8 : code;
        p->query8[c] = (int8_t)code;
        bytes[place_of(c, nibbles)] = (unsigned char)code;
        sum += code;
    }
    kvr_finish_q8(shape, side, largest, nibbles ? KVR_AFFINE4_ZERO : KVR_AFFINE8_ZERO, sum, p);
}

KVR_INLINE int store_group(const float *query, float inverse, unsigned char *bytes,
                           unsigned char *dwords, const int nibbles)
{
    int sum = 0;
    for (uint32_t c = 0; c < KVR_AFFINE_GROUP; c++) {
        const int code = (int)__builtin_lrintf(query[c] * inverse);
        bytes[c] = dwords[place_of(c, nibbles)] = (unsigned char)code;
        sum += code;
    }
    return sum;
}

KVR_INLINE void fold(const float *query, const unsigned char *factors, uint32_t d, float *folded,
                     const int half)
{
    for (uint32_t c = 0; c < d; c++) {
        uint16_t bits;
        float factor;
        if (half) {
            memcpy(&bits, factors + c * sizeof bits, sizeof bits);
            factor = kvr_widen_half(bits);
        } else {
            memcpy(&factor, factors + c * sizeof factor, sizeof factor);
        }
        folded[c] = query[c] * factor;
    }
}

#define ISA_NAME "scalar"
#define ISA_BITS 0
#define STEP(name) kvr_prepare_##name##_none_scalar
#define FACTORS(codebook) kvr_prepare_factors_affine4g_##codebook##_scalar
#define FACTORS_BITS 0
#include "prepare_steps.inc"
