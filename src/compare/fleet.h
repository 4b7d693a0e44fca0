/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Results of many nodes made a fleet: groups, medians, robust z-scores, and who is far off.
 */
#ifndef KVR_COMPARE_FLEET_H
#define KVR_COMPARE_FLEET_H

#include "../report/fleet.h"

/* Of `count` records, which must outlive the fleet; names[i] is the file of record i. 0 or -ENOMEM;
 * kvr_fleet_free in either case. */
int kvr_fleet_make(const struct kvr_run_record *records, const char *const *names, size_t count,
                   double threshold, struct kvr_fleet *fleet);

#endif
