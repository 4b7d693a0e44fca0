/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel1, channel2, channel4 with AVX2, FMA and F16C: a byte of each key's dword (or half of one)
 * at a time, its codes masked where they lie and converted to float, which makes them 1, 2, 4 ...
 * 64 times too large; the query is divided by that where it is multiplied by the group's scales.
 *
 * Limits, d = 64, 32 keys, any number of bits: 256 masks, conversions and multiply-adds, and for
 * each part but the first a shift: on three vector ports some 270 cycles. llvm-mca gives the
 * compiled loops 309 (channel2), 336 and 312 cycles on Skylake, 315 to 330 on Zen 3.
 */
#include "../simd/hide.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "folded.h"
#include "residual_avx2.h"

enum { LANES = 8, PARTS = KVR_CHANNEL_KEYS / LANES,
       UNIT_BYTES = 2 * KVR_LINE_BYTES };

/* Bits of a dword whose codes are masked before the next shift: of a byte's eight codes of one bit
 * the masks would not all have a register. */
KVR_INLINE uint32_t part_bits(const uint32_t bits)
{
    return bits == 1 ? 4 : 8;
}

/* By what a channel's code is too large, as a factor, by its place in a part. */
KVR_INLINE __m256 place_factors(const uint32_t bits)
{
    if (bits == 1)
        return _mm256_setr_ps(1, .5f, .25f, .125f, 1, .5f, .25f, .125f);
    if (bits == 2)
        return _mm256_setr_ps(1, .25f, .0625f, .015625f, 1, .25f, .0625f, .015625f);
    return _mm256_setr_ps(1, .0625f, 1, .0625f, 1, .0625f, 1, .0625f);
}

/* query * scale * factor of each channel; returns the sum of query * zero. */
KVR_INLINE float fold_query(const unsigned char *group, const float *query, const uint32_t bits,
                            const uint32_t head_dim, float *folded)
{
    const __m256 factors = place_factors(bits);
    __m256 zeros = _mm256_setzero_ps();
    for (uint32_t c = 0; c < head_dim; c += LANES) {
        const __m256 q = _mm256_loadu_ps(query + c);
        const __m256 scales = _mm256_mul_ps(kvr_load_half8(group + 2 * c), factors);
        _mm256_store_ps(folded + c, _mm256_mul_ps(q, scales));
        zeros = _mm256_fmadd_ps(q, kvr_load_half8(group + 2 * (head_dim + c)), zeros);
    }
    return kvr_sum8(zeros);
}

struct sums {
    __m256 of[PARTS];
};

/* Adds a channel of 32 keys, the code of each at `bit` of its dword. */
KVR_INLINE void add_code(struct sums *s, const __m256i *dwords, uint32_t bit, const float *folded,
                         const uint32_t bits)
{
    const __m256i mask = _mm256_set1_epi32(((1 << bits) - 1) << bit);
    const __m256 query = _mm256_broadcast_ss(folded);
    KVR_UNROLL
    for (size_t p = 0; p < PARTS; p++) {
        const __m256i code = _mm256_and_si256(dwords[p], mask);
        s->of[p] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(code), query, s->of[p]);
        KVR_HIDE_VECTOR(s->of[p]); /* or gcc does many channels at once and has no registers */
    }
}

/* Adds the channels of a dword of 32 keys. */
KVR_INLINE void add_unit(struct sums *s, const unsigned char *lines, const unsigned char *ahead,
                         const float *folded, const uint32_t bits, const int prefetch)
{
    __m256i dwords[PARTS];
    if (prefetch)
        kvr_prefetch(ahead, UNIT_BYTES);
    KVR_UNROLL
    for (size_t p = 0; p < PARTS; p++) {
        const void *part = lines + p * LANES * sizeof(uint32_t);
        dwords[p] = _mm256_loadu_si256((const __m256i *)part);
        KVR_HIDE_VECTOR(dwords[p]); /* or gcc reads it again for every code */
    }
    KVR_UNROLL_FOLDED
    for (uint32_t part = 0; part < KVR_CHANNEL_DWORD_BITS / part_bits(bits); part++) {
        KVR_UNROLL_FOLDED
        for (uint32_t j = 0; j < part_bits(bits) / bits; j++)
            add_code(s, dwords, j * bits, folded++, bits);
        KVR_UNROLL
        for (size_t p = 0; p < PARTS; p++)
            dwords[p] = _mm256_srli_epi32(dwords[p], (int)part_bits(bits));
    }
}

KVR_INLINE void score_group(const unsigned char *group, const unsigned char *ahead,
                            const float *query, const uint32_t bits, const uint32_t head_dim,
                            struct folded *folded, float *scores, const int prefetch)
{
    const float *q = folded->query;
    const uint32_t units = head_dim * bits / KVR_CHANNEL_DWORD_BITS;
    const size_t first = kvr_channel_head_bytes(head_dim);
    if (prefetch)
        kvr_prefetch(ahead, first);
    const __m256 zeros = _mm256_set1_ps(fold_query(group, query, bits, head_dim, folded->query));
    struct sums s = {{zeros, zeros, zeros, zeros}};
    KVR_HIDE(q); /* or gcc keeps the folded query in registers and shuffles each channel out */
    group += first;
    ahead += first;
    if (head_dim == 64) { /* no loop */
        KVR_UNROLL
        for (size_t u = 0; u < units; u++)
            add_unit(&s, group + u * UNIT_BYTES, ahead + u * UNIT_BYTES,
                     q + u * KVR_CHANNEL_DWORD_BITS / bits, bits, prefetch);
    } else {
        for (size_t u = 0; u < units; u++)
            add_unit(&s, group + u * UNIT_BYTES, ahead + u * UNIT_BYTES,
                     q + u * KVR_CHANNEL_DWORD_BITS / bits, bits, prefetch);
    }
    KVR_UNROLL
    for (size_t p = 0; p < PARTS; p++)
        _mm256_storeu_ps(scores + p * LANES, s.of[p]);
}

#define SCAN_OF(bits) score_channel##bits
#include "walk.inc"

#define CHANNEL_KERNEL(bits, ...)                                                                  \
    const struct kvr_kernel kvr_kernel_channel##bits##_fused_avx2 = {                              \
        .variant = "fused",                                                                        \
        .isa_name = "avx2",                                                                        \
        .format = &kvr_format_channel##bits,                                                       \
        .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C,                                          \
        .work = {.block_keys = 32, .convert_rate = "convert.i32", __VA_ARGS__},                    \
        .work_once = {.stores = 4, .uops = 30},                                                    \
        .work_head_dim = 64,                                                                       \
        .score = score_channel##bits,                                                              \
    };
CHANNEL_KERNEL(1, .loads = 96, .stores = 12, .shuffles = 4, .vector_alu = 331,
               .fma = 264, .converts = 272, .uops = 975)
CHANNEL_KERNEL(2, .loads = 105, .stores = 12, .shuffles = 4, .vector_alu = 323,
               .fma = 264, .converts = 272, .uops = 976)
CHANNEL_KERNEL(4, .loads = 121, .stores = 12, .shuffles = 4, .vector_alu = 371,
               .fma = 264, .converts = 272, .uops = 1047)
