/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8 with AVX-512 and a float query: a line is 4 channels of 16 keys. Byte j of each dword,
 * with its sign bit flipped (code - 128), is moved to the top of the dword, so that the conversion
 * gives 2^24 times the value, exactly, and no offset needs subtracting.
 *
 * Limits, per line: 5 integer operations, 4 conversions and 4 multiply-adds, each with a broadcast
 * load. Two 512-bit ALU ports (Intel; Zen 4's pairs of 256-bit pipes) are full after 6.5 cycles.
 */
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "../planted.h"
#include "affine.h"

struct constants {
    __m512i sign, top, byte1, byte2;
};

KVR_INLINE void load_constants(struct constants *k, const void *prepared, uint32_t head_dim)
{
    (void)prepared;
    (void)head_dim;
    /* vpshufb: byte j of a dword to its top, zeros below */
    const __m512i lane = _mm512_broadcast_i32x4(_mm_setr_epi32(0x00808080, 0x04808080, 0x08808080,
                                                               0x0c808080));
    *k = (struct constants){
        .sign = _mm512_set1_epi8((char)0x80),
        .top = _mm512_set1_epi32((int)0xff000000),
        .byte1 = _mm512_add_epi32(lane, _mm512_set1_epi32(0x01000000)),
        .byte2 = _mm512_add_epi32(lane, _mm512_set1_epi32(0x02000000)),
    };
}

struct sums {
    __m512 a, b, c, d;
};

KVR_INLINE void add_line(struct sums *s, const unsigned char *line, const float *query,
                         const struct constants *k)
{
    __m512i v = _mm512_xor_si512(_mm512_loadu_si512(line), k->sign);
    __m512 a = _mm512_cvtepi32_ps(_mm512_slli_epi32(v, 24));
    __m512 b = _mm512_cvtepi32_ps(_mm512_shuffle_epi8(v, k->byte1));
    __m512 c = _mm512_cvtepi32_ps(_mm512_shuffle_epi8(v, k->byte2));
    __m512 d = _mm512_cvtepi32_ps(_mm512_and_si512(v, k->top));
    s->a = _mm512_fmadd_ps(a, _mm512_set1_ps(query[0]), s->a);
    s->b = _mm512_fmadd_ps(b, _mm512_set1_ps(query[1]), s->b);
    s->c = _mm512_fmadd_ps(c, _mm512_set1_ps(query[2]), s->c);
    s->d = _mm512_fmadd_ps(d, _mm512_set1_ps(query[3]), s->d);
}

KVR_INLINE __m512 total(const struct sums *s)
{
    __m512 sum = _mm512_add_ps(_mm512_add_ps(s->a, s->b), _mm512_add_ps(s->c, s->d));
    return _mm512_mul_ps(sum, _mm512_set1_ps(0x1p-24f));
}

/* d = 64 and its 16 lines: unrolled whole. */
KVR_INLINE __m512 block64(const unsigned char *codes, const float *query,
                          const unsigned char *ahead, const struct constants *k,
                          const int prefetch)
{
    struct sums s = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                     _mm512_setzero_ps()};
    KVR_UNROLL
    for (size_t l = 0; l < 16; l++) {
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, KVR_LINE_BYTES);
        add_line(&s, codes + l * KVR_LINE_BYTES, query + l * 4, k);
    }
    return total(&s);
}

KVR_INLINE __m512 block_any(const unsigned char *codes, const float *query, size_t lines,
                            const unsigned char *ahead, const struct constants *k,
                            const int prefetch)
{
    struct sums s = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                     _mm512_setzero_ps()};
    for (size_t l = 0; l < lines; l++) {
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, KVR_LINE_BYTES);
        add_line(&s, codes + l * KVR_LINE_BYTES, query + l * 4, k);
    }
    return total(&s);
}

#define PREPARED struct kvr_prepared_affine
#define SCAN score_affine8
#define UNIT_CHANNELS KVR_AFFINE8_LINE_CHANNELS
#define LINES(units) (units)
#define CONSTANTS struct constants
#define TOTAL(block, query, ahead)                                                                 \
    (units == 16 ? block64(block, query, ahead, &k, prefetch)                                      \
                : block_any(block, query, units, ahead, &k, prefetch))
#define SCORES __m512
#define STORE kvr_store16
#include "blocks.inc"

KVR_PLANT(score_affine8)
const struct kvr_kernel kvr_kernel_affine8_fused_avx512 = {
    .variant = "fused",
    .isa_name = "avx512",
    .format = &kvr_format_affine8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_FMA,
    .work = {.block_keys = 16, .loads = 80, .stores = 1, .shuffles = 32, .vector_alu = 52,
             .fma = 64, .converts = 64, .uops = 224, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .vector_alu = 4, .uops = 16},
    .work_head_dim = 64,
    .score = KVR_PLANTED(score_affine8),
};
