/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan_build.h"

enum { DEFAULT_ROUNDS = 9 };
static const double default_min_time_s = .02;

int kvr_build_fail(struct kvr_build *build, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(build->error, build->error_bytes, format, arguments);
    va_end(arguments);
    return status;
}

int kvr_build_skip(struct kvr_build *build, int status, const char *name, const char *what,
                   const char *format, ...)
{
    struct kvr_plan *plan = build->plan;
    struct kvr_skip skip;
    va_list arguments;
    memset(&skip, 0, sizeof skip);
    snprintf(skip.name, sizeof skip.name, "%s", name);
    snprintf(skip.what, sizeof skip.what, "%s", what);
    va_start(arguments, format);
    vsnprintf(skip.why, sizeof skip.why, format, arguments);
    va_end(arguments);
    if (!build->first_refusal)
        build->first_refusal = status;
    for (size_t i = 0; i < plan->skip_count; i++) {
        if (!strcmp(plan->skips[i].name, skip.name) && !strcmp(plan->skips[i].why, skip.why))
            return 0;
    }
    if (plan->skip_count == build->skip_capacity) {
        size_t capacity = build->skip_capacity ? 2 * build->skip_capacity : 16;
        void *skips = reallocarray(plan->skips, capacity, sizeof *plan->skips);
        if (!skips)
            return kvr_build_fail(build, -ENOMEM, "out of memory");
        plan->skips = skips;
        build->skip_capacity = capacity;
    }
    plan->skips[plan->skip_count++] = skip;
    return 0;
}

static int multiply_out(struct kvr_build *build)
{
    int status = 0;
    for (size_t g = 0; g < build->profile->group_count && !status; g++)
        status = kvr_build_group(build, &build->profile->groups[g]);
    if (status || build->plan->case_count)
        return status;
    const struct kvr_skip *first = build->plan->skips;
    return kvr_build_fail(build, build->first_refusal ? build->first_refusal : -EINVAL,
                          "nothing to measure: %s: %s", first ? first->name : "no case",
                          first ? first->why
                                : "no kernel of the profile serves its numbers of entries");
}

static void copy_settings(struct kvr_plan *plan, const struct kvr_profile *profile)
{
    snprintf(plan->profile, sizeof plan->profile, "%s", profile->name);
    snprintf(plan->profile_path, sizeof plan->profile_path, "%s", profile->path);
    plan->rounds = profile->rounds ? profile->rounds : DEFAULT_ROUNDS;
    plan->min_time_s = isnan(profile->min_time_s) ? default_min_time_s : profile->min_time_s;
    plan->budget_s = profile->budget_s;
    plan->ladder_points_per_octave =
        profile->ladder_points_per_octave ? profile->ladder_points_per_octave : 1;
    plan->full_ceilings = profile->full_ceilings;
    plan->deep = profile->deep;
    plan->mini_keys = profile->mini_keys;
}

int kvr_plan_make(const struct kvr_options *options, const struct kvr_machine *machine,
                  struct kvr_plan *plan, char *error, size_t error_bytes)
{
    struct kvr_profile profile = {.groups = NULL};
    struct kvr_build build = {.options = options,
                              .machine = machine,
                              .profile = &profile,
                              .plan = plan,
                              .error = error,
                              .error_bytes = error_bytes};
    memset(plan, 0, sizeof *plan);
    int status = kvr_profile_load(options->profile ? options->profile : "quick", &profile, error,
                                  error_bytes);
    if (status)
        return status;
    status = kvr_build_check_flags(&build);
    if (status)
        goto out;
    kvr_profile_override(&profile, options);
    copy_settings(plan, &profile);
    plan->verdict_test = !(options->kernel_count && !options->profile);
    status = kvr_build_memory(&build);
    if (!status)
        status = multiply_out(&build);
    if (status)
        goto out;
    plan->profile_json = kvr_merged_json(&profile, options);
    if (!plan->profile_json)
        status = kvr_build_fail(&build, -ENOMEM, "out of memory");
out:
    kvr_profile_free(&profile);
    if (status)
        kvr_plan_free(plan);
    return status;
}

void kvr_plan_free(struct kvr_plan *plan)
{
    free(plan->profile_json);
    free(plan->cases);
    free(plan->skips);
    memset(plan, 0, sizeof *plan);
}
