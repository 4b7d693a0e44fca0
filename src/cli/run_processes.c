/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run_processes.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../measure/clock.h"
#include "../report/writers.h"
#include "../study/processes.h"
#include "bench.h"
#include "child.h"

enum { PATH_BYTES = 300 };

struct family {
    const struct kvr_options *options;
    int argc;
    char **argv;
    double started_s;
    char folder[PATH_BYTES];
    struct kvr_run_record *parts; /* [options->processes] */
    size_t done, deaths;
};

static char **command_of(const struct family *f, char *own, char *part)
{
    char **argv = calloc((size_t)f->argc + 4, sizeof *argv);
    int n = 0;
    if (!argv)
        return NULL;
    argv[n++] = own;
    argv[n++] = "run";
    argv[n++] = part;
    for (int i = 1; i < f->argc; i++)
        if (strcmp(f->argv[i], "--"))
            argv[n++] = f->argv[i];
    return argv;
}

/* This process's share of what is left of the budget; 0: there is none. */
static double share_of(const struct family *f, size_t index)
{
    double budget_s = f->options->budget_s;
    if (isnan(budget_s))
        return 0;
    double left = budget_s - (kvr_wall_s() - f->started_s);
    return fmax(left, .001) / (double)(f->options->processes - index);
}

static void read_part(struct family *f, size_t index, const char *path)
{
    char error[512];
    if (access(path, R_OK) || kvr_read_result(path, &f->parts[index], error, sizeof error))
        kvr_run_record_init(&f->parts[index]);
    (void)unlink(path);
}

static int run_part(struct family *f, size_t index)
{
    char path[PATH_BYTES + 40], part[PATH_BYTES + 100], own[PATH_MAX], how[120];
    ssize_t n = readlink(kvr_own_program, own, sizeof own - 1);
    own[n > 0 ? n : 0] = 0;
    snprintf(path, sizeof path, "%s/process-%zu.jsonl", f->folder, index);
    snprintf(part, sizeof part, "--process-part=%.3f:%s", share_of(f, index), path);
    char **argv = command_of(f, own, part);
    if (!argv)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    if (!f->options->quiet && f->options->progress != KVR_PROGRESS_OFF)
        fprintf(stderr, "process %zu of %u\n", index + 1, f->options->processes);
    int code = kvr_child_run(argv, NULL);
    free(argv);
    read_part(f, index, path);
    f->done++;
    if (kvr_signal_number())
        return 128 + kvr_signal_number();
    if (!code)
        return KVR_EXIT_OK;
    kvr_child_end_text(code, how, sizeof how);
    f->deaths++;
    kvr_fail(0, "process %zu of %u %s; what it measured is kept", index + 1, f->options->processes,
             how);
    /* The very first one: the next would end the same. */
    if (index == 0 && code < 128)
        return code > 0 ? code : KVR_EXIT_IMPOSSIBLE;
    return KVR_EXIT_OK;
}

static int run_all(struct family *f)
{
    int code = KVR_EXIT_OK;
    for (size_t i = 0; i < f->options->processes && !code; i++)
        code = run_part(f, i);
    return code;
}

int kvr_run_processes(const struct kvr_options *options, int argc, char **argv, double started_s,
                      struct kvr_run_record *record)
{
    struct family f = {.options = options, .argc = argc, .argv = argv, .started_s = started_s};
    const char *base = getenv("TMPDIR");
    snprintf(f.folder, sizeof f.folder, "%.250s/kvroof-XXXXXX", base && *base ? base : P_tmpdir);
    f.parts = calloc(options->processes, sizeof *f.parts);
    if (!f.parts)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    if (!mkdtemp(f.folder)) {
        free(f.parts);
        return kvr_fail(KVR_EXIT_IO, "no folder for the results of processes, %s: %s; set TMPDIR",
                        f.folder, strerror(errno));
    }
    int code = run_all(&f);
    if (kvr_processes_merge(record, f.parts, f.done))
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    for (size_t i = 0; i < f.done; i++)
        kvr_run_record_free(&f.parts[i]);
    free(f.parts);
    (void)rmdir(f.folder);
    record->complete = !code && !f.deaths;
    if (!code && f.deaths)
        code = KVR_EXIT_IMPOSSIBLE;
    return code;
}
