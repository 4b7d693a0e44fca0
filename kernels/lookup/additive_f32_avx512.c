/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * additive_f32 with AVX-512 gathers: 16 keys per gather, the table of the stage as its base.
 *
 * Limit: the gather, and where its 8 KiB of each table come from: 64 KiB of a group's tables do not
 * stay in L1. The lines of a table are looked up for all 64 keys before the next table.
 */
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "additive_lines.h"

enum { LANES = 16, VECTORS = KVR_LOOKUP_BLOCK_KEYS / LANES, TABLES = 8 };

/* Sums of a block's keys, and of one group the bits that are still to be used: those of the next
 * code from bit 8 on. */
struct sums {
    __m512 sums[VECTORS];
    __m512i bits[VECTORS];
};

KVR_INLINE __m512i bytes16(const unsigned char *line)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)line));
}

KVR_INLINE __m512i bits16(const unsigned char *high)
{
    const __m512i low = _mm512_slli_epi32(bytes16(high), 8);
    const __m512i middle = _mm512_slli_epi32(bytes16(high + KVR_LINE_BYTES), 16);
    const __m512i top = _mm512_slli_epi32(bytes16(high + 2 * KVR_LINE_BYTES), 24);
    return _mm512_or_si512(_mm512_or_si512(low, middle), top);
}

KVR_INLINE void add_group(struct sums *s, const float *tables, const unsigned char *codes)
{
    enum { BITS_OR_BYTE = 0xea }; /* (a & b) | c */
    const __m512i three_bits = _mm512_set1_epi32(7 << 8);
    KVR_UNROLL
    for (int v = 0; v < VECTORS; v++)
        s->bits[v] = bits16(codes + KVR_ADDITIVE_HIGH + v * LANES);
    KVR_UNROLL
    for (size_t r = 0; r < KVR_ADDITIVE_STAGES; r++) {
        const unsigned char *line = codes + r * KVR_LINE_BYTES;
        KVR_UNROLL
        for (int v = 0; v < VECTORS; v++) {
            const __m512i code = _mm512_ternarylogic_epi32(
                s->bits[v], three_bits, bytes16(line + v * LANES), BITS_OR_BYTE);
            s->sums[v] = _mm512_add_ps(s->sums[v],
                                       _mm512_i32gather_ps(code, tables, sizeof(float)));
            s->bits[v] = _mm512_srli_epi32(s->bits[v], 3);
        }
        tables += KVR_ADDITIVE_ENTRIES;
        /* the next codes and table only after these sums: taken up earlier, they are spilled */
        __asm__("" : "+r"(codes), "+r"(tables) : "v"(s->sums[0]), "v"(s->sums[1]),
                "v"(s->sums[2]), "v"(s->sums[3]));
    }
}

KVR_INLINE void score_block(const float *tables, const unsigned char *codes,
                            const unsigned char *ahead, const uint32_t count, float *scores,
                            uint32_t left, const int prefetch)
{
    const unsigned char *scales = kvr_additive_scales(codes, count);
    struct sums s;
    KVR_UNROLL
    for (int v = 0; v < VECTORS; v++)
        s.sums[v] = _mm512_setzero_ps();
    if (prefetch)
        kvr_prefetch(ahead, (size_t)kvr_additive_lines(count) * KVR_LINE_BYTES);
    for (uint32_t g = 0; g < count / KVR_ADDITIVE_STAGES; g++) {
        add_group(&s, tables, codes);
        tables += (size_t)KVR_ADDITIVE_STAGES * KVR_ADDITIVE_ENTRIES;
        codes += KVR_ADDITIVE_GROUP;
    }
    KVR_UNROLL
    for (size_t v = 0; v < VECTORS; v++)
        s.sums[v] = _mm512_mul_ps(s.sums[v],
                                  kvr_load_half16(scales + v * LANES * sizeof(uint16_t)));
    kvr_store64(scores, left, s.sums[0], s.sums[1], s.sums[2], s.sums[3]);
}

#define SCAN score_additive_f32
#define QUERY float
#define LINES(count) kvr_additive_lines(count)
#define LEFT uint32_t
#define BLOCK(codes, ahead) score_block(query, codes, ahead, count, scores + key, left, prefetch)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_additive_f32_f32_gather_avx512 = {
    .variant = "f32-gather",
    .isa_name = "avx512",
    .format = &kvr_format_additive_f32,
    .isa = KVR_ISA_AVX512,
    .work = {.block_keys = 64, .loads = 52, .stores = 5, .shuffles = 44, .vector_alu = 112,
             .converts = 4, .gathered = 512, .uops = 883, .shuffle_rate = "convert.i8"},
    .work_once = {.loads = 8, .stores = 5, .vector_alu = 4, .converts = 4, .uops = 40},
    .work_head_dim = 32,
    .work_tables = TABLES,
    .score = score_additive_f32,
};
