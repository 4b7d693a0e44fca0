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

/* 256 / count centroids of `count` queries, 2 or 4, a small product of matrices: a row's values are
 * loaded (and converted) once for all, whose 16 sums add up in build_256's order. */
KVR_INLINE void build_shared(struct kvr_codebook_at at, const float *queries, size_t query_floats,
                             float factor, uint32_t dim, float *table, size_t table_floats,
                             const int count, const int half)
{
    const int vectors = VECTORS / count;
    const size_t value_bytes = half ? sizeof(uint16_t) : sizeof(float);
    __m512 sums[KVR_PREPARE_GROUP][VECTORS / 2];
    KVR_UNROLL
    for (int q = 0; q < count; q++) {
        KVR_UNROLL
        for (int v = 0; v < vectors; v++)
            sums[q][v] = _mm512_setzero_ps();
    }
    for (uint32_t j = 0; j < dim; j++) {
        __m512 rows[VECTORS / 2];
        KVR_UNROLL
        for (int v = 0; v < vectors; v++) {
            rows[v] = load(at.values + v * LANES * value_bytes, half);
            KVR_KEEP(rows[v]);
        }
        KVR_UNROLL
        for (int q = 0; q < count; q++) {
            __m512 x = _mm512_set1_ps(queries[q * query_floats + j]);
            KVR_KEEP(x); /* or gcc keeps one of the rows on the stack */
            KVR_UNROLL
            for (int v = 0; v < vectors; v++)
                sums[q][v] = _mm512_fmadd_ps(rows[v], x, sums[q][v]);
        }
        at = kvr_codebook_next(at, vectors * LANES * value_bytes, KVR_TABLE_ENTRIES * value_bytes);
    }
    KVR_UNROLL
    for (int q = 0; q < count; q++) {
        KVR_UNROLL
        for (int v = 0; v < vectors; v++)
            _mm512_storeu_ps(table + q * table_floats + v * LANES,
                             _mm512_mul_ps(sums[q][v], _mm512_set1_ps(factor)));
    }
}

/* Sums of `vectors` times 16 of the entries, or of the first `left` of them. */
KVR_INLINE void build_slice(const unsigned char *codebook, size_t row_bytes, const float *query,
                            float factor, uint32_t dim, float *table, uint32_t left,
                            const int vectors, const int half)
{
    const __mmask16 mask = (__mmask16)(left < LANES ? (1u << left) - 1 : 0xffff);
    const size_t vector_bytes = LANES * (half ? sizeof(uint16_t) : sizeof(float));
    __m512 sums[8];
    KVR_UNROLL
    for (int v = 0; v < vectors; v++)
        sums[v] = _mm512_setzero_ps();
    for (uint32_t j = 0; j < dim; j++, codebook += row_bytes) {
        const __m512 q = _mm512_set1_ps(query[j]);
        KVR_UNROLL
        for (int v = 0; v < vectors; v++) {
            const unsigned char *p = codebook + v * vector_bytes;
            __m512 row = half ? _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p))
                              : _mm512_maskz_loadu_ps(mask, p);
            sums[v] = _mm512_fmadd_ps(row, q, sums[v]);
        }
    }
    KVR_UNROLL
    for (int v = 0; v < vectors; v++)
        _mm512_mask_storeu_ps(table + v * LANES, mask,
                              _mm512_mul_ps(sums[v], _mm512_set1_ps(factor)));
}

/* Any other K: 128 centroids at a time, whose sums hide the latency of the multiply-adds, then what
 * is left of them. */
KVR_INLINE void build_any(const unsigned char *codebook, const float *query, float factor,
                          uint32_t dim, uint32_t entries, float *table, const int half)
{
    const size_t row_bytes = kvr_codebook_row(entries, half), value_bytes = row_bytes / entries;
    uint32_t c = 0;
    for (; c + 8 * LANES <= entries; c += 8 * LANES)
        build_slice(codebook + c * value_bytes, row_bytes, query, factor, dim, table + c, LANES, 8,
                    half);
    for (; c + 4 * LANES <= entries; c += 4 * LANES)
        build_slice(codebook + c * value_bytes, row_bytes, query, factor, dim, table + c, LANES, 4,
                    half);
    for (; c < entries; c += LANES)
        build_slice(codebook + c * value_bytes, row_bytes, query, factor, dim, table + c,
                    entries - c, 1, half);
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
        for (uint32_t c = 0; c < KVR_TABLE_ENTRIES; c += KVR_TABLE_ENTRIES / 4)
            build_shared(kvr_codebook_on(at, c * value_bytes), queries, query_floats, factor, dim,
                         table + c, table_floats, 4, half);
        return;
    }
    for (int q = 0; q < KVR_PREPARE_GROUP; q++)
        build_any(at.values, queries + q * query_floats, factor, dim, entries,
                  table + q * table_floats, half);
}

