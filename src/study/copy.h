/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The variant `materialised`: all codes are turned into a float16 copy in memory, which a dense
 * kernel then scans. Two serial passes, each over all of its memory; this is the first of them and
 * its M, the fastest writer that computes nothing.
 */
#ifndef KVR_COPY_H
#define KVR_COPY_H

#include "../../kernels/peak.h"
#include "../../kernels/steps.h"
#include "lists.h"
#include "scan.h"

enum { KVR_MAX_WRITERS = 3 };

/* Segment i of `codes` -> segment i of `copy`. Everything is borrowed. */
struct kvr_copy {
    const struct kvr_dequantise_step *step; /* or, with step NULL: */
    const struct kvr_peak_expand *writer;
    int non_temporal; /* of step */
    struct kvr_shape shape;
    float scale;
    const struct kvr_lists *codes, *copy;
    uint32_t ahead_segments;
    uint32_t *cursors;
};

/* A kvr_slice_fn; argument is a struct kvr_copy. */
void kvr_copy_slice(void *copy, unsigned thread, uint32_t first, uint32_t count);
struct kvr_sample_request kvr_copy_request(struct kvr_copy *copy);

#endif
