/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof run: parse, load, plan, measure, report.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../measure/clock.h"
#include "../study/arena.h"
#include "../study/counting.h"
#include "../study/roofs_reuse.h"
#include "../study/study.h"
#include "bench.h"
#include "cli.h"
#include "outputs.h"
#include "run_processes.h"
#include "style.h"

struct run {
    struct kvr_options options;
    struct kvr_machine machine;
    struct kvr_plan plan;
    struct kvr_run_record record, roofs; /* roofs: of --roofs */
    struct kvr_counting *counting; /* NULL: none */
    struct kvr_sinks sinks;
    double started_s;
    size_t cases_shown; /* as finished */
    bool tty;
    bool finished; /* or about to be */
    int argc;
    char **argv;
};

static struct kvr_output_style style_of(const struct kvr_options *options)
{
    static const char *const when[] = {"auto", "always", "never"};
    struct kvr_output_style style = {0};
    kvr_style_of_stdout(when[options->color], &style);
    return style;
}

static void show_phase(const struct kvr_study *study, const char *what)
{
    const struct run *run = study->context;
    if (run->options.quiet || run->options.progress == KVR_PROGRESS_OFF)
        return;
    fprintf(stderr, run->tty ? "\r\033[K%s ..." : "%s ...\n", what);
    fflush(stderr);
}

static void show_result(const struct run *run, const struct kvr_result *r, size_t done,
                        double left_s)
{
    char line[400];
    int n = snprintf(line, sizeof line, "[%zu/%zu] %s", done, run->plan.case_count, r->name);
    if (r->measured)
        snprintf(line + n, sizeof line - (size_t)n, "  %.3g ns/key  %.1f GB/s  %.0f %% of %s roof",
                 r->result.ns_per_key, r->result.gb_per_s, r->result.percent_of_roof,
                 r->result.roof);
    else
        snprintf(line + n, sizeof line - (size_t)n, "  not measured: %s",
                 r->unavailable_count ? r->unavailable[0].why : "");
    if (run->tty)
        fprintf(stderr, "\r\033[K%s  ETA %02d:%02d", line, (int)left_s / 60, (int)left_s % 60);
    else
        fprintf(stderr, "%s\n", line);
}

static void on_measured(const struct kvr_study *study, size_t first, size_t cases_done,
                        double left_s)
{
    struct run *run = study->context;
    kvr_sinks_append(&run->sinks, &run->record);
    if (run->options.quiet || run->options.progress == KVR_PROGRESS_OFF)
        return;
    for (size_t i = first; i < run->record.result_count; i++) {
        run->cases_shown += run->cases_shown < cases_done;
        show_result(run, &run->record.results[i], run->cases_shown, left_s);
    }
    run->cases_shown = cases_done;
    fflush(stderr);
}

static void describe(struct run *run, int argc, char **argv)
{
    struct kvr_run_record *r = &run->record;
    kvr_record_describe(r, &run->machine, &run->options, argc, argv);
    r->profile_json = run->plan.profile_json ? strdup(run->plan.profile_json) : NULL;
    if (run->plan.arena_reduced)
        kvr_check_add(&r->checks, "working-set-reduced", KVR_CHECK_WARN,
                      "the profile's working set was reduced to %.0f MiB: --max-mem or free memory "
                      "does not allow more",
                      (double)run->plan.arena_half_bytes / 1048576);
}

static int dry_run(const struct run *run)
{
    for (size_t i = 0; i < run->plan.case_count; i++) {
        char name[192];
        const struct kvr_case *c = &run->plan.cases[i];
        uint64_t bytes = c->working_set_bytes;
        if (!bytes && !strcmp(c->level, "DRAM"))
            bytes = run->plan.arena_half_bytes;
        kvr_case_name(c, c->candidate_count == 1 ? c->candidates[0]->isa_name : NULL, bytes, name,
                      sizeof name);
        printf("%s%s%s\n", name, bytes || !c->level[0] ? "" : "  in ", bytes ? "" : c->level);
    }
    for (size_t i = 0; i < run->plan.skip_count; i++)
        printf("not measured: %s: %s\n", run->plan.skips[i].name, run->plan.skips[i].why);
    return fflush(stdout) ? kvr_fail(KVR_EXIT_IO, "cannot write stdout: %s", strerror(errno)) : 0;
}

/* Nodes, pools of huge pages and free memory, before an output is opened. Of another system's
 * topology only a dry run can be made. */
static int check_memory(const struct run *run)
{
    const char *why = "";
    struct kvr_memory_request request = kvr_arena_request(&run->plan, &run->options,
                                                          kvr_session_arena_bytes(&run->plan));
    if (!run->machine.this_system)
        return run->options.dry_run ? KVR_EXIT_OK
                                    : kvr_fail(KVR_EXIT_IMPOSSIBLE, "%s", kvr_foreign_topology);
    if (!run->plan.case_count || !kvr_memory_check(&run->machine, &request, &why))
        return KVR_EXIT_OK;
    return kvr_fail(KVR_EXIT_IMPOSSIBLE, "two times %.0f MiB of keys: %s",
                    (double)request.bytes / 1048576, why);
}

static int exit_code_of(int rc)
{
    switch (rc) {
    case 0:
        return KVR_EXIT_OK;
    case -EINVAL:
    case -ENOENT:
        return KVR_EXIT_USAGE;
    case -EINTR:
        return 128 + (kvr_signal_number() ? kvr_signal_number() : SIGINT);
    case -EIO:
    case -ENOSPC:
    case -EPIPE:
        return KVR_EXIT_IO;
    default:
        return KVR_EXIT_IMPOSSIBLE;
    }
}

