/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_f16 in portable C: float16 values are converted with integer operations, one by one; four
 * partial sums per key hide the latency of the additions.
 */
#include <string.h>

#include "../simd/inject.h"
#include "dense.h"

enum { SUMS = 4, PAIR = 2 };

KVR_INLINE float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Exact also with denormals-are-zero: a float16 subnormal is made by subtracting two normal
 * floats, 2^-14 * (1 + m / 1024) - 2^-14. Infinities and NaN, which no codec stores, would become
 * numbers from 2^16 up. */
KVR_INLINE float half_to_float(uint16_t half)
{
    /* Sign, three copies of it (cleared), exponent, mantissa. */
    uint32_t bits = ((uint32_t)(int32_t)(int16_t)half << 13) & 0x8fffe000u;
    if (__builtin_expect((half & 0x7c00) == 0, 0)) {
        float tiny = float_of_bits((bits & 0x7fffffffu) + (113u << 23)) - 0x1p-14f;
        return half & 0x8000 ? -tiny : tiny;
    }
    return float_of_bits(bits + (112u << 23));
}

KVR_INLINE float dot(const unsigned char *key, const float *query, size_t head_dim)
{
    float sums[SUMS] = {0};
    KVR_INJECT(KVR_INJECT_TIMES(head_dim, 64));
    for (size_t c = 0; c < head_dim; c += SUMS) {
        uint16_t halves[SUMS];
        memcpy(halves, key + c * sizeof *halves, sizeof halves);
        for (int j = 0; j < SUMS; j++)
            sums[j] += half_to_float(halves[j]) * query[c + j];
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* Two keys are d / 16 whole lines. */
KVR_INLINE void score(const struct kvr_shape *shape, const struct kvr_segments *segments,
                      uint32_t i, const void *prepared, float *scores, const int prefetch)
{
    const struct kvr_prepared_dense *p = prepared;
    const uint32_t d = shape->head_dim, tokens = segments->tokens;
    const size_t key_bytes = kvr_dense_key_bytes(shape), bytes = kvr_dense_bytes(shape, tokens);
    uint32_t key = 0;
    for (size_t offset = 0; offset < bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, PAIR * key_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += PAIR * key_bytes, at = kvr_next_at(&run, at, PAIR * key_bytes), key += PAIR) {
            if (prefetch)
                kvr_prefetch(run.ahead + at, PAIR * key_bytes);
            float first = dot(run.codes + at, p->query, d);
            float second = dot(run.codes + at + key_bytes, p->query, d);
            if (key < tokens)
                scores[key] = first;
            if (key + 1 < tokens)
                scores[key + 1] = second;
        }
        offset += run.bytes;
    }
}

static void score_dense_f16(const struct kvr_shape *shape, const struct kvr_segments *segments,
                            uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    if (segments->ahead_segments || segments->ahead_bytes)
        score(shape, segments, i, prepared, scores, 1);
    else
        score(shape, segments, i, prepared, scores, 0);
}

const struct kvr_kernel kvr_kernel_dense_f16_fused_scalar = {
    .variant = "fused",
    .isa_name = "scalar",
    .format = &kvr_format_dense_f16,
    .score = score_dense_f16,
};
