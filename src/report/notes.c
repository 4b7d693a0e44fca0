/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sentence.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

int kvr_sentence_begin(struct kvr_sentence *w)
{
    w->text = NULL;
    w->line = open_memstream(&w->text, &w->bytes);
    if (!w->line)
        return -ENOMEM;
    fputs(w->bullet, w->line);
    return 0;
}

int kvr_sentence_end(struct kvr_sentence *w)
{
    int rc = fclose(w->line) ? -ENOMEM : 0;
    char *clean = rc ? NULL : malloc(w->bytes + 1);
    if (!rc && !clean)
        rc = -ENOMEM;
    if (!rc) {
        /* Whatever a file put into its strings, a sentence is one line of text. */
        kvr_clean_text(clean, w->bytes + 1, w->text);
        kvr_put_wrapped(w->out, clean, w->width);
    }
    free(clean);
    free(w->text);
    w->text = NULL;
    return rc;
}

void kvr_sentence_name(struct kvr_sentence *w, const char *name)
{
    char text[KVR_NAME_BYTES];
    kvr_clean_text(text, sizeof text, name);
    fprintf(w->line, "%s%s%s", w->quote, text, w->quote);
}

void kvr_sentence_figure(struct kvr_sentence *w, double value, int digits)
{
    char text[40];
    kvr_figure_text(value, digits, text, sizeof text);
    fputs(text, w->line);
}

/* ---- flags ---- */

enum { NAMED_CASES = 3 }; /* the table and the result file say which the others are */

