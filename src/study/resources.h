/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a core-bound kernel is full of: its declared instructions per block over the measured rates
 * of this core. P = max(count / rate) is the least time that any one resource allows.
 */
#ifndef KVR_RESOURCES_H
#define KVR_RESOURCES_H

#include "../report/record.h"

struct kvr_core_limit {
    double ns_per_key;    /* P; NAN where the kernel declares no work or no rate is known */
    const char *resource; /* load, store, shuffle, valu, fma, intdot, convert, gather, issue */
};

/* The measured rate of a resource for a kernel's ISA, or its base's, in instructions (gather:
 * elements) a ns of one core; NAN: not measured. */
double kvr_core_rate(const struct kvr_run_record *record, const char *isa, const char *resource);

/* `work` is declared for work_head_dim and work_tables and scaled to the shape. */
void kvr_core_limit(const struct kvr_run_record *record, const struct kvr_kernel *kernel,
                    const struct kvr_shape *shape, struct kvr_core_limit *limit);

#endif
