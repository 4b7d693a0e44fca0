/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tables with AVX-512: the 256 sums of a subspace are 16 registers, and each channel adds one row
 * of the codebook to them, so the codebook is read once, front to back, a line an instruction.
 *
 * Limits, K = 256, d = 64: 1024 multiply-adds from memory. Of a float32 codebook (64 KiB, larger
 * than L1) each is a line from L2, which two multiply-adds a cycle outrun: L2 is what is full. Of a
 * float16 one (32 KiB) each needs a conversion, which where it takes both ports that also
 * multiply-add (Intel) leaves 1.5 cycles for 32 bytes: slower than L2.
 * Tables of floats are m KiB more, which a codebook larger than L1 drives out of it before the next
 * head writes them again: a line read and one written back for every 16 of the codebook. Of bytes,
 * everything after the last sum waits: the range of the last table, two divisions, and 48
 * instructions on two ports for every 256 bytes, as nothing of them is known before the widest
 * range is.
 */
#include "../simd/unroll.h"
#include "../simd/x86_avx512.h"
#include "prepare.h"

enum { LANES = 16, VECTORS = KVR_TABLE_ENTRIES / LANES };

KVR_INLINE __m512 load(const unsigned char *p, const int half)
{
    return half ? kvr_load_half16(p) : _mm512_loadu_ps(p);
}

/* Of a table that is in registers. */
KVR_INLINE struct kvr_table_range range_of_vectors(const __m512 *table)
{
    __m512 low[VECTORS], high[VECTORS];
    KVR_UNROLL
    for (int v = 0; v < VECTORS; v++)
        low[v] = high[v] = table[v];
    KVR_UNROLL
    for (int left = VECTORS / 2; left; left /= 2) {
        KVR_UNROLL
        for (int v = 0; v < left; v++) {
            low[v] = _mm512_min_ps(low[v], low[v + left]);
            high[v] = _mm512_max_ps(high[v], high[v + left]);
        }
    }
    return (struct kvr_table_range){_mm512_reduce_min_ps(low[0]), _mm512_reduce_max_ps(high[0])};
}

KVR_INLINE void build_256(struct kvr_codebook_at at, const float *query, float factor,
                          uint32_t dim, float *table, const int half,
                          struct kvr_table_range *range)
{
    const size_t vector_bytes = LANES * (half ? sizeof(uint16_t) : sizeof(float));
    __m512 sums[VECTORS];
    KVR_UNROLL
    for (int v = 0; v < VECTORS; v++)
        sums[v] = _mm512_setzero_ps();
    for (uint32_t j = 0; j < dim; j++) {
        const __m512 q = _mm512_set1_ps(query[j]);
        KVR_UNROLL
        for (int v = 0; v < VECTORS; v++)
            sums[v] = _mm512_fmadd_ps(load(at.values + v * vector_bytes, half), q, sums[v]);
        at = kvr_codebook_next(at, VECTORS * vector_bytes, VECTORS * vector_bytes);
    }
    KVR_UNROLL
    for (int v = 0; v < VECTORS; v++) {
        sums[v] = _mm512_mul_ps(sums[v], _mm512_set1_ps(factor));
        _mm512_storeu_ps(table + v * LANES, sums[v]);
    }
    if (range)
        *range = range_of_vectors(sums);
}

/* 64 centroids of four queries, a small product of matrices: a row's 64 values are loaded (and
 * converted) once for the four, whose 16 sums add up in build_256's order. */
KVR_INLINE void build_64x4(struct kvr_codebook_at at, const float *queries, size_t query_floats,
                           float factor, uint32_t dim, float *table, size_t table_floats,
                           const int half)
{
    const size_t value_bytes = half ? sizeof(uint16_t) : sizeof(float);
    __m512 sums[KVR_PREPARE_GROUP][4];
    KVR_UNROLL
    for (int q = 0; q < KVR_PREPARE_GROUP; q++)
        sums[q][0] = sums[q][1] = sums[q][2] = sums[q][3] = _mm512_setzero_ps();
    for (uint32_t j = 0; j < dim; j++) {
        __m512 rows[4];
        KVR_UNROLL
        for (int v = 0; v < 4; v++) {
            rows[v] = load(at.values + v * LANES * value_bytes, half);
            KVR_KEEP(rows[v]);
        }
        KVR_UNROLL
        for (int q = 0; q < KVR_PREPARE_GROUP; q++) {
            __m512 x = _mm512_set1_ps(queries[q * query_floats + j]);
            KVR_KEEP(x); /* or gcc keeps one of the rows on the stack */
            KVR_UNROLL
            for (int v = 0; v < 4; v++)
                sums[q][v] = _mm512_fmadd_ps(rows[v], x, sums[q][v]);
        }
        at = kvr_codebook_next(at, 4 * LANES * value_bytes, KVR_TABLE_ENTRIES * value_bytes);
    }
    KVR_UNROLL
    for (int q = 0; q < KVR_PREPARE_GROUP; q++) {
        KVR_UNROLL
        for (int v = 0; v < 4; v++)
            _mm512_storeu_ps(table + q * table_floats + v * LANES,
                             _mm512_mul_ps(sums[q][v], _mm512_set1_ps(factor)));
    }
}

