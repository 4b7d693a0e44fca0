/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A line of codes in portable C: its channels of 16 keys are added to the keys' sums. `zero` is
 * subtracted from each code, which is exact; 0 where the kernel subtracts it from the sum.
 */
#ifndef KVR_LINES_SCALAR_H
#define KVR_LINES_SCALAR_H

#include <string.h>

#include "affine.h"

/* Bytes: 4 channels. */
#define KVR_ADD_BYTES(sums, line, query, type, zero)                                               \
    for (int k = 0; k < KVR_AFFINE_BLOCK_KEYS; k++) {                                              \
        const unsigned char *codes = (line) + k * KVR_AFFINE8_LINE_CHANNELS;                       \
        for (int j = 0; j < KVR_AFFINE8_LINE_CHANNELS; j++)                                        \
            (sums)[k] += (type)((int)codes[j] - (zero)) * (query)[j];                              \
    }

/* Nibbles: 8 channels. */
#define KVR_ADD_NIBBLES(sums, line, query, type, zero)                                             \
    for (int k = 0; k < KVR_AFFINE_BLOCK_KEYS; k++) {                                              \
        uint32_t dword;                                                                            \
        memcpy(&dword, (line) + k * sizeof dword, sizeof dword);                                   \
        for (int j = 0; j < KVR_AFFINE4_LINE_CHANNELS; j++)                                        \
            (sums)[k] += (type)((int)(dword >> 4 * j & 15) - (zero)) * (query)[j];                 \
    }

#endif
