/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup4_u8 with AVX2: a table of 16 bytes, broadcast to both lanes, is the first operand of a
 * byte shuffle, which looks 32 nibbles up at once; a line is two halves of 32 bytes, each with its
 * own sums, in 16 bits without unpacking: pairs of bytes as words into one sum, the words shifted
 * right by 8 (the odd bytes) into another; at the end the even bytes' sum is the first minus 256
 * times the second.
 *
 * Limits: half a line (64 look-ups) is eleven vector operations, 2 of them shuffles and 3 shifts:
 * 3.7 cycles with three vector ports, 2.75 with four. The loads of a line, two of codes and two of
 * tables (broadcast by the load port), take 1 cycle of each half and hide: tables are loaded for
 * every block and may be as many as there are.
 */
#include "../simd/x86_avx2.h"

enum { TABLES = 16 };

#include "lookup4_avx2.h"

/* What turns sums into scores; read before any score is written, which might lie there. */
struct finish {
    __m256 step, bias;
};

/* whole: all are stored, else min(left, 8) of the first quarter and so on. */
KVR_INLINE void store_half(const struct finish *f, const struct sums *s, float *scores,
                           int64_t left, const int whole)
{
    const __m256i even = even_words(s), odd = s->odd;
    KVR_UNROLL
    for (int t = 0; t < 4; t++) {
        __m256 values = scores8(quarter(even, odd, t), f->step, f->bias);
        if (whole)
            _mm256_storeu_ps(scores + t * APART_KEYS, values);
        else
            kvr_store8(scores + t * APART_KEYS, left - t * APART_KEYS, values);
    }
}

KVR_INLINE void score_block(const struct kvr_prepared_lookup_u8 *p, const unsigned char *codes,
                            const unsigned char *ahead, const uint32_t lines, float *scores,
                            int64_t left, const int prefetch)
{
    const struct block_sums s = sum_lines(p->tables, codes, ahead, lines, prefetch);
    const struct finish f = {_mm256_broadcast_ss(&p->step), _mm256_broadcast_ss(&p->bias)};
    if (left >= KVR_LOOKUP_BLOCK_KEYS) {
        store_half(&f, &s.low, scores, left, 1);
        store_half(&f, &s.high, scores + LANES, left, 1);
    } else {
        store_half(&f, &s.low, scores, left, 0);
        store_half(&f, &s.high, scores + LANES, left - LANES, 0);
    }
}

#define SCAN score_lookup4_u8
#define QUERY struct kvr_prepared_lookup_u8
#define LINES(count) kvr_lookup4_lines(count)
#define LEFT int64_t
#define BLOCK(codes, ahead)                                                                        \
    score_block(query, codes, ahead, LINES(count), scores + key, left, prefetch)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_lookup4_u8_u8_avx2 = {
    .variant = "u8",
    .isa_name = "avx2",
    .format = &kvr_format_lookup4_u8,
    .isa = KVR_ISA_AVX2,
    .work = {.block_keys = 64, .loads = 36, .stores = 8, .shuffles = 32, .vector_alu = 168,
             .converts = 8, .uops = 270, .convert_rate = "convert.i32"},
    .work_once = {.stores = 8, .vector_alu = 28, .converts = 8, .uops = 50},
    .work_head_dim = 64,
    .work_tables = TABLES,
    .score = score_lookup4_u8,
};
