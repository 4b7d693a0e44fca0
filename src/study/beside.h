/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What lies in an arena half beside the codes of a step or attention: a codebook for every head (or
 * batch of heads) and the values.
 */
#ifndef KVR_BESIDE_H
#define KVR_BESIDE_H

#include "session.h"

struct kvr_beside {
    struct kvr_lists codebooks, rows; /* owned; threads 0: none */
    bool has_codebooks, has_rows;
};

/* Places them after the codes of `keys` and fills them. The half then holds codes only up to the
 * end of the list. 0; -ENOMEM; -ERANGE with a sentence where the half is too small. */
int kvr_beside_place(struct kvr_session *session, struct kvr_half *half,
                     const struct kvr_case *c, const struct kvr_material *material,
                     const struct kvr_material *values, const struct kvr_lists *keys,
                     uint64_t seed, struct kvr_beside *beside, char *why, size_t why_bytes);
void kvr_beside_free(struct kvr_beside *beside);

#endif
