/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * additive_f32 with AVX2 gathers: eight keys per gather, the table of the stage as its base. Half a
 * block's keys at a time: sixteen registers hold their sums and high bits.
 *
 * Limit: the gather, and where its 8 KiB of each table come from: 64 KiB of a group's tables do not
 * stay in L1.
 */
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "additive_lines.h"

enum { LANES = 8, HALF_KEYS = KVR_LOOKUP_BLOCK_KEYS / 2, VECTORS = HALF_KEYS / LANES, TABLES = 8 };

/* Sums of half a block's keys, and of one group the bits that are still to be used: those of the
 * next code from bit 8 on. */
struct sums {
    __m256 sums[VECTORS];
    __m256i bits[VECTORS];
};

KVR_INLINE __m256i bytes8(const unsigned char *line)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)line));
}

KVR_INLINE __m256i bits8(const unsigned char *high)
{
    const __m256i low = _mm256_slli_epi32(bytes8(high), 8);
    const __m256i middle = _mm256_slli_epi32(bytes8(high + KVR_LINE_BYTES), 16);
    const __m256i top = _mm256_slli_epi32(bytes8(high + 2 * KVR_LINE_BYTES), 24);
    return _mm256_or_si256(_mm256_or_si256(low, middle), top);
}

KVR_INLINE void add_group(struct sums *s, const float *tables, const unsigned char *codes)
{
    const __m256i three_bits = _mm256_set1_epi32(7 << 8);
    KVR_UNROLL
    for (int v = 0; v < VECTORS; v++)
        s->bits[v] = bits8(codes + KVR_ADDITIVE_HIGH + v * LANES);
    KVR_UNROLL
    for (size_t r = 0; r < KVR_ADDITIVE_STAGES; r++) {
        const unsigned char *line = codes + r * KVR_LINE_BYTES;
        KVR_UNROLL
        for (int v = 0; v < VECTORS; v++) {
            const __m256i code = _mm256_or_si256(_mm256_and_si256(s->bits[v], three_bits),
                                                 bytes8(line + v * LANES));
            s->sums[v] = _mm256_add_ps(s->sums[v],
                                       _mm256_i32gather_ps(tables, code, sizeof(float)));
            s->bits[v] = _mm256_srli_epi32(s->bits[v], 3);
        }
        tables += KVR_ADDITIVE_ENTRIES;
        /* the next codes and table only after these sums: taken up earlier, they are spilled */
        __asm__("" : "+r"(codes), "+r"(tables) : "x"(s->sums[0]), "x"(s->sums[1]),
                "x"(s->sums[2]), "x"(s->sums[3]));
    }
}

KVR_INLINE void score_half(const float *tables, const unsigned char *codes,
                           const unsigned char *scales, const uint32_t count, float *scores,
                           int64_t left)
{
    struct sums s;
    KVR_UNROLL
    for (int v = 0; v < VECTORS; v++)
        s.sums[v] = _mm256_setzero_ps();
    for (uint32_t g = 0; g < count / KVR_ADDITIVE_STAGES; g++) {
        add_group(&s, tables, codes);
        tables += (size_t)KVR_ADDITIVE_STAGES * KVR_ADDITIVE_ENTRIES;
        codes += KVR_ADDITIVE_GROUP;
    }
    KVR_UNROLL
    for (int v = 0; v < VECTORS; v++) {
        const __m256 scale = kvr_load_half8(scales + v * LANES * (int)sizeof(uint16_t));
        s.sums[v] = _mm256_mul_ps(s.sums[v], scale);
        if (left >= HALF_KEYS)
            _mm256_storeu_ps(scores + v * LANES, s.sums[v]);
        else
            kvr_store8(scores + v * LANES, left - v * LANES, s.sums[v]);
    }
}

KVR_INLINE void score_block(const float *tables, const unsigned char *codes,
                            const unsigned char *ahead, const uint32_t count, float *scores,
                            int64_t left, const int prefetch)
{
    const unsigned char *scales = kvr_additive_scales(codes, count);
    if (prefetch)
        kvr_prefetch(ahead, (size_t)kvr_additive_lines(count) * KVR_LINE_BYTES);
    KVR_UNROLL
    for (int half = 0; half < 2; half++)
        score_half(tables, codes + half * HALF_KEYS,
                   scales + half * HALF_KEYS * (int)sizeof(uint16_t), count,
                   scores + half * HALF_KEYS, left - half * HALF_KEYS);
}

#define SCAN score_additive_f32
#define QUERY float
#define LINES(count) kvr_additive_lines(count)
#define LEFT int64_t
#define BLOCK(codes, ahead) score_block(query, codes, ahead, count, scores + key, left, prefetch)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_additive_f32_f32_gather_avx2 = {
    .variant = "f32-gather",
    .isa_name = "avx2",
    .format = &kvr_format_additive_f32,
    .isa = KVR_ISA_AVX2 | KVR_ISA_F16C,
    .work = {.block_keys = 64, .loads = 104, .stores = 10, .shuffles = 88, .vector_alu = 296,
             .converts = 8, .gathered = 512, .uops = 1262, .shuffle_rate = "convert.i8"},
    .work_once = {.loads = 16, .stores = 10, .vector_alu = 8, .converts = 8, .uops = 60},
    .work_head_dim = 32,
    .work_tables = TABLES,
    .score = score_additive_f32,
};
