/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether two results are of the same case but for what a comparison is about.
 */
#ifndef KVR_ALIKE_H
#define KVR_ALIKE_H

#include "../report/record.h"

/* What may differ. Always may: what is chosen on the host (tuning, CPUs), what was measured, and
 * the name. */
enum {
    KVR_BUT_KERNEL = 1,   /* variant, ISA, the table's type */
    KVR_BUT_FORMAT = 2,   /* how keys are stored: codec, m, K, group, codebook */
    KVR_BUT_OP = 4,       /* and the codebook, which only an op that prepares has */
    KVR_BUT_LEVEL = 8,    /* and with it the place */
    KVR_BUT_THREADS = 16, /* and with it the place */
    KVR_BUT_SHAPE = 32,   /* head dim, m */
    KVR_BUT_TOKENS = 64,
    KVR_BUT_SHARING = 128, /* queries a KV head, batch */
    KVR_BUT_PLACE = 256    /* kvr_same_place */
};

/* As many heads where a run is over heads, else as many bytes, and so more heads of a smaller
 * format. */
bool kvr_same_place(const struct kvr_result *a, const struct kvr_result *b);

/* `but`: those flags, or 0. */
bool kvr_alike(const struct kvr_result *a, const struct kvr_result *b, unsigned but);

#endif
