/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/fidelity only: scores of the formats that round the query for each group of keys.
 */
#ifndef KVR_FIDELITY_ROUNDED_H
#define KVR_FIDELITY_ROUNDED_H

#include "scorer.h"

/* Whether a format is channel1_q8, channel2_q8 or channel4_q8. */
bool kvr_rounds_for_groups(const struct kvr_format *format);
/* Makes scorer->values, those that its codes stand for. 0 or -ENOMEM. */
int kvr_keep_group_values(struct kvr_scorer *scorer);
/* scores[i] of the first n coded keys, for the query that scorer->prepared holds. */
void kvr_score_groups(const struct kvr_scorer *scorer, size_t n, double *scores);

#endif
