/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof plot: pictures of stored results. Every picture is a TSV and a gnuplot script, both kept.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../compare/fleet.h"
#include "../report/plotdata.h"
#include "../report/writers.h"
#include "args.h"
#include "commands.h"
#include "files.h"
#include "load.h"

enum { KEY_FORMAT = 256, PATH_BYTES = 1024 };

static const char *const formats[] = {"svg", "png", "pdf", "txt"};
enum { FORMATS = sizeof formats / sizeof *formats };

struct arguments {
    struct kvr_args args;
    struct kvr_paths paths;
    bool kinds[KVR_PICTURES], formats[FORMATS];
    const char *folder;
};

static const struct argp_option options_table[] = {
    {"kind", 'k', "KIND,...", 0,
     "roofline, ladder, scaling, realism, shift, speedup, quality, samples, compare, numa, "
     "fleet; all [all]", 0},
    {"output", 'o', "DIR", 0, "where pictures, data and scripts go [results/plots]", 0},
    {"format", KEY_FORMAT, "FORMAT,...", 0, "svg, png, pdf, txt [svg]", 0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}
};

/* Sets chosen[i] for every name of a comma list; "all" sets all. */
static error_t choose(struct kvr_args *args, const char *option, const char *list,
                      const char *const *names, size_t count, bool *chosen)
{
    memset(chosen, 0, count * sizeof *chosen);
    while (*list) {
        size_t length = strcspn(list, ","), i = 0;
        bool all = length == 3 && !strncmp(list, "all", 3), found = all;
        for (; i < count; i++)
            if (all || (strlen(names[i]) == length && !strncmp(list, names[i], length)))
                found = chosen[i] = true;
        if (!found) {
            char text[64];
            snprintf(text, sizeof text, "%.*s", (int)length, list);
            const char *nearest = kvr_nearest(text, names, count);
            return kvr_args_fail(args, KVR_EXIT_USAGE, "%s: there is no %s; %s%s", option, text,
                                 nearest ? "did you mean " : "see kvroof plot --help",
                                 nearest ? nearest : "");
        }
        list += length;
        list += *list == ',';
    }
    for (size_t i = 0; i < count; i++)
        if (chosen[i])
            return 0;
    return kvr_args_fail(args, KVR_EXIT_USAGE, "%s: the list is empty", option);
}

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    const char *names[KVR_PICTURES];
    switch (key) {
    case 'k':
        for (size_t i = 0; i < KVR_PICTURES; i++)
            names[i] = kvr_pictures[i].name;
        return choose(&a->args, "-k", text, names, KVR_PICTURES, a->kinds);
    case 'o':
        a->folder = text;
        return 0;
    case KEY_FORMAT:
        return choose(&a->args, "--format", text, formats, FORMATS, a->formats);
    case ARGP_KEY_ARG:
        return kvr_paths_add(&a->paths, &a->args, text);
    case ARGP_KEY_END:
        if (!a->paths.count && !a->args.done)
            return kvr_args_fail(&a->args, KVR_EXIT_USAGE,
                                 "which RESULT? Name one or more files that kvroof run wrote");
        return 0;
    default:
        return kvr_args_key(key, text, state);
    }
}

const struct argp kvr_plot_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "RESULT...",
    .doc = "Draws stored results with gnuplot. Data (.tsv) and script (.gp) stay beside each "
           "picture: edit the script and draw again to restyle it; a script that is there is kept."
           "\vKinds:\n"
           "  roofline operations a second over operations per byte, every case below\n"
           "           its roofs; floating-point, look-ups, integer\n"
           "  ladder   bandwidth over the working set, with reported and measured\n"
           "           cache sizes; kernels join it when measured at three or more\n"
           "  scaling  bandwidth over threads, for cases at two thread counts or more\n"
           "  realism  LOOKAT's speed-up over FP16, from a contiguous scan to cold\n"
           "           steps with values and eviction\n"
           "  shift    time a key over context length, split in preparation and scan,\n"
           "           and what bounds each\n"
           "  speedup  speed-up over FP16 against bytes a key, and what bytes promise\n"
           "  quality  closeness to exact attention over time and bytes a key, and\n"
           "           which cases no other beats in both; needs a RESULT of kvroof\n"
           "           fidelity, too\n"
           "  samples  every round of each case: what was measured again, what is void\n"
           "  compare  each case of two or more results against the first: ratios with\n"
           "           intervals; of many results how they are distributed\n"
           "  numa     bandwidth and latency from the cores of each node to the memory\n"
           "           of each\n"
           "  fleet    results of many nodes: each against the median of its\n"
           "           fingerprint, the furthest first\n\n"
           "Examples:\n"
           "  kvroof plot results/20260101T120000Z-node7.json\n"
           "  kvroof plot run.json -k roofline,scaling --format png\n"
           "  kvroof plot results/20260101T120000Z-node7.json -k realism,shift\n"
           "  kvroof plot old.json new.json -k ladder -o pictures --format svg,png\n"
           "  kvroof plot base.json new.json -k compare\n"
           "  kvroof plot run.json fidelity.json -k quality\n"
           "  kvroof plot run.json --format txt && cat results/plots/ladder.txt\n",
};

