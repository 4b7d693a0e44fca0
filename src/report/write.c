/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "export.h"
#include "json.h"
#include "table.h"
#include "text.h"
#include "writers.h"

/* 17 digits: every double reads back as itself. For others as many as a person may meet. */
enum { EXACT = JSON_REAL_PRECISION(17), EXPORT = JSON_REAL_PRECISION(9) | JSON_INDENT(2) };

#define OWN_NAMES \
    [KVR_OUT_TABLE] = "table", [KVR_OUT_JSON] = "json", [KVR_OUT_JSONL] = "jsonl", \
    [KVR_OUT_CSV] = "csv", [KVR_OUT_MD] = "md"
const char *const kvr_own_output_names[] = {OWN_NAMES, NULL};
const char *const kvr_output_names[] = {
    OWN_NAMES,
    [KVR_OUT_GBENCH] = "gbench",
    [KVR_OUT_GHA_BIGGER] = "gha-bigger",
    [KVR_OUT_GHA_SMALLER] = "gha-smaller",
    [KVR_OUT_BMF] = "bmf",
    [KVR_OUT_OPENMETRICS] = "openmetrics",
    [KVR_OUT_JUNIT] = "junit",
    [KVR_OUT_FORMATS] = NULL,
};
#undef OWN_NAMES

int kvr_output_format_parse(const char *text, enum kvr_output_format *format)
{
    for (size_t i = 0; i < KVR_OUT_FORMATS; i++) {
        if (strcmp(text, kvr_output_names[i]))
            continue;
        *format = (enum kvr_output_format)i;
        return 0;
    }
    return -EINVAL;
}

bool kvr_output_is_common(enum kvr_output_format format)
{
    return format == KVR_OUT_TABLE || format == KVR_OUT_JSON || format == KVR_OUT_CSV ||
           format == KVR_OUT_MD;
}

bool kvr_output_needs_cases(enum kvr_output_format format)
{
    return format == KVR_OUT_GBENCH || format == KVR_OUT_GHA_BIGGER ||
           format == KVR_OUT_GHA_SMALLER || format == KVR_OUT_BMF;
}

/* Its inverse is a rate, its product with keys and threads a time. */
static bool usable(double ns_per_key, const struct kvr_result *r)
{
    return isfinite(1e9 / ns_per_key) && isfinite(ns_per_key * (r->tokens + 1.0) * r->threads);
}

const struct kvr_result *kvr_not_finite(const struct kvr_run_record *record)
{
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        bool good = !kvr_is_exported(r) || usable(r->result.ns_per_key, r);
        for (size_t k = 0; good && kvr_is_exported(r) && k < r->round_count; k++)
            good = r->rounds[k].invalid || usable(r->rounds[k].t_ns, r);
        if (!good)
            return r;
    }
    return NULL;
}

bool kvr_has_cases(const struct kvr_run_record *record)
{
    for (size_t i = 0; i < record->result_count; i++)
        if (kvr_is_exported(&record->results[i]))
            return true;
    return false;
}

/* The outcome of everything written so far. Call with errno 0 before the first write. */
static int finish(FILE *out)
{
    if (!fflush(out) && !ferror(out))
        return 0;
    return errno ? -errno : -EIO;
}

/* Takes over `value`; NULL: memory ran out while it was made. */
static int dump(FILE *out, json_t *value, size_t flags)
{
    if (!value)
        return -ENOMEM;
    struct kvr_numeric numeric = kvr_numeric_c();
    errno = 0;
    int rc = json_dumpf(value, out, flags);
    rc = rc && !ferror(out) ? -ENOMEM : 0;
    if (!rc) {
        fputc('\n', out);
        rc = finish(out);
    }
    kvr_numeric_restore(numeric);
    json_decref(value);
    return rc;
}

static int write_json(FILE *out, const struct kvr_run_record *record)
{
    json_t *root = kvr_json_header(record), *results = json_array();
    bool good = root && results;
    for (size_t i = 0; good && i < record->result_count; i++)
        good = kvr_json_append(results, kvr_json_result(&record->results[i]));
    good = good && json_object_set(root, "results", results) == 0;
    json_decref(results);
    if (!good) {
        json_decref(root);
        root = NULL;
    }
    return dump(out, root, EXACT | JSON_INDENT(2));
}

int kvr_write_jsonl_header(FILE *out, const struct kvr_run_record *record)
{
    json_t *header = kvr_json_header(record);
    /* Whoever reads the file cannot know whether more lines were to follow. */
    if (header && !kvr_json_set(header, "complete", json_false())) {
        json_decref(header);
        header = NULL;
    }
    return dump(out, header, EXACT | JSON_COMPACT);
}

int kvr_write_jsonl_trailer(FILE *out, const struct kvr_run_record *record)
{
    return dump(out, kvr_json_header(record), EXACT | JSON_COMPACT);
}

int kvr_write_jsonl_result(FILE *out, const struct kvr_result *result)
{
    return dump(out, kvr_json_result(result), EXACT | JSON_COMPACT);
}

static int write_jsonl(FILE *out, const struct kvr_run_record *record)
{
    int rc = kvr_write_jsonl_header(out, record);
    for (size_t i = 0; !rc && i < record->result_count; i++)
        rc = kvr_write_jsonl_result(out, &record->results[i]);
    return rc ? rc : kvr_write_jsonl_trailer(out, record);
}

/* ---- CSV (RFC 4180): one row per round ---- */

