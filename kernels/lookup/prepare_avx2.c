/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tables with AVX2, FMA and F16C: 64 centroids at a time, whose sums are 8 of the 16 registers, as
 * many as hide the latency of the multiply-adds. The codebook is read once, but in pieces of 256
 * bytes (128 of a float16 one), a row apart.
 *
 * Limits, K = 256, d = 64: 2048 multiply-adds from memory, two a cycle; of float16 as many
 * conversions besides, on the same two ports.
 */
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "prepare.h"

enum { LANES = 8, VECTORS = 8, SLICE = LANES * VECTORS };

KVR_INLINE __m256 load(const unsigned char *p, const int half)
{
    return half ? kvr_load_half8(p) : _mm256_loadu_ps((const float *)(const void *)p);
}

KVR_INLINE float load_one(const unsigned char *p, const int half)
{
    uint16_t bits;
    float value;
    if (!half)
        return memcpy(&value, p, sizeof value), value;
    memcpy(&bits, p, sizeof bits);
    return _cvtsh_ss(bits);
}

/* Sums of `vectors` times 8 centroids. */
KVR_INLINE void build_slice(struct kvr_codebook_at at, size_t row_bytes, const float *query,
                            float factor, uint32_t dim, float *table, const int vectors,
                            const int half)
{
    const size_t vector_bytes = LANES * (half ? sizeof(uint16_t) : sizeof(float));
    __m256 sums[VECTORS];
    KVR_UNROLL
    for (int v = 0; v < vectors; v++)
        sums[v] = _mm256_setzero_ps();
    for (uint32_t j = 0; j < dim; j++) {
        const __m256 q = _mm256_set1_ps(query[j]);
        KVR_UNROLL
        for (int v = 0; v < vectors; v++)
            sums[v] = _mm256_fmadd_ps(load(at.values + v * vector_bytes, half), q, sums[v]);
        at = kvr_codebook_next(at, vectors * vector_bytes, row_bytes);
    }
    KVR_UNROLL
    for (int v = 0; v < vectors; v++)
        _mm256_storeu_ps(table + v * LANES, _mm256_mul_ps(sums[v], _mm256_set1_ps(factor)));
}

KVR_INLINE struct kvr_table_range table_range(const float *table, uint32_t entries)
{
    __m256 lowest[2], highest[2];
    if (entries != KVR_TABLE_ENTRIES)
        return kvr_table_range(table, entries);
    for (int j = 0; j < 2; j++)
        lowest[j] = highest[j] = _mm256_loadu_ps(table + j * LANES);
    for (int c = 2 * LANES; c < KVR_TABLE_ENTRIES; c += 2 * LANES) {
        for (int j = 0; j < 2; j++) {
            __m256 x = _mm256_loadu_ps(table + c + j * LANES);
            lowest[j] = _mm256_min_ps(lowest[j], x);
            highest[j] = _mm256_max_ps(highest[j], x);
        }
    }
    return (struct kvr_table_range){kvr_lowest8(_mm256_min_ps(lowest[0], lowest[1])),
                                    kvr_highest8(_mm256_max_ps(highest[0], highest[1]))};
}

KVR_INLINE void build_table(struct kvr_codebook_at at, const float *query, float factor,
                            uint32_t dim, uint32_t entries, float *table, const int half,
                            struct kvr_table_range *range)
{
    const size_t row_bytes = kvr_codebook_row(entries, half), value_bytes = row_bytes / entries;
    uint32_t c = 0;
    for (; c + SLICE <= entries; c += SLICE)
        build_slice(kvr_codebook_on(at, c * value_bytes), row_bytes, query, factor, dim, table + c,
                    VECTORS, half);
    for (; c + LANES <= entries; c += LANES)
        build_slice(kvr_codebook_on(at, c * value_bytes), row_bytes, query, factor, dim, table + c,
                    1, half);
    for (; c < entries; c++) {
        float sum = 0;
        for (uint32_t j = 0; j < dim; j++)
            sum += load_one(at.values + j * row_bytes + c * value_bytes, half) * query[j];
        table[c] = sum * factor;
    }
    if (range)
        *range = table_range(table, entries);
}

enum { GROUP_VECTORS = 2, GROUP_SLICE = LANES * GROUP_VECTORS };

