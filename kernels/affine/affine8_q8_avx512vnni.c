/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8_q8 with AVX-512 VNNI: one vpdpbusd multiplies a line (4 channels of 16 keys, unsigned
 * codes) by a broadcast query dword (4 signed bytes). For d = 64 the 16 query dwords stay in
 * registers; longer queries are broadcast from memory by the instruction's operand.
 *
 * Limits, d = 64: 16 loads and 16 dot products for 16 keys: a line a cycle where two lines can be
 * loaded and one or two dot products issued a cycle. Beyond L1 the memory is the limit.
 */
#include "../simd/inject.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "affine.h"

#define LINE_CHANNELS KVR_AFFINE8_LINE_CHANNELS

KVR_INLINE __m512i dot_line(__m512i sum, const unsigned char *line, __m512i query)
{
    return _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(line), query);
}

KVR_INLINE __m512i block64(const unsigned char *codes, const __m512i *query, __m512i start,
                           const unsigned char *ahead, const int prefetch)
{
    __m512i a = start, b = _mm512_setzero_si512(), c = b, d = b;
    KVR_UNROLL
    for (size_t l = 0; l < 64 / LINE_CHANNELS; l += 4) {
        const unsigned char *p = codes + l * KVR_LINE_BYTES;
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, 4 * KVR_LINE_BYTES);
        a = dot_line(a, p, query[l]);
        b = dot_line(b, p + KVR_LINE_BYTES, query[l + 1]);
        c = dot_line(c, p + 2 * KVR_LINE_BYTES, query[l + 2]);
        d = dot_line(d, p + 3 * KVR_LINE_BYTES, query[l + 3]);
    }
    return _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
}

/* d a multiple of 16: four lines a step. */
KVR_INLINE __m512i block_any(const unsigned char *codes, const int32_t *query, size_t lines,
                             __m512i start, const unsigned char *ahead, const int prefetch)
{
    __m512i a = start, b = _mm512_setzero_si512(), c = b, d = b;
    for (size_t l = 0; l < lines; l += 4) {
        const unsigned char *p = codes + l * KVR_LINE_BYTES;
        if (prefetch)
            kvr_prefetch(ahead + l * KVR_LINE_BYTES, 4 * KVR_LINE_BYTES);
        a = dot_line(a, p, _mm512_set1_epi32(query[l]));
        b = dot_line(b, p + KVR_LINE_BYTES, _mm512_set1_epi32(query[l + 1]));
        c = dot_line(c, p + 2 * KVR_LINE_BYTES, _mm512_set1_epi32(query[l + 2]));
        d = dot_line(d, p + 3 * KVR_LINE_BYTES, _mm512_set1_epi32(query[l + 3]));
    }
    return _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
}

#define SCAN score_affine8_q8
#include "q8_avx512vnni.inc"

const struct kvr_kernel kvr_kernel_affine8_q8_fused_avx512vnni = {
    .variant = "fused",
    .isa_name = "avx512vnni",
    .format = &kvr_format_affine8_q8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_VNNI,
    .work = {.block_keys = 16, .loads = 16, .stores = 1, .vector_alu = 4, .int_dots = 16,
             .converts = 1, .uops = 60, .convert_rate = "convert.i32"},
    .work_once = {.stores = 1, .vector_alu = 4, .converts = 1, .uops = 44},
    .work_head_dim = 64,
    .score = score_affine8_q8,
};