static int path_of(char *path, const char *folder, const char *name, const char *ending)
{
    int n = snprintf(path, PATH_BYTES, "%s/%s.%s", folder, name, ending);
    return n < 0 || n >= PATH_BYTES ? -ENAMETOOLONG : 0;
}

/* The script beside the picture; one that is there already is the user's own. */
static int copy_script(const char *from, const char *to)
{
    char block[4096];
    size_t got;
    int rc = 0;
    FILE *in = NULL, *out = NULL;
    if (!access(to, F_OK))
        return 0;
    in = fopen(from, "re");
    out = in ? fopen(to, "we") : NULL;
    if (!in || !out) {
        rc = -errno;
        goto done;
    }
    errno = 0;
    while ((got = fread(block, 1, sizeof block, in)) > 0)
        fwrite(block, 1, got, out);
    if (ferror(in) || ferror(out))
        rc = errno ? -errno : -EIO;
done:
    if (in)
        fclose(in);
    if (out && fclose(out) && !rc)
        rc = -errno;
    return rc;
}

static int fail_write(const char *path, int rc)
{
    return kvr_fail(KVR_EXIT_IO, "cannot write %s: %s; give another folder with -o", path,
                    strerror(-rc));
}

/* Writes the TSV through a second name, so that a refused or failed picture leaves the old one. */
static int write_data(const struct kvr_picture *picture, const struct kvr_drawn *of,
                      const struct arguments *a, int *code)
{
    char path[PATH_BYTES], partial[PATH_BYTES];
    int rc = path_of(path, a->folder, picture->name, "tsv");
    if (!rc)
        rc = path_of(partial, a->folder, picture->name, "tsv.partial");
    FILE *out = rc ? NULL : fopen(partial, "we");
    if (!out) {
        *code = fail_write(a->folder, rc ? rc : -errno);
        return -EIO;
    }
    rc = picture->data(out, of);
    if (fclose(out) && !rc)
        rc = -errno;
    if (!rc && rename(partial, path))
        rc = -errno;
    if (rc)
        unlink(partial);
    if (rc == -ENODATA)
        *code = kvr_fail(KVR_EXIT_USAGE, "%s: %s%s %s", picture->name,
                         a->paths.count == 1 ? a->paths.of[0] : "none of the results",
                         a->paths.count == 1 ? "" : " is enough: each", picture->lacks);
    else if (rc == -EXDEV)
        *code = kvr_fail(KVR_EXIT_USAGE, "%s: the results are of several machines, and a front is "
                         "of one: give the results of one", picture->name);
    else if (rc)
        *code = fail_write(path, rc);
    return rc;
}

/* Without gnuplot the figures come as a table. */
static int write_table(const struct kvr_picture *picture, const char *folder)
{
    char sheet[PATH_BYTES], path[PATH_BYTES];
    int rc = path_of(sheet, folder, picture->name, "tsv");
    if (!rc)
        rc = path_of(path, folder, picture->name, "txt");
    if (!rc)
        rc = kvr_plot_table(sheet, path);
    if (rc)
        return fail_write(folder, rc);
    return kvr_fail(KVR_EXIT_IMPOSSIBLE,
                    "gnuplot is not installed: %s holds the figures as a table, and %s.tsv and "
                    "%s.gp are beside it; install gnuplot (Debian: gnuplot-nox) and draw again",
                    path, picture->name, picture->name);
}

