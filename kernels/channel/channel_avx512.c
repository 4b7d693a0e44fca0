/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel1, channel2, channel4 with AVX-512: a permute looks 4 bits of each key's dword up in a
 * register of 16 floats. Of 4-bit codes these are 0..15, to be multiplied by the channel's query
 * times scale; of shorter ones they are the sums that all codes of 2 or 4 channels give, made once
 * for the 32 keys of a group.
 *
 * Limits, d = 64, 32 keys, on two 512-bit ports of which one shifts and one permutes, and what
 * llvm-mca gives for the compiled loop on Ice Lake and Sapphire Rapids:
 *   channel2: 56 shifts, 64 permutes, 64 additions, 64 products for the tables, 27 to fold scales
 *             and zeros: 137 cycles; llvm-mca 132;
 *   channel4: 112 shifts, 128 permutes, 128 multiply-adds, 27: 197; llvm-mca 196;
 *   channel1: 28 shifts, 32 permutes, 32 additions, 64 products, 27: 92; llvm-mca 87.
 */
#include "../simd/hide.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "folded.h"
#include "residual_avx512.h"

enum { LANES = 16, NIBBLES = 8, UNIT_BYTES = 2 * KVR_LINE_BYTES };

/* The value of each field of 0..15, by its place in the nibble. */
struct fields {
    __m512 of[4];
};

KVR_INLINE struct fields field_values(const uint32_t bits)
{
    const __m512i codes =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    struct fields f;
    KVR_UNROLL
    for (uint32_t j = 0; j < 4; j++) {
        __m512i field = _mm512_srli_epi32(codes, j * bits);
        field = _mm512_and_epi32(field, _mm512_set1_epi32((1 << bits) - 1));
        f.of[j] = _mm512_cvtepi32_ps(field);
    }
    return f;
}

/* query * scale of each channel, to be broadcast; returns the sum of query * zero. */
KVR_INLINE __m512 fold_query(const unsigned char *group, const float *query,
                             const uint32_t head_dim, float *folded)
{
    __m512 zeros = _mm512_setzero_ps();
    for (uint32_t c = 0; c < head_dim; c += LANES) {
        const __m512 q = _mm512_loadu_ps(query + c);
        _mm512_store_ps(folded + c, _mm512_mul_ps(q, kvr_load_half16(group + 2 * c)));
        zeros = _mm512_fmadd_ps(q, kvr_load_half16(group + 2 * (head_dim + c)), zeros);
    }
    return _mm512_set1_ps(_mm512_reduce_add_ps(zeros));
}

/* What the 16 values of a nibble of `4 / bits` channels add to a score. */
KVR_INLINE __m512 make_table(const struct fields *f, const float *folded, const uint32_t bits)
{
    __m512 table = _mm512_mul_ps(f->of[0], _mm512_set1_ps(folded[0]));
    KVR_UNROLL_FOLDED
    for (uint32_t j = 1; j < 4 / bits; j++)
        table = _mm512_fmadd_ps(f->of[j], _mm512_set1_ps(folded[j]), table);
    return table;
}

/* The keys' halves, two sums each: an addition need not wait for the one before it. */
struct sums {
    __m512 low[2], high[2];
};

KVR_INLINE __m512 add_nibble(__m512 sum, __m512i dwords, __m512 table, const float *folded,
                             const uint32_t bits)
{
    const __m512 values = _mm512_permutexvar_ps(dwords, table);
    if (bits == 4)
        return _mm512_fmadd_ps(values, _mm512_set1_ps(*folded), sum);
    sum = _mm512_add_ps(sum, values);
    KVR_KEEP(sum); /* or gcc makes all tables first and has no registers for them */
    return sum;
}

