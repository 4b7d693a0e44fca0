/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Codes to float16 rows, once for every instruction set: the including file has included one of
 * dequantise_<isa>.h, which gives
 *   struct kvr_dequantiser, kvr_dequantiser(kind, scale)    what is the same for all blocks
 *   kvr_dequantise8, kvr_dequantise4                  32 or 16 channels of a block
 *   kvr_load_scales                                   of affine4g
 */
#ifndef KVR_DEQUANTISE_BODY_H
#define KVR_DEQUANTISE_BODY_H

#include "../simd/hide.h"
#include "affine.h"

enum { KVR_CHUNK_CHANNELS = 32 };

/* 32 channels from `c` on, or with only16 the 16 that are left of a row. `codes` and `ahead` begin
 * with the block's first line of codes, `block` with the block. */
KVR_INLINE void kvr_dequantise_chunk(const enum kvr_affine_kind kind,
                                     const struct kvr_dequantiser *q, const unsigned char *block,
                                     const unsigned char *codes, const unsigned char *ahead,
                                     uint32_t head_dim, uint32_t c, const int only16,
                                     uint16_t *keys, const int prefetch, const int non_temporal)
{
    const uint32_t line_channels =
        kind == KVR_AFFINE8 ? KVR_AFFINE8_LINE_CHANNELS : KVR_AFFINE4_LINE_CHANNELS;
    const size_t at = (size_t)c / line_channels * KVR_LINE_BYTES;
    if (prefetch)
        kvr_prefetch(ahead + at, (only16 ? 16 : 32) / line_channels * KVR_LINE_BYTES);
    if (kind == KVR_AFFINE8) {
        kvr_dequantise8(q, codes + at, keys + c, head_dim, only16, non_temporal);
    } else if (kind == KVR_AFFINE4) {
        kvr_dequantise4(q, codes + at, NULL, keys + c, head_dim, only16, non_temporal);
    } else {
        float memory[KVR_AFFINE_BLOCK_KEYS] __attribute__((aligned(KVR_LINE_BYTES)));
        float *scales = memory;
        KVR_HIDE(scales);
        kvr_load_scales(block, c / KVR_AFFINE_GROUP, scales);
        kvr_dequantise4(q, codes + at, scales, keys + c, head_dim, only16, non_temporal);
    }
}

/* A block of 16 keys to 16 rows of head_dim float16 at `keys`. */
KVR_INLINE void kvr_dequantise_block(const enum kvr_affine_kind kind,
                                     const struct kvr_dequantiser *q, const unsigned char *block,
                                     const unsigned char *ahead, const uint32_t head_dim,
                                     uint16_t *keys, const int prefetch, const int non_temporal)
{
    const size_t scales_bytes =
        kind == KVR_AFFINE4G ? kvr_affine_scale_lines(head_dim) * (size_t)KVR_LINE_BYTES : 0;
    const unsigned char *codes = block + scales_bytes, *codes_ahead = ahead + scales_bytes;
    if (prefetch)
        kvr_prefetch(ahead, scales_bytes);
    if (head_dim == 2 * KVR_CHUNK_CHANNELS) { /* a constant here: no loop */
        kvr_dequantise_chunk(kind, q, block, codes, codes_ahead, head_dim, 0, 0, keys, prefetch,
                             non_temporal);
        kvr_dequantise_chunk(kind, q, block, codes, codes_ahead, head_dim, KVR_CHUNK_CHANNELS, 0,
                             keys, prefetch, non_temporal);
        return;
    }
    uint32_t c = 0;
    for (; c + KVR_CHUNK_CHANNELS <= head_dim; c += KVR_CHUNK_CHANNELS)
        kvr_dequantise_chunk(kind, q, block, codes, codes_ahead, head_dim, c, 0, keys, prefetch,
                             non_temporal);
    if (c < head_dim)
        kvr_dequantise_chunk(kind, q, block, codes, codes_ahead, head_dim, c, 1, keys, prefetch,
                             non_temporal);
}

/* Segment i, for a head_dim that is a constant, or any. */
KVR_INLINE void kvr_dequantise_segment(const enum kvr_affine_kind kind,
                                       const struct kvr_segments *segments, uint32_t i, float scale,
                                       uint16_t *keys, const uint32_t head_dim, const int prefetch,
                                       const int non_temporal)
{
    const struct kvr_dequantiser q = kvr_dequantiser(kind, scale);
    const size_t block_bytes = (size_t)kvr_affine_block_lines(kind, head_dim) * KVR_LINE_BYTES;
    const size_t bytes = kvr_affine_bytes(kvr_affine_block_lines(kind, head_dim), segments->tokens);
    for (size_t offset = 0; offset < bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, block_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += block_bytes, at = kvr_next_at(&run, at, block_bytes)) {
            kvr_dequantise_block(kind, &q, run.codes + at, run.ahead + at, head_dim, keys, prefetch,
                                 non_temporal);
            keys += (size_t)KVR_AFFINE_BLOCK_KEYS * head_dim;
        }
        offset += run.bytes;
    }
}

KVR_INLINE void kvr_dequantise_dim(const enum kvr_affine_kind kind,
                                   const struct kvr_segments *segments, uint32_t i, float scale,
                                   uint16_t *keys, const uint32_t head_dim, int non_temporal)
{
    const int prefetch = segments->ahead_segments || segments->ahead_bytes;
    if (prefetch && non_temporal)
        kvr_dequantise_segment(kind, segments, i, scale, keys, head_dim, 1, 1);
    else if (prefetch)
        kvr_dequantise_segment(kind, segments, i, scale, keys, head_dim, 1, 0);
    else if (non_temporal)
        kvr_dequantise_segment(kind, segments, i, scale, keys, head_dim, 0, 1);
    else
        kvr_dequantise_segment(kind, segments, i, scale, keys, head_dim, 0, 0);
}

/* A DEQUANTISE of steps.inc. */
#define KVR_DEQUANTISE_STEP(format_, kind, isa_text, isa_suffix, isa_bits)                         \
    static void dequantise_##format_(const struct kvr_shape *shape,                                \
                                     const struct kvr_segments *segments, uint32_t i, float scale, \
                                     uint16_t *keys, int non_temporal)                             \
    {                                                                                              \
        if (shape->head_dim == 64)                                                                 \
            kvr_dequantise_dim(kind, segments, i, scale, keys, 64, non_temporal);                  \
        else                                                                                       \
            kvr_dequantise_dim(kind, segments, i, scale, keys, shape->head_dim, non_temporal);     \
    }                                                                                              \
    const struct kvr_dequantise_step kvr_dequantise_##format_##_##isa_suffix = {                   \
        .isa_name = isa_text,                                                                      \
        .format = &kvr_format_##format_,                                                           \
        .isa = isa_bits,                                                                           \
        .dequantise = dequantise_##format_,                                                        \
    };

#endif