static int draw_format(const struct kvr_picture *picture, const char *format, const char *folder)
{
    char script[64], path[PATH_BYTES], error[512];
    snprintf(script, sizeof script, "%s.gp", picture->name);
    int rc = path_of(path, folder, picture->name, format);
    if (rc || (unlink(path) && errno != ENOENT))
        return fail_write(path, rc ? rc : -errno);
    rc = kvr_plot_gnuplot(folder, script, format, error, sizeof error);
    if (rc == -ENOENT)
        return write_table(picture, folder);
    if (!rc && !kvr_plot_is_whole(path, format)) {
        unlink(path);
        snprintf(error, sizeof error, "not all of it could be written: is the disk full?");
        rc = -EIO;
    }
    if (rc)
        return kvr_fail(KVR_EXIT_IO, "gnuplot could not draw %s: %s", path,
                        *error ? error : strerror(-rc));
    fprintf(stderr, "%s\n", path);
    return KVR_EXIT_OK;
}

/* A folder may hold what earlier results left: none of that is of this one. */
static void note_older(const struct kvr_picture *picture, const struct arguments *a, bool drawn)
{
    for (size_t f = 0; f < FORMATS; f++) {
        char path[PATH_BYTES];
        if (drawn && a->formats[f])
            continue;
        if (!path_of(path, a->folder, picture->name, formats[f]) && !access(path, F_OK))
            fprintf(stderr, "kvroof: %s is there from before: it shows other results\n", path);
    }
}

/* Whether two files hold the same. */
static bool same_text(const char *one, const char *other)
{
    FILE *a = fopen(one, "re"), *b = fopen(other, "re");
    int x = EOF, y = EOF;
    do {
        x = a ? fgetc(a) : EOF;
        y = b ? fgetc(b) : EOF;
    } while (x == y && x != EOF);
    if (a)
        fclose(a);
    if (b)
        fclose(b);
    return a && b && x == y;
}

static int draw(const struct kvr_picture *picture, const struct kvr_drawn *of,
                const struct arguments *a, bool *lacking)
{
    char script[64], folder[PATH_BYTES], from[PATH_BYTES + 64], to[PATH_BYTES];
    int code = KVR_EXIT_OK;
    int rc = write_data(picture, of, a, &code);
    *lacking = rc == -ENODATA || rc == -EXDEV;
    note_older(picture, a, !rc);
    if (rc)
        return code;
    snprintf(script, sizeof script, "%s.gp", picture->name);
    if (!kvr_plot_folder(script, folder, sizeof folder))
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "%s is not installed with kvroof; set KVROOF_PLOTS "
                        "to the folder that holds it", script);
    snprintf(from, sizeof from, "%s/%s", folder, script);
    rc = path_of(to, a->folder, picture->name, "gp");
    if (!rc)
        rc = copy_script(from, to);
    if (rc)
        return fail_write(to, rc);
    if (!same_text(from, to))
        fprintf(stderr, "kvroof: %s is kept, and not the installed script: remove it to draw as "
                "this version does\n", to);
    for (size_t f = 0; f < FORMATS && !code; f++)
        if (a->formats[f])
            code = draw_format(picture, formats[f], a->folder);
    return code;
}

static int draw_all(const struct arguments *a, const struct kvr_drawn *of)
{
    size_t drawn = 0;
    int worst = KVR_EXIT_OK, impossible = KVR_EXIT_OK;
    int rc = kvr_make_folder(a->folder);
    if (rc)
        return fail_write(a->folder, rc);
    for (size_t i = 0; i < KVR_PICTURES; i++) {
        bool lacking = false;
        int code = a->kinds[i] ? draw(&kvr_pictures[i], of, a, &lacking) : KVR_EXIT_OK;
        if (code == KVR_EXIT_IMPOSSIBLE)
            impossible = code; /* without gnuplot the tables of the others still come */
        else if (code && !lacking)
            return code;
        worst = lacking ? code : worst;
        drawn += a->kinds[i] && !lacking;
    }
    return drawn ? impossible : worst;
}

int kvr_cmd_plot(int argc, char **argv)
{
    struct arguments a = {.args.command = "kvroof plot", .folder = "results/plots",
                          .formats = {true}};
    memset(a.kinds, true, sizeof a.kinds);
    int code = kvr_args_parse(&kvr_plot_argp, &a.args, argc, argv);
    if (code || a.args.done)
        return code;
    signal(SIGPIPE, SIG_IGN);
    struct kvr_beside beside = {NULL, {0}};
    struct kvr_fleet fleet = {0};
    code = kvr_load_beside(&a.paths, &beside);
    const struct kvr_drawn of = {beside.records, a.paths.count, &fleet};
    if (!code && kvr_fleet_make(of.records, a.paths.of, of.count, KVR_FLEET_THRESHOLD, &fleet))
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    if (!code)
        code = draw_all(&a, &of);
    kvr_fleet_free(&fleet);
    kvr_free_beside(&beside, a.paths.count);
    return code;
}
