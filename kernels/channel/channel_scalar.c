/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel1, channel2, channel4 in portable C: the sums of 16 keys stay side by side, so that
 * compilers may vectorise over the keys.
 */
#include "../simd/hide.h"
#include "folded.h"
#include "residual_scalar.h"

/* query * scale of each channel; returns the sum of query * zero. */
KVR_INLINE float fold_query(const unsigned char *group, const float *query,
                            const uint32_t head_dim, float *folded)
{
    float zeros = 0;
    for (uint32_t c = 0; c < head_dim; c++) {
        uint16_t scale, zero;
        memcpy(&scale, group + 2 * c, sizeof scale);
        memcpy(&zero, group + 2 * (head_dim + c), sizeof zero);
        folded[c] = query[c] * kvr_widen_half(scale);
        zeros += query[c] * kvr_widen_half(zero);
    }
    return zeros;
}

/* Adds the channels of a dword of 16 keys. */
KVR_INLINE void add_line(float *sums, const unsigned char *line, const float *folded,
                         const uint32_t bits)
{
    for (int k = 0; k < KVR_CHANNEL_LINE_KEYS; k++) {
        uint32_t dword;
        memcpy(&dword, line + k * sizeof dword, sizeof dword);
        for (uint32_t j = 0; j < KVR_CHANNEL_DWORD_BITS / bits; j++)
            sums[k] += (float)(int)(dword >> j * bits & ((1u << bits) - 1)) * folded[j];
    }
}

KVR_INLINE void score_group(const unsigned char *group, const unsigned char *ahead,
                            const float *query, const uint32_t bits, const uint32_t head_dim,
                            struct folded *folded, float *scores, const int prefetch)
{
    float sums[KVR_CHANNEL_KEYS];
    const size_t first = kvr_channel_head_bytes(head_dim);
    const float zeros = fold_query(group, query, head_dim, folded->query);
    if (prefetch)
        kvr_prefetch(ahead, kvr_channel_group_bytes(bits, head_dim));
    for (int k = 0; k < KVR_CHANNEL_KEYS; k++)
        sums[k] = zeros;
    for (uint32_t unit = 0; unit < head_dim * bits / KVR_CHANNEL_DWORD_BITS; unit++) {
        const unsigned char *lines = group + first + (size_t)unit * 2 * KVR_LINE_BYTES;
        const float *q = folded->query + unit * (KVR_CHANNEL_DWORD_BITS / bits);
        add_line(sums, lines, q, bits);
        add_line(sums + KVR_CHANNEL_LINE_KEYS, lines + KVR_LINE_BYTES, q, bits);
    }
    memcpy(scores, sums, sizeof sums);
}

#define SCAN_OF(bits) score_channel##bits
#include "walk.inc"

#define CHANNEL_KERNEL(bits)                                                                       \
    const struct kvr_kernel kvr_kernel_channel##bits##_fused_scalar = {                            \
        .variant = "fused",                                                                        \
        .isa_name = "scalar",                                                                      \
        .format = &kvr_format_channel##bits,                                                       \
        .score = score_channel##bits,                                                              \
    };
CHANNEL_KERNEL(1)
CHANNEL_KERNEL(2)
CHANNEL_KERNEL(4)