static bool measured_any(const struct kvr_run_record *record)
{
    for (size_t i = 0; i < record->result_count; i++)
        if (record->results[i].measured)
            return true;
    return false;
}

static bool anything_amiss(const struct kvr_run_record *record)
{
    for (size_t i = 0; i < record->checks.count; i++)
        if (record->checks.items[i].status == KVR_CHECK_WARN)
            return true;
    for (size_t i = 0; i < record->result_count; i++)
        if (!record->results[i].measured)
            return true;
    return false;
}

/* --prove: what was found is in the results, too. */
static int proof_failed(const struct kvr_run_record *record)
{
    for (size_t i = 0; i < record->checks.count; i++) {
        const struct kvr_check *c = &record->checks.items[i];
        if (!strcmp(c->id, "bypass") && c->status == KVR_CHECK_REFUSE)
            return kvr_fail(KVR_EXIT_NO, "--prove: %s", c->text);
    }
    return KVR_EXIT_OK;
}

/* The exit code, after errors were printed; the record says whether it is complete. */
static int measure_here(struct run *run, struct kvr_study *study)
{
    char error[512] = "";
    int rc = kvr_study_run(study, error, sizeof error);
    if (run->tty && !run->options.quiet)
        fprintf(stderr, "\r\033[K");
    int code = exit_code_of(rc);
    if (rc && rc != -EINTR)
        kvr_fail(code, "%s", error);
    run->record.complete = rc == 0;
    return code;
}

static int finish(struct run *run, int code)
{
    char error[512];
    run->finished = true;
    run->record.duration_s = kvr_wall_s() - run->started_s;
    if (code && code < 128 && !measured_any(&run->record)) { /* the error says why */
        kvr_sinks_abandon(&run->sinks);
        return code;
    }
    struct kvr_output_style style = style_of(&run->options);
    if (kvr_sinks_finish(&run->sinks, &run->record, &style, error, sizeof error))
        return kvr_fail(KVR_EXIT_IO, "%s", error);
    if (!code)
        code = proof_failed(&run->record);
    if (run->sinks.default_file && !run->options.quiet)
        fprintf(stderr, "results: %s\n", run->sinks.items[0].path);
    if (!code && run->options.strict && anything_amiss(&run->record))
        code = kvr_fail(KVR_EXIT_NO, "--strict: a check warns or a case was not measured");
    return code;
}

/* From another thread, while those that measure wait for counters that never come: the record does
 * not change any more. */
static void finish_hung(void *context, const char *why)
{
    struct run *run = context;
    kvr_fail(KVR_EXIT_IMPOSSIBLE, "%s%s", run->tty ? "\r\033[K" : "", why);
    if (!run->finished && run->sinks.count)
        finish(run, KVR_EXIT_IMPOSSIBLE);
}

static int measure(struct run *run)
{
    char error[512] = "";
    struct kvr_study study = {.options = &run->options,
                              .machine = &run->machine,
                              .plan = &run->plan,
                              .record = &run->record,
                              .interrupted = kvr_signal_flag(),
                              .roofs = run->options.roofs ? &run->roofs : NULL,
                              .counting = run->counting,
                              .started_s = run->started_s,
                              .measured = on_measured,
                              .phase = show_phase,
                              .context = run};
    int rc = kvr_study_check_keys(&study, error, sizeof error);
    if (rc)
        return kvr_fail(rc == -ENOMEM ? KVR_EXIT_IMPOSSIBLE : KVR_EXIT_USAGE, "%s", error);
    rc = kvr_sinks_open(&run->sinks, &run->options, &run->record, error, sizeof error);
    if (rc)
        return kvr_fail(KVR_EXIT_IO, "%s", error);
    if (run->options.processes > 1)
        return finish(run, kvr_run_processes(&run->options, run->argc, run->argv, run->started_s,
                                             &run->record));
    return finish(run, measure_here(run, &study));
}

int kvr_cmd_run(int argc, char **argv)
{
    char error[512] = "";
    const char *why = "";
    int done = 0, code;
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    run->started_s = kvr_wall_s();
    run->argc = argc;
    run->argv = argv;
    kvr_run_record_init(&run->record);
    kvr_run_record_init(&run->roofs);
    code = kvr_options_parse(argc, argv, &run->options, &done);
    if (code || done)
        goto out;
    if (kvr_machine_load(&run->machine, NULL, &why)) {
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "this machine cannot be described: %s", why);
        goto out;
    }
    int rc = kvr_plan_make(&run->options, &run->machine, &run->plan, error, sizeof error);
    if (rc) {
        code = kvr_fail(exit_code_of(rc), "%s", error);
        goto out;
    }
    if (run->options.roofs)
        rc = kvr_roofs_load(run->options.roofs, &run->machine, &run->plan, &run->roofs, error,
                            sizeof error);
    if (rc) {
        code = kvr_fail(exit_code_of(rc), "%s", error);
        goto out;
    }
    code = check_memory(run);
    if (code)
        goto out;
    rc = kvr_counting_open(&run->counting, &run->options, &run->machine, !run->options.dry_run,
                           &run->record.checks, error, sizeof error);
    if (rc) {
        code = kvr_fail(exit_code_of(rc), "%s", error);
        goto out;
    }
    kvr_counting_on_hang(run->counting, finish_hung, run);
    run->tty = run->options.progress == KVR_PROGRESS_AUTO && isatty(STDERR_FILENO);
    if (run->options.dry_run) {
        code = dry_run(run);
        goto out;
    }
    kvr_signals_catch();
    describe(run, argc, argv);
    code = measure(run);
out:
    kvr_counting_close(run->counting);
    kvr_plan_free(&run->plan);
    kvr_run_record_free(&run->record);
    kvr_run_record_free(&run->roofs);
    free(run);
    return code;
}
