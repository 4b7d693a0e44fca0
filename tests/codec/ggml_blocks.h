/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bijection between our layouts of q8_0 and q4_0 and ggml's blocks, as kernel.h has it, written
 * from the reader's side: no code of the codecs.
 */
#ifndef KVR_TEST_GGML_BLOCKS_H
#define KVR_TEST_GGML_BLOCKS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { GGML_Q8_0_BYTES = 34, GGML_Q4_0_BYTES = 18 };

/* Group g of a key of dimension d in ggml's layout, from a segment of ours; bits: 8 or 4. */
static inline void ggml_block(int bits, const uint8_t *codes, size_t d, size_t key, size_t g,
                              uint8_t *block)
{
    const size_t scales = (d + 63) / 64 * 64, b = key / 16, k = key % 16; /* 2 d / 32 x 16 bytes */
    const uint8_t *ours = codes + b * (scales + 16 * d * (size_t)bits / 8), *lines = ours + scales;
    memcpy(block, ours + (16 * g + k) * 2, 2);
    for (size_t j = 0; j < 32; j++) {
        const size_t c = 32 * g + j;
        if (bits == 8) {
            block[2 + j] = (uint8_t)(lines[64 * (c / 4) + 4 * k + c % 4] - 128);
            continue;
        }
        uint32_t dword;
        memcpy(&dword, lines + 4 * (16 * (c / 8) + k), sizeof dword);
        const uint8_t nibble = (uint8_t)(dword >> c % 8 * 4 & 15);
        block[2 + j % 16] = (uint8_t)(j < 16 ? nibble : block[2 + j % 16] | nibble << 4);
    }
}

#endif
