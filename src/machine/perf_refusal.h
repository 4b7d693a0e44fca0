/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an errno of perf_event_open says about this machine, and what would help.
 */
#ifndef KVR_MACHINE_PERF_REFUSAL_H
#define KVR_MACHINE_PERF_REFUSAL_H

#include "checks.h"

struct kvr_perf_refusal {
    int error;
    enum kvr_check_status status; /* unknown: it may be had at another time */
    const char *what, *fix;       /* fix NULL: nothing known helps */
};

/* NULL: nothing is known of this errno. */
const struct kvr_perf_refusal *kvr_perf_refusal(int error);

#endif
