/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A history as a table, Markdown, CSV or JSON.
 */
#include "history.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cells.h"
#include "json.h"
#include "table.h"
#include "text.h"

enum { RESULTS, LEVEL, CHANGES, FLOOR, OUTCOME, CASE, COLUMNS };
static const struct kvr_cell_column columns[COLUMNS] = {
    [RESULTS] = {"results", "", false},  [LEVEL] = {"ns/key now", "", false},
    [CHANGES] = {"changes", "", false},  [FLOOR] = {"seen from", "", false},
    [OUTCOME] = {"result", "", true},    [CASE] = {"case", "", true},
};

void kvr_history_free(struct kvr_history *h)
{
    for (size_t i = 0; h->cases && i < h->case_count; i++)
        free(h->cases[i].changes);
    free(h->cases);
    free(h->results);
    *h = (struct kvr_history){0};
}

static void fill_row(const struct kvr_cells *cells, size_t row, const void *history)
{
    const struct kvr_history_case *c = &((const struct kvr_history *)history)->cases[row];
    snprintf(kvr_cell(cells, row, RESULTS), KVR_CELL_BYTES, "%zu", c->count);
    kvr_figure_text(c->level_ns, 4, kvr_cell(cells, row, LEVEL), KVR_CELL_BYTES);
    snprintf(kvr_cell(cells, row, CHANGES), KVR_CELL_BYTES, "%zu", c->change_count);
    if (isfinite(c->floor))
        snprintf(kvr_cell(cells, row, FLOOR), KVR_CELL_BYTES, "%.1f %%", 100 * expm1(c->floor));
    snprintf(kvr_cell(cells, row, OUTCOME), KVR_CELL_BYTES, "%s", kvr_outcome_names[c->outcome]);
    kvr_clean_text(kvr_cell(cells, row, CASE), KVR_CELL_BYTES, c->name);
}

static void put_change(FILE *out, const struct kvr_history *h, const struct kvr_history_case *c,
                       const struct kvr_history_change *change, const char *bullet, int width)
{
    const struct kvr_history_result *first = &h->results[change->at];
    char line[1200], clean[1200];
    snprintf(line, sizeof line, "%s%s: %.190s %+.1f %% [%+.1f to %+.1f %%] since %.31s, commit "
             "%.100s (%.300s)", bullet,
             change->outcome == KVR_OK ? "changed, below the threshold"
             : change->outcome == KVR_INCONCLUSIVE ? "changed, by the threshold or so"
                                                   : kvr_outcome_names[change->outcome],
             c->name, 100 * expm1(change->log_ratio), 100 * expm1(change->low),
             100 * expm1(change->high), first->started, *first->commit ? first->commit : "unknown",
             first->file);
    kvr_clean_text(clean, sizeof clean, line);
    kvr_put_wrapped(out, clean, width);
}

static void put_notes(FILE *out, const struct kvr_history *h, const char *bullet, int width)
{
    char line[700];
    size_t few = 0, blunt = 0, changes = 0;
    for (size_t i = 0; i < h->case_count; i++) {
        const struct kvr_history_case *c = &h->cases[i];
        few += !isfinite(c->floor);
        blunt += isfinite(c->floor) && c->floor > log1p(c->threshold);
        changes += c->change_count;
    }
    if (few) {
        snprintf(line, sizeof line, "%sinconclusive: %zu case%s in fewer than 6 results of this "
                 "machine: three before a change and three after it are needed", bullet, few,
                 few == 1 ? "" : "s");
        kvr_put_wrapped(out, line, width);
    }
    if (blunt) {
        snprintf(line, sizeof line, "%s%zu case%s so unsteady that a change by the threshold would "
                 "not show within three results: run --processes 5 makes steadier ones", bullet,
                 blunt, blunt == 1 ? " is" : "s are");
        kvr_put_wrapped(out, line, width);
    }
    if (h->others) {
        snprintf(line, sizeof line, "%s%zu result%s of other machines left out", bullet, h->others,
                 h->others == 1 ? "" : "s");
        kvr_put_wrapped(out, line, width);
    }
    snprintf(line, sizeof line, "%s%s: %zu change%s in %zu results; PELT over logarithms of times, "
             "each over its own plain read of memory, and only changes that 5 %% of histories "
             "without any show anywhere", bullet,
             h->outcome == KVR_OK ? "no regression" : kvr_outcome_names[h->outcome], changes,
             changes == 1 ? "" : "s", h->result_count);
    kvr_put_wrapped(out, line, width);
}

