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

/* `work` is declared for work_head_dim and work_tables and scaled to the shape. */
void kvr_core_limit(const struct kvr_run_record *record, const struct kvr_kernel *kernel,
                    const struct kvr_shape *shape, struct kvr_core_limit *limit);

/* The rate ceiling of a resource for a kernel's ISA, in instructions a ns of one core (gather:
 * elements). An extension (avx512vnni) has rates of its own for what it adds and its base's for the
 * rest. name: "type.dtype" ("shuffle.two"), or "type" for any dtype. NAN: not measured. */
double kvr_resource_rate(const struct kvr_run_record *record, const char *isa, const char *name);

#endif
