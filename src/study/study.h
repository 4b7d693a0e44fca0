/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole run: arena, ceilings, groups of cases within the budget, results in the record.
 */
#ifndef KVR_STUDY_H
#define KVR_STUDY_H

#include <signal.h>

#include "plan.h"
#include "../report/record.h"

struct kvr_counting;

struct kvr_study {
    const struct kvr_options *options;
    const struct kvr_machine *machine;
    const struct kvr_plan *plan;
    struct kvr_run_record *record;
    const volatile sig_atomic_t *interrupted;
    const struct kvr_run_record *roofs; /* from options->roofs (roofs_reuse.h); NULL: measured */
    struct kvr_counting *counting; /* counting.h; NULL: no counters */
    double started_s; /* kvr_wall_s() at the program's start: set-up counts in the budget */
    /* Called after every group with the number of results so far that it added. May be NULL. */
    void (*measured)(const struct kvr_study *, size_t first_result, size_t cases_done,
                     double left_s);
    void (*phase)(const struct kvr_study *, const char *what); /* "touching 2 GiB"; may be NULL */
    void *context;
};

/* Loads and validates the key sets of the plan without measuring: file contents first, then the
 * calibration's size. 0, or -EINVAL with a sentence. Adds checks calibration-size, keys-reshaped,
 * leaking. */
int kvr_study_check_keys(const struct kvr_study *study, char *error, size_t error_bytes);

/* Measures. 0; -EINTR (record holds what was measured, complete = false); -ETIME when the budget
 * allowed no case; -errno with a sentence. */
int kvr_study_run(struct kvr_study *study, char *error, size_t error_bytes);

#endif