/* 16 centroids of four queries: a row's values are loaded (and converted) once, and the 8 sums add
 * up in build_slice's order. */
KVR_INLINE void build_slice4(struct kvr_codebook_at at, size_t row_bytes, const float *queries,
                             size_t query_floats, float factor, uint32_t dim, float *table,
                             size_t table_floats, const int half)
{
    const size_t vector_bytes = LANES * (half ? sizeof(uint16_t) : sizeof(float));
    __m256 sums[KVR_PREPARE_GROUP][GROUP_VECTORS];
    KVR_UNROLL
    for (int q = 0; q < KVR_PREPARE_GROUP; q++)
        sums[q][0] = sums[q][1] = _mm256_setzero_ps();
    for (uint32_t j = 0; j < dim; j++) {
        const __m256 a = load(at.values, half), b = load(at.values + vector_bytes, half);
        at = kvr_codebook_next(at, GROUP_VECTORS * vector_bytes, row_bytes);
        KVR_UNROLL
        for (int q = 0; q < KVR_PREPARE_GROUP; q++) {
            const __m256 x = _mm256_set1_ps(queries[q * query_floats + j]);
            sums[q][0] = _mm256_fmadd_ps(a, x, sums[q][0]);
            sums[q][1] = _mm256_fmadd_ps(b, x, sums[q][1]);
        }
    }
    const __m256 scale = _mm256_set1_ps(factor);
    KVR_UNROLL
    for (int q = 0; q < KVR_PREPARE_GROUP; q++) {
        float *t = table + q * table_floats;
        _mm256_storeu_ps(t, _mm256_mul_ps(sums[q][0], scale));
        _mm256_storeu_ps(t + LANES, _mm256_mul_ps(sums[q][1], scale));
    }
}

/* One subspace's tables of four queries. */
KVR_INLINE void build_tables4(struct kvr_codebook_at at, const float *queries,
                              size_t query_floats, float factor, uint32_t dim, uint32_t entries,
                              float *table, size_t table_floats, const int half)
{
    const size_t row_bytes = kvr_codebook_row(entries, half), value_bytes = row_bytes / entries;
    if (entries % GROUP_SLICE == 0) {
        for (uint32_t c = 0; c < entries; c += GROUP_SLICE) {
            struct kvr_codebook_at slice = kvr_codebook_on(at, c * value_bytes);
            if (c * value_bytes % KVR_LINE_BYTES) /* the second half of a line */
                slice.ahead = NULL;
            build_slice4(slice, row_bytes, queries, query_floats, factor, dim, table + c,
                         table_floats, half);
        }
        return;
    }
    for (int q = 0; q < KVR_PREPARE_GROUP; q++)
        build_table(at, queries + q * query_floats, factor, dim, entries,
                    table + q * table_floats, half, NULL);
}

/* (table - low) / step, of which low / step comes ready. */
KVR_INLINE __m256i steps8(const float *table, __m256 low, __m256 inverse)
{
    return _mm256_cvtps_epi32(_mm256_fmsub_ps(_mm256_loadu_ps(table), inverse, low));
}

/* Packing is within 128-bit lanes, so a permutation of dwords follows. */
KVR_INLINE void quantise_table(const float *table, uint32_t entries, float lowest, float inverse,
                               uint8_t *bytes)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256 low = _mm256_set1_ps(lowest * inverse), factor = _mm256_set1_ps(inverse);
    if (entries != KVR_TABLE_ENTRIES) {
        kvr_quantise_table(table, entries, lowest, inverse, bytes);
        return;
    }
    for (int c = 0; c < KVR_TABLE_ENTRIES; c += 4 * LANES) {
        __m256i ab = _mm256_packs_epi32(steps8(table + c, low, factor),
                                        steps8(table + c + LANES, low, factor));
        __m256i cd = _mm256_packs_epi32(steps8(table + c + 2 * LANES, low, factor),
                                        steps8(table + c + 3 * LANES, low, factor));
        __m256i packed = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(ab, cd), order);
        _mm256_storeu_si256((__m256i *)(void *)(bytes + c), packed);
    }
}

#define ISA_NAME "avx2"
#define ISA_BITS (KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C)
#define STEP(format, codebook) kvr_prepare_##format##_##codebook##_avx2
#include "prepare_quantise.inc"
#include "prepare_groups.inc"
#include "prepare_steps.inc"