static const char *meaning(const char *flag)
{
    static const struct { const char *flag, *text; } known[] = {
        {"leaking", "the codebooks were fitted to the very keys that they encode"},
        {"mismatch", "the scores differ from the reference: the time is that of a wrong result"},
        {"ceiling-raised", "faster than every compute-free reader, so its own time stands for "
                           "the read roof"},
        {"ceiling-bug", "faster than a ceiling can be: the ceiling is wrong"},
        {"dram-unproven", "time per byte still changes with the working set: a cache may serve "
                          "a part"},
        {"counter-mismatch", "counters saw a tenth more or less than the bytes of the model"},
        {"c-unstable", "the core-alone time changes by more than 3 % with the size of the fold"},
        {"kernel-entry", "measured code entered the kernel between the stamps: its times are not "
                         "its own"},
        {"misplaced", "not every page lay on the node where --mem asked for it: see check "
                      "placement"},
        {"pages-partial", "not all of the keys lay in pages of the size asked for: see check "
                          "pages"},
        {"shared-core", "threads ran on CPUs that share a core, by the rate of their "
                        "multiply-adds"},
        {"noisy", "the interval reaches more than 3 % to a side"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(flag, known[i].flag))
            return known[i].text;
    return "";
}

static bool flagged_before(const struct kvr_run_record *record, size_t index, const char *flag)
{
    for (size_t i = 0; i < index; i++)
        if (kvr_result_flagged(&record->results[i], flag))
            return true;
    return false;
}

static int put_flag(struct kvr_sentence *w, const struct kvr_run_record *record, size_t index,
                    const char *flag)
{
    char text[24];
    size_t cases = 0;
    int rc = kvr_sentence_begin(w);
    if (rc)
        return rc;
    kvr_clean_text(text, sizeof text, flag);
    fprintf(w->line, "Flag %s", text);
    if (*meaning(flag))
        fprintf(w->line, " (%s)", meaning(flag));
    for (size_t i = index; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (!kvr_result_flagged(r, flag) || cases++ >= NAMED_CASES)
            continue;
        fputs(cases == 1 ? ": " : ", ", w->line);
        kvr_sentence_name(w, r->name);
        if (!strcmp(flag, "ceiling-raised") && isfinite(r->ceiling_raised_percent)) {
            fputs(" (", w->line);
            kvr_sentence_figure(w, r->ceiling_raised_percent, 4);
            fputs(" % of the read roof)", w->line);
        }
    }
    if (cases > NAMED_CASES)
        fprintf(w->line, " and %zu more", cases - NAMED_CASES);
    fputc('.', w->line);
    return kvr_sentence_end(w);
}

static int put_flags(struct kvr_sentence *w, const struct kvr_run_record *record)
{
    for (size_t i = 0; i < record->result_count; i++)
        for (size_t f = 0; f < KVR_MAX_FLAGS && record->results[i].flags[f][0]; f++) {
            const char *flag = record->results[i].flags[f];
            int rc = flagged_before(record, i, flag) ? 0 : put_flag(w, record, i, flag);
            if (rc)
                return rc;
        }
    return 0;
}

static void put_text(struct kvr_sentence *w, const char *text)
{
    char clean[256];
    kvr_clean_text(clean, sizeof clean, text);
    fputs(clean, w->line);
}

/* ---- checks ---- */

static int put_check(struct kvr_sentence *w, const struct kvr_check *c)
{
    int rc = c->status == KVR_CHECK_WARN ? kvr_sentence_begin(w) : 0;
    if (rc || c->status != KVR_CHECK_WARN)
        return rc;
    fputs("Check ", w->line);
    put_text(w, c->id);
    fputs(" warns: ", w->line);
    put_text(w, c->text);
    if (c->fix[0]) {
        fputs("; what would help: ", w->line);
        put_text(w, c->fix);
    }
    fputc('.', w->line);
    const int width = w->width;
    if (!width && !w->quote[0]) /* Markdown is wrapped by who shows it */
        w->width = KVR_USUAL_WIDTH;
    rc = kvr_sentence_end(w);
    w->width = width;
    return rc;
}

/* One quiet line: what counted and what that costs, or that nothing did; the file has the reasons
 * of each backend. A warning was printed already. */
static int put_backend(struct kvr_sentence *w, const struct kvr_check *c)
{
    if (strcmp(c->id, "counters-backend") || c->status == KVR_CHECK_WARN)
        return 0;
    int rc = kvr_sentence_begin(w);
    if (rc)
        return rc;
    if (!strcmp(c->value, "none")) {
        fputs("Nothing was counted, no verdict needs it; kvroof doctor says why there are no "
              "counters", w->line);
    } else {
        fputs("Counted by ", w->line);
        put_text(w, c->text);
    }
    fputc('.', w->line);
    return kvr_sentence_end(w);
}

/* ---- what was not measured ---- */

static bool skipped_alike(const struct kvr_result *a, const struct kvr_result *b)
{
    bool alike = !a->measured && !b->measured && a->unavailable_count == b->unavailable_count;
    for (size_t u = 0; alike && u < a->unavailable_count; u++)
        alike = !strcmp(a->unavailable[u].why, b->unavailable[u].why);
    return alike;
}

/* Of "lookat.u8@avx2/d64/m4/...", what stands before the settings. */
static size_t kernel_bytes(const struct kvr_result *r)
{
    return strcspn(r->name, "/");
}

static bool same_kernel(const struct kvr_result *a, const struct kvr_result *b)
{
    return kernel_bytes(a) == kernel_bytes(b) && !strncmp(a->name, b->name, kernel_bytes(a));
}

/* The kernels of the cases that were left out for the same reasons as this one, each once. */
static void put_kernels(struct kvr_sentence *w, const struct kvr_run_record *record, size_t index)
{
    const struct kvr_result *results = record->results;
    size_t kernels = 0;
    for (size_t i = index; i < record->result_count; i++) {
        char name[KVR_NAME_BYTES];
        bool seen = !skipped_alike(&results[index], &results[i]);
        for (size_t j = index; j < i && !seen; j++)
            seen = skipped_alike(&results[index], &results[j]) &&
                   same_kernel(&results[j], &results[i]);
        if (seen || kernels++ >= NAMED_CASES)
            continue;
        fputs(kernels == 1 ? " of " : ", ", w->line);
        snprintf(name, sizeof name, "%.*s", (int)kernel_bytes(&results[i]), results[i].name);
        kvr_sentence_name(w, name);
    }
    if (kernels > NAMED_CASES)
        fprintf(w->line, " and %zu more", kernels - NAMED_CASES);
}

/* Cases without a measurement, for the same reasons: said once for all of them. */
static int put_skip(struct kvr_sentence *w, const struct kvr_run_record *record, size_t index)
{
    const struct kvr_result *r = &record->results[index];
    size_t cases = 0;
    for (size_t i = 0; i < index; i++)
        if (skipped_alike(&record->results[i], r))
            return 0;
    for (size_t i = index; i < record->result_count; i++)
        cases += skipped_alike(&record->results[i], r);
    int rc = kvr_sentence_begin(w);
    if (rc)
        return rc;
    fputs("not measured: ", w->line);
    if (cases == 1) {
        kvr_sentence_name(w, r->name);
    } else {
        fprintf(w->line, "%zu cases", cases);
        put_kernels(w, record, index);
    }
    for (size_t u = 0; u < r->unavailable_count; u++) {
        fputs(u ? "; " : ": ", w->line);
        put_text(w, r->unavailable[u].why);
    }
    return kvr_sentence_end(w);
}

static bool lacks(const struct kvr_result *r, const struct kvr_unavailable *u)
{
    const struct kvr_unavailable *own = r->unavailable;
    size_t count = r->measured ? r->unavailable_count : 0;
    for (const struct kvr_unavailable *o = own; o < own + count; o++)
        if (!strcmp(o->what, u->what) && !strcmp(o->why, u->why))
            return true;
    return false;
}

static size_t lacking(const struct kvr_run_record *record, size_t end,
                      const struct kvr_unavailable *u)
{
    size_t cases = 0;
    for (size_t i = 0; i < end; i++)
        cases += lacks(&record->results[i], u);
    return cases;
}

/* Figures that the same cases lack for one reason. */
static bool alike(const struct kvr_run_record *record, size_t index,
                  const struct kvr_unavailable *a, const struct kvr_unavailable *b)
{
    return !strcmp(a->why, b->why) && !lacking(record, index, a) == !lacking(record, index, b) &&
           lacking(record, record->result_count, a) == lacking(record, record->result_count, b);
}

/* A figure that measured cases lack for the same reason: said once for all of them, and for all
 * figures that they lack for it. */
static int put_lack(struct kvr_sentence *w, const struct kvr_run_record *record, size_t index,
                    size_t at, size_t measured)
{
    const struct kvr_result *r = &record->results[index];
    const struct kvr_unavailable *u = &r->unavailable[at];
    size_t cases = lacking(record, record->result_count, u);
    if (lacking(record, index, u))
        return 0;
    for (size_t i = 0; i < at; i++)
        if (alike(record, index, &r->unavailable[i], u))
            return 0;
    int rc = kvr_sentence_begin(w);
    if (rc)
        return rc;
    fputs("not measured: ", w->line);
    put_text(w, u->what);
    for (size_t i = at + 1; i < r->unavailable_count; i++)
        if (alike(record, index, &r->unavailable[i], u)) {
            fputs(", ", w->line);
            put_text(w, r->unavailable[i].what);
        }
    if (cases == measured)
        fputs(" (every case): ", w->line);
    else if (cases > 1)
        fprintf(w->line, " (%zu of %zu cases): ", cases, measured);
    if (cases != measured && cases == 1) {
        fputs(" of ", w->line);
        kvr_sentence_name(w, r->name);
        fputs(": ", w->line);
    }
    put_text(w, u->why);
    return kvr_sentence_end(w);
}

static int put_line(struct kvr_sentence *w, const char *text)
{
    int rc = kvr_sentence_begin(w);
    if (rc)
        return rc;
    fputs(text, w->line);
    return kvr_sentence_end(w);
}

int kvr_put_notes(struct kvr_sentence *w, const struct kvr_run_record *record)
{
    size_t measured = 0;
    for (size_t i = 0; i < record->result_count; i++)
        measured += record->results[i].measured;
    int rc = put_flags(w, record);
    for (size_t i = 0; !rc && i < record->checks.count; i++)
        rc = put_check(w, &record->checks.items[i]);
    for (size_t i = 0; !rc && i < record->checks.count; i++)
        rc = put_backend(w, &record->checks.items[i]);
    for (size_t i = 0; !rc && i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        for (size_t u = 0; !rc && r->measured && u < r->unavailable_count; u++)
            rc = put_lack(w, record, i, u, measured);
    }
    for (size_t i = 0; !rc && i < record->result_count; i++)
        if (!record->results[i].measured)
            rc = put_skip(w, record, i);
    if (!rc && !measured)
        rc = put_line(w, "No case was measured.");
    if (!rc && !record->complete)
        rc = put_line(w, "This result is not marked complete: the run was interrupted, or the "
                         "file is a JSONL stream; more cases may have been planned.");
    return rc;
}
