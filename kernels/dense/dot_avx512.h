/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of 16-bit floats with AVX-512: the products of 16 keys with a query that is in registers, 32
 * channels a step and 16 that may be left over.
 */
#ifndef KVR_DOT_AVX512_H
#define KVR_DOT_AVX512_H

#include "../simd/inject.h"
#include "../simd/x86_avx512.h"
#include "dense.h"

enum {
    KVR_DOT_LANES = 16,
    KVR_DOT_CHUNK_BYTES = 32,
    KVR_DOT_KEYS = 4, /* in step */
    KVR_DOT_MAX_CHUNKS = KVR_MAX_HEAD_DIM / KVR_DOT_LANES
};

/* The query in registers, as kvr_dot_block wants it: in each whole step of bfloat16 the even ones
 * of 32 channels before the odd ones. */
KVR_INLINE void kvr_dot_query(const enum kvr_dense_type type, const float *query,
                              const uint32_t chunks, __m512 *registers)
{
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    for (uint32_t j = 0; j < chunks; j++) {
        __m512 chunk = _mm512_loadu_ps(query + j * KVR_DOT_LANES);
        if (type == KVR_DENSE_BF16 && (j | 1) < chunks)
            chunk = _mm512_permutex2var_ps(_mm512_loadu_ps(query + (j & ~1u) * KVR_DOT_LANES),
                                           j & 1 ? odd : even,
                                           _mm512_loadu_ps(query + (j | 1) * KVR_DOT_LANES));
        KVR_KEEP(chunk); /* or the loop becomes a call of memcpy where chunks is no constant */
        registers[j] = chunk;
    }
}

/* 16 channels, widened in order. */
KVR_INLINE __m512 kvr_load_chunk(const enum kvr_dense_type type, const unsigned char *key)
{
    if (type == KVR_DENSE_F16)
        return kvr_load_half16(key);
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)key));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

/* 32 channels of a key, times the query's: sum + ... A bfloat16 is the upper half of a float, so
 * that of 32 in a register the odd ones are a mask away and the even ones a shift, where widening
 * moves would need the shuffle port. */
KVR_INLINE __m512 kvr_add32(const enum kvr_dense_type type, const unsigned char *key,
                            const __m512 *query, __m512 sum)
{
    if (type == KVR_DENSE_F16) {
        sum = _mm512_fmadd_ps(kvr_load_half16(key), query[0], sum);
        return _mm512_fmadd_ps(kvr_load_half16(key + KVR_DOT_CHUNK_BYTES), query[1], sum);
    }
    __m512i pairs = _mm512_loadu_si512(key);
    KVR_KEEP(pairs); /* or it is loaded for each of the two: dear where rows share lines */
    __m512i odd = _mm512_and_si512(pairs, _mm512_set1_epi32((int)0xffff0000u));
    sum = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)), query[0], sum);
    return _mm512_fmadd_ps(_mm512_castsi512_ps(odd), query[1], sum);
}

/* One key, with the query in its natural order. */
KVR_INLINE float kvr_dot1(const enum kvr_dense_type type, const unsigned char *key,
                          const float *query, uint32_t head_dim)
{
    __m512 sum = _mm512_setzero_ps();
    for (uint32_t j = 0; j < head_dim / KVR_DOT_LANES; j++)
        sum = _mm512_fmadd_ps(kvr_load_chunk(type, key + j * KVR_DOT_CHUNK_BYTES),
                              _mm512_loadu_ps(query + j * KVR_DOT_LANES), sum);
    return _mm512_reduce_add_ps(sum);
}

/* Four keys: chunks / 2 whole lines a key, so four lines to prefetch per step of all four. */
KVR_INLINE __m512 kvr_dot4(const enum kvr_dense_type type, const unsigned char *keys,
                           const __m512 *query, const uint32_t chunks, const unsigned char *ahead,
                           const int prefetch)
{
    const size_t key_bytes = (size_t)chunks * KVR_DOT_CHUNK_BYTES;
    const unsigned char *p = keys;
    __m512 a = _mm512_setzero_ps(), b = a, c = a, d = a;
    for (uint32_t j = 0; j < chunks / 2; j++, p += KVR_LINE_BYTES) {
        if (prefetch)
            kvr_prefetch(ahead + j * 4 * KVR_LINE_BYTES, 4 * KVR_LINE_BYTES);
        a = kvr_add32(type, p, query + 2 * j, a);
        b = kvr_add32(type, p + key_bytes, query + 2 * j, b);
        c = kvr_add32(type, p + 2 * key_bytes, query + 2 * j, c);
        d = kvr_add32(type, p + 3 * key_bytes, query + 2 * j, d);
    }
    if (chunks & 1) {
        const __m512 x = query[chunks - 1];
        if (prefetch)
            kvr_prefetch(ahead + (chunks - 1) * 2 * KVR_LINE_BYTES, 2 * KVR_LINE_BYTES);
        a = _mm512_fmadd_ps(kvr_load_chunk(type, p), x, a);
        b = _mm512_fmadd_ps(kvr_load_chunk(type, p + key_bytes), x, b);
        c = _mm512_fmadd_ps(kvr_load_chunk(type, p + 2 * key_bytes), x, c);
        d = _mm512_fmadd_ps(kvr_load_chunk(type, p + 3 * key_bytes), x, d);
    }
    return kvr_merge4(a, b, c, d);
}

/* Block b: 16 scores. */
KVR_INLINE void kvr_dot_block(const enum kvr_dense_type type, const __m512 *query,
                              const unsigned char *k, const unsigned char *ahead, uint32_t b,
                              uint32_t tokens, float *scores, const uint32_t chunks,
                              const int prefetch)
{
    const size_t group_bytes = (size_t)chunks * KVR_DOT_CHUNK_BYTES * KVR_DOT_KEYS;
    const uint32_t key = b * KVR_DENSE_BLOCK_KEYS;
    KVR_INJECT(KVR_INJECT_TIMES(chunks, 64 / KVR_DOT_LANES));
    __m512 w0 = kvr_dot4(type, k, query, chunks, ahead, prefetch);
    k += group_bytes;
    __m512 w1 = kvr_dot4(type, k, query, chunks, ahead + group_bytes, prefetch);
    k += group_bytes;
    __m512 w2 = kvr_dot4(type, k, query, chunks, ahead + 2 * group_bytes, prefetch);
    k += group_bytes;
    __m512 w3 = kvr_dot4(type, k, query, chunks, ahead + 3 * group_bytes, prefetch);
    kvr_store16(scores + key, tokens - key, kvr_merge_lanes(w0, w1, w2, w3));
}

#endif
