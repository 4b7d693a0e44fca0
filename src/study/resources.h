/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a core-bound kernel is full of: its declared instructions per block over the measured rates
 * of this core. P = max(count / rate) is the least time that any one resource allows.
 */
#ifndef KVR_RESOURCES_H
#define KVR_RESOURCES_H

#include "../report/record.h"

struct kvr_core_limit {
    double ns_per_key;    /* P of one core, all queries; NAN: no work declared, or no rate known */
    const char *resource; /* load, store, shuffle, valu, fma, intdot, convert, gather, issue */
    double rate;          /* of that resource, instructions (gather: elements) a ns; NAN as above */
    const char *ceiling;  /* whose value it is: its id, of the record */
};

/* `work` is declared for work_head_dim and work_tables and scaled to the shape; its queries are
 * scored in groups as far as the kernel has them. */
void kvr_core_limit(const struct kvr_run_record *record, const struct kvr_kernel *kernel,
                    const struct kvr_shape *shape, struct kvr_core_limit *limit);

/* Which rate P rests on, into a verdict that holds P already; one without P stays as it is. */
void kvr_core_limit_store(const struct kvr_core_limit *limit, struct kvr_verdict_record *verdict);

/* The ISAs whose rates count for a kernel's, best first: its own; its base, which an extension
 * (avx512vnni) has its other rates from; for `issue` scalar, as the front end is the same for all.
 * `resource` may have a dtype behind it. Returns how many, 1 to 3. */
size_t kvr_rate_isas(const char *isa, const char *resource, const char *isas[3]);

/* The rate ceiling of a resource for a kernel's ISA, in instructions a ns of one core (gather:
 * elements), from the first of kvr_rate_isas that has it. name: "type.dtype" ("shuffle.two"), or
 * "type" for any dtype. NAN: not measured. */
double kvr_resource_rate(const struct kvr_run_record *record, const char *isa, const char *name);

#endif
