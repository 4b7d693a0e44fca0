/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a cohort owns while it is measured; shared by measuring (cohort.c) and by turning rounds
 * into results (cohort_results.c), by nothing else.
 */
#ifndef KVR_COHORT_WORK_H
#define KVR_COHORT_WORK_H

#include "beside.h"
#include "cohort.h"
#include "rounds.h"

/* What is read between two passes over the keys. */
struct kvr_evict {
    const unsigned char *base; /* of the other half */
    uint64_t bytes;
    unsigned threads;
    struct kvr_between between; /* reads them; of a struct that stays where it is */
};

struct kvr_cohort_work {
    const struct kvr_cohort *cohort;
    char level[8];
    uint64_t working_set_bytes;
    bool is_reference; /* FP16 is the case itself */
    const struct kvr_keyset *keys;
    struct kvr_material reference, subject, values; /* borrowed from the session */
    struct kvr_beside reference_beside, subject_beside;
    struct kvr_evict reference_evict, subject_evict; /* samples point at them */
    uint64_t evict_bytes;
    struct kvr_lists reference_lists, subject_lists;
    struct kvr_lists copy_lists; /* materialised: of the float16 copy beside the codes */
    struct kvr_score_buffers buffers;
    uint32_t *reference_cursors, *subject_cursors;
    struct kvr_subject fp16, subjects[KVR_MAX_COHORT_CASES];
    const struct kvr_case *cases[KVR_MAX_COHORT_CASES]; /* of subjects[], failed ones left out */
    size_t subject_count;
    struct kvr_stage stage;
    struct kvr_sentinel sentinel;
    struct kvr_round *rounds;
    uint32_t rounds_done, m_wins[KVR_BEST_READERS];
    uint64_t entries_before; /* kernel entries that --prove had found before this cohort */
    double dram_ratio; /* M per byte at half the working set over M at all of it; NAN */
    char why[240];
};

uint64_t kvr_cohort_seed(const struct kvr_session *session, const struct kvr_cohort *cohort);
bool kvr_case_has_values(const struct kvr_case *c);

/* Key set, trained and encoded pools, values where the op needs them (cohort_place.c). */
int kvr_cohort_materials(struct kvr_session *session, struct kvr_cohort_work *work);
/* The request of a half's list of codes. */
struct kvr_lists_request kvr_cohort_lists(const struct kvr_session *session,
                                          const struct kvr_cohort_work *work,
                                          const struct kvr_half *half,
                                          const struct kvr_material *material,
                                          const struct kvr_shape *shape);
/* Fills both halves and makes lists, buffers and cursors. 0 or -errno with work->why. */
int kvr_cohort_place(struct kvr_session *session, struct kvr_cohort_work *work);
/* FP16 made ready (cohort_reference.c). */
int kvr_cohort_prepare_reference(struct kvr_session *session, struct kvr_cohort_work *work);
/* The choice for lists like this cohort's reference; NULL: not made yet. */
struct kvr_reference_choice *kvr_cohort_known_reference(struct kvr_session *session,
                                                        const struct kvr_cohort_work *work);
/* The phases of a subject whose kernel is chosen; nothing for a plain scan. */
int kvr_cohort_make_op(struct kvr_session *session, struct kvr_cohort_work *work,
                       const struct kvr_case *c, struct kvr_subject *subject, bool reference);

/* --prove: what is found from now on belongs to this cohort. */
void kvr_cohort_prove(struct kvr_session *session, struct kvr_cohort_work *work);
/* A row without figures: why it has none. */
void kvr_cohort_unmeasured(struct kvr_session *session, const struct kvr_cohort_work *work,
                           const struct kvr_case *c, const char *what, const char *why);
/* Whether `kernel`, which was found to be the fastest of those that the case means, is measured for
 * another case of the same name, in this cohort or before. Then there is a row that says so. */
bool kvr_cohort_measured_already(struct kvr_session *session, const struct kvr_cohort_work *work,
                                 const struct kvr_case *c, const struct kvr_kernel *kernel);
/* One result per measured case, from work->rounds ([series][rounds]). */
void kvr_cohort_add_results(struct kvr_session *session, const struct kvr_cohort_work *work,
                            uint32_t rounds);

#endif
