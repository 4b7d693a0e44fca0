/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_f32 in portable C: eight keys at a time, one scalar load and addition per look-up.
 *
 * Limit: per look-up a load, an addition and 1.5 operations to extract the code: the load ports or
 * the issue width, whichever is narrower.
 */
#include <string.h>

#include "../simd/hide.h"
#include "../simd/inject.h"
#include "lookup.h"

enum { GROUP_KEYS = 8, TABLES = 4 };

/* Sums of eight keys, whose codes of subspace i are the 8 bytes at codes + 64 * i, in order of i.
 * The eight codes come with one load; the sums stay in registers. */
KVR_INLINE void sum_group(const unsigned char *codes, const float *tables, size_t entries,
                          uint32_t count, float *sums)
{
    KVR_INJECT(KVR_INJECT_TIMES(count, TABLES));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t group;
        memcpy(&group, codes + (size_t)i * KVR_LINE_BYTES, sizeof group);
        KVR_HIDE(group); /* or compilers load the bytes one by one after all */
        for (int k = 0; k < GROUP_KEYS; k++) {
            sums[k] += tables[group & 255];
            group >>= 8;
        }
        tables += entries;
    }
}

/* Sum of one key, for the keys after the last whole group. */
KVR_INLINE float sum_key(const unsigned char *codes, const float *tables, size_t entries,
                         uint32_t count)
{
    float sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += tables[i * entries + codes[(size_t)i * KVR_LINE_BYTES]];
    return sum;
}

KVR_INLINE void score(const struct kvr_shape *shape, const struct kvr_segments *segments,
                      uint32_t i, const void *prepared, float *scores, const uint32_t count,
                      const int prefetch)
{
    const float *tables = prepared;
    const size_t entries = shape->entries;
    const size_t block_bytes = (size_t)count * KVR_LINE_BYTES;
    const size_t bytes = kvr_lookup_bytes(count, segments->tokens);
    uint32_t left = segments->tokens;
    for (size_t offset = 0; offset < bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, block_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += block_bytes, at = kvr_next_at(&run, at, block_bytes)) {
            const uint32_t keys = left < KVR_LOOKUP_BLOCK_KEYS ? left : KVR_LOOKUP_BLOCK_KEYS;
            uint32_t k = 0;
            if (prefetch)
                kvr_prefetch(run.ahead + at, block_bytes);
            for (; k + GROUP_KEYS <= keys; k += GROUP_KEYS) {
                float sums[GROUP_KEYS] = {0};
                sum_group(run.codes + at + k, tables, entries, count, sums);
                for (int j = 0; j < GROUP_KEYS; j++) {
                    KVR_HIDE_VECTOR(sums[j]); /* or they are packed, one insertion each */
                    scores[k + j] = sums[j];
                }
            }
            for (; k < keys; k++)
                scores[k] = sum_key(run.codes + at + k, tables, entries, count);
            scores += keys;
            left -= keys;
        }
        offset += run.bytes;
    }
}

KVR_INLINE void score_tables(const struct kvr_shape *shape, const struct kvr_segments *segments,
                             uint32_t i, const void *prepared, float *scores,
                             const uint32_t count)
{
    if (segments->ahead_segments || segments->ahead_bytes)
        score(shape, segments, i, prepared, scores, count, 1);
    else
        score(shape, segments, i, prepared, scores, count, 0);
}

static void score_lookup_f32(const struct kvr_shape *shape, const struct kvr_segments *segments,
                             uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    if (shape->tables == TABLES)
        score_tables(shape, segments, i, prepared, scores, TABLES);
    else
        score_tables(shape, segments, i, prepared, scores, shape->tables);
}

const struct kvr_kernel kvr_kernel_lookup_f32_f32_scalar = {
    .variant = "f32",
    .isa_name = "scalar",
    .format = &kvr_format_lookup_f32,
    .work = {.block_keys = 8, .loads = 37, .stores = 8, .vector_alu = 32, .uops = 140},
    .work_once = {.loads = 1, .stores = 8, .uops = 20},
    .work_head_dim = 64,
    .work_tables = 4,
    .score = score_lookup_f32,
};
