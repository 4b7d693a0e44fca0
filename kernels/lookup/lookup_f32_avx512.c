/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_f32 with AVX-512 gathers: 16 keys per gather, the table of the subspace as its base.
 *
 * Limit: the gather. It loads 16 elements one by one (and on some CPUs in microcode); the rest of
 * the loop hides behind it.
 */
#include "../simd/inject.h"
#include "../simd/x86_avx512.h"
#include "lookup.h"

enum { LANES = 16, TABLES = 4 };

KVR_INLINE __m512 lookup16(const float *table, const unsigned char *codes)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)codes);
    return _mm512_i32gather_ps(_mm512_cvtepu8_epi32(bytes), table, sizeof(float));
}

/* A line at a time, with the block's four vectors of sums in registers. */
KVR_INLINE void score_block(const unsigned char *codes, const unsigned char *ahead,
                            const float *tables, const uint32_t count, float *scores,
                            uint32_t left, const int prefetch)
{
    KVR_INJECT(KVR_INJECT_TIMES(count, TABLES));
    __m512 a = _mm512_setzero_ps(), b = a, c = a, d = a;
    for (uint32_t i = 0; i < count; i++) {
        const unsigned char *line = codes + (size_t)i * KVR_LINE_BYTES;
        if (prefetch)
            kvr_prefetch(ahead + (size_t)i * KVR_LINE_BYTES, KVR_LINE_BYTES);
        a = _mm512_add_ps(a, lookup16(tables, line));
        b = _mm512_add_ps(b, lookup16(tables, line + LANES));
        c = _mm512_add_ps(c, lookup16(tables, line + 2 * LANES));
        d = _mm512_add_ps(d, lookup16(tables, line + 3 * LANES));
        tables += KVR_LOOKUP_ENTRIES;
    }
    kvr_store64(scores, left, a, b, c, d);
}

#define SCAN score_lookup_f32
#define QUERY float
#define LINES(count) (count)
#define LEFT uint32_t
#define BLOCK(codes, ahead)                                                                        \
    score_block(codes, ahead, query, count, scores + key, left, prefetch)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_lookup_f32_f32_gather_avx512 = {
    .variant = "f32-gather",
    .isa_name = "avx512",
    .format = &kvr_format_lookup_f32,
    .isa = KVR_ISA_AVX512,
    .work = {.block_keys = 64, .loads = 16, .stores = 4, .shuffles = 16, .vector_alu = 16,
             .gathered = 256, .uops = 387, .shuffle_rate = "convert.i8"},
    .work_once = {.stores = 4, .uops = 20},
    .work_head_dim = 64,
    .work_tables = 4,
    .score = score_lookup_f32,
};
