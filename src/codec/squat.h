/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SQuat's encoder (arXiv 2503.24358): KIVI's codes, whose errors are moved out of the subspace of
 * the queries.
 */
#ifndef KVR_SQUAT_H
#define KVR_SQUAT_H

#include <stddef.h>

#include "codec.h"

/* queries: [count][head_dim], all of the heads that share the keys. Writes the codec's side:
 * float [head_dim][head_dim], of which [c][b], b in an earlier block than c, is by how much channel
 * c is shifted for an error of 1 in channel b, and 0 elsewhere; then one float, the block. 0;
 * -EINVAL for settings out of range, no query or one that is not finite; -ENOMEM. */
int kvr_squat_fit(const struct kvr_shape *shape, const float *queries, size_t count,
                  const struct kvr_squat_settings *settings, float *side);

#endif
