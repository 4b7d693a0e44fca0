/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a judged setting of the dial counts as: pure functions.
 */
#include <string.h>

#include "dial.h"

#define NEAR_BORDER 1.15

void kvr_dial_judge(struct kvr_dial_outcome *o)
{
    bool decided_side = o->verdict.side == KVR_SIDE_MEMORY || o->verdict.side == KVR_SIDE_CORE;
    if (o->latency) {
        bool waits = o->verdict.bound == KVR_BOUND_LATENCY;
        bool decided = o->verdict.bound != KVR_BOUND_UNDECIDED;
        o->says = waits ? KVR_DIAL_RIGHT : decided ? KVR_DIAL_WRONG : KVR_DIAL_UNDECIDED;
        return;
    }
    bool below = o->true_balance < 1 / (KVR_NEAR * NEAR_BORDER);
    bool above = o->true_balance > KVR_NEAR * NEAR_BORDER;
    if (o->verdict.bound == KVR_BOUND_LATENCY) /* independent loads do not wait */
        o->says = KVR_DIAL_WRONG;
    else if (!below && !above)
        o->says = KVR_DIAL_NOT_COUNTED;
    else if (!decided_side)
        o->says = KVR_DIAL_UNDECIDED;
    else if (o->verdict.side != o->truth)
        o->says = KVR_DIAL_WRONG;
    else
        o->says = o->reaches_bound ? KVR_DIAL_RIGHT : KVR_DIAL_UNDECIDED;
}

bool kvr_dial_controls_hold(const struct kvr_dial_report *report)
{
    if (report->count < 2)
        return false;
    return report->outcomes[0].verdict.side == KVR_SIDE_MEMORY &&
           report->outcomes[1].verdict.side == KVR_SIDE_CORE &&
           (!report->outcomes[1].verdict.resource[0] ||
            !strcmp(report->outcomes[1].verdict.resource, report->outcomes[1].setting.resource));
}
