/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The formats of residual quantisation (RVQ, arXiv 2410.15704): a key is a scale times the sum of
 * eight rows of codebooks in each of its d/32 groups of 32 channels, which all groups share. The
 * channels of group j are j, j + d/32, j + 2 d/32 and so on. tables: d/4, eight a group; entries:
 * 2048, codes of 11 bits.
 *
 * Layout: blocks of 64 keys; for each group eight lines with the low bytes of the 64 keys' codes,
 * a line a stage, then three lines whose bytes are, of each key, the bytes of a 24-bit number: its
 * bits 3 r to 3 r + 2 are the high bits of the code of stage r. At last two lines: the 64 keys'
 * float16 scales, finite and not negative; 0 for padding.
 *
 * Two ways to the same score:
 * additive_f32: prepared = float tables[d/4][2048], of group j and stage r the table 8 j + r with
 * <q_j, row> / sqrt(d); score = scale * sum of the looked up.
 * additive_rows: side = struct kvr_additive_books; rows are fetched and added, the sum is
 * multiplied by the query: score = scale * sum_j <q_j, sum of 8 rows>.
 */
#ifndef KVR_ADDITIVE_H
#define KVR_ADDITIVE_H

#include "kernel.h"

enum {
    KVR_ADDITIVE_CHANNELS = 32, /* of a group */
    KVR_ADDITIVE_STAGES = 8,
    KVR_ADDITIVE_ENTRIES = 2048,
    KVR_ADDITIVE_KEYS = 64,
    KVR_ADDITIVE_GROUP_LINES = 11, /* eight of low bytes, three of high bits */
    KVR_ADDITIVE_SCALE_LINES = 2
};

extern const struct kvr_format kvr_format_additive_f32;
extern const struct kvr_format kvr_format_additive_rows;

/* A codec's side, 1 MiB: finite float16 rows, each a line; and each stage's largest magnitude. */
struct kvr_additive_books {
    uint16_t rows[KVR_ADDITIVE_STAGES][KVR_ADDITIVE_ENTRIES][KVR_ADDITIVE_CHANNELS];
    float largest[KVR_ADDITIVE_STAGES];
};

/* Of additive_rows: query / sqrt(d), group after group; the sum of the books' `largest`. */
struct kvr_prepared_rows {
    float query[KVR_MAX_HEAD_DIM];
    float largest;
};

/* Lines of a block of keys with so many tables, eight a group. */
static inline uint32_t kvr_additive_lines(uint32_t tables)
{
    return tables / KVR_ADDITIVE_STAGES * KVR_ADDITIVE_GROUP_LINES + KVR_ADDITIVE_SCALE_LINES;
}

/* The line of a key's block where its group begins (group = d/32: the scales), in bytes from the
 * segment's start. */
static inline size_t kvr_additive_group(const struct kvr_shape *shape, size_t key, uint32_t group)
{
    const size_t block = key / KVR_ADDITIVE_KEYS;
    return (block * kvr_additive_lines(shape->tables) + group * KVR_ADDITIVE_GROUP_LINES) *
           KVR_LINE_BYTES;
}

/* Where a key's float16 scale is. */
static inline size_t kvr_additive_scale(const struct kvr_shape *shape, size_t key)
{
    return kvr_additive_group(shape, key, shape->tables / KVR_ADDITIVE_STAGES) +
           key % KVR_ADDITIVE_KEYS * sizeof(uint16_t);
}

/* A key's code of one table, 0 to 2047; for references and decoders. */
static inline unsigned kvr_additive_code(const struct kvr_shape *shape, const unsigned char *codes,
                                         size_t key, uint32_t table)
{
    const uint32_t stage = table % KVR_ADDITIVE_STAGES;
    const unsigned char *group = codes +
                                 kvr_additive_group(shape, key, table / KVR_ADDITIVE_STAGES) +
                                 key % KVR_ADDITIVE_KEYS;
    const unsigned char *high = group + KVR_ADDITIVE_STAGES * KVR_LINE_BYTES;
    const unsigned bits =
        high[0] | (unsigned)high[KVR_LINE_BYTES] << 8 | (unsigned)high[2 * KVR_LINE_BYTES] << 16;
    return group[stage * KVR_LINE_BYTES] | (bits >> 3 * stage & 7) << 8;
}

#endif
