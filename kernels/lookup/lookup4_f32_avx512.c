/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup4_f32 with AVX-512: a table of 16 floats is one register, and vpermps looks 16 codes up in
 * it, the low four bits of as many dwords; what is above does not matter. So a dword's eight codes,
 * of four keys and two subspaces, are looked up one after the other by shifting it.
 *
 * Limits: a line (128 look-ups) is eight permutations on one port (Intel: 5), seven shifts on the
 * other (0) and eight additions on either: 11.5 cycles, 0.09 a look-up. The loads, one of codes and
 * two of tables, hide.
 */
#include "../simd/hide.h"
#include "../simd/inject.h"
#include "../simd/x86_avx512.h"
#include "lookup.h"

enum { TABLES = 16 };

/* Of 64 keys, in quarters. */
struct sums {
    __m512 a, b, c, d;
};

KVR_INLINE __m512 add_two(__m512 sum, __m512i first_codes, __m512i second_codes, __m512 first,
                          __m512 second)
{
    sum = _mm512_add_ps(sum, _mm512_permutexvar_ps(first_codes, first));
    return _mm512_add_ps(sum, _mm512_permutexvar_ps(second_codes, second));
}

KVR_INLINE void add_line(struct sums *s, const float *tables, const unsigned char *line)
{
    const __m512 first = _mm512_loadu_ps(tables);
    const __m512 second = _mm512_loadu_ps(tables + KVR_LOOKUP4_ENTRIES);
    __m512i codes = _mm512_loadu_si512(line);
    KVR_KEEP(codes);
    s->a = add_two(s->a, codes, _mm512_srli_epi32(codes, 4), first, second);
    s->b = add_two(s->b, _mm512_srli_epi32(codes, 8), _mm512_srli_epi32(codes, 12), first, second);
    s->c = add_two(s->c, _mm512_srli_epi32(codes, 16), _mm512_srli_epi32(codes, 20), first,
                   second);
    s->d = add_two(s->d, _mm512_srli_epi32(codes, 24), _mm512_srli_epi32(codes, 28), first,
                   second);
    /* the next line after these sums: several at once are spilled */
    __asm__ volatile("" : "+v"(s->a), "+v"(s->b), "+v"(s->c), "+v"(s->d));
}

KVR_INLINE void score_block(const float *tables, const unsigned char *codes,
                            const unsigned char *ahead, const uint32_t lines, float *scores,
                            uint32_t left, const int prefetch)
{
    const __m512 zero = _mm512_setzero_ps();
    struct sums s = {zero, zero, zero, zero};
    KVR_INJECT(KVR_INJECT_TIMES(lines, TABLES / 2));
    KVR_HIDE(tables); /* or the tables are kept across blocks, and spilled */
    for (uint32_t i = 0; i < lines; i++) {
        if (prefetch)
            kvr_prefetch(ahead + (size_t)i * KVR_LINE_BYTES, KVR_LINE_BYTES);
        add_line(&s, tables, codes + (size_t)i * KVR_LINE_BYTES);
        tables += 2 * KVR_LOOKUP4_ENTRIES;
    }
    kvr_store64(scores, left, s.a, s.b, s.c, s.d);
}

#define SCAN score_lookup4_f32
#define QUERY float
#define LINES(count) kvr_lookup4_lines(count)
#define LEFT uint32_t
#define BLOCK(codes, ahead)                                                                        \
    score_block(query, codes, ahead, LINES(count), scores + key, left, prefetch)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_lookup4_f32_f32_avx512 = {
    .variant = "f32",
    .isa_name = "avx512",
    .format = &kvr_format_lookup4_f32,
    .isa = KVR_ISA_AVX512,
    .work = {.block_keys = 64, .loads = 24, .stores = 4, .shuffles = 64, .vector_alu = 120,
             .uops = 220},
    .work_once = {.stores = 4, .uops = 14},
    .work_head_dim = 64,
    .work_tables = TABLES,
    .score = score_lookup4_f32,
};
