/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Segment lists: where a case's keys lie in an arena half, in which order, for which thread; and
 * the same case folded into L1. One mechanism for layouts, heads, long heads cut into score tiles
 * and folds.
 */
#ifndef KVR_LISTS_H
#define KVR_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kernels/kernel.h"
#include "../../kernels/peak.h"

struct kvr_lists {
    unsigned threads;
    struct kvr_segments *segments; /* [threads]; ahead_* = 0 */
    uint32_t **orders;             /* [threads], owned */
    uint32_t *counts;              /* [threads] */
    uint32_t tokens;               /* keys per segment */
    uint32_t last_tokens;          /* of a head's last segment; 0: as many as the others */
    double keys_per_segment;       /* mean over a head's segments; 0: tokens */
    size_t segment_bytes;          /* whole lines of a segment */
    /* Whole lines read of a head's last segment; 0: segment_bytes. A residual can make the shorter
     * segment the larger one. */
    size_t last_segment_bytes;
    /* A head in memory: its segments one behind the other, the last one with room for a whole one.
     * order[] counts in stride_bytes, which divides segment_bytes and head_bytes. */
    uint64_t head_bytes;
    size_t stride_bytes;
    uint32_t parts;                /* segments per head: score tiles or pages */
    uint64_t heads;                /* over all threads */
};

struct kvr_lists_request {
    unsigned char *base;
    uint64_t bytes; /* of the working set, all threads */
    const struct kvr_format *format;
    const struct kvr_shape *shape;
    /* Keys per segment: shape->tokens, or a tile of it (whole kvr_whole_keys); the last is cut. */
    uint32_t part_tokens;
    uint64_t heads;       /* 0: as many as fit in `bytes`, at least one per thread */
    uint64_t more_head_bytes; /* what else a head streams: values, a share of a codebook, a copy */
    /* part_tokens is a page: every part lies anywhere, and the last one of a head, which may be
     * partial, where a last one is if it has a residual. */
    bool paged;
    unsigned threads;
    bool shuffled; /* heads in random order (layout heads); else ascending */
    uint32_t interleave; /* heads that are read in turns, part by part; 0 or 1: one after another */
    uint64_t seed;
};

/* Cuts the working set into heads of shape->tokens keys. Thread t gets a contiguous share of them.
 * 0 or -ENOMEM; -ERANGE if not one head per thread fits. Free with kvr_lists_free. */
int kvr_lists_build(const struct kvr_lists_request *request, struct kvr_lists *lists);

/* What lies beside the keys, segment by segment in their order: values, a float16 copy, in
 * `format`. Segment i of `lists` belongs to segment i of `keys`. 0 or -ENOMEM. */
int kvr_lists_beside(const struct kvr_lists *keys, const unsigned char *base,
                     const struct kvr_format *format, const struct kvr_shape *shape,
                     struct kvr_lists *lists);

/* The codebooks of a list of heads: a segment for every `batch` heads, in random order; one: every
 * segment is the same codebook. 0 or -ENOMEM. */
int kvr_lists_codebooks(const struct kvr_lists *keys, const unsigned char *base, size_t bytes,
                        uint32_t batch, bool one, uint64_t seed, struct kvr_lists *lists);

/* The list that C runs over: segments like those of `like` (its tokens, and where a head of several
 * ends in a residual its parts), of which only `fold_bytes` of codes at `base` exist. A longer
 * segment reads its first fold_bytes again and again; of a shorter one as many as fit lie in the
 * list. Every thread has the same list. 0 or -ENOMEM. */
enum { KVR_MAX_COPIES = 512 };
int kvr_lists_fold(const unsigned char *base, const struct kvr_format *format,
                   const struct kvr_shape *shape, const struct kvr_lists *like,
                   uint64_t fold_bytes, unsigned threads, struct kvr_lists *lists);
/* `bytes` from base in ascending segments of segment_bytes (whole lines), without keys: for
 * ladders. A "key" of such a list is a 64-byte line. 0, -ENOMEM, or -ERANGE. */
int kvr_lists_plain(const unsigned char *base, uint64_t bytes, size_t segment_bytes,
                    unsigned threads, struct kvr_lists *lists);
/* Bytes that one call of a reader takes in a list of kvr_lists_repeat, about: 8000 cycles of L1,
 * beside which the 65 of the call are little. */
enum { KVR_REPEAT_BYTES = 1 << 20 };
/* Of a plain list of one segment a thread: makes the segment a fold that is read again and again,
 * as often as KVR_REPEAT_BYTES hold it; segment_bytes is then what a call reads. For readers
 * without look-ahead (kernels/peak.h). Returns whether it did: the segment must be a multiple of
 * KVR_READ_FOLD_BYTES. */
bool kvr_lists_repeat(struct kvr_lists *lists);
void kvr_lists_free(struct kvr_lists *lists);

/* Keys of one pass over all threads' lists. */
uint64_t kvr_lists_keys(const struct kvr_lists *lists);

/* Keys of a segment, the mean over a head's. */
double kvr_lists_segment_keys(const struct kvr_lists *lists);
/* Bytes read of the keys of one head, and of a segment, the mean over a head's. */
double kvr_lists_head_bytes(const struct kvr_lists *lists);
double kvr_lists_mean_bytes(const struct kvr_lists *lists);
/* Bytes of memory from the first head's start to the last one's end. */
static inline uint64_t kvr_lists_memory_bytes(const struct kvr_lists *lists)
{
    return lists->heads * lists->head_bytes;
}

/* Is the segment at this place of a thread's list the last one of its head? */
static inline bool kvr_lists_ends_head(const struct kvr_lists *lists, uint32_t position)
{
    return lists->last_tokens && (position + 1) % lists->parts == 0;
}
/* Keys and bytes to be read of the segment at this place of a thread's list. */
static inline uint32_t kvr_lists_tokens_at(const struct kvr_lists *lists, uint32_t position)
{
    return kvr_lists_ends_head(lists, position) ? lists->last_tokens : lists->tokens;
}
static inline size_t kvr_lists_bytes_at(const struct kvr_lists *lists, uint32_t position)
{
    return kvr_lists_ends_head(lists, position) ? lists->last_segment_bytes : lists->segment_bytes;
}

/* Makes `lines` 64-byte lines at base one random cycle: the first word of each is the address of
 * the next. order: scratch of `lines` numbers. What lay there is lost. */
void kvr_chain_link(unsigned char *base, uint32_t lines, uint32_t *order, uint64_t *random);

/* splitmix64: the project's one generator for orders and permutations (Steele, Lea and Flood,
 * OOPSLA 2014). */
uint64_t kvr_random(uint64_t *state);
/* Fisher-Yates. */
void kvr_shuffle(uint32_t *values, uint32_t count, uint64_t *state);

#endif
