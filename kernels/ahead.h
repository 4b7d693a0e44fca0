/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Look-ahead over a segment list, for kernels: which line to prefetch while a line is consumed.
 * Static inline and branch-poor, because a segment may be as short as 2 KiB.
 */
#ifndef KVR_AHEAD_H
#define KVR_AHEAD_H

#include "kernel.h"

#define KVR_INLINE static inline __attribute__((always_inline))

KVR_INLINE const unsigned char *kvr_segment(const struct kvr_segments *s, uint32_t i)
{
    return s->base + s->stride_bytes * s->order[i];
}

/* The segment `ahead` places after i in the cyclic list. */
KVR_INLINE const unsigned char *kvr_segment_ahead(const struct kvr_segments *s, uint32_t i,
                                                  uint32_t ahead)
{
    uint64_t j = (uint64_t)i + ahead;
    if (j >= s->count)
        j = j - s->count < s->count ? j - s->count : j % s->count;
    return kvr_segment(s, (uint32_t)j);
}

/* A part of segment i whose look-ahead target is contiguous: while bytes [at, at + step) of `codes`
 * are consumed, the same bytes of `ahead` are prefetched. `at` runs from 0 by kvr_next_at, which in
 * a fold returns to 0 at wrap_bytes; elsewhere it just goes on. */
struct kvr_run {
    const unsigned char *codes, *ahead;
    size_t bytes, wrap_bytes;
};

/* Without a branch: a fold of 24 KiB ends every 100 ns in the fastest kernels, and what a
 * mispredicted end of a loop costs (20 cycles, 5 % of that) is no part of C. T's loop has the same
 * three scalar instructions, so that C and T are one and the same code. */
KVR_INLINE size_t kvr_next_at(const struct kvr_run *run, size_t at, size_t step_bytes)
{
    at += step_bytes;
    return at & ((size_t)0 - (at != run->wrap_bytes));
}

/* How a segment of `blocks` blocks is read in step. Stream s has the blocks s * part_blocks and on;
 * the blocks that the streams do not divide follow one after the other. */
struct kvr_split {
    uint32_t streams, part_blocks;
    size_t part_bytes;  /* what kvr_next_run takes for the segment's length */
    size_t apart_bytes; /* stream s: codes and ahead of the run plus s times this */
};

KVR_INLINE struct kvr_split kvr_split(const struct kvr_segments *s, uint32_t blocks,
                                      size_t block_bytes)
{
    struct kvr_split split = {1, blocks, blocks * block_bytes, 0};
    if (s->streams > 1 && blocks >= 2 * s->streams) {
        split.streams = s->streams;
        split.part_blocks = blocks / s->streams;
        split.part_bytes = split.part_blocks * block_bytes;
        split.apart_bytes = split.part_bytes;
        if (s->fold_bytes) /* every stream has its share of the fold */
            split.apart_bytes = s->fold_bytes / s->streams / block_bytes * block_bytes;
    }
    return split;
}

/* The whole rest of the segment from inside the fold, which stands for it again and again. The
 * look-ahead's target is the consumed line itself: as many prefetches, all of lines in L1. With
 * streams each has its share of the fold; a fold of fewer blocks than streams serves all. */
static inline struct kvr_run kvr_folded_run(const struct kvr_segments *s, uint32_t i,
                                            size_t offset, size_t segment_bytes, size_t step_bytes)
{
    const unsigned char *base = kvr_segment(s, i);
    size_t share = s->streams > 1 ? s->fold_bytes / s->streams / step_bytes * step_bytes : 0;
    return (struct kvr_run){base, base, segment_bytes - offset, share ? share : s->fold_bytes};
}

/* The next run at `offset` of segment i (segment_bytes long); bytes is a multiple of step_bytes
 * (the inner loop's stride) unless the segment ends. Call until offset == segment_bytes. */
KVR_INLINE struct kvr_run kvr_next_run(const struct kvr_segments *s, uint32_t i, size_t offset,
                                       size_t segment_bytes, size_t step_bytes)
{
    if (__builtin_expect(s->fold_bytes != 0, 0))
        return kvr_folded_run(s, i, offset, segment_bytes, step_bytes);
    struct kvr_run run = {.codes = kvr_segment(s, i) + offset,
                          .bytes = segment_bytes - offset,
                          .wrap_bytes = SIZE_MAX};
    if (s->ahead_segments) {
        run.ahead = kvr_segment_ahead(s, i, s->ahead_segments) + offset;
        return run;
    }
    size_t target = offset + s->ahead_bytes;
    uint32_t places = 0;
    while (target >= segment_bytes) {
        target -= segment_bytes;
        places++;
    }
    run.ahead = (places ? kvr_segment_ahead(s, i, places) : kvr_segment(s, i)) + target;
    size_t left = segment_bytes - target; /* until the target runs into the segment after it */
    left = (left + step_bytes - 1) / step_bytes * step_bytes;
    if (left < run.bytes)
        run.bytes = left;
    return run;
}

/* Prefetch all lines of `bytes` at `ahead`; always_inline because gcc 12 finds an outlined helper
 * that only prefetches to be const and deletes its call. */
KVR_INLINE void kvr_prefetch(const unsigned char *ahead, size_t bytes)
{
    for (size_t o = 0; o < bytes; o += KVR_LINE_BYTES)
        __builtin_prefetch(ahead + o, 0, 3);
}

#endif
