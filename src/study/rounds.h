/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rounds: every quantity once per round, in an order permuted anew each time, so that drift and
 * neighbours hit T, M, C and the FP16 reference alike.
 */
#ifndef KVR_ROUNDS_H
#define KVR_ROUNDS_H

#include "sentinel.h"
#include "subject.h"

struct kvr_stage { /* what is ready to be measured together; all borrowed */
    struct kvr_scan reference_read, subject_read; /* lists and cursors set; reader set per sample */
    struct kvr_sample_request reference_read_request, subject_read_request;
    const struct kvr_family *reference_family, *subject_family;
    struct kvr_sentinel *sentinel;
    struct kvr_subject *reference; /* FP16 */
    struct kvr_subject *subjects;
    size_t subject_count; /* 0: the reference itself is the only case */
    uint64_t seed;
};

/* Runs `rounds` rounds; rounds_out is [max(1, subject_count)][rounds], zeroed by the caller. Stops
 * early when another round would pass the deadline. *done receives the number of complete rounds,
 * and m_wins [KVR_BEST_READERS] how often each of the readers of the stage's cases was M.
 * 0 or -EINTR. */
int kvr_rounds_run(struct kvr_session *session, struct kvr_stage *stage, uint32_t rounds,
                   struct kvr_round *rounds_out, uint32_t *done, uint32_t *m_wins);

#endif
