/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/fidelity only: from the metrics of single queries to rows.
 */
#ifndef KVR_CELLS_H
#define KVR_CELLS_H

#include "head.h"
#include "methods.h"

/* Results of one setting: results[unit * tracks + track], unit = (text * layers + layer) * kv_heads
 * + KV head. */
struct kvr_measured {
    const struct kvr_inputs *inputs;
    const struct kvr_methods *methods;
    const struct kvr_head_result *results;
    size_t queries; /* looked at of each head */
    uint32_t tokens, skip_sinks;
};

/* Appends the rows of all methods: every layer, query head and text, and all of each. `names` of
 * record: the texts', then the calibration sets' labels. 0 or -ENOMEM. */
int kvr_cells_add(const struct kvr_measured *measured, struct kvr_fidelity_record *record);

/* The value that a twentieth of `count` values lies below (from_top: above); reorders them. */
float kvr_twentieth(float *values, size_t count, bool from_top);

#endif