void kvr_put_csv(FILE *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static bool is_column(const struct kvr_field *f, unsigned only)
{
    return f->kind != KVR_FIELD_STRUCT && f->kind != KVR_FIELD_PAIR && (f->flags & only) == only;
}

static void csv_header(FILE *out, const struct kvr_field *fields, unsigned only)
{
    for (const struct kvr_field *f = fields; f->name; f++)
        if (is_column(f, only)) {
            fputs(f->name, out);
            if (*f->unit)
                fprintf(out, " [%s]", f->unit);
            fputc(',', out);
        }
}

static void csv_value(FILE *out, const struct kvr_field *f, const void *base,
                      const struct kvr_result *result)
{
    const char *at = (const char *)base + f->offset;
    char text[64];
    double number;
    switch (f->kind) {
    case KVR_FIELD_DOUBLE:
        memcpy(&number, at, sizeof number);
        if (f->flags & KVR_FIELD_OMIT_ZERO && number == 0)
            break;
        kvr_exact_text(number, text, sizeof text);
        fputs(text, out);
        break;
    case KVR_FIELD_U32:
    case KVR_FIELD_U64:
        if (!kvr_result_why(result, f->name) &&
            !(f->flags & KVR_FIELD_OMIT_ZERO && !kvr_field_integer(f, base)))
            fprintf(out, "%llu", (unsigned long long)kvr_field_integer(f, base));
        break;
    case KVR_FIELD_BOOL:
        fputs(*at ? "true" : "false", out);
        break;
    case KVR_FIELD_STRING:
        kvr_put_csv(out, at);
        break;
    default:
        break;
    }
    fputc(',', out);
}

static void csv_row(FILE *out, const struct kvr_result *result, size_t index)
{
    char flags[KVR_MAX_FLAGS * sizeof result->flags[0]];
    for (const struct kvr_field *f = kvr_result_fields; f->name; f++)
        if (is_column(f, KVR_FIELD_IDENTIFIES))
            csv_value(out, f, result, result);
    fprintf(out, "%zu,", index);
    for (const struct kvr_field *f = kvr_round_fields; f->name; f++)
        if (is_column(f, 0))
            csv_value(out, f, &result->rounds[index], result);
    kvr_flags_text(result, " ", flags, sizeof flags);
    kvr_put_csv(out, flags);
    fputs("\r\n", out);
}

static int write_csv(FILE *out, const struct kvr_run_record *record)
{
    struct kvr_numeric numeric = kvr_numeric_c();
    errno = 0;
    csv_header(out, kvr_result_fields, KVR_FIELD_IDENTIFIES);
    fputs("round,", out);
    csv_header(out, kvr_round_fields, 0);
    fputs("flags\r\n", out);
    for (size_t i = 0; i < record->result_count; i++)
        for (size_t r = 0; r < record->results[i].round_count; r++)
            csv_row(out, &record->results[i], r);
    kvr_numeric_restore(numeric);
    return finish(out);
}

static int write_text(FILE *out, enum kvr_output_format format,
                      const struct kvr_run_record *record, const struct kvr_output_style *style)
{
    static const struct kvr_output_style plain = {.color = false, .width = 0};
    struct kvr_numeric numeric = kvr_numeric_c();
    errno = 0;
    int rc = format == KVR_OUT_MD            ? kvr_put_markdown(out, record)
             : format == KVR_OUT_OPENMETRICS ? kvr_put_openmetrics(out, record)
             : format == KVR_OUT_JUNIT       ? kvr_put_junit(out, record)
                                             : kvr_put_table(out, record, style ? style : &plain);
    kvr_numeric_restore(numeric);
    return rc ? rc : finish(out);
}

/* JSON whose texts hold numbers, too. */
static int write_export(FILE *out, enum kvr_output_format format,
                        const struct kvr_run_record *record)
{
    struct kvr_numeric numeric = kvr_numeric_c();
    json_t *value = format == KVR_OUT_GBENCH ? kvr_json_gbench(record)
                    : format == KVR_OUT_BMF  ? kvr_json_bmf(record)
                                             : kvr_json_gha(record, format == KVR_OUT_GHA_BIGGER);
    kvr_numeric_restore(numeric);
    return dump(out, value, EXPORT);
}

int kvr_write(FILE *out, enum kvr_output_format format, const struct kvr_run_record *record,
              const struct kvr_output_style *style)
{
    switch (format) {
    case KVR_OUT_JSON:
        return write_json(out, record);
    case KVR_OUT_JSONL:
        return write_jsonl(out, record);
    case KVR_OUT_CSV:
        return write_csv(out, record);
    case KVR_OUT_GBENCH:
    case KVR_OUT_GHA_BIGGER:
    case KVR_OUT_GHA_SMALLER:
    case KVR_OUT_BMF:
        return write_export(out, format, record);
    case KVR_OUT_TABLE:
    case KVR_OUT_MD:
    case KVR_OUT_OPENMETRICS:
    case KVR_OUT_JUNIT:
        return write_text(out, format, record, style);
    case KVR_OUT_FORMATS:
        break;
    }
    return -EINVAL;
}

int kvr_write_summary(FILE *out, const struct kvr_run_record *record)
{
    struct kvr_numeric numeric = kvr_numeric_c();
    errno = 0;
    int rc = kvr_put_summary(out, record, "", "", 0);
    kvr_numeric_restore(numeric);
    return rc ? rc : finish(out);
}
