/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines of 4- or 8-bit codes against a float query with AVX2 and FMA: a dword is one key's, half a
 * line is 8 keys. A code is not extracted; what is converted are the low parts of the dword, one
 * mask each: with codes c0, c1, ... of B values they are
 *     x0 = c0, x1 = c0 + B * c1, x2 = c0 + B * c1 + B^2 * c2, ...
 * exact in float up to 24 bits, and since c_j = (x_j - x_(j-1)) / B^j,
 *     sum of q_j * c_j = sum of t_j * x_j, t_j = q_j / B^j - q_(j+1) / B^(j+1)
 * with nothing behind the last code of a part. The t take the query's place, once a segment. Each
 * term is at most 1 + 1/B times as large as those with the codes themselves.
 */
#ifndef KVR_LOW_PARTS_AVX2_H
#define KVR_LOW_PARTS_AVX2_H

#include "../simd/hide.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "affine.h"

/* The t of a query: 4-bit codes in parts of 16 bits, 8-bit codes in parts of 24 and 8. */
struct kvr_low_parts {
    float query[KVR_MAX_HEAD_DIM];
};

/* Of 16 keys, two sums of each half line, to hide the latency of the multiply-adds. */
struct kvr_part_sums {
    __m256 low0, low1, high0, high1;
};

struct kvr_scores16 {
    __m256 low, high;
};

/* `units`: of four codes, 1 / B^j; `last`: whether code j has another one of its part behind it,
 * as a mask. */
KVR_INLINE void kvr_low_parts(struct kvr_low_parts *parts, const float *query, uint32_t head_dim,
                              __m128 units, __m128i behind)
{
    const __m256 unit = _mm256_set_m128(units, units);
    const __m256i mask = _mm256_set_m128i(behind, behind);
    float *t = parts->query;
    KVR_HIDE(t); /* memory, not registers that spill */
    for (uint32_t c = 0; c < head_dim; c += 8) {
        __m256 q = _mm256_mul_ps(_mm256_loadu_ps(query + c), unit);
        __m256i next = _mm256_srli_si256(_mm256_castps_si256(q), 4);
        next = _mm256_and_si256(next, mask);
        _mm256_storeu_ps(t + c, _mm256_sub_ps(q, _mm256_castsi256_ps(next)));
    }
}

KVR_INLINE void kvr_low_parts4(struct kvr_low_parts *parts, const float *query, uint32_t head_dim)
{
    kvr_low_parts(parts, query, head_dim, _mm_setr_ps(1, 0x1p-4f, 0x1p-8f, 0x1p-12f),
                  _mm_set1_epi32(-1));
}

KVR_INLINE void kvr_low_parts8(struct kvr_low_parts *parts, const float *query, uint32_t head_dim)
{
    kvr_low_parts(parts, query, head_dim, _mm_setr_ps(1, 0x1p-8f, 0x1p-16f, 1),
                  _mm_setr_epi32(-1, -1, 0, 0));
}

/* Sums that begin with `start`. */
KVR_INLINE struct kvr_part_sums kvr_start_sums(float start)
{
    const __m256 first = _mm256_set1_ps(start), zero = _mm256_setzero_ps();
    return (struct kvr_part_sums){first, zero, first, zero};
}

KVR_INLINE struct kvr_scores16 kvr_part_total(const struct kvr_part_sums *s)
{
    return (struct kvr_scores16){_mm256_add_ps(s->low0, s->low1),
                                 _mm256_add_ps(s->high0, s->high1)};
}

KVR_INLINE void kvr_store_scores16(float *scores, uint32_t left, struct kvr_scores16 s)
{
    kvr_store8(scores, left, s.low);
    kvr_store8(scores + 8, (int64_t)left - 8, s.high);
}

KVR_INLINE __m256i kvr_codes8(const unsigned char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* The part x of 16 keys times *q. The barriers keep gcc from converting all parts first, for which
 * there are no registers. */
KVR_INLINE void kvr_add_part(__m256 *low_sum, __m256 *high_sum, __m256i low, __m256i high,
                             const float *q)
{
    const __m256 t = _mm256_broadcast_ss(q);
    *low_sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(low), t, *low_sum);
    *high_sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(high), t, *high_sum);
    KVR_HIDE_VECTOR(*low_sum);
    KVR_HIDE_VECTOR(*high_sum);
}

#define KVR_MASKED(v, bits) _mm256_and_si256(v, _mm256_set1_epi32((1 << (bits)) - 1))

/* 4 channels of 16 keys in 4 bits each. with_upper: there are further bits above them. */
KVR_INLINE void kvr_add_nibbles(struct kvr_part_sums *s, __m256i low, __m256i high, const float *q,
                                const int with_upper)
{
    kvr_add_part(&s->low0, &s->high0, KVR_MASKED(low, 4), KVR_MASKED(high, 4), q);
    kvr_add_part(&s->low1, &s->high1, KVR_MASKED(low, 8), KVR_MASKED(high, 8), q + 1);
    kvr_add_part(&s->low0, &s->high0, KVR_MASKED(low, 12), KVR_MASKED(high, 12), q + 2);
    kvr_add_part(&s->low1, &s->high1, with_upper ? KVR_MASKED(low, 16) : low,
                 with_upper ? KVR_MASKED(high, 16) : high, q + 3);
}

/* A line of affine4: 8 channels of 16 keys. */
KVR_INLINE void kvr_add_line4(struct kvr_part_sums *s, const unsigned char *line, const float *q)
{
    __m256i low = kvr_codes8(line), high = kvr_codes8(line + KVR_LINE_BYTES / 2);
    KVR_HIDE_VECTOR(low); /* or it is loaded for every mask */
    KVR_HIDE_VECTOR(high);
    kvr_add_nibbles(s, low, high, q, 1);
    kvr_add_nibbles(s, _mm256_srli_epi32(low, 16), _mm256_srli_epi32(high, 16), q + 4, 0);
}

/* A line of affine8: 4 channels of 16 keys. */
KVR_INLINE void kvr_add_line8(struct kvr_part_sums *s, const unsigned char *line, const float *q)
{
    __m256i low = kvr_codes8(line), high = kvr_codes8(line + KVR_LINE_BYTES / 2);
    KVR_HIDE_VECTOR(low);
    KVR_HIDE_VECTOR(high);
    kvr_add_part(&s->low0, &s->high0, KVR_MASKED(low, 8), KVR_MASKED(high, 8), q);
    kvr_add_part(&s->low1, &s->high1, KVR_MASKED(low, 16), KVR_MASKED(high, 16), q + 1);
    kvr_add_part(&s->low0, &s->high0, KVR_MASKED(low, 24), KVR_MASKED(high, 24), q + 2);
    kvr_add_part(&s->low1, &s->high1, _mm256_srli_epi32(low, 24), _mm256_srli_epi32(high, 24),
                 q + 3);
}

#endif
