/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8 with AVX-512 and a float query, line by line: 4 channels of 16 keys.
 *
 * A dword of codes is not taken apart. Shifted left by 24, 16, 8 and 0 bits and converted, as
 * unsigned, it is 2^24 times byte 0, byte 1 + byte 0 / 256, and so on. So each channel's query less
 * 1/256 of the next one's makes the sum of products right, which costs a few operations a segment.
 * What a conversion rounds, 2^-24 of a code of 256, is no more than what a product does; sums of
 * codes that are not centred lose one bit more. The largest error seen is 2 % of the tolerance.
 *
 * Limits, per line: 3 shifts, 4 conversions and 4 multiply-adds. Two 512-bit ALU ports (Intel; Zen
 * 4's pairs of 256-bit pipes) are full after 5.5 cycles; measured 5.7, and 6.6 with the bytes taken
 * apart, which is 13 operations. From memory the two overlap in part only: a line is 13
 * instructions, so a core that reorders 512 of them sees 40 lines ahead, 220 cycles, less than
 * memory's latency, and the rest is left to prefetches.
 */
#include "../simd/hide.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "../planted.h"
#include "affine.h"

/* at: the query of a segment, from where the compiler sees no array of the function's own. */
struct constants {
    float query[KVR_MAX_HEAD_DIM] __attribute__((aligned(KVR_LINE_BYTES)));
    const float *at;
    __m512 offset_sum;
};

KVR_INLINE void load_constants(struct constants *k, const void *prepared, uint32_t head_dim)
{
    const struct kvr_prepared_affine *p = prepared;
    float *at = k->query;
    KVR_HIDE(at);
    for (uint32_t c = 0; c < head_dim; c += 16) {
        const __m512 q = _mm512_loadu_ps(p->query + c);
        const __m512 next = _mm512_maskz_permute_ps(0x7777, q, 0x39); /* 0 at a dword's end */
        _mm512_store_ps(at + c, _mm512_fnmadd_ps(next, _mm512_set1_ps(0x1p-8f), q));
    }
    k->offset_sum = _mm512_set1_ps(p->offset_sum);
    k->at = at;
}

struct sums {
    __m512 a, b, c, d;
};

KVR_INLINE __m512 add_channel(__m512 sum, __m512i dwords, const float *query)
{
    return _mm512_fmadd_ps(_mm512_cvtepu32_ps(dwords), _mm512_set1_ps(*query), sum);
}

KVR_INLINE void add_line(struct sums *s, const unsigned char *line, const float *query,
                         const unsigned char *ahead, const int prefetch)
{
    __m512i v = _mm512_loadu_si512(line);
    KVR_KEEP(v);
    if (prefetch)
        kvr_prefetch(ahead, KVR_LINE_BYTES);
    s->a = add_channel(s->a, _mm512_slli_epi32(v, 24), query);
    s->b = add_channel(s->b, _mm512_slli_epi32(v, 16), query + 1);
    s->c = add_channel(s->c, _mm512_slli_epi32(v, 8), query + 2);
    s->d = add_channel(s->d, v, query + 3);
}

KVR_INLINE __m512 block_total(const unsigned char *codes, const uint32_t lines,
                              const unsigned char *ahead, const struct constants *k,
                              const int prefetch)
{
    const __m512 zero = _mm512_setzero_ps();
    struct sums s = {zero, zero, zero, zero};
    if (lines == 16) { /* d = 64: unrolled whole */
        KVR_UNROLL
        for (size_t l = 0; l < 16; l++)
            add_line(&s, codes + l * KVR_LINE_BYTES, k->at + l * 4, ahead + l * KVR_LINE_BYTES,
                     prefetch);
    } else {
        for (size_t l = 0; l < lines; l++)
            add_line(&s, codes + l * KVR_LINE_BYTES, k->at + l * 4, ahead + l * KVR_LINE_BYTES,
                     prefetch);
    }
    const __m512 sum = _mm512_add_ps(_mm512_add_ps(s.a, s.b), _mm512_add_ps(s.c, s.d));
    return _mm512_fmsub_ps(sum, _mm512_set1_ps(0x1p-24f), k->offset_sum);
}

#define PREPARED struct kvr_prepared_affine
#define SCAN score_affine8
#define UNIT_CHANNELS KVR_AFFINE8_LINE_CHANNELS
#define LINES(units) (units)
#define CONSTANTS struct constants
#define TOTAL(block, query, ahead) block_total(block, units, ahead, &k, prefetch)
#define SCORES __m512
#define STORE kvr_store16
#include "blocks.inc"

KVR_PLANT(score_affine8)
const struct kvr_kernel kvr_kernel_affine8_fused_avx512 = {
    .variant = "fused",
    .isa_name = "avx512",
    .format = &kvr_format_affine8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA,
    .work = {.block_keys = 16, .loads = 80, .stores = 1, .vector_alu = 51, .fma = 65,
             .converts = 64, .uops = 209, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .vector_alu = 3, .fma = 1, .uops = 16},
    .work_head_dim = 64,
    .score = KVR_PLANTED(score_affine8),
};
