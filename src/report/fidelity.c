/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of fidelity as cells of a table, CSV (every row, every figure) and Markdown (what a table
 * shows).
 */
#include "fidelity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fidelity_write.h"
#include "table.h"
#include "text.h"

const char *const kvr_metric_names[KVR_METRICS] = {
    [KVR_COS] = "cos", [KVR_COS_CENTERED] = "cos_centered", [KVR_REL_L2] = "rel_l2",
    [KVR_KL] = "kl_nats", [KVR_RHO] = "rho", [KVR_TOP1] = "top1", [KVR_TOP5] = "top5",
    [KVR_TOP10] = "top10", [KVR_MASS10] = "mass10",
};

bool kvr_metric_rises(enum kvr_metric metric)
{
    return metric != KVR_REL_L2 && metric != KVR_KL;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

void kvr_fidelity_free(struct kvr_fidelity_record *r)
{
    free_texts(r->files, r->file_count);
    free_texts(r->calibration_files, r->calibration_file_count);
    free_texts(r->names, r->name_count);
    free(r->rows);
    free(r->absent);
    *r = (struct kvr_fidelity_record){0};
}

/* ---- cells ---- */

enum { METHOD, BYTES, COS, SKILL, CENTERED, KL, REL_L2, RHO, RHO_P5, RHO_WORST, TOP1, TOP5, TOP10,
       MASS10, KEY_ERROR, COS_SPREAD, RHO_SPREAD, FLAGS };

static const char *const headings[KVR_FIDELITY_COLUMNS] = {
    "codec", "B/key", "cos", "skill", "cos_centered", "kl_nats", "rel_l2", "rho", "rho_p5",
    "rho_worst_head", "top1", "top5", "top10", "mass10", "key_error", "cos_spread",
    "rho_spread", "flags"};

bool kvr_fidelity_shows(const struct kvr_fidelity_record *record, size_t column)
{
    return record->seeds > 1 || (column != COS_SPREAD && column != RHO_SPREAD);
}

const char *kvr_fidelity_heading(size_t column)
{
    return headings[column];
}

/* "lookat.u8/m4/K256/calibration=prose/rope-pairs" */
static void method_text(const struct kvr_fidelity_row *row, char *text, size_t bytes)
{
    char label[64], shape[96] = "", calibration[96] = "";
    kvr_clean_text(label, sizeof label, row->calibration);
    if (row->subspaces)
        snprintf(shape, sizeof shape, "/m%u/K%u", row->subspaces, row->entries);
    else if (*row->encoder)
        snprintf(shape, sizeof shape, "/%s", row->encoder);
    if (*label)
        snprintf(calibration, sizeof calibration, "/calibration=%s", label);
    snprintf(text, bytes, "%s%s%s%s%s%s%s", row->codec, *row->table ? "." : "", row->table, shape,
             calibration, row->rope_pairs ? "/rope-pairs" : "",
             row->before_rope ? "/before-rope" : "");
}

static double figure(const struct kvr_fidelity_row *row, size_t column)
{
    switch (column) {
    case BYTES: return row->bytes_per_key;
    case COS: return row->mean[KVR_COS];
    case SKILL: return row->skill;
    case CENTERED: return row->mean[KVR_COS_CENTERED];
    case KL: return row->mean[KVR_KL];
    case REL_L2: return row->mean[KVR_REL_L2];
    case RHO: return row->mean[KVR_RHO];
    case RHO_P5: return row->tail[KVR_RHO];
    case RHO_WORST: return row->worst_head[KVR_RHO];
    case TOP1: return row->mean[KVR_TOP1];
    case TOP5: return row->mean[KVR_TOP5];
    case TOP10: return row->mean[KVR_TOP10];
    case MASS10: return row->mean[KVR_MASS10];
    case COS_SPREAD: return row->seed_spread[KVR_COS];
    case RHO_SPREAD: return row->seed_spread[KVR_RHO];
    default: return row->key_squared_error;
    }
}

void kvr_fidelity_cell(const struct kvr_fidelity_row *row, size_t column, char *text, size_t bytes)
{
    double value = figure(row, column);
    *text = '\0';
    if (column == METHOD)
        method_text(row, text, bytes);
    else if (column == FLAGS)
        snprintf(text, bytes, "%s", row->leaking ? "leaking" : "");
    else if (column == BYTES || column == KEY_ERROR)
        kvr_figure_text(value, 3, text, bytes);
    else if (isfinite(value))
        snprintf(text, bytes, fabs(value) < 1e5 ? "%.4f" : "%.4e", value);
}

/* ---- CSV ---- */

static void csv_number(FILE *out, double value)
{
    char text[64];
    kvr_exact_text(value, text, sizeof text);
    fprintf(out, ",%s", text);
}

static void csv_quoted(FILE *out, const char *text)
{
    fputs(",\"", out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void csv_index(FILE *out, int32_t index)
{
    if (index == KVR_FIDELITY_ALL)
        fputs(",all", out);
    else
        fprintf(out, ",%d", index);
}

static void write_csv(FILE *out, const struct kvr_fidelity_record *r)
{
    static const char *const kinds[] = {"", "_std", "_p5_or_p95", "_worst_head", "_seed_spread"};
    fputs("tokens,layer,head,text,codec,subspaces,entries,table,encoder,calibration,coded,"
          "channel_order,skip_sinks,seeds,flags,bytes_per_key [bytes],key_squared_error,skill",
          out);
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
        for (size_t k = 0; k < KVR_METRICS; k++)
            fprintf(out, ",%s%s", kvr_metric_names[k], kinds[kind]);
    fputs("\r\n", out);
    for (size_t i = 0; i < r->row_count; i++) {
        const struct kvr_fidelity_row *row = &r->rows[i];
        const double *figures[] = {row->mean, row->std, row->tail, row->worst_head,
                                   row->seed_spread};
        fprintf(out, "%u", row->tokens);
        csv_index(out, row->layer);
        csv_index(out, row->head);
        csv_quoted(out, row->text);
        fprintf(out, ",%s", row->codec);
        if (row->subspaces) /* what the codec does not have is blank, as in JSON it is absent */
            fprintf(out, ",%u,%u", row->subspaces, row->entries);
        else
            fputs(",,", out);
        fprintf(out, ",%s,%s", row->table, row->encoder);
        csv_quoted(out, row->calibration);
        fprintf(out, ",%s,%s,%u,%u,%s", row->before_rope ? "before-rope" : "as-stored",
                row->rope_pairs ? "rope-pairs" : "natural", row->skip_sinks, row->seeds,
                row->leaking ? "leaking" : "");
        csv_number(out, row->bytes_per_key);
        csv_number(out, row->key_squared_error);
        csv_number(out, row->skill);
        for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
            for (size_t k = 0; k < KVR_METRICS; k++)
                csv_number(out, figures[kind][k]);
        fputs("\r\n", out);
    }
}

/* ---- Markdown ---- */

static bool same_group(const struct kvr_fidelity_row *a, const struct kvr_fidelity_row *b)
{
    return a->tokens == b->tokens && a->skip_sinks == b->skip_sinks && a->layer == b->layer &&
           a->text == b->text;
}

static void markdown_heading(FILE *out, const struct kvr_fidelity_record *record,
                             const struct kvr_fidelity_row *row)
{
    fprintf(out, "\n### %u tokens", row->tokens);
    if (row->layer != KVR_FIDELITY_ALL)
        fprintf(out, ", layer %d", row->layer);
    if (strcmp(row->text, "all")) {
        fputs(", ", out);
        kvr_put_escaped(out, row->text);
    }
    if (row->skip_sinks)
        fprintf(out, ", the first %u keys in float16", row->skip_sinks);
    fputs("\n\n|", out);
    for (size_t c = 0; c < KVR_FIDELITY_COLUMNS; c++)
        if (kvr_fidelity_shows(record, c))
            kvr_put_cell(out, headings[c]);
    fputs("\n|", out);
    for (size_t c = 0; c < KVR_FIDELITY_COLUMNS; c++)
        if (kvr_fidelity_shows(record, c))
            fputs(c == METHOD || c == FLAGS ? " --- |" : " ---: |", out);
    fputc('\n', out);
}

static void write_markdown(FILE *out, const struct kvr_fidelity_record *r)
{
    const struct kvr_fidelity_row *last = NULL;
    char text[200];
    fputs("## kvroof fidelity\n", out);
    for (size_t i = 0; i < r->row_count; i++) {
        const struct kvr_fidelity_row *row = &r->rows[i];
        if (row->head != KVR_FIDELITY_ALL)
            continue;
        if (!last || !same_group(last, row))
            markdown_heading(out, r, row);
        last = row;
        fputc('|', out);
        for (size_t c = 0; c < KVR_FIDELITY_COLUMNS; c++) {
            kvr_fidelity_cell(row, c, text, sizeof text);
            if (kvr_fidelity_shows(r, c))
                kvr_put_cell(out, text);
        }
        fputc('\n', out);
    }
}

int kvr_write_fidelity(FILE *out, enum kvr_output_format format,
                       const struct kvr_fidelity_record *record)
{
    struct kvr_numeric numeric = kvr_numeric_c();
    int rc = 0;
    errno = 0;
    if (format == KVR_OUT_JSON) {
        json_t *root = kvr_fidelity_json(record);
        rc = root ? 0 : -ENOMEM;
        if (root && json_dumpf(root, out, JSON_INDENT(1) | JSON_REAL_PRECISION(12)))
            rc = errno ? -errno : -EIO;
        json_decref(root);
        fputc('\n', out);
    } else if (format == KVR_OUT_CSV) {
        write_csv(out, record);
    } else if (format == KVR_OUT_MD) {
        write_markdown(out, record);
    } else {
        rc = -EINVAL;
    }
    kvr_numeric_restore(numeric);
    if (!rc && (fflush(out) || ferror(out)))
        rc = errno ? -errno : -EIO;
    return rc;
}
