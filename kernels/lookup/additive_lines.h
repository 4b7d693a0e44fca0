/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The lines of a block of the additive formats, for their kernels: bytes from where a group or the
 * block begins.
 */
#ifndef KVR_ADDITIVE_LINES_H
#define KVR_ADDITIVE_LINES_H

#include "../additive.h"
#include "lookup.h"

enum {
    KVR_ADDITIVE_HIGH = KVR_ADDITIVE_STAGES * KVR_LINE_BYTES, /* where high bits begin */
    KVR_ADDITIVE_GROUP = KVR_ADDITIVE_GROUP_LINES * KVR_LINE_BYTES
};

/* A block's scales. */
KVR_INLINE const unsigned char *kvr_additive_scales(const unsigned char *codes, uint32_t tables)
{
    return codes + (size_t)(tables / KVR_ADDITIVE_STAGES) * KVR_ADDITIVE_GROUP;
}

/* The 24 high bits of a group's codes of one key, whose low bytes begin at `codes`. */
KVR_INLINE uint32_t kvr_additive_bits(const unsigned char *codes)
{
    const unsigned char *high = codes + KVR_ADDITIVE_HIGH;
    return high[0] | (uint32_t)high[KVR_LINE_BYTES] << 8 |
           (uint32_t)high[2 * KVR_LINE_BYTES] << 16;
}

/* The code of the next stage, whose three high bits are the lowest of `bits`. */
KVR_INLINE uint32_t kvr_additive_next(const unsigned char *codes, uint32_t *bits)
{
    const uint32_t code = *codes | (*bits & 7) << 8;
    *bits >>= 3;
    return code;
}

#endif
