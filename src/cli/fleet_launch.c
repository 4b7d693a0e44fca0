/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof fleet under srun or mpirun: a process a node, which tell each other by files. A rank that
 * has ended leaves rank-N.done with its exit code, after its result.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../compare/compare.h"
#include "../measure/clock.h"
#include "../study/values.h"
#include "bench.h"
#include "child.h"
#include "cli.h"
#include "files.h"
#include "fleet.h"

enum { PATH_BYTES = 1024, SENTENCE_BYTES = 900, MOST_RANKS = KVR_MAX_RESULTS };
#define USUAL_TIMEOUT_S 600
#define LOOK_NS 200000000

/* ---- which rank ---- */

/* mpirun's come first: inside an allocation of Slurm it leaves that one's variables, too. */
static const struct { const char *rank, *size, *other_size; } launchers[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", NULL},
    {"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", NULL},
    {"PMI_RANK", "PMI_SIZE", NULL},
    {"PMIX_RANK", "PMIX_SIZE", "SLURM_NTASKS"},
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"},
};

static int read_number(const char *name, uint64_t least, uint32_t *number, char *why,
                       size_t why_bytes)
{
    const char *text = getenv(name);
    char reason[160];
    uint64_t value = 0;
    if (kvr_count_parse(text ? text : "", least, MOST_RANKS, &value, reason, sizeof reason)) {
        snprintf(why, why_bytes, "the launcher's variable %s is '%.40s': it %s", name,
                 text ? text : "", reason);
        return -EINVAL;
    }
    *number = (uint32_t)value;
    return 0;
}

static void find_job(struct kvr_rank *rank)
{
    const char *slurm = getenv("SLURM_JOB_ID"), *step = getenv("SLURM_STEP_ID");
    const char *space = getenv("PMIX_NAMESPACE");
    if (slurm && *slurm && step && *step)
        snprintf(rank->job, sizeof rank->job, "%.30s.%.30s", slurm, step);
    else if (space && *space)
        snprintf(rank->job, sizeof rank->job, "%.60s", space);
    for (char *c = rank->job; *c; c++)
        *c = *c == '/' ? '-' : *c;
}

int kvr_rank_find(struct kvr_rank *rank, char *why, size_t why_bytes)
{
    *rank = (struct kvr_rank){0};
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        const char *size = launchers[i].size, *other = launchers[i].other_size;
        if (!getenv(launchers[i].rank))
            continue;
        rank->by = launchers[i].rank;
        if (!strcmp(rank->by, "SLURM_PROCID") && !getenv("SLURM_STEP_ID") && !getenv(size)) {
            snprintf(why, why_bytes, "sbatch started this process (SLURM_PROCID is set, but no "
                     "step of the job), and none for the other nodes: let the script start a "
                     "process a node, srun --ntasks-per-node=1 kvroof fleet RUN-OPTIONS");
            return -EINVAL;
        }
        size = !getenv(size) && other ? other : size;
        if (read_number(rank->by, 0, &rank->rank, why, why_bytes) ||
            read_number(size, 1, &rank->size, why, why_bytes))
            return -EINVAL;
        if (rank->rank >= rank->size) {
            snprintf(why, why_bytes, "%s is %" PRIu32 ", but %s only %" PRIu32, rank->by,
                     rank->rank, size, rank->size);
            return -EINVAL;
        }
        find_job(rank);
        return 1;
    }
    return 0;
}

/* ---- one rank ---- */

struct job {
    const struct kvr_fleet_arguments *arguments;
    const struct kvr_rank *rank;
    char folder[PATH_BYTES / 2];
};

static void path_of(const struct job *job, uint32_t rank, const char *ending, char *path)
{
    snprintf(path, PATH_BYTES, "%s/rank-%04" PRIu32 ".%s", job->folder, rank, ending);
}

