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
    struct kvr_paths paths;
    const char *output;
};

enum { WHY_BYTES = sizeof ((struct kvr_report_result *)NULL)->why[0] };

/* What the page is made of. */
struct page {
    struct kvr_run_record *records;
    struct kvr_report_result *results;
    struct drawn { char *svg[KVR_PICTURES], *doubts; } *drawn;
    char *compare, compare_why[WHY_BYTES];
    struct kvr_report report;
};

static const struct argp_option options_table[] = {
    {"output", 'o', "FILE", 0, "the page; - is stdout", 0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}
};

static error_t check(struct arguments *a)
{
    if (!a->paths.count)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE,
                             "which RESULT? Name one or more files that kvroof run wrote");
    if (!a->output || !*a->output)
        return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "where to? Name the page with -o FILE.html");
    for (size_t i = 0; i < a->paths.count; i++)
        if (kvr_same_file(a->output, a->paths.of[i]))
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
        return kvr_paths_add(&a->paths, &a->args, text);
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
           "page is smaller than 2 MiB; what has no room is named in it. Several results are "
           "compared first; of more than 16 the page holds nothing else. What kvroof fidelity "
           "wrote may stand among them: closeness then stands beside speed."
           "\vExamples:\n"
           "  kvroof report results/20260101T120000Z-node7.json -o report.html\n"
           "  kvroof report old.json new.json -o both.html   side by side and each alone\n"
           "  kvroof report nodes/*.json -o nodes.html       how a thousand differ\n"
           "  kvroof report run.json fidelity.json -o report.html   closeness beside speed\n"
           "  kvroof report run.json -o - > report.html\n",
};

/* A picture of these records; `why` says why there is none. False: there is no gnuplot. */
static bool draw(const struct kvr_picture *picture, const struct kvr_drawn *of, const char *path,
                 char **svg, char why[WHY_BYTES])
{
    char error[512];
    int rc = kvr_picture_svg(picture, of, svg, error, sizeof error);
    if (rc == -ENODATA)
        snprintf(why, WHY_BYTES, "the result %s", picture->lacks);
    else if (rc == -ENOENT)
        snprintf(why, WHY_BYTES, "gnuplot was not installed where this page was made");
    else if (rc)
        snprintf(why, WHY_BYTES, "could not be drawn: %s", *error ? error : strerror(-rc));
    if (rc && rc != -ENODATA && rc != -ENOENT)
        fprintf(stderr, "kvroof: %s: %s of it %s\n", path, picture->name, why);
    return rc != -ENOENT;
}

/* The pictures of single results where these have sections of their own, and that of them all. */
static bool draw_all(struct page *page)
{
    bool gnuplot = true;
    size_t count = page->report.count;
    for (size_t p = 0; p < KVR_PICTURES; p++) {
        const struct kvr_picture *picture = &kvr_pictures[p];
        bool each = picture->page == KVR_OF_EACH && count <= KVR_REPORT_RESULTS;
        if (picture->page == KVR_OF_SEVERAL && count > 1)
            gnuplot &= draw(picture, &(struct kvr_drawn){.records = page->records, .count = count},
                            "the results", &page->compare, page->compare_why);
        for (size_t i = 0; each && i < count; i++) {
            struct kvr_report_result *result = &page->results[i];
            gnuplot &= draw(picture, &(struct kvr_drawn){.records = result->record, .count = 1},
                            result->name, &page->drawn[i].svg[p], result->why[p]);
            result->svg[p] = page->drawn[i].svg[p];
        }
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
static int write_page(const char *path, const struct kvr_report *report)
{
    char partial[PATH_BYTES];
    struct stat st;
    bool beside = stat(path, &st) ? errno == ENOENT : S_ISREG(st.st_mode);
    bool standard = !strcmp(path, "-");
    int n = snprintf(partial, sizeof partial, "%s%s", path, beside ? ".partial" : "");
    if (n < 0 || (size_t)n >= sizeof partial)
        return fail_write(path, -ENAMETOOLONG, report->count);
    FILE *out = standard ? stdout : fopen(partial, "we");
    if (!out)
        return fail_write(path, -errno, report->count);
    int rc = kvr_write_report(out, report);
    if (!standard && fclose(out) && !rc)
        rc = -errno;
    if (!rc && !standard && beside && rename(partial, path))
        rc = -errno;
    if (rc && !standard && beside)
        unlink(partial);
    return rc ? fail_write(standard ? "stdout" : path, rc, report->count) : KVR_EXIT_OK;
}

static int fill(struct page *page, const struct arguments *a)
{
    page->drawn = calloc(a->paths.count, sizeof *page->drawn);
    page->results = calloc(a->paths.count, sizeof *page->results);
    if (!page->drawn || !page->results)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    for (size_t i = 0; i < a->paths.count; i++) {
        const char *slash = strrchr(a->paths.of[i], '/');
        struct kvr_report_result *result = &page->results[i];
        if (a->paths.count <= KVR_REPORT_RESULTS) {
            kvr_add_conclusions(&page->records[i]);
            page->drawn[i].doubts = kvr_verdict_doubts(&page->records[i]);
        }
        result->record = &page->records[i];
        result->name = slash ? slash + 1 : a->paths.of[i];
        result->doubts = page->drawn[i].doubts;
    }
    page->report.results = page->results;
    page->report.count = a->paths.count;
    return KVR_EXIT_OK;
}

static int report(const struct arguments *a, struct kvr_run_record *records)
{
    struct page page = {.records = records};
    int code = fill(&page, a);
    bool gnuplot = code || draw_all(&page);
    page.report.compare = page.compare;
    page.report.compare_why = page.compare_why;
    if (!code)
        code = write_page(a->output, &page.report);
    if (!code && !gnuplot)
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "gnuplot is not installed: %s is written without "
                        "pictures; install gnuplot (Debian: gnuplot-nox) and write it again",
                        a->output);
    for (size_t i = 0; page.drawn && i < a->paths.count; i++) {
        for (size_t p = 0; p < KVR_PICTURES; p++)
            free(page.drawn[i].svg[p]);
        free(page.drawn[i].doubts);
    }
    free(page.compare);
    free(page.drawn);
    free(page.results);
    return code;
}

int kvr_cmd_report(int argc, char **argv)
{
    struct arguments a = {.args.command = "kvroof report"};
    struct kvr_beside beside = {NULL, {0}};
    int code = kvr_args_parse(&kvr_report_argp, &a.args, argc, argv);
    if (code || a.args.done)
        return code;
    signal(SIGPIPE, SIG_IGN);
    code = kvr_load_beside(&a.paths, &beside);
    if (!code)
        code = report(&a, beside.records);
    kvr_free_beside(&beside, a.paths.count);
    return code;
}
