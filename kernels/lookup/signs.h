/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sizes of the layout of signs_u8 (kernel.h): a block is the lines of lookup4_u8 of two sketches,
 * then two lines of float16 norms of each.
 */
#ifndef KVR_SIGNS_H
#define KVR_SIGNS_H

#include "lookup.h"

enum { KVR_SIGNS_NORM_LINES = 2, KVR_SIGNS_HALF_BYTES = 2 };

/* Lines of a block of sketches with so many tables each; an even number. */
KVR_INLINE uint32_t kvr_signs_lines(uint32_t tables)
{
    return 2 * (kvr_lookup4_lines(tables) + KVR_SIGNS_NORM_LINES);
}

/* Bytes from a block's start to the codes and to the norms of sketch 0 or 1. */
KVR_INLINE size_t kvr_signs_codes(uint32_t tables, uint32_t sketch)
{
    return (size_t)sketch * kvr_lookup4_lines(tables) * KVR_LINE_BYTES;
}

KVR_INLINE size_t kvr_signs_norms(uint32_t tables, uint32_t sketch)
{
    return kvr_signs_codes(tables, 2) + (size_t)sketch * KVR_SIGNS_NORM_LINES * KVR_LINE_BYTES;
}

#endif
