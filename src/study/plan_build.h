/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/study only: the parts of making a plan.
 */
#ifndef KVR_PLAN_BUILD_H
#define KVR_PLAN_BUILD_H

#include "profile.h"
#include "select.h"

enum { KVR_MAX_CASES = 10000 };

/* A plan in the making. Borrowed, but for what `plan` owns. */
struct kvr_build {
    const struct kvr_options *options;
    const struct kvr_machine *machine;
    const struct kvr_profile *profile;  /* merged */
    struct kvr_plan *plan;
    size_t case_capacity, skip_capacity;
    uint32_t cpu_count, core_count;     /* of the CPUs chosen with --cpus */
    uint64_t half_max_bytes;            /* the largest arena half that --max-mem allows */
    bool node_limits;                   /* not --max-mem: a node on which memory is to lie */
    int first_refusal;                  /* -EINVAL or -ENODEV of the first skip; 0: none */
    char *error;
    size_t error_bytes;
};

/* Replaces the axes that options name in every group of the profile (merge.c). */
void kvr_profile_override(struct kvr_profile *profile, const struct kvr_options *options);
/* The merged profile as JSON text, owned by the caller; NULL: out of memory. */
char *kvr_merged_json(const struct kvr_profile *profile, const struct kvr_options *options);

/* Sets the error and returns `status`. */
int kvr_build_fail(struct kvr_build *build, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a row that is not measured, once per name and reason; `status` says of what kind the
 * refusal is, in case nothing remains. 0 or -ENOMEM. */
int kvr_build_skip(struct kvr_build *build, int status, const char *name, const char *what,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

/* What flags order and this host or build refuses: --isa, --kernel, --cpus, --threads, --mem.
 * Fills cpu_count and core_count (plan_host.c). 0, -EINVAL or -ENODEV with the error set. */
int kvr_build_check_flags(struct kvr_build *build);
/* Limits of memory and the size of the arena (plan_host.c). 0, -EINVAL or -ENODEV. */
int kvr_build_memory(struct kvr_build *build);
/* The arena half grows to `bytes` where the limit allows. 0 or -ENOMEM. */
int kvr_build_reserve(struct kvr_build *build, uint64_t bytes);

/* Adds one case whose axes are set, unless it is there already; what a flag orders and the codec,
 * the layout or the memory refuses is an error, other refusals are rows (plan_case.c). 0 or an
 * error that is set. */
int kvr_build_case(struct kvr_build *build, const struct kvr_case *draft,
                   const struct kvr_selection *selection);
/* A row with the name that the case would have. 0 or -ENOMEM. */
int kvr_build_skip_case(struct kvr_build *build, const struct kvr_case *c, int status,
                        const char *what, const char *why);

/* Multiplies out one group of the profile (plan_cases.c). 0 or an error that is set. */
int kvr_build_group(struct kvr_build *build, const struct kvr_group *group);

#endif
