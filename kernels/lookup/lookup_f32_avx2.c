/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_f32 with AVX2 gathers: eight keys per gather, the table of the subspace as its base.
 *
 * Limit: the gather. It loads eight elements one by one (and on some CPUs in microcode); the rest
 * of the loop hides behind it.
 */
#include "../simd/inject.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "lookup.h"

enum { LANES = 8, HALF_KEYS = KVR_LOOKUP_BLOCK_KEYS / 2, TABLES = 4 };

KVR_INLINE __m256 lookup8(const float *table, const unsigned char *codes)
{
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)codes);
    return _mm256_i32gather_ps(table, _mm256_cvtepu8_epi32(bytes), sizeof(float));
}

/* 32 keys' sums. */
struct sums {
    __m256 a, b, c, d;
};

KVR_INLINE struct sums zero(void)
{
    const __m256 z = _mm256_setzero_ps();
    return (struct sums){z, z, z, z};
}

KVR_INLINE void add_half_line(struct sums *s, const float *table, const unsigned char *codes)
{
    s->a = _mm256_add_ps(s->a, lookup8(table, codes));
    s->b = _mm256_add_ps(s->b, lookup8(table, codes + LANES));
    s->c = _mm256_add_ps(s->c, lookup8(table, codes + 2 * LANES));
    s->d = _mm256_add_ps(s->d, lookup8(table, codes + 3 * LANES));
}

KVR_INLINE void store_half(float *scores, int64_t left, const struct sums *s)
{
    if (left >= HALF_KEYS) {
        _mm256_storeu_ps(scores, s->a);
        _mm256_storeu_ps(scores + LANES, s->b);
        _mm256_storeu_ps(scores + 2 * LANES, s->c);
        _mm256_storeu_ps(scores + 3 * LANES, s->d);
    } else {
        kvr_store8(scores, left, s->a);
        kvr_store8(scores + LANES, left - LANES, s->b);
        kvr_store8(scores + 2 * LANES, left - 2 * LANES, s->c);
        kvr_store8(scores + 3 * LANES, left - 3 * LANES, s->d);
    }
}

/* m = 4, unrolled: half a block's keys at a time, because sixteen registers hold eight sums, masks
 * and indices only in a loop that is not unrolled. */
KVR_INLINE void score_block4(const unsigned char *codes, const unsigned char *ahead,
                             const float *tables, float *scores, int64_t left, const int prefetch)
{
    KVR_INJECT(1);
    KVR_UNROLL
    for (int half = 0; half < 2; half++) {
        struct sums s = zero();
        KVR_UNROLL
        for (size_t i = 0; i < TABLES; i++) {
            if (prefetch && i % 2 == 0) {
                size_t line = (size_t)half * TABLES / 2 + i / 2;
                kvr_prefetch(ahead + line * KVR_LINE_BYTES, KVR_LINE_BYTES);
            }
            add_half_line(&s, tables + i * KVR_LOOKUP_ENTRIES,
                          codes + i * KVR_LINE_BYTES + half * HALF_KEYS);
            /* the next line's codes only after these sums: taken up earlier, they are spilled */
            __asm__("" : "+r"(codes) : "x"(s.a), "x"(s.b), "x"(s.c), "x"(s.d));
        }
        store_half(scores + half * HALF_KEYS, left - half * HALF_KEYS, &s);
    }
}

/* Any m: a line at a time, with the block's sums in eight registers. */
KVR_INLINE void score_block(const unsigned char *codes, const unsigned char *ahead,
                            const float *tables, size_t count, float *scores, int64_t left,
                            const int prefetch)
{
    KVR_INJECT(KVR_INJECT_TIMES(count, TABLES));
    struct sums low = zero(), high = zero();
    for (size_t i = 0; i < count; i++) {
        const unsigned char *line = codes + i * KVR_LINE_BYTES;
        if (prefetch)
            kvr_prefetch(ahead + i * KVR_LINE_BYTES, KVR_LINE_BYTES);
        add_half_line(&low, tables + i * KVR_LOOKUP_ENTRIES, line);
        add_half_line(&high, tables + i * KVR_LOOKUP_ENTRIES, line + HALF_KEYS);
    }
    store_half(scores, left, &low);
    store_half(scores + HALF_KEYS, left - HALF_KEYS, &high);
}

#define SCAN score_lookup_f32
#define QUERY float
#define LINES(count) (count)
#define LEFT int64_t
#define BLOCK(codes, ahead)                                                                        \
    do {                                                                                           \
        if (count == TABLES)                                                                       \
            score_block4(codes, ahead, query, scores + key, left, prefetch);                       \
        else                                                                                       \
            score_block(codes, ahead, query, count, scores + key, left, prefetch);                 \
    } while (0)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_lookup_f32_f32_gather_avx2 = {
    .variant = "f32-gather",
    .isa_name = "avx2",
    .format = &kvr_format_lookup_f32,
    .isa = KVR_ISA_AVX2,
    .work = {.block_keys = 64, .loads = 37, .stores = 8, .shuffles = 32, .vector_alu = 32,
             .gathered = 256, .uops = 504, .shuffle_rate = "convert.i8"},
    .work_once = {.stores = 8, .uops = 24},
    .work_head_dim = 64,
    .work_tables = 4,
    .score = score_lookup_f32,
};
