/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel1_q8, channel2_q8, channel4_q8 in portable C: the sums of 16 keys stay side by side, so
 * that compilers may vectorise over the keys.
 */
#include "../simd/hide.h"
#include "folded.h"
#include "residual_scalar.h"

/* A score is sum * step + zeros. */
struct finish {
    float step, zeros;
};

/* query * scale of each channel, rounded to weights. */
KVR_INLINE struct finish fold_query(const unsigned char *group, const float *query,
                                    const uint32_t head_dim, float *folded, int32_t *weights)
{
    const double magic = 0x1.8p52; /* its last place is 1: a sum with it is rounded to that */
    float zeros = 0, largest = KVR_CHANNEL_LEAST;
    for (uint32_t c = 0; c < head_dim; c++) {
        uint16_t scale, zero;
        memcpy(&scale, group + 2 * c, sizeof scale);
        memcpy(&zero, group + 2 * (head_dim + c), sizeof zero);
        folded[c] = query[c] * kvr_widen_half(scale);
        zeros += query[c] * kvr_widen_half(zero);
        const float magnitude = folded[c] < 0 ? -folded[c] : folded[c];
        largest = magnitude > largest ? magnitude : largest;
    }
    const float factor = 127 / largest;
    for (uint32_t c = 0; c < head_dim; c++) /* the product is exact: rounded once */
        weights[c] = (int32_t)((double)folded[c] * (double)factor + magic - magic);
    return (struct finish){largest * (1.0f / 127), zeros};
}

/* Adds the channels of a dword of 16 keys. */
KVR_INLINE void add_line(int32_t *sums, const unsigned char *line, const int32_t *weights,
                         const uint32_t bits)
{
    uint32_t dwords[KVR_CHANNEL_LINE_KEYS]; /* or each is read again for each of its channels */
    memcpy(dwords, line, sizeof dwords);
    for (int k = 0; k < KVR_CHANNEL_LINE_KEYS; k++)
        for (uint32_t j = 0; j < KVR_CHANNEL_DWORD_BITS / bits; j++)
            sums[k] += (int32_t)(dwords[k] >> j * bits & ((1u << bits) - 1)) * weights[j];
}

KVR_INLINE void score_group(const unsigned char *group, const unsigned char *ahead,
                            const float *query, const uint32_t bits, const uint32_t head_dim,
                            struct folded *folded, float *scores, const int prefetch)
{
    int32_t sums[KVR_CHANNEL_KEYS] = {0}, weights[KVR_MAX_HEAD_DIM];
    const size_t first = kvr_channel_head_bytes(head_dim);
    const struct finish finish = fold_query(group, query, head_dim, folded->query, weights);
    if (prefetch)
        kvr_prefetch(ahead, kvr_channel_group_bytes(bits, head_dim));
    for (uint32_t unit = 0; unit < head_dim * bits / KVR_CHANNEL_DWORD_BITS; unit++) {
        const unsigned char *lines = group + first + (size_t)unit * 2 * KVR_LINE_BYTES;
        const int32_t *w = weights + unit * (KVR_CHANNEL_DWORD_BITS / bits);
        add_line(sums, lines, w, bits);
        add_line(sums + KVR_CHANNEL_LINE_KEYS, lines + KVR_LINE_BYTES, w, bits);
    }
    for (int k = 0; k < KVR_CHANNEL_KEYS; k++)
        scores[k] = (float)sums[k] * finish.step + finish.zeros;
}

#define SCAN_OF(bits) score_channel##bits##_q8
#include "walk.inc"

#define CHANNEL_KERNEL(bits)                                                                       \
    const struct kvr_kernel kvr_kernel_channel##bits##_q8_q8_scalar = {                            \
        .variant = "q8",                                                                           \
        .isa_name = "scalar",                                                                      \
        .format = &kvr_format_channel##bits##_q8,                                                  \
        .score = SCAN_OF(bits),                                                                    \
    };
CHANNEL_KERNEL(1)
CHANNEL_KERNEL(2)
CHANNEL_KERNEL(4)
