/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Made-up sweeps, and the crossings found in them.
 */
#ifndef SWEEPS_H
#define SWEEPS_H

#include "src/study/crossings.h"

/* A case of lookat.f32 from DRAM. Its ratios are absent. */
struct kvr_result *sweep_add(struct kvr_run_record *record, uint32_t tokens);
/* B with an interval of `spread` to both sides, as a factor; 0: none. */
void sweep_balance(struct kvr_result *result, double b, double spread);
/* A sweep over tokens, 64, 128, 256 ..., with these balances. */
void sweep_make(struct kvr_run_record *record, size_t count, const double *b, double spread);
#define SWEEP(record, spread, ...) \
    sweep_make(record, sizeof((double[]){__VA_ARGS__}) / sizeof(double), (double[]){__VA_ARGS__}, \
               spread)

/* Finds all crossings; the one of a kind and axis, or NULL. Two of them fail the test. */
const struct kvr_crossing *sweep_find(struct kvr_run_record *record, const char *what,
                                      const char *axis);
/* The only crossing: of B over tokens. */
const struct kvr_crossing *sweep_only(struct kvr_run_record *record);

void sweep_near(double found, double by_hand);
void sweep_says(const struct kvr_crossing *crossing, const char *text); /* its reason */

#endif
