/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof report: stored results as one HTML page.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../report/report.h"
#include "args.h"
#include "commands.h"
#include "load.h"

enum { PATH_BYTES = 1024 };

struct arguments {
    struct kvr_args args;
    const char *paths[KVR_REPORT_RESULTS];
    size_t path_count;
    const char *output;
};

static const struct argp_option options_table[] = {
    {"output", 'o', "FILE", 0, "the page; - is stdout", 0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}
};

static error_t check(struct arguments *a)
{
    if (!a->path_count)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE,
                             "which RESULT? Name one or more files that kvroof run wrote");
    if (!a->output || !*a->output)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "where to? Name the page with -o FILE.html");
    for (size_t i = 0; i < a->path_count; i++)
        if (kvr_same_file(a->output, a->paths[i]))
            return kvr_args_fail(&a->args, KVR_EXIT_USAGE,
                                 "-o %.200s is a result itself; name another file", a->output);
    return 0;
}

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'o':
        a->output = text;
        return 0;
    case ARGP_KEY_ARG:
        if (a->path_count == KVR_REPORT_RESULTS)
            return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "at most %d results in one page",
                                 KVR_REPORT_RESULTS);
        a->paths[a->path_count++] = text;
        return 0;
    case ARGP_KEY_END:
        return a->args.done ? 0 : check(a);
    default:
        return kvr_args_key(key, text, state);
    }
}

const struct argp kvr_report_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "RESULT...",
    .doc = "Writes stored results as one HTML page that needs nothing else: the answer, verdicts "
           "and times, the pictures of kvroof plot, the claims ledger, ceilings, the machine and "
           "what warns on it, how it was measured, and the results themselves for download. The "
           "page is smaller than 2 MiB; what has no room is named in it."
           "\vExamples:\n"
           "  kvroof report results/20260101T120000Z-node7.json -o report.html\n"
           "  kvroof report old.json new.json -o both.html   a section each\n"
           "  kvroof report run.json -o - > report.html\n",
};

/* The pictures of one result. False: there is no gnuplot. */
static bool draw(struct kvr_report_result *result, const char *path,
                 char *svg[KVR_PICTURES])
{
    bool gnuplot = true;
    for (size_t i = 0; i < KVR_PICTURES; i++) {
        const struct kvr_picture *picture = &kvr_pictures[i];
        char *why = result->why[i], error[512];
        size_t bytes = sizeof result->why[i];
        int rc = kvr_picture_svg(picture, result->record, 1, &svg[i], error, sizeof error);
        result->svg[i] = svg[i];
        if (rc == -ENODATA)
            snprintf(why, bytes, "the result %s", picture->lacks);
        else if (rc == -ENOENT)
            snprintf(why, bytes, "gnuplot was not installed where this page was made");
        else if (rc)
            snprintf(why, bytes, "could not be drawn: %s", *error ? error : strerror(-rc));
        gnuplot &= rc != -ENOENT;
        if (rc && rc != -ENODATA && rc != -ENOENT)
            fprintf(stderr, "kvroof: %s: %s of it %s\n", path, picture->name, why);
    }
    return gnuplot;
}

static int fail_write(const char *path, int rc, size_t count)
{
    if (rc == -ENOMEM)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    if (rc == -E2BIG)
        return kvr_fail(KVR_EXIT_USAGE, "a page of %zu result%s is larger than %d MiB; give fewer, "
                        "or read it with kvroof show", count, count == 1 ? "" : "s",
                        KVR_REPORT_BYTES >> 20);
    return kvr_fail(KVR_EXIT_IO, "cannot write %s: %s; give another file with -o", path,
                    strerror(-rc));
}

/* Through a second file, so that a page that fails leaves the old one; what is no regular file is
 * written as it is. */
static int write_page(const char *path, const struct kvr_report_result *results, size_t count)
{
    char partial[PATH_BYTES];
    struct stat st;
    bool beside = stat(path, &st) ? errno == ENOENT : S_ISREG(st.st_mode);
    bool standard = !strcmp(path, "-");
    int n = snprintf(partial, sizeof partial, "%s%s", path, beside ? ".partial" : "");
    if (n < 0 || (size_t)n >= sizeof partial)
        return fail_write(path, -ENAMETOOLONG, count);
    FILE *out = standard ? stdout : fopen(partial, "we");
    if (!out)
        return fail_write(path, -errno, count);
    int rc = kvr_write_report(out, results, count);
    if (!standard && fclose(out) && !rc)
        rc = -errno;
    if (!rc && !standard && beside && rename(partial, path))
        rc = -errno;
    if (rc && !standard && beside)
        unlink(partial);
    return rc ? fail_write(standard ? "stdout" : path, rc, count) : KVR_EXIT_OK;
}

static int report(const struct arguments *a, struct kvr_run_record *records)
{
    struct drawn { char *svg[KVR_PICTURES]; } *drawn = calloc(a->path_count, sizeof *drawn);
    struct kvr_report_result *results = calloc(a->path_count, sizeof *results);
    bool gnuplot = true;
    int code = KVR_EXIT_OK;
    if (!drawn || !results) {
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
        goto out;
    }
    for (size_t i = 0; i < a->path_count; i++) {
        const char *slash = strrchr(a->paths[i], '/');
        kvr_add_conclusions(&records[i]);
        results[i].record = &records[i];
        results[i].name = slash ? slash + 1 : a->paths[i];
        gnuplot &= draw(&results[i], a->paths[i], drawn[i].svg);
    }
    code = write_page(a->output, results, a->path_count);
    if (!code && !gnuplot)
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "gnuplot is not installed: %s is written without "
                        "pictures; install gnuplot (Debian: gnuplot-nox) and write it again",
                        a->output);
out:
    for (size_t i = 0; drawn && i < a->path_count; i++)
        for (size_t p = 0; p < KVR_PICTURES; p++)
            free(drawn[i].svg[p]);
    free(drawn);
    free(results);
    return code;
}

int kvr_cmd_report(int argc, char **argv)
{
    struct arguments a = {.args.command = "kvroof report"};
    struct kvr_run_record *records = NULL;
    int code = kvr_args_parse(&kvr_report_argp, &a.args, argc, argv);
    if (code || a.args.done)
        return code;
    signal(SIGPIPE, SIG_IGN);
    code = kvr_load_results(a.paths, a.path_count, &records);
    if (!code)
        code = report(&a, records);
    kvr_free_results(records, a.path_count);
    return code;
}
