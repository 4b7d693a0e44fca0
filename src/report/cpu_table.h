/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Results of several machines side by side: what each takes for a case, and how that lies to its
 * own roof. No pass and no fail.
 */
#ifndef KVR_CPU_TABLE_H
#define KVR_CPU_TABLE_H

#include "writers.h"

/* The columns that a table can be ordered by, NULL-terminated; the first is the default. */
extern const char *const kvr_cpu_orders[];

/* One row a case and machine; names[i] is results[i]'s file. `wanted` says which cases (NULL: all);
 * `order` is one of kvr_cpu_orders. A result with the tag cost=X (the price of a core-second) has
 * what 10^9 keys cost. 0 or -errno. */
int kvr_write_cpu_table(FILE *out, enum kvr_output_format format,
                        const struct kvr_run_record *results, const char *const *names,
                        size_t count, const char *order,
                        bool (*wanted)(const char *name, const void *context),
                        const void *context);

/* The number in the tag cost=X; NAN: there is none, or it is no number above 0. */
double kvr_cost_of(const struct kvr_run_record *record);

#endif
