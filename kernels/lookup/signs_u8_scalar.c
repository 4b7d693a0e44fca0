/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * signs_u8 in portable C: the two sketches of four keys one after the other, as lookup4_u8 does it.
 */
#include <string.h>

#include "../half.h"
#include "../simd/hide.h"
#include "../simd/inject.h"
#include "signs.h"

enum { TABLES = 16 };

#define ENTRY uint8_t
#define SUM uint32_t
#include "lookup4_sums.inc"

KVR_INLINE float estimate(const struct kvr_prepared_signs_u8 *p, uint32_t sum, uint32_t sketch,
                          const unsigned char *norms, uint32_t key)
{
    uint16_t half;
    memcpy(&half, norms + (size_t)key * sizeof half, sizeof half);
    return ((float)(int32_t)sum * p->step[sketch] + p->bias[sketch]) * kvr_widen_half(half);
}

KVR_INLINE void score_block(const struct kvr_prepared_signs_u8 *p, const unsigned char *codes,
                            const uint32_t count, float *scores, uint32_t keys)
{
    const uint32_t lines = kvr_lookup4_lines(count);
    const uint8_t *others = p->tables + (size_t)count * KVR_LOOKUP4_ENTRIES;
    const unsigned char *other_codes = codes + kvr_signs_codes(count, 1);
    const unsigned char *norms = codes + kvr_signs_norms(count, 0);
    const unsigned char *other_norms = codes + kvr_signs_norms(count, 1);
    for (uint32_t j = 0; j < APART_KEYS && j < keys; j++) {
        SUM sums[GROUP_KEYS] = {0}, other_sums[GROUP_KEYS] = {0};
        sum_dword(codes + (size_t)j * GROUP_KEYS, p->tables, lines, sums);
        sum_dword(other_codes + (size_t)j * GROUP_KEYS, others, lines, other_sums);
        for (uint32_t t = 0; t < GROUP_KEYS; t++) {
            const uint32_t key = j + t * APART_KEYS;
            if (key < keys)
                scores[key] = estimate(p, sums[t], 0, norms, key) +
                              estimate(p, other_sums[t], 1, other_norms, key);
        }
    }
}

#define SCAN score_signs_u8
#define QUERY struct kvr_prepared_signs_u8
#define LINES(count) kvr_signs_lines(count)
#define LEFT uint32_t
#define BLOCK(codes, ahead)                                                                        \
    do {                                                                                           \
        if (prefetch)                                                                              \
            kvr_prefetch(ahead, block_bytes);                                                      \
        score_block(query, codes, count, scores + key,                                             \
                    left < KVR_LOOKUP_BLOCK_KEYS ? left : KVR_LOOKUP_BLOCK_KEYS);                  \
    } while (0)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_signs_u8_u8_scalar = {
    .variant = "u8",
    .isa_name = "scalar",
    .format = &kvr_format_signs_u8,
    .score = score_signs_u8,
};
