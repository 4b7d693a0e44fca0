/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whole heads: for every head of a list prepare the query, score its keys and, in attention, take
 * the softmax and the product with the values; or one of these phases alone over the same list.
 * For one query and nothing but scores see scan.h.
 */
#ifndef KVR_HEADS_H
#define KVR_HEADS_H

#include "../../kernels/steps.h"
#include "../report/record.h"
#include "lists.h"
#include "scan.h"

/* Which phases a run executes: a set of 1 << enum kvr_phase. */
enum {
    KVR_RUN_PREPARE = 1 << KVR_PHASE_PREPARE,
    KVR_RUN_SCAN = 1 << KVR_PHASE_SCAN,
    KVR_RUN_SOFTMAX = 1 << KVR_PHASE_SOFTMAX,
    KVR_RUN_VALUES = 1 << KVR_PHASE_VALUES
};

/* Per thread: prepared queries, scores, outputs and softmax states of all queries of a head. */
struct kvr_head_buffers {
    unsigned threads;
    uint32_t queries, tile; /* floats of scores per query */
    size_t prepared_bytes;  /* per query, whole lines */
    unsigned char **prepared;
    float **scores, **outputs; /* [queries][tile], [queries][KVR_MAX_HEAD_DIM] */
    struct kvr_softmax **states;
};
int kvr_head_buffers_new(unsigned threads, uint32_t queries, uint32_t tile, size_t prepared_bytes,
                         struct kvr_head_buffers *buffers); /* 0 or -ENOMEM */
void kvr_head_buffers_free(struct kvr_head_buffers *buffers);

/* One op over a list of heads. Everything is borrowed. */
struct kvr_heads {
    unsigned run;
    struct kvr_shape shape;  /* queries: those that share a KV head */
    uint32_t batch;          /* heads in a row that share a codebook */
    const struct kvr_kernel *kernel;
    const void *side;
    const struct kvr_prepare_step *prepare;
    const struct kvr_softmax_step *softmax;
    const struct kvr_values_step *values;
    const float *query;      /* [queries][head_dim] */
    const void *scale;       /* what prepare gets where there is no list of codebooks */
    const struct kvr_lists *keys, *codebooks, *value_rows; /* the last two may be NULL */
    struct kvr_tuning_choice keys_tuning, values_tuning;
    uint32_t ahead_codebooks; /* while one is read, that so many on is prefetched; 0: none */
    struct kvr_head_buffers *buffers;
    uint32_t *cursors;       /* [threads] */
    struct kvr_between between;
};

/* A kvr_slice_fn; argument is a struct kvr_heads. A segment is a part (tile, page) of a head; what
 * belongs to the head as a whole is done with its first part. */
void kvr_heads_slice(void *heads, unsigned thread, uint32_t first, uint32_t count);
struct kvr_sample_request kvr_heads_request(struct kvr_heads *heads);
double kvr_heads_ns_per_key(const struct kvr_heads *heads, const struct kvr_sample *sample,
                            double sample_ns);

/* A whole head by the kernels against the same in double from the same codes: 0; -EDOM with a
 * sentence; -ENOMEM. `position`: the head's place in thread 0's list. */
int kvr_heads_verify(struct kvr_heads *heads, uint32_t position, char *error, size_t error_bytes);

#endif
