/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Closeness to exact attention on real tensors, from options to a record: codecs, settings and
 * seeds over all layers, heads and texts.
 */
#ifndef KVR_FIDELITY_H
#define KVR_FIDELITY_H

#include "../codec/codec.h"
#include "../report/fidelity.h"
#include "inputs.h"
#include "pool.h"

enum { KVR_FIDELITY_LIST = 32 };

struct kvr_fidelity_request {
    const struct kvr_codec *codecs[KVR_FIDELITY_LIST];
    size_t codec_count;
    uint32_t subspaces[KVR_FIDELITY_LIST], entries[KVR_FIDELITY_LIST];
    size_t subspace_count, entry_count;
    bool codecs_named; /* else those whose training takes long are left out */
    bool ordered; /* codecs or their settings were asked for: one that cannot be is an error */
    uint32_t tokens[KVR_FIDELITY_LIST]; /* none: the shortest text's */
    uint32_t skip_sinks[KVR_FIDELITY_LIST];
    size_t token_count, skip_count; /* skip_count >= 1 */
    uint32_t first_query, seeds;
    bool rope_pairs;
    struct kvr_squat_settings squat;
    uint32_t kivi_residual; /* 0: 32 */
    double rope_base; /* of texts with keys before rotation */
    void (*show_progress)(const struct kvr_progress *, size_t done, size_t count); /* or NULL */
};

/* Fills the record, which is the caller's in any case (kvr_fidelity_free). 0, -errno, or -EINVAL
 * with a sentence in error that names what is at fault and the option. */
int kvr_fidelity_run(const struct kvr_fidelity_request *request, const struct kvr_inputs *inputs,
                     struct kvr_fidelity_record *record, char *error, size_t error_bytes);

#endif
