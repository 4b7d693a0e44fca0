/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Kernels that dequantise a tile of 16 keys to float16, as a library would that has a dequantising
 * and a dense kernel, and score it from there, once for every instruction set. The tile is a block:
 * 2 KiB at d = 64, written and read while it is in L1, so that memory sees the codes only. The
 * including file has included one of dequantise_<isa>.h and defines
 *   kvr_score_tile(query, tile, head_dim, left, scores)   the first min(left, 16) scores
 */
#ifndef KVR_TILED_BODY_H
#define KVR_TILED_BODY_H

#include "../simd/hide.h"
#include "dequantise_body.h"

struct kvr_tile {
    uint16_t rows[KVR_AFFINE_BLOCK_KEYS * KVR_MAX_HEAD_DIM]
        __attribute__((aligned(KVR_LINE_BYTES)));
};

KVR_INLINE void kvr_tiled_segment(const enum kvr_affine_kind kind,
                                  const struct kvr_segments *segments, uint32_t i,
                                  const struct kvr_prepared_rounded *p, float *scores,
                                  const uint32_t head_dim, const int prefetch)
{
    struct kvr_tile memory;
    uint16_t *tile = memory.rows;
    const struct kvr_dequantiser q = kvr_dequantiser(kind, p->scale);
    const size_t block_bytes = (size_t)kvr_affine_block_lines(kind, head_dim) * KVR_LINE_BYTES;
    const size_t bytes = kvr_affine_bytes(kvr_affine_block_lines(kind, head_dim), segments->tokens);
    uint32_t left = segments->tokens;
    for (size_t offset = 0; offset < bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, bytes, block_bytes);
        for (size_t o = 0, at = 0; o < run.bytes;
             o += block_bytes, at = kvr_next_at(&run, at, block_bytes)) {
            uint16_t *rows = tile;
            KVR_HIDE(rows);
            kvr_dequantise_block(kind, &q, run.codes + at, run.ahead + at, head_dim, rows, prefetch,
                                 0);
            /* The tile is memory: or a compiler would keep parts of it in registers. */
            __asm__ volatile("" : "+m"(*(struct kvr_tile *)(void *)rows));
            kvr_score_tile(p->query, rows, head_dim, left, scores);
            scores += KVR_AFFINE_BLOCK_KEYS;
            left -= KVR_AFFINE_BLOCK_KEYS; /* wraps after the last block only */
        }
        offset += run.bytes;
    }
}

KVR_INLINE void kvr_tiled_dim(const enum kvr_affine_kind kind, const struct kvr_segments *segments,
                              uint32_t i, const void *prepared, float *scores,
                              const uint32_t head_dim)
{
    if (segments->ahead_segments || segments->ahead_bytes)
        kvr_tiled_segment(kind, segments, i, prepared, scores, head_dim, 1);
    else
        kvr_tiled_segment(kind, segments, i, prepared, scores, head_dim, 0);
}

/* The kernel kvr_kernel_<codes>_f16_tiled_<isa>; behind its ISA the initialisers of its work. */
#define KVR_TILED_KERNEL(codes, kind, isa_text, isa_suffix, isa_bits, ...)                         \
    static void score_##codes##_f16(const struct kvr_shape *shape,                                 \
                                    const struct kvr_segments *segments, uint32_t i,               \
                                    const void *side, const void *prepared, float *scores)         \
    {                                                                                              \
        (void)side;                                                                                \
        if (shape->head_dim == 64)                                                                 \
            kvr_tiled_dim(kind, segments, i, prepared, scores, 64);                                \
        else                                                                                       \
            kvr_tiled_dim(kind, segments, i, prepared, scores, shape->head_dim);                   \
    }                                                                                              \
    const struct kvr_kernel kvr_kernel_##codes##_f16_tiled_##isa_suffix = {                        \
        .variant = "tiled",                                                                        \
        .isa_name = isa_text,                                                                      \
        .format = &kvr_format_##codes##_f16,                                                       \
        .isa = isa_bits,                                                                           \
        .score = score_##codes##_f16,                                                              \
        __VA_ARGS__                                                                                \
    };

#endif
