/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The checks of doctor and of every run: what the machine is and allows, its clock, and a row for
 * each fact that only a run can know.
 */
#ifndef KVR_FACTS_H
#define KVR_FACTS_H

#include "../machine/checks.h"
#include "../measure/clock.h"
#include "../report/record.h"

/* The machine's checks, then clock-real and clock-resolution, measured in some milliseconds, then
 * those that are unknown until a run measures and replaces them. */
void kvr_facts_check(const struct kvr_machine *machine, struct kvr_checks *checks);

/* The check clock-real: the core's clock by two chains of dependent instructions. Returns GHz. */
double kvr_clock_check(const struct kvr_clock *clock, struct kvr_checks *checks);

/* The check clock-resolution: the least step of the counter between two readings. */
void kvr_resolution_check(const struct kvr_clock *clock, struct kvr_checks *checks);

/* Checks faults, switches, preemptions, migrations and void-rounds: sums over the rounds of every
 * result. Unknown where no round was measured. Pure. */
void kvr_rounds_check(struct kvr_run_record *record);

#endif