static int put_text(FILE *out, enum kvr_output_format format, const struct kvr_history *h,
                    int width)
{
    const char *bullet = format == KVR_OUT_MD ? "- " : "";
    const struct kvr_cells table = {columns, COLUMNS, h->case_count, NULL};
    if (format == KVR_OUT_MD)
        fputs("### kvroof compare --history\n\n", out);
    int rc = kvr_put_filled(out, format, &table, fill_row, h);
    fputc('\n', out);
    for (size_t i = 0; i < h->case_count; i++)
        for (size_t k = 0; k < h->cases[i].change_count; k++)
            put_change(out, h, &h->cases[i], &h->cases[i].changes[k], bullet, width);
    put_notes(out, h, bullet, width);
    return rc;
}

static void put_csv_row(FILE *out, const struct kvr_history *h, const struct kvr_history_case *c,
                        const struct kvr_history_change *change)
{
    const struct kvr_history_result *first = &h->results[change->at];
    const char *const texts[] = {c->name, kvr_outcome_names[change->outcome], first->started,
                                 first->commit, first->file};
    const double numbers[] = {exp(change->log_ratio), exp(change->low), exp(change->high),
                              change->p};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        kvr_put_csv(out, texts[i]);
        fputc(',', out);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char text[64];
        kvr_exact_text(numbers[i], text, sizeof text);
        fprintf(out, "%s%s", i ? "," : "", text);
    }
    fputs("\r\n", out);
}

static void put_csv(FILE *out, const struct kvr_history *h)
{
    fputs("case,outcome,since,commit,file,ratio,ratio_low,ratio_high,p\r\n", out);
    for (size_t i = 0; i < h->case_count; i++)
        for (size_t k = 0; k < h->cases[i].change_count; k++)
            put_csv_row(out, h, &h->cases[i], &h->cases[i].changes[k]);
}

/* ---- JSON ---- */

static json_t *change_json(const struct kvr_history *h, const struct kvr_history_change *change)
{
    const struct kvr_history_result *first = &h->results[change->at];
    json_t *object = json_object();
    return kvr_json_made(object, object &&
        kvr_json_set(object, "outcome", kvr_json_string(kvr_outcome_names[change->outcome])) &&
        kvr_json_set(object, "since", kvr_json_string(first->started)) &&
        kvr_json_set(object, "commit", kvr_json_string(first->commit)) &&
        kvr_json_set(object, "file", kvr_json_string(first->file)) &&
        kvr_json_set_finite(object, "ratio", exp(change->log_ratio)) &&
        kvr_json_set(object, "interval", json_pack("[f,f]", exp(change->low),
                                                   exp(change->high))) &&
        kvr_json_set_finite(object, "p", change->p));
}

static json_t *case_json(const struct kvr_history *h, const struct kvr_history_case *c)
{
    json_t *object = json_object(), *changes = json_array();
    bool good = object && changes && kvr_json_set(object, "name", kvr_json_string(c->name)) &&
                kvr_json_set(object, "outcome", kvr_json_string(kvr_outcome_names[c->outcome])) &&
                kvr_json_set(object, "results", json_integer((json_int_t)c->count)) &&
                kvr_json_set(object, "normalised", json_boolean(c->normalised)) &&
                kvr_json_set_finite(object, "ns_per_key", c->level_ns) &&
                kvr_json_set_finite(object, "threshold", c->threshold) &&
                kvr_json_set_finite(object, "floor", expm1(c->floor));
    for (size_t i = 0; good && i < c->change_count; i++)
        good = kvr_json_append(changes, change_json(h, &c->changes[i]));
    good = good && !json_object_set(object, "changes", changes);
    json_decref(changes);
    return kvr_json_made(object, good);
}

int kvr_put_history_json(FILE *out, const struct kvr_history *h)
{
    json_t *root = json_pack("{s:s}", "schema", "kvroof.history/1"), *cases = json_array();
    bool good = root && cases &&
                kvr_json_set(root, "outcome", kvr_json_string(kvr_outcome_names[h->outcome])) &&
                kvr_json_set(root, "results", json_integer((json_int_t)h->result_count)) &&
                kvr_json_set(root, "other_machines", json_integer((json_int_t)h->others));
    for (size_t i = 0; good && i < h->case_count; i++)
        good = kvr_json_append(cases, case_json(h, &h->cases[i]));
    good = good && !json_object_set(root, "cases", cases);
    int rc = good ? kvr_json_put_document(out, root) : -ENOMEM;
    json_decref(cases);
    json_decref(root);
    return rc;
}

int kvr_write_history(FILE *out, enum kvr_output_format format, const struct kvr_history *h,
                      int width)
{
    struct kvr_numeric numeric = kvr_numeric_c();
    int rc = 0;
    errno = 0;
    if (format == KVR_OUT_JSON)
        rc = kvr_put_history_json(out, h);
    else if (format == KVR_OUT_CSV)
        put_csv(out, h);
    else
        rc = put_text(out, format, h, width);
    kvr_numeric_restore(numeric);
    if (!rc && (fflush(out) || ferror(out)))
        rc = errno ? -errno : -EIO;
    return rc;
}
