/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quality.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static bool is_timed(const struct kvr_result *r)
{
    return r->measured && r->result.ns_per_key > 0 && isfinite(r->result.ns_per_key);
}

/* ---- joining ---- */

/* Over everything, as a scan finds the keys. */
static bool is_whole(const struct kvr_fidelity_record *fidelity, const struct kvr_fidelity_row *row)
{
    return row->layer == KVR_FIDELITY_ALL && row->head == KVR_FIDELITY_ALL &&
           !strcmp(row->text, "all") && row->tokens == fidelity->tokens && !row->skip_sinks &&
           !row->before_rope;
}

static bool is_of(const struct kvr_fidelity_row *row, const struct kvr_result *r)
{
    return !strcmp(row->codec, r->codec) && row->subspaces == r->subspaces &&
           row->entries == r->entries && !strcmp(row->table, r->table);
}

const struct kvr_fidelity_row *kvr_quality_floor(const struct kvr_fidelity_record *fidelity)
{
    for (size_t i = 0; i < fidelity->row_count; i++)
        if (is_whole(fidelity, &fidelity->rows[i]) && !strcmp(fidelity->rows[i].codec, "uniform"))
            return &fidelity->rows[i];
    return NULL;
}

static int refuse(char *error, size_t bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(char *error, size_t bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, bytes, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int find_row(const struct kvr_fidelity_record *fidelity, struct kvr_result *r, char *error,
                    size_t bytes)
{
    r->closeness = NULL;
    for (size_t i = 0; i < fidelity->row_count; i++) {
        const struct kvr_fidelity_row *row = &fidelity->rows[i];
        if (!is_whole(fidelity, row) || !is_of(row, r))
            continue;
        if (r->closeness)
            return refuse(error, bytes, "it holds %s of two calibration sets (%s, %s), and a case "
                          "can stand beside one: give kvroof fidelity one --calibration set",
                          r->codec, r->closeness->calibration, row->calibration);
        r->closeness = row;
    }
    return 0;
}

/* Adds a codec to "fp16, int8", once; what does not fit is left out. */
static void list_codec(const char *codec, char *text, size_t bytes)
{
    size_t used = strlen(text), length = strlen(codec);
    for (const char *at = text; (at = strstr(at, codec)); at += length)
        if ((at == text || at[-1] == ' ') && strchr(",", at[length]))
            return;
    if (used + length + sizeof ", " <= bytes)
        snprintf(text + used, bytes - used, "%s%s", used ? ", " : "", codec);
}

static int fail_shared(const struct kvr_fidelity_record *fidelity,
                       const struct kvr_run_record *records, size_t count, char *error,
                       size_t bytes)
{
    char runs[120] = "", rows[120] = "", clean_runs[120], clean_rows[120];
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < records[i].result_count; k++)
            if (is_timed(&records[i].results[k]))
                list_codec(records[i].results[k].codec, runs, sizeof runs);
    for (size_t i = 0; i < fidelity->row_count; i++)
        if (isfinite(fidelity->rows[i].bytes_per_key))
            list_codec(fidelity->rows[i].codec, rows, sizeof rows);
    kvr_clean_text(clean_runs, sizeof clean_runs, runs);
    kvr_clean_text(clean_rows, sizeof clean_rows, rows);
    if (!*runs)
        return refuse(error, bytes, "the run beside it holds no case with a time");
    return refuse(error, bytes, "it has no row of a case of the run: the run measured %s, it "
                  "holds %s; names, subspaces and entries must agree (kvroof fidelity --codec)",
                  clean_runs, *rows ? clean_rows : "controls alone");
}

/* Of a dimension that no case of the runs has, or that is not known. */
static int check_dimension(const struct kvr_fidelity_record *fidelity,
                           const struct kvr_run_record *records, size_t count, char *error,
                           size_t bytes)
{
    uint32_t other = 0;
    if (!fidelity->head_dim)
        return refuse(error, bytes, "it does not say its head_dim: an older kvroof wrote it; run "
                      "kvroof fidelity again");
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < records[i].result_count; k++) {
            const struct kvr_result *r = &records[i].results[k];
            if (is_timed(r) && r->head_dim == fidelity->head_dim)
                return 0;
            other = is_timed(r) ? r->head_dim : other;
        }
    return other ? refuse(error, bytes, "its keys have d %u and those of the run d %u: run with "
                          "--head-dim %u", fidelity->head_dim, other, fidelity->head_dim)
                 : 0;
}

int kvr_quality_attach(const struct kvr_fidelity_record *fidelity, struct kvr_run_record *records,
                       size_t count, char *error, size_t error_bytes)
{
    size_t found = 0;
    if (!kvr_quality_floor(fidelity))
        return refuse(error, error_bytes, "it has no row of uniform attention over all layers, "
                      "heads and texts with every key coded: run kvroof fidelity without "
                      "--skip-sinks");
    int rc = check_dimension(fidelity, records, count, error, error_bytes);
    for (size_t i = 0; !rc && i < count; i++) {
        records[i].fidelity = fidelity;
        for (size_t k = 0; !rc && k < records[i].result_count; k++) {
            struct kvr_result *r = &records[i].results[k];
            if (!is_timed(r) || r->head_dim != fidelity->head_dim)
                continue;
            rc = find_row(fidelity, r, error, error_bytes);
            found += r->closeness != NULL;
        }
    }
    return rc || found ? rc : fail_shared(fidelity, records, count, error, error_bytes);
}

void kvr_quality_missing_text(const struct kvr_run_record *records, size_t count, char *text,
                              size_t bytes)
{
    char *list = calloc(1, bytes);
    for (size_t i = 0; list && i < count; i++)
        for (size_t k = 0; k < records[i].result_count; k++) {
            const struct kvr_result *r = &records[i].results[k];
            char name[64];
            snprintf(name, sizeof name, r->subspaces ? "%s/m%u/K%u" : "%s", r->codec,
                     r->subspaces, r->entries);
            if (is_timed(r) && !r->closeness)
                list_codec(name, list, bytes);
        }
    kvr_clean_text(text, bytes, list ? list : "");
    free(list);
}

void kvr_quality_source_text(const struct kvr_fidelity_record *fidelity, char *text, size_t bytes)
{
    enum { MOST_FILES = 3 };
    size_t used = (size_t)snprintf(text, bytes, "closeness: ");
    for (size_t i = 0; i < fidelity->file_count && i < MOST_FILES && used < bytes; i++) {
        char name[100];
        const char *slash = strrchr(fidelity->files[i], '/');
        kvr_clean_text(name, sizeof name, slash ? slash + 1 : fidelity->files[i]);
        used += (size_t)snprintf(text + used, bytes - used, "%s%s", i ? ", " : "", name);
    }
    if (fidelity->file_count > MOST_FILES && used < bytes)
        used += (size_t)snprintf(text + used, bytes - used, " and %zu more",
                                 fidelity->file_count - MOST_FILES);
    const struct kvr_fidelity_row *floor = kvr_quality_floor(fidelity);
    if (used < bytes)
        snprintf(text + used, bytes - used, "; %u tokens, queries from %u on, k-means seeds: %u",
                 floor ? floor->tokens : fidelity->tokens, fidelity->first_query,
                 fidelity->seeds ? fidelity->seeds : 1);
}