/* Any other K, 16 centroids at a time. */
KVR_INLINE void build_any(const unsigned char *codebook, const float *query, float factor,
                          uint32_t dim, uint32_t entries, float *table, const int half)
{
    const size_t value_bytes = half ? sizeof(uint16_t) : sizeof(float);
    for (uint32_t c = 0; c < entries; c += LANES) {
        const uint32_t left = entries - c;
        const __mmask16 mask = (__mmask16)(left < LANES ? (1u << left) - 1 : 0xffff);
        __m512 sum = _mm512_setzero_ps();
        for (uint32_t j = 0; j < dim; j++) {
            const unsigned char *p = codebook + ((size_t)j * entries + c) * value_bytes;
            __m512 row = half ? _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p))
                              : _mm512_maskz_loadu_ps(mask, p);
            sum = _mm512_fmadd_ps(row, _mm512_set1_ps(query[j]), sum);
        }
        _mm512_mask_storeu_ps(table + c, mask, _mm512_mul_ps(sum, _mm512_set1_ps(factor)));
    }
}

KVR_INLINE void build_table(struct kvr_codebook_at at, const float *query, float factor,
                            uint32_t dim, uint32_t entries, float *table, const int half,
                            struct kvr_table_range *range)
{
    if (entries == KVR_TABLE_ENTRIES)
        build_256(at, query, factor, dim, table, half, range);
    else
        build_any(at.values, query, factor, dim, entries, table, half);
    if (range && entries != KVR_TABLE_ENTRIES)
        *range = kvr_table_range(table, entries);
}

/* One subspace's tables of four queries. */
KVR_INLINE void build_tables4(struct kvr_codebook_at at, const float *queries,
                              size_t query_floats, float factor, uint32_t dim, uint32_t entries,
                              float *table, size_t table_floats, const int half)
{
    const size_t value_bytes = half ? sizeof(uint16_t) : sizeof(float);
    if (entries == KVR_TABLE_ENTRIES) {
        for (uint32_t c = 0; c < KVR_TABLE_ENTRIES; c += 4 * LANES)
            build_64x4(kvr_codebook_on(at, c * value_bytes), queries, query_floats, factor, dim,
                       table + c, table_floats, half);
        return;
    }
    for (int q = 0; q < KVR_PREPARE_GROUP; q++)
        build_any(at.values, queries + q * query_floats, factor, dim, entries,
                  table + q * table_floats, half);
}

KVR_INLINE struct kvr_table_range table_range(const float *table, uint32_t entries)
{
    __m512 values[VECTORS];
    if (entries != KVR_TABLE_ENTRIES)
        return kvr_table_range(table, entries);
    KVR_UNROLL
    for (int v = 0; v < VECTORS; v++)
        values[v] = _mm512_loadu_ps(table + v * LANES);
    return range_of_vectors(values);
}

/* (table - low) / step, of which low / step comes ready. */
KVR_INLINE __m512i steps16(const float *table, __m512 low, __m512 inverse)
{
    return _mm512_cvtps_epi32(_mm512_fmsub_ps(_mm512_loadu_ps(table), inverse, low));
}

/* Packing is within 128-bit lanes, so a permutation of dwords follows; moves that pack one register
 * each (vpmovusdb) would take two shuffles for 16 bytes. */
KVR_INLINE void quantise_table(const float *table, uint32_t entries, float lowest, float inverse,
                               uint8_t *bytes)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512 low = _mm512_set1_ps(lowest * inverse), factor = _mm512_set1_ps(inverse);
    if (entries != KVR_TABLE_ENTRIES) {
        kvr_quantise_table(table, entries, lowest, inverse, bytes);
        return;
    }
    for (int c = 0; c < KVR_TABLE_ENTRIES; c += 4 * LANES) {
        __m512i ab = _mm512_packs_epi32(steps16(table + c, low, factor),
                                        steps16(table + c + LANES, low, factor));
        __m512i cd = _mm512_packs_epi32(steps16(table + c + 2 * LANES, low, factor),
                                        steps16(table + c + 3 * LANES, low, factor));
        __m512i packed = _mm512_packus_epi16(ab, cd);
        _mm512_storeu_si512(bytes + c, _mm512_permutexvar_epi32(order, packed));
    }
}

#define ISA_NAME "avx512"
#define ISA_BITS (KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C)
#define STEP(format, codebook) kvr_prepare_##format##_##codebook##_avx512
#include "prepare_quantise.inc"
#include "prepare_groups.inc"
#include "prepare_steps.inc"