static int choose_folder(struct job *job)
{
    const char *given = job->arguments->folder;
    if (!given && !job->rank->job[0])
        return kvr_fail(KVR_EXIT_USAGE, "fleet: the launcher names no job that all processes could "
                        "name a folder by: give a shared one with --folder");
    int n = given ? snprintf(job->folder, sizeof job->folder, "%s", given)
                  : snprintf(job->folder, sizeof job->folder, "results/fleet-%s", job->rank->job);
    if (n < 0 || (size_t)n >= sizeof job->folder)
        return kvr_fail(KVR_EXIT_USAGE, "fleet: --folder: '%.80s...' is too long", given);
    int rc = kvr_make_folder(job->folder);
    return rc ? kvr_fail(KVR_EXIT_IO, "cannot make %s: %s; give another folder with --folder",
                         job->folder, strerror(-rc)) : KVR_EXIT_OK;
}

/* Run's own parser has the say; what a fleet decides itself is refused. */
static int check_options(int argc, char **argv)
{
    struct kvr_options *o = calloc(1, sizeof *o);
    int done = 0;
    int code = o ? kvr_options_parse(argc, argv, o, &done)
                 : kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    if (!code && o->output_count)
        code = kvr_fail(KVR_EXIT_USAGE, "fleet: every node writes into the shared folder: leave -o "
                        "out and give --folder; kvroof export writes other formats of a result");
    if (!code && (o->dry_run || o->process_file))
        code = kvr_fail(KVR_EXIT_USAGE, "fleet: --dry-run measures nothing that could be merged: "
                        "kvroof run --dry-run shows the cases of this node");
    free(o);
    return code;
}

/* What this rank told of a start that was refused is of no fleet. */
static void forget_refusal(const struct job *job)
{
    char path[PATH_BYTES];
    int code = 0;
    path_of(job, job->rank->rank, "done", path);
    FILE *in = fopen(path, "re");
    bool refused = in && fscanf(in, "%d", &code) == 1 && code == KVR_EXIT_USAGE;
    if (in)
        fclose(in);
    if (refused)
        unlink(path);
}

/* Of an earlier job: its results would be taken for this one's. */
static int check_fresh(const struct job *job)
{
    static const char *const endings[] = {"json", "done"};
    char path[PATH_BYTES];
    forget_refusal(job);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        path_of(job, job->rank->rank, endings[i], path);
        if (!access(path, F_OK))
            return kvr_fail(KVR_EXIT_USAGE, "fleet: %s is there from an earlier fleet: give an "
                            "empty folder with --folder", path);
    }
    return KVR_EXIT_OK;
}

