/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of float16 with AVX-512: the products of 16 keys with a query that is in registers.
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

/* One key. */
KVR_INLINE float kvr_dot1(const unsigned char *key, const float *query, uint32_t chunks)
{
    __m512 sum = _mm512_setzero_ps();
    for (uint32_t j = 0; j < chunks; j++)
        sum = _mm512_fmadd_ps(kvr_load_half16(key + j * KVR_DOT_CHUNK_BYTES),
                              _mm512_loadu_ps(query + j * KVR_DOT_LANES), sum);
    return _mm512_reduce_add_ps(sum);
}

/* Four keys: chunks / 2 whole lines a key, so two lines to prefetch per chunk of all four. */
KVR_INLINE __m512 kvr_dot4(const unsigned char *keys, const __m512 *query, uint32_t chunks,
                           const unsigned char *ahead, const int prefetch)
{
    const size_t key_bytes = (size_t)chunks * KVR_DOT_CHUNK_BYTES;
    __m512 a = _mm512_setzero_ps(), b = a, c = a, d = a;
    for (uint32_t j = 0; j < chunks; j++) {
        const unsigned char *p = keys + j * KVR_DOT_CHUNK_BYTES;
        if (prefetch)
            kvr_prefetch(ahead + j * 2 * KVR_LINE_BYTES, 2 * KVR_LINE_BYTES);
        a = _mm512_fmadd_ps(kvr_load_half16(p), query[j], a);
        b = _mm512_fmadd_ps(kvr_load_half16(p + key_bytes), query[j], b);
        c = _mm512_fmadd_ps(kvr_load_half16(p + 2 * key_bytes), query[j], c);
        d = _mm512_fmadd_ps(kvr_load_half16(p + 3 * key_bytes), query[j], d);
    }
    return kvr_merge4(a, b, c, d);
}

/* Block b: 16 scores. */
KVR_INLINE void kvr_dot_block(const __m512 *query, const unsigned char *k,
                              const unsigned char *ahead, uint32_t b, uint32_t tokens,
                              float *scores, const uint32_t chunks, const int prefetch)
{
    const size_t group_bytes = (size_t)chunks * KVR_DOT_CHUNK_BYTES * KVR_DOT_KEYS;
    const uint32_t key = b * KVR_DENSE_BLOCK_KEYS;
    KVR_INJECT(KVR_INJECT_TIMES(chunks, 64 / KVR_DOT_LANES));
    __m512 w0 = kvr_dot4(k, query, chunks, ahead, prefetch);
    __m512 w1 = kvr_dot4(k + group_bytes, query, chunks, ahead + group_bytes, prefetch);
    __m512 w2 = kvr_dot4(k + 2 * group_bytes, query, chunks, ahead + 2 * group_bytes, prefetch);
    __m512 w3 = kvr_dot4(k + 3 * group_bytes, query, chunks, ahead + 3 * group_bytes, prefetch);
    kvr_store16(scores + key, tokens - key, kvr_merge_lanes(w0, w1, w2, w3));
}

#endif
