/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../study/facts.h"
#include "cli.h"
#include "version.h"

static char **copy_strings(const char *const *from, size_t count)
{
    char **to = calloc(count + 1, sizeof *to);
    for (size_t i = 0; to && i < count; i++)
        to[i] = strdup(from[i]);
    return to;
}

void kvr_record_describe(struct kvr_run_record *r, const struct kvr_machine *machine,
                         const struct kvr_options *options, int argc, char **argv)
{
    time_t now = time(NULL);
    struct tm utc;
    strftime(r->started, sizeof r->started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    snprintf(r->version, sizeof r->version, "%s", KVR_VERSION);
    snprintf(r->git, sizeof r->git, "%s", KVR_GIT);
    snprintf(r->compiler, sizeof r->compiler, "%s", KVR_COMPILER);
    snprintf(r->flags, sizeof r->flags, "%s", KVR_FLAGS);
    r->command = copy_strings((const char *const *)argv, (size_t)argc);
    if (options->tag_count)
        r->tags = copy_strings(options->tags, options->tag_count);
    if (options->label)
        snprintf(r->label, sizeof r->label, "%s", options->label);
    r->machine = *machine;
    kvr_facts_check(machine, &r->checks);
}

int kvr_bench_open(struct kvr_bench *b, const char *command, uint64_t half_bytes, uint32_t points)
{
    const char *why = "";
    char error[512] = "";
    kvr_run_record_init(&b->record);
    if (kvr_machine_load(&b->machine, NULL, &why))
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "%s: this machine cannot be described: %s", command,
                        why);
    const struct kvr_options *o = &b->options;
    uint64_t usable = kvr_memory_usable_bytes(&b->machine, o->mem, o->mem_node, o->cpus,
                                              o->cpu_count);
    uint64_t most = o->max_mem_bytes ? o->max_mem_bytes : usable / 5 * 3;
    uint64_t half = half_bytes < most / 2 ? half_bytes : most / 2 / (2 << 20) * (2 << 20);
    b->plan = (struct kvr_plan){.rounds = 9,
                                .min_time_s = .02,
                                .budget_s = NAN,
                                .arena_half_bytes = half,
                                .arena_reduced = half < half_bytes,
                                .max_mem_bytes = most,
                                .ladder_points_per_octave = points};
    b->session = (struct kvr_session){.machine = &b->machine,
                                      .options = &b->options,
                                      .plan = &b->plan,
                                      .record = &b->record,
                                      .interrupted = kvr_signal_flag(),
                                      .deadline_s = INFINITY,
                                      .repeats_left_s = 10};
    kvr_signals_catch();
    int rc = kvr_session_open(&b->session, error, sizeof error);
    if (rc == -EINTR)
        return kvr_fail(128 + kvr_signal_number(), "%s: interrupted before anything was measured",
                        command);
    if (rc)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "%s: %s", command, error);
    return KVR_EXIT_OK;
}

void kvr_bench_close(struct kvr_bench *b)
{
    kvr_session_close(&b->session);
    kvr_run_record_free(&b->record);
}
