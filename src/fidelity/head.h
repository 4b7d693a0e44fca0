/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All metrics of all codings of one KV head of one text.
 */
#ifndef KVR_FIDELITY_HEAD_H
#define KVR_FIDELITY_HEAD_H

#include "../report/fidelity.h"
#include "scorer.h"

struct kvr_head_result {
    float *metrics; /* the caller's: [KVR_METRICS][query_heads][tokens - first_query] */
    double key_squared_error;
};

/* Attention of every query from first_query on, causal: query t has keys 0..t. Codings are compared
 * with the keys and queries as they are, in double. 0; -EINVAL unless skip_sinks and first_query
 * are below tokens; -ENOMEM, or what a codec's training and encoding return, with *failed the
 * index of that coding. */
int kvr_head_measure(const struct kvr_head *head, const struct kvr_coding *codings, size_t count,
                     struct kvr_head_result *results, size_t *failed);

#endif