static int measure(const struct job *job, int argc, char **argv)
{
    char own[] = "run", path[PATH_BYTES], output[PATH_BYTES + 8], tag[40], job_tag[80];
    char program[PATH_BYTES];
    ssize_t length = readlink(kvr_own_program, program, sizeof program - 1);
    char **command = calloc((size_t)argc + 12, sizeof *command);
    int n = 0;
    if (!command)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    program[length > 0 ? length : 0] = 0;
    path_of(job, job->rank->rank, "json", path);
    snprintf(output, sizeof output, "json:%s", path);
    snprintf(tag, sizeof tag, "rank=%" PRIu32, job->rank->rank);
    snprintf(job_tag, sizeof job_tag, "job=%s", job->rank->job);
    char *const ours[] = {program, own, "-o", output, "--tag", tag, "--progress",
                          job->rank->rank ? "off" : "plain"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        command[n++] = ours[i];
    if (job->rank->job[0]) {
        command[n++] = "--tag";
        command[n++] = job_tag;
    }
    for (int i = 1; i < argc; i++)
        command[n++] = argv[i];
    int code = kvr_child_run(command, NULL);
    free(command);
    return code;
}

/* The exit code and the host, in a file that appears whole. */
static int tell(const struct job *job, int code)
{
    char path[PATH_BYTES], partial[PATH_BYTES], host[128] = "";
    path_of(job, job->rank->rank, "done", path);
    path_of(job, job->rank->rank, "done.partial", partial);
    gethostname(host, sizeof host - 1);
    FILE *out = fopen(partial, "we");
    int rc = out && fprintf(out, "%d %s\n", code, host) > 0 ? 0 : -errno;
    if (out && fclose(out) && !rc)
        rc = -errno;
    if (!rc && rename(partial, path))
        rc = -errno;
    return rc ? kvr_fail(KVR_EXIT_IO, "cannot write %s: %s; give another folder with --folder",
                         path, strerror(-rc)) : KVR_EXIT_OK;
}

/* ---- the first rank ---- */

struct gathered {
    struct kvr_run_record *records;
    char (*paths)[PATH_BYTES];
    const char **names;      /* of paths */
    size_t count;
    char (*sentences)[SENTENCE_BYTES];
    const char **missing;    /* of sentences */
    size_t missing_count;
};

static bool ended(const struct job *job, uint32_t rank)
{
    char path[PATH_BYTES];
    path_of(job, rank, "done", path);
    return !access(path, R_OK);
}

static void wait_for_others(const struct job *job)
{
    const double timeout_s = isnan(job->arguments->timeout_s) ? USUAL_TIMEOUT_S
                                                              : job->arguments->timeout_s;
    const struct timespec pause = {0, LOOK_NS};
    double until_s = kvr_wall_s() + timeout_s;
    uint32_t told = UINT32_MAX;
    while (!kvr_signal_number()) {
        uint32_t left = 0;
        for (uint32_t r = 0; r < job->rank->size; r++)
            left += !ended(job, r);
        if (!left || kvr_wall_s() > until_s)
            return;
        if (left != told)
            fprintf(stderr, "kvroof: fleet: waiting for %" PRIu32 " of %" PRIu32 " nodes\n", left,
                    job->rank->size);
        told = left;
        nanosleep(&pause, NULL);
    }
}

static void add_missing(struct gathered *g, uint32_t rank, const char *why)
{
    char *text = g->sentences[g->missing_count];
    snprintf(text, SENTENCE_BYTES, "rank %" PRIu32 ": %.800s", rank, why);
    kvr_fail(0, "fleet: %s", text);
    g->missing[g->missing_count++] = text;
}

static bool of_job(const struct job *job, const struct kvr_run_record *record)
{
    char tag[80];
    snprintf(tag, sizeof tag, "job=%s", job->rank->job);
    for (size_t i = 0; record->tags && record->tags[i]; i++)
        if (!strcmp(record->tags[i], tag))
            return true;
    return !job->rank->job[0];
}

/* How a rank ended, in words; "" if well. */
static void end_of(const struct job *job, uint32_t rank, bool result, char *why, size_t bytes)
{
    char path[PATH_BYTES], host[128] = "", how[160];
    int code = 0;
    path_of(job, rank, "done", path);
    FILE *in = fopen(path, "re");
    int fields = in ? fscanf(in, "%d %127s", &code, host) : 0;
    if (in)
        fclose(in);
    *why = 0;
    kvr_child_end_text(code, how, sizeof how);
    if (code == KVR_EXIT_USAGE)
        snprintf(how, sizeof how, "ended with exit code %d: it refused an option or a file, and "
                 "says which in its own error output", code);
    const char *kept = result ? "; what it measured is kept" : "; it left no result";
    if (!in)
        snprintf(why, bytes, "had not ended when %s%s",
                 kvr_signal_number() ? "this fleet was interrupted" : "--timeout was over", kept);
    else if (fields < 1 || code || !result)
        snprintf(why, bytes, "%s%s%s%s", host, *host ? " " : "", how, kept);
}

static void gather_rank(const struct job *job, uint32_t rank, struct gathered *g)
{
    struct kvr_run_record *record = &g->records[g->count];
    char *path = g->paths[g->count], why[700] = "", error[512];
    path_of(job, rank, "json", path);
    bool result = !access(path, F_OK);
    if (result) {
        int rc = kvr_read_result(path, record, error, sizeof error);
        if (!rc)
            rc = kvr_compare_check(path, record, error, sizeof error);
        if (!rc && !kvr_has_cases(record))
            rc = snprintf(error, sizeof error, "%s holds no measured case", path);
        if (!rc && !of_job(job, record))
            rc = snprintf(error, sizeof error, "%s is of another job", path);
        if (rc) {
            snprintf(why, sizeof why, "%s", error);
            kvr_run_record_free(record);
            kvr_run_record_init(record);
            result = false;
        }
    }
    if (!*why)
        end_of(job, rank, result, why, sizeof why);
    if (*why)
        add_missing(g, rank, why);
    if (result)
        g->names[g->count++] = path;
}

/* Processes that share a node disturb each other. */
static void note_sharing(const struct gathered *g)
{
    for (size_t i = 0; i < g->count; i++)
        for (size_t k = 0; k < i; k++) {
            const char *host = g->records[i].machine.hostname;
            if (*host && !strcmp(host, g->records[k].machine.hostname)) {
                kvr_fail(0, "fleet: two processes ran on %s and disturbed each other: start one a "
                         "node, srun --ntasks-per-node=1", host);
                return;
            }
        }
}

static void gathered_free(struct gathered *g, uint32_t size)
{
    kvr_free_results(g->records, size);
    free(g->paths);
    free(g->names);
    free(g->sentences);
    free(g->missing);
}

static int merge(const struct job *job)
{
    uint32_t size = job->rank->size;
    char also[PATH_BYTES];
    struct gathered g = {.records = calloc(size, sizeof *g.records),
                         .paths = calloc(size, sizeof *g.paths),
                         .names = calloc(size, sizeof *g.names),
                         .sentences = calloc(size, sizeof *g.sentences),
                         .missing = calloc(size, sizeof *g.missing)};
    int code = KVR_EXIT_IMPOSSIBLE;
    if (!g.records || !g.paths || !g.names || !g.sentences || !g.missing) {
        kvr_fail(code, "out of memory");
        goto out;
    }
    for (uint32_t r = 0; r < size; r++)
        gather_rank(job, r, &g);
    note_sharing(&g);
    if (!g.count) {
        kvr_fail(code, "fleet: no node left a result in %s", job->folder);
        goto out;
    }
    snprintf(also, sizeof also, "%s/fleet.json", job->folder);
    code = kvr_fleet_print(job->arguments, g.records, g.names, g.count, g.missing,
                           g.missing_count, also);
    fprintf(stderr, "results: %s\n", job->folder);
out:
    gathered_free(&g, size);
    return kvr_signal_number() ? 128 + kvr_signal_number() : code;
}

int kvr_fleet_refused(const struct kvr_fleet_arguments *arguments, const struct kvr_rank *rank,
                      int refused)
{
    struct job job = {.arguments = arguments, .rank = rank};
    if (rank->rank && !choose_folder(&job) && !check_fresh(&job))
        tell(&job, refused);
    return refused;
}

int kvr_fleet_launched(const struct kvr_fleet_arguments *arguments, const struct kvr_rank *rank,
                       int argc, char **argv)
{
    struct job job = {.arguments = arguments, .rank = rank};
    int code = check_options(argc, argv);
    if (code)
        return kvr_fleet_refused(arguments, rank, code);
    code = choose_folder(&job);
    if (!code)
        code = check_fresh(&job);
    if (code)
        return code;
    kvr_signals_catch();
    int measured = measure(&job, argc, argv);
    code = tell(&job, measured);
    if (measured == KVR_EXIT_USAGE) /* of all of them: it is one command line */
        return measured;
    /* The code of a rank is in its file. As its own it would make mpirun end all the others. */
    if (code || rank->rank)
        return code;
    wait_for_others(&job);
    return merge(&job);
}
