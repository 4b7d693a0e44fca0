/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a cohort owns while it is measured; shared by measuring (cohort.c) and by turning rounds
 * into results (cohort_results.c), by nothing else.
 */
#ifndef KVR_COHORT_WORK_H
#define KVR_COHORT_WORK_H

#include "cohort.h"
#include "rounds.h"

struct kvr_cohort_work {
    const struct kvr_cohort *cohort;
    char level[8];
    uint64_t working_set_bytes;
    bool is_reference; /* FP16 is the case itself */
    const struct kvr_keyset *keys;
    struct kvr_material reference, subject;
    struct kvr_lists reference_lists, subject_lists;
    struct kvr_score_buffers buffers;
    uint32_t *reference_cursors, *subject_cursors;
    struct kvr_subject fp16, subjects[KVR_MAX_COHORT_CASES];
    const struct kvr_case *cases[KVR_MAX_COHORT_CASES]; /* of subjects[], failed ones left out */
    size_t subject_count;
    struct kvr_stage stage;
    struct kvr_sentinel sentinel;
    struct kvr_round *rounds;
    uint32_t rounds_done, m_wins[KVR_BEST_READERS];
    double dram_ratio; /* M per byte at half the working set over M at all of it; NAN */
    char why[240];
};

/* A row without figures: why it has none. */
void kvr_cohort_unmeasured(struct kvr_session *session, const struct kvr_cohort_work *work,
                           const struct kvr_case *c, const char *what, const char *why);
/* One result per measured case, from work->rounds ([series][rounds]). */
void kvr_cohort_add_results(struct kvr_session *session, const struct kvr_cohort_work *work,
                            uint32_t rounds);

#endif