/* The same of two queries, and only of 256 entries. */
KVR_INLINE void build_tables2(struct kvr_codebook_at at, const float *queries, size_t query_floats,
                              uint32_t dim, float *table, size_t table_floats, const int half)
{
    const size_t value_bytes = half ? sizeof(uint16_t) : sizeof(float);
    for (uint32_t c = 0; c < KVR_TABLE_ENTRIES; c += KVR_TABLE_ENTRIES / 2)
        build_shared(kvr_codebook_on(at, c * value_bytes), queries, query_floats, 1, dim, table + c,
                     table_floats, 2, half);
}

/* 32 channels, `stride` apart. */
KVR_INLINE void gather_channels(const float *query, uint32_t stride, float factor, float *channels)
{
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i from = _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)stride));
    KVR_UNROLL
    for (int v = 0; v < KVR_ADDITIVE_CHANNELS / LANES; v++) {
        __m512 x = _mm512_i32gather_ps(from, query + v * LANES * stride, sizeof *query);
        _mm512_storeu_ps(channels + v * LANES, _mm512_mul_ps(x, _mm512_set1_ps(factor)));
    }
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

/* A table is a register: four projections, each with its sign in every entry. */
KVR_INLINE void sign_tables(const float *projected, uint32_t count,
                            const struct kvr_table_range *ranges, float inverse,
                            uint8_t *bytes)
{
    const __m512 factor = _mm512_set1_ps(inverse);
    const __m512 first = _mm512_mask_blend_ps(0xaaaa, _mm512_set1_ps(-1), _mm512_set1_ps(1));
    const __m512 second = _mm512_mask_blend_ps(0xcccc, _mm512_set1_ps(-1), _mm512_set1_ps(1));
    const __m512 third = _mm512_mask_blend_ps(0xf0f0, _mm512_set1_ps(-1), _mm512_set1_ps(1));
    const __m512 fourth = _mm512_mask_blend_ps(0xff00, _mm512_set1_ps(-1), _mm512_set1_ps(1));
    for (uint32_t i = 0; i < count; i++, projected += 4, bytes += KVR_LOOKUP4_ENTRIES) {
        __m512 sum = _mm512_mul_ps(_mm512_set1_ps(projected[0]), first);
        sum = _mm512_fmadd_ps(_mm512_set1_ps(projected[1]), second, sum);
        sum = _mm512_fmadd_ps(_mm512_set1_ps(projected[2]), third, sum);
        sum = _mm512_fmadd_ps(_mm512_set1_ps(projected[3]), fourth, sum);
        const __m512 lowest = _mm512_set1_ps(ranges[i].low * inverse);
        const __m512i steps = _mm512_cvtps_epi32(_mm512_fmsub_ps(sum, factor, lowest));
        _mm_storeu_si128((__m128i *)(void *)bytes, _mm512_cvtusepi32_epi8(steps));
    }
}

enum { PICKED = LANES };

KVR_INLINE void pick(const unsigned char *numbers, const float *query, float *picked,
                     const int half)
{
    const __m512 values = load(numbers, half);
    const __m512i from = _mm512_cvttps_epi32(values);
    _mm512_storeu_ps(picked, _mm512_i32gather_ps(from, query, sizeof *query));
}

#define ISA_NAME "avx512"
#define ISA_BITS (KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C)
#define STEP(format, codebook) kvr_prepare_##format##_##codebook##_avx512
#include "prepare_quantise.inc"
#include "prepare_groups.inc"
#include "prepare_steps.inc"
#include "prepare_rotated.inc"
#include "prepare_added.inc"
#include "prepare_signs.inc"
#include "prepare_residual.inc"
