/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof(1) in man macros.
 */
#include <stdio.h>
#include <string.h>

#include "src/cli/version_build.h"
#include "manual.h"

/* Text of a line in roff: no character of it is an order. */
static void text(const char *t, size_t length)
{
    static const struct {
        char plain;
        const char *roff;
    } escapes[] = {{'\\', "\\(rs"}, {'-', "\\-"}, {'\'', "\\(aq"}, {'`', "\\(ga"},
                   {'^', "\\(ha"},  {'~', "\\(ti"}};
    if (length && (*t == '.' || *t == '\''))
        fputs("\\&", stdout);
    for (size_t i = 0; i < length; i++) {
        const char *roff = NULL;
        for (size_t e = 0; e < sizeof escapes / sizeof *escapes; e++)
            if (escapes[e].plain == t[i])
                roff = escapes[e].roff;
        if (roff)
            fputs(roff, stdout);
        else
            putchar(t[i]);
    }
}

static void line(const char *t)
{
    text(t, strlen(t));
    putchar('\n');
}

/* "  lines that begin with two blanks" stay as they are; the others fill paragraphs. */
static void paragraphs(const char *t)
{
    bool kept = false;
    while (*t) {
        size_t length = strcspn(t, "\n");
        bool indented = length > 2 && t[0] == ' ' && t[1] == ' ';
        if (indented != kept)
            puts(indented ? ".PP\n.EX" : ".EE\n.PP");
        kept = indented;
        if (length) {
            text(t, length);
            putchar('\n');
        } else {
            puts(".PP");
        }
        t += length;
        t += *t == '\n';
    }
    if (kept)
        puts(".EE");
}

static void bold(const char *mark, const char *name)
{
    fputs("\\fB", stdout);
    text(mark, strlen(mark));
    text(name, strlen(name));
    fputs("\\fP", stdout);
}

static void option(const struct argp_option *o)
{
    const char letter[2] = {kvr_has_letter(o) ? (char)o->key : 0, 0};
    puts(".TP");
    if (*letter) {
        bold("-", letter);
        fputs(", ", stdout);
    }
    bold("--", o->name);
    if (o->arg) {
        fputs("=\\fI", stdout);
        text(o->arg, strlen(o->arg));
        fputs("\\fP", stdout);
    }
    putchar('\n');
    line(o->doc);
}

static void command(const struct kvr_command *c)
{
    const char *doc = c->argp->doc, *after = strchr(doc, '\v');
    const char *operands = c->argp->args_doc ? c->argp->args_doc : "";
    printf(".SS kvroof %s [OPTION...]%s", c->name, *operands ? " " : "");
    line(operands);
    text(doc, after ? (size_t)(after - doc) : strlen(doc));
    putchar('\n');
    for (const struct argp_option *o = c->argp->options; !kvr_is_end(o); o++) {
        if (!o->name && o->doc) {
            puts(".PP");
            line(o->doc);
        } else if (kvr_is_option(o)) {
            option(o);
        }
    }
    if (after) {
        puts(".PP");
        paragraphs(after + 1);
    }
}

static void entry(const char *name, const char *meaning)
{
    puts(".TP");
    bold("", name);
    putchar('\n');
    line(meaning);
}

static void surroundings(void)
{
    puts(".SH ENVIRONMENT");
    entry("KVROOF_DATA", "folder of the built-in keys, queries and values (k.npy and others)");
    entry("KVROOF_PLOTS", "folder of the gnuplot scripts");
    entry("XDG_CONFIG_HOME, HOME", "where profiles of your own lie: see FILES");
    entry("TMPDIR", "where report draws its pictures before it puts them into the page");
    entry("COLUMNS", "width of tables, instead of the terminal's");
    entry("NO_COLOR, TERM", "--color=auto leaves colours out if NO_COLOR is set or TERM is dumb");
    entry("GITHUB_STEP_SUMMARY",
          "the file that --step-summary appends to; a GitHub workflow sets it");
    entry("HWLOC_XMLFILE, HWLOC_SYNTHETIC, HWLOC_FSROOT, HWLOC_THISSYSTEM, HWLOC_CPUID_PATH",
          "another machine's topology, for --dry-run and list; see hwloc(7)");
    entry("SLURM_JOB_ID, SLURM_STEP_ID, PMIX_NAMESPACE",
          "tell the jobs of fleet apart; which rank a process is it reads from the launcher's "
          "variables: OMPI_COMM_WORLD_RANK, MV2_COMM_WORLD_RANK, PMI_RANK, PMIX_RANK or "
          "SLURM_PROCID, with the number of ranks");
    entry("LD_PRELOAD", "named by the check of the build: what is loaded first may change times");
    puts(".SH FILES");
    entry("~/.config/kvroof/NAME.yaml", "a profile of your own; it hides an installed one of its "
          "name");
    entry("PREFIX/share/kvroof", "profiles, machines, data, gnuplot scripts and the JSON schema of "
          "a result; PREFIX is found from the program's own place, so that an installation can "
          "be moved");
    entry("results/TIME-HOST.json", "where run writes unless -o says otherwise");
}

static void exit_status(void)
{
    puts(".SH EXIT STATUS");
    for (size_t i = 0; i < kvr_exit_meaning_count; i++) {
        const struct kvr_exit_meaning *m = &kvr_exit_meanings[i];
        printf(".TP\n.B %d\n", m->code);
        text(m->meaning, strlen(m->meaning));
        if (*m->detail)
            fputs(": ", stdout);
        line(m->detail);
    }
}

void kvr_manual_page(void)
{
    puts(".\\\" Made of the program's option tables.");
    printf(".TH KVROOF 1 \"\" \"kvroof %s\" \"User Commands\"\n", KVR_VERSION);
    puts(".SH NAME\nkvroof \\- memory or core: what binds attention over compressed keys");
    puts(".SH SYNOPSIS\n.B kvroof\n.I COMMAND\n[\\fIOPTION\\fP...]\n.br\n"
         ".B kvroof\n.BR \\-\\-help | \\-\\-version\n.br\n"
         ".B kvroof\n.I COMMAND\n.B \\-\\-help");
    puts(".SH DESCRIPTION\n.B kvroof");
    paragraphs(kvr_purpose);
    puts(".SH COMMANDS");
    for (size_t i = 0; i < kvr_command_count; i++)
        entry(kvr_commands[i].name, kvr_commands[i].summary);
    puts(".SH OPTIONS");
    entry("--help", "names the commands; behind a command its options and examples");
    entry("--version", "version and commit");
    for (size_t i = 0; i < kvr_command_count; i++)
        command(&kvr_commands[i]);
    exit_status();
    surroundings();
    puts(".SH SEE ALSO\n.BR kvroof\\-result (5),\n.BR gnuplot (1),\n.BR hwloc (7)");
}
