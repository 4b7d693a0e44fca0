/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a sample executes: a kernel, a compute-free reader, or nothing, over a segment list.
 */
#ifndef KVR_SCAN_H
#define KVR_SCAN_H

#include <stdint.h>

#include "../../kernels/kernel.h"
#include "../../kernels/peak.h"
#include "../measure/sampler.h"
#include "lists.h"

/* Per-thread score buffers and checksums, each on its own lines; owned. */
struct kvr_score_buffers {
    unsigned threads;
    float **scores;
    uint32_t floats;
    uint64_t (*checksums)[8];
};
int kvr_score_buffers_new(unsigned threads, uint32_t floats, struct kvr_score_buffers *buffers);
void kvr_score_buffers_free(struct kvr_score_buffers *buffers);

/* How far ahead, in how many streams: see struct kvr_segments. */
struct kvr_tuning_choice { uint32_t ahead_segments, ahead_bytes, streams; };

/* What happens before each pass, outside the stamps (eviction); run NULL: nothing. */
struct kvr_between {
    void (*run)(void *context, unsigned thread);
    void *context;
};

/* One thing to run over one list. Everything is borrowed. */
struct kvr_scan {
    const struct kvr_kernel *kernel; /* NULL: a reader */
    const struct kvr_peak *reader;   /* NULL with kernel and dial NULL: nothing (harness cost) */
    const struct kvr_dial *dial;     /* with kernel == NULL */
    uint32_t twelves;                /* of the dial */
    struct kvr_shape shape;
    const struct kvr_lists *lists;
    uint32_t ahead_segments, ahead_bytes, streams;
    const void *side, *prepared;
    uint32_t queries; /* that score a segment, all of them `prepared`; 0: one */
    struct kvr_score_buffers *buffers;
    uint32_t *cursors;    /* [threads], of the arena half or of the fold */
    struct kvr_between between;
};

/* Scores of segment i for all queries, as many at once as the kernel can; `at`: the first's. */
static inline void kvr_score_queries(const struct kvr_kernel *kernel, const struct kvr_shape *shape,
                                     const struct kvr_segments *segments, uint32_t i,
                                     const void *side, struct kvr_query_group at, uint32_t queries)
{
    while (queries) {
        const struct kvr_score_group *group = kvr_next_group(kernel, queries);
        const uint32_t done = group ? group->queries : 1;
        if (group)
            group->score(shape, segments, i, side, &at);
        else
            kernel->score(shape, segments, i, side, at.prepared, at.scores);
        at.prepared += done * at.prepared_stride_bytes;
        at.scores += done * at.scores_stride;
        queries -= done;
    }
}

/* A kvr_slice_fn; argument is a struct kvr_scan. */
void kvr_scan_slice(void *scan, unsigned thread, uint32_t first, uint32_t count);

/* A request that runs `scan`; slices still to be planned. */
struct kvr_sample_request kvr_scan_request(struct kvr_scan *scan);

/* Checksum of the scores of the list's first segments: the same for a seed, whatever the timing. */
uint64_t kvr_scan_checksum(const struct kvr_scan *scan);

/* ns a key of a sample of this scan, robust or total. */
double kvr_scan_ns_per_key(const struct kvr_scan *scan, const struct kvr_sample *sample,
                           double sample_ns);

#endif
