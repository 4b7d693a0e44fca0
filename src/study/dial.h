/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The instrument tested like an instrument: dial kernels whose side is known by construction, and
 * chains of dependent loads, are measured and judged like any case. A short form controls every
 * run; the long form is `kvroof verify --verdict`.
 */
#ifndef KVR_DIAL_H
#define KVR_DIAL_H

#include "session.h"
#include "verdict.h"

enum { KVR_MAX_DIAL_SETTINGS = 96 };

struct kvr_dial_setting {
    char level[8];
    char resource[12];    /* fma, load, shuffle, fadd; "chase" for dependent loads */
    double aimed_balance; /* operations over their rate against bytes over their roof */
    uint64_t bytes;       /* working set */
};

struct kvr_dial_outcome {
    struct kvr_dial_setting setting;
    uint32_t twelves;
    double true_balance;  /* from the rate and the read ceiling; NAN for a chase */
    enum kvr_side truth;  /* by construction; EVEN within 15 % of a border: not counted */
    bool latency;         /* truth is latency */
    struct kvr_verdict verdict;
    bool reaches_bound;   /* T >= .97 E */
    enum { KVR_DIAL_RIGHT, KVR_DIAL_WRONG, KVR_DIAL_UNDECIDED, KVR_DIAL_NOT_COUNTED } says;
};

struct kvr_dial_report {
    struct kvr_dial_outcome outcomes[KVR_MAX_DIAL_SETTINGS];
    size_t count;
    uint32_t right, wrong, undecided, not_counted;
};

/* Short: the two controls (B = .2 and 5, fma, DRAM) and six more; long: at least 40 settings over
 * levels and resources, near borders too, and chains. Needs ceilings and a team of one. 0; -EINTR;
 * -ENOMEM; -ENODEV when no dial runs here. */
int kvr_dial_test(struct kvr_session *session, bool long_form, double sample_s, uint32_t rounds,
                  struct kvr_dial_report *report);

/* Whether the two controls found their side. */
bool kvr_dial_controls_hold(const struct kvr_dial_report *report);

/* What a judged setting counts as: right, wrong, undecided or not counted. Pure. */
void kvr_dial_judge(struct kvr_dial_outcome *outcome);

#endif
