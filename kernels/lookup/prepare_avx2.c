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

/* 16 centroids of four queries or 32 of two: a row's values are loaded (and converted) once, and
 * the 8 sums add up in build_slice's order. */
KVR_INLINE void build_shared(struct kvr_codebook_at at, size_t row_bytes, const float *queries,
                             size_t query_floats, float factor, uint32_t dim, float *table,
                             size_t table_floats, const int count, const int half)
{
    const int vectors = VECTORS / count;
    const size_t vector_bytes = LANES * (half ? sizeof(uint16_t) : sizeof(float));
    __m256 sums[KVR_PREPARE_GROUP][VECTORS / 2];
    KVR_UNROLL
    for (int q = 0; q < count; q++) {
        KVR_UNROLL
        for (int v = 0; v < vectors; v++)
            sums[q][v] = _mm256_setzero_ps();
    }
    for (uint32_t j = 0; j < dim; j++) {
        __m256 rows[VECTORS / 2];
        KVR_UNROLL
        for (int v = 0; v < vectors; v++)
            rows[v] = load(at.values + v * vector_bytes, half);
        at = kvr_codebook_next(at, vectors * vector_bytes, row_bytes);
        KVR_UNROLL
        for (int q = 0; q < count; q++) {
            const __m256 x = _mm256_set1_ps(queries[q * query_floats + j]);
            KVR_UNROLL
            for (int v = 0; v < vectors; v++)
                sums[q][v] = _mm256_fmadd_ps(rows[v], x, sums[q][v]);
        }
    }
    KVR_UNROLL
    for (int q = 0; q < count; q++) {
        KVR_UNROLL
        for (int v = 0; v < vectors; v++)
            _mm256_storeu_ps(table + q * table_floats + v * LANES,
                             _mm256_mul_ps(sums[q][v], _mm256_set1_ps(factor)));
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
            build_shared(slice, row_bytes, queries, query_floats, factor, dim, table + c,
                         table_floats, KVR_PREPARE_GROUP, half);
        }
        return;
    }
    for (int q = 0; q < KVR_PREPARE_GROUP; q++)
        build_table(at, queries + q * query_floats, factor, dim, entries,
                    table + q * table_floats, half, NULL);
}

/* The same of two queries, and only of 256 entries. */
KVR_INLINE void build_tables2(struct kvr_codebook_at at, const float *queries, size_t query_floats,
                              uint32_t dim, float *table, size_t table_floats, const int half)
{
    const size_t row_bytes = kvr_codebook_row(KVR_TABLE_ENTRIES, half);
    for (uint32_t c = 0; c < KVR_TABLE_ENTRIES; c += SLICE / 2)
        build_shared(kvr_codebook_on(at, c * row_bytes / KVR_TABLE_ENTRIES), row_bytes, queries,
                     query_floats, 1, dim, table + c, table_floats, 2, half);
}

/* 32 channels, `stride` apart. */
KVR_INLINE void gather_channels(const float *query, uint32_t stride, float factor, float *channels)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i from = _mm256_mullo_epi32(lane, _mm256_set1_epi32((int)stride));
    KVR_UNROLL
    for (int v = 0; v < KVR_ADDITIVE_CHANNELS / LANES; v++) {
        __m256 x = _mm256_i32gather_ps(query + v * LANES * stride, from, sizeof *query);
        _mm256_storeu_ps(channels + v * LANES, _mm256_mul_ps(x, _mm256_set1_ps(factor)));
    }
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

enum { PICKED = LANES };

KVR_INLINE void pick(const unsigned char *numbers, const float *query, float *picked,
                     const int half)
{
    const __m256i from = _mm256_cvttps_epi32(load(numbers, half));
    _mm256_storeu_ps(picked, _mm256_i32gather_ps(query, from, sizeof *query));
}

/* Entries 0 to 7 have the sums of three projections less the fourth, the others with it. Packing is
 * within 128-bit lanes: their dwords are in turns. */
KVR_INLINE void sign_tables(const float *projected, uint32_t count,
                            const struct kvr_table_range *ranges, float inverse,
                            uint8_t *bytes)
{
    const __m256 first = _mm256_setr_ps(-1, 1, -1, 1, -1, 1, -1, 1);
    const __m256 second = _mm256_setr_ps(-1, -1, 1, 1, -1, -1, 1, 1);
    const __m256 third = _mm256_setr_ps(-1, -1, -1, -1, 1, 1, 1, 1);
    const __m256 factor = _mm256_set1_ps(inverse);
    for (uint32_t i = 0; i < count; i++, projected += 4, bytes += KVR_LOOKUP4_ENTRIES) {
        const __m256 lowest = _mm256_set1_ps(ranges[i].low * inverse);
        const __m256 last = _mm256_set1_ps(projected[3]);
        __m256 sum = _mm256_mul_ps(_mm256_set1_ps(projected[0]), first);
        sum = _mm256_fmadd_ps(_mm256_set1_ps(projected[1]), second, sum);
        sum = _mm256_fmadd_ps(_mm256_set1_ps(projected[2]), third, sum);
        __m256i less = _mm256_cvtps_epi32(
            _mm256_fmsub_ps(_mm256_sub_ps(sum, last), factor, lowest));
        __m256i with = _mm256_cvtps_epi32(
            _mm256_fmsub_ps(_mm256_add_ps(sum, last), factor, lowest));
        __m256i packed = _mm256_packs_epi32(less, with);
        packed = _mm256_packus_epi16(packed, packed);
        _mm_storeu_si128((__m128i *)(void *)bytes,
                         _mm_unpacklo_epi32(_mm256_castsi256_si128(packed),
                                            _mm256_extracti128_si256(packed, 1)));
    }
}

#define ISA_NAME "avx2"
#define ISA_BITS (KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C)
#define STEP(format, codebook) kvr_prepare_##format##_##codebook##_avx2
#include "prepare_quantise.inc"
#include "prepare_groups.inc"
#include "prepare_steps.inc"
#include "prepare_rotated.inc"
#include "prepare_added.inc"
#include "prepare_signs.inc"
#include "prepare_residual.inc"
