/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cases that share an arena half's contents, its segment list and its threads are measured in the
 * same rounds: one M serves them, and every ratio is paired.
 */
#ifndef KVR_COHORT_H
#define KVR_COHORT_H

#include "subject.h"

enum { KVR_MAX_COHORT_CASES = 16 };

struct kvr_cohort {
    const struct kvr_case *cases[KVR_MAX_COHORT_CASES]; /* borrowed from the plan */
    size_t case_count;
    size_t position; /* of its first case in the plan */
};

/* Groups the plan's cases. *cohorts is owned by the caller. 0 or -ENOMEM. */
int kvr_cohorts_make(const struct kvr_plan *plan, struct kvr_cohort **cohorts, size_t *count);

/* One query's scores in one pass over the keys: what scan.h runs. Anything else is an op of one or
 * several phases (op.h). */
bool kvr_case_is_one_pass(const struct kvr_case *c);

/* Seconds that a cohort will take at `rounds` rounds, from its number of samples. */
double kvr_cohort_estimate_s(const struct kvr_cohort *cohort, const struct kvr_plan *plan,
                             uint32_t rounds);

/* Measures a cohort and adds one result per case to the record; a case that cannot be measured
 * becomes a row with its reason. 0; -EINTR (results so far are kept); -errno. */
int kvr_cohort_measure(struct kvr_session *session, const struct kvr_cohort *cohort,
                       uint32_t rounds);

/* Adds the rows of a cohort that is not measured. */
void kvr_cohort_skip(struct kvr_session *session, const struct kvr_cohort *cohort, const char *what,
                     const char *why);
/* Why no case of a record was measured. -ETIME: there was no time for some; -ENODEV: none could be,
 * with a sentence that names the first one's reason where there is one. */
int kvr_cohort_none(const struct kvr_run_record *record, char *error, size_t error_bytes);
/* As kvr_cohort_skip, for want of time: the budget `does` ("ended before") so many rounds. */
void kvr_cohort_skip_budget(struct kvr_session *session, const struct kvr_cohort *cohort,
                            const char *does, uint32_t rounds);

#endif
