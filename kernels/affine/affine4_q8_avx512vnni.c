/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4_q8 with AVX-512 VNNI: the low nibbles of a line (8 channels of 16 keys) against the even
 * channels' query dword, the high nibbles against the odd channels'. The high ones are not shifted
 * down: their sums are 16 times too large, exactly, and one shift per block mends that.
 *
 * Limits, d = 64: 8 loads, 16 masks and 16 dot products for 16 keys: ALU ports, 2 cycles a line.
 * Beyond L1 the memory is the limit.
 */
#include "../simd/inject.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "affine.h"

#define LINE_CHANNELS KVR_AFFINE4_LINE_CHANNELS

struct sums {
    __m512i low0, low1, high0, high1;
};

KVR_INLINE struct sums start_sums(__m512i start)
{
    const __m512i zero = _mm512_setzero_si512();
    return (struct sums){start, zero, zero, zero};
}

KVR_INLINE void add_line(__m512i *low, __m512i *high, const unsigned char *line, __m512i nibbles,
                         __m512i even, __m512i odd)
{
    __m512i v = _mm512_loadu_si512(line);
    KVR_KEEP(v);
    *low = _mm512_dpbusd_epi32(*low, _mm512_and_si512(v, nibbles), even);
    *high = _mm512_dpbusd_epi32(*high, _mm512_andnot_si512(nibbles, v), odd);
}

KVR_INLINE __m512i total(const struct sums *s)
{
    __m512i high = _mm512_srai_epi32(_mm512_add_epi32(s->high0, s->high1), 4);
    return _mm512_add_epi32(_mm512_add_epi32(s->low0, s->low1), high);
}

KVR_INLINE __m512i block64(const unsigned char *codes, const __m512i *query, __m512i start,
                           const unsigned char *ahead, const int prefetch)
{
    const __m512i nibbles = _mm512_set1_epi8(15);
    struct sums s = start_sums(start);
    KVR_UNROLL
    for (size_t l = 0; l < 64 / LINE_CHANNELS; l += 2) {
        const unsigned char *p = codes + l * KVR_LINE_BYTES;
        const __m512i *q = query + 2 * l;
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, 2 * KVR_LINE_BYTES);
        add_line(&s.low0, &s.high0, p, nibbles, q[0], q[1]);
        add_line(&s.low1, &s.high1, p + KVR_LINE_BYTES, nibbles, q[2], q[3]);
    }
    return total(&s);
}

/* d a multiple of 8: two lines a step, and the odd one. */
KVR_INLINE __m512i block_any(const unsigned char *codes, const int32_t *query, size_t lines,
                             __m512i start, const unsigned char *ahead, const int prefetch)
{
    const __m512i nibbles = _mm512_set1_epi8(15);
    struct sums s = start_sums(start);
    size_t l = 0;
    for (; l + 2 <= lines; l += 2) {
        const unsigned char *p = codes + l * KVR_LINE_BYTES;
        const int32_t *q = query + 2 * l;
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, 2 * KVR_LINE_BYTES);
        add_line(&s.low0, &s.high0, p, nibbles, _mm512_set1_epi32(q[0]), _mm512_set1_epi32(q[1]));
        add_line(&s.low1, &s.high1, p + KVR_LINE_BYTES, nibbles, _mm512_set1_epi32(q[2]),
                 _mm512_set1_epi32(q[3]));
    }
    if (l < lines) {
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, KVR_LINE_BYTES);
        add_line(&s.low0, &s.high0, codes + l * KVR_LINE_BYTES, nibbles,
                 _mm512_set1_epi32(query[2 * l]), _mm512_set1_epi32(query[2 * l + 1]));
    }
    return total(&s);
}

#define SCAN score_affine4_q8
#include "q8_avx512vnni.inc"

const struct kvr_kernel kvr_kernel_affine4_q8_fused_avx512vnni = {
    .variant = "fused",
    .isa_name = "avx512vnni",
    .format = &kvr_format_affine4_q8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_VNNI,
    .work = {.block_keys = 16, .loads = 8, .stores = 1, .vector_alu = 21, .int_dots = 16,
             .converts = 1, .uops = 69, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .vector_alu = 5, .converts = 1, .uops = 29},
    .work_head_dim = 64,
    .score = score_affine4_q8,
};