/* Adds the channels of a dword of 32 keys. */
KVR_INLINE void add_unit(struct sums *s, const unsigned char *lines, const unsigned char *ahead,
                         const float *folded, const struct fields *f, const uint32_t bits,
                         const int prefetch)
{
    __m512i a = _mm512_loadu_si512(lines);
    __m512i b = _mm512_loadu_si512(lines + KVR_LINE_BYTES);
    KVR_KEEP(a);
    KVR_KEEP(b);
    if (prefetch)
        kvr_prefetch(ahead, 2 * KVR_LINE_BYTES);
    KVR_UNROLL
    for (uint32_t n = 0; n < NIBBLES; n++) {
        const float *one = folded + n * 4 / bits;
        const __m512 table = bits == 4 ? f->of[0] : make_table(f, one, bits);
        s->low[n % 2] = add_nibble(s->low[n % 2], _mm512_srli_epi32(a, 4 * n), table, one, bits);
        s->high[n % 2] = add_nibble(s->high[n % 2], _mm512_srli_epi32(b, 4 * n), table, one, bits);
    }
}

KVR_INLINE void score_group(const unsigned char *group, const unsigned char *ahead,
                            const float *query, const uint32_t bits, const uint32_t head_dim,
                            struct folded *folded, float *scores, const int prefetch)
{
    const float *q = folded->query;
    const struct fields f = field_values(bits);
    const uint32_t units = head_dim * bits / KVR_CHANNEL_DWORD_BITS;
    const size_t first = kvr_channel_head_bytes(head_dim);
    if (prefetch)
        kvr_prefetch(ahead, first);
    const __m512 zeros = fold_query(group, query, head_dim, folded->query);
    struct sums s = {{zeros, _mm512_setzero_ps()}, {zeros, _mm512_setzero_ps()}};
    KVR_HIDE(q); /* or gcc keeps the folded query in registers and shuffles each channel out */
    group += first;
    ahead += first;
    if (head_dim == 64) { /* no loop */
        KVR_UNROLL
        for (size_t u = 0; u < units; u++)
            add_unit(&s, group + u * UNIT_BYTES, ahead + u * UNIT_BYTES,
                     q + u * KVR_CHANNEL_DWORD_BITS / bits, &f, bits, prefetch);
    } else {
        for (size_t u = 0; u < units; u++)
            add_unit(&s, group + u * UNIT_BYTES, ahead + u * UNIT_BYTES,
                     q + u * KVR_CHANNEL_DWORD_BITS / bits, &f, bits, prefetch);
    }
    _mm512_storeu_ps(scores, _mm512_add_ps(s.low[0], s.low[1]));
    _mm512_storeu_ps(scores + LANES, _mm512_add_ps(s.high[0], s.high[1]));
}

#define SCAN_OF(bits) score_channel##bits
#include "walk.inc"

#define CHANNEL_KERNEL(bits, ...)                                                                  \
    const struct kvr_kernel kvr_kernel_channel##bits##_fused_avx512 = {                            \
        .variant = "fused",                                                                        \
        .isa_name = "avx512",                                                                      \
        .format = &kvr_format_channel##bits,                                                       \
        .isa = KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C,                                        \
        .work = {.block_keys = 32, __VA_ARGS__},                                                   \
        .work_once = {.stores = 2, .uops = 30},                                                    \
        .work_head_dim = 64,                                                                       \
        .residual_work = {.block_keys = 32, .loads = 3, .fma = 2, .converts = 2, .uops = 15},      \
        .score = score_channel##bits,                                                              \
    };
CHANNEL_KERNEL(1, .loads = 80, .stores = 6, .shuffles = 37, .vector_alu = 86,
               .fma = 52, .converts = 8, .uops = 211)
CHANNEL_KERNEL(2, .loads = 84, .stores = 6, .shuffles = 69, .vector_alu = 162,
               .fma = 36, .converts = 8, .uops = 305)
CHANNEL_KERNEL(4, .loads = 92, .stores = 6, .shuffles = 133, .vector_alu = 122,
               .fma = 132, .converts = 8, .uops = 497)
