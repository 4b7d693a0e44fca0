/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * OpenMetrics. Everything is a gauge, what only carries labels too: readers of the older Prometheus
 * text format, such as node_exporter's textfile collector, know no type `info` and take no time
 * stamps.
 */
#include <math.h>
#include <string.h>

#include "export.h"
#include "table.h"
#include "text.h"

static void put_label(FILE *out, const char *name, const char *text, bool first)
{
    char clean[512];
    kvr_clean_text(clean, sizeof clean, text);
    fprintf(out, "%s%s=\"", first ? "{" : ",", name);
    for (const char *c = clean; *c; c++) {
        if (*c == '\\' || *c == '"')
            fputc('\\', out);
        fputc(*c, out);
    }
    fputc('"', out);
}

/* 0: not known. */
static void put_count(FILE *out, const char *name, uint32_t count)
{
    if (count)
        fprintf(out, ",%s=\"%u\"", name, count);
}

static void put_family(FILE *out, const char *name, const char *unit, const char *help)
{
    fprintf(out, "# TYPE %s gauge\n", name);
    if (*unit)
        fprintf(out, "# UNIT %s %s\n", name, unit);
    fprintf(out, "# HELP %s %s\n", name, help);
}

static void put_case(FILE *out, const char *name, const struct kvr_result *r)
{
    fputs(name, out);
    put_label(out, "case", r->name, true);
}

static void put_value(FILE *out, double value)
{
    char text[64];
    kvr_exact_text(value, text, sizeof text);
    fprintf(out, "} %s\n", text);
}

static void put_run(FILE *out, const struct kvr_run_record *record)
{
    const struct { const char *name, *text; } labels[] = {
        {"fingerprint", record->machine.fingerprint}, {"cpu", record->machine.isa.name},
        {"hostname", record->machine.hostname},       {"kernel", record->machine.kernel},
        {"version", record->version},                 {"git", record->git},
        {"started", record->started},                 {"label", record->label},
    };
    put_family(out, "kvroof_run_info", "", "The run and its machine.");
    fputs("kvroof_run_info", out);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        put_label(out, labels[i].name, labels[i].text, i == 0);
    fputs("} 1\n", out);
    put_family(out, "kvroof_run_complete", "", "1 if the run came to its end.");
    fprintf(out, "kvroof_run_complete %d\n", record->complete);
}

static void put_cases(FILE *out, const struct kvr_run_record *record)
{
    put_family(out, "kvroof_case_measured", "", "1 if the case was measured.");
    for (size_t i = 0; i < record->result_count; i++) {
        put_case(out, "kvroof_case_measured", &record->results[i]);
        put_value(out, record->results[i].measured);
    }
    put_family(out, "kvroof_case_info", "", "What the case is, and its verdict.");
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        const struct { const char *name, *text; } labels[] = {
            {"codec", r->codec}, {"variant", r->variant},      {"isa", r->isa},
            {"op", r->op},       {"level", r->level},          {"layout", r->layout},
            {"pages", r->pages}, {"side", r->verdict.side},    {"bound", r->verdict.bound},
        };
        put_case(out, "kvroof_case_info", r);
        for (size_t l = 0; l < sizeof labels / sizeof *labels; l++)
            if (*labels[l].text)
                put_label(out, labels[l].name, labels[l].text, false);
        put_count(out, "head_dim", r->head_dim);
        put_count(out, "tokens", r->tokens);
        put_count(out, "threads", r->threads);
        fputs("} 1\n", out);
    }
}

static void put_flags(FILE *out, const struct kvr_run_record *record)
{
    put_family(out, "kvroof_case_flag", "", "1 for each flag that the case's figures carry.");
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        for (size_t f = 0; f < KVR_MAX_FLAGS && r->flags[f][0]; f++) {
            put_case(out, "kvroof_case_flag", r);
            put_label(out, "flag", r->flags[f], false);
            fputs("} 1\n", out);
        }
    }
}

/* In base units: divided, so that 3.5 ns are 3.5e-09 s. */
#define FIGURE(field) offsetof(struct kvr_op_result, field)
static const struct {
    const char *name, *unit, *help;
    size_t offset;
    double divisor;
} figures[] = {
    {"kvroof_key_time_seconds", "seconds", "Time a key.", FIGURE(ns_per_key), 1e9},
    {"kvroof_key_time_low_seconds", "seconds", "Lower end of its 95 percent interval.",
     FIGURE(ci95[0]), 1e9},
    {"kvroof_key_time_high_seconds", "seconds", "Upper end of its 95 percent interval.",
     FIGURE(ci95[1]), 1e9},
    {"kvroof_key_memory_time_seconds", "seconds", "The memory's own time for the same bytes.",
     FIGURE(m_ns_per_key), 1e9},
    {"kvroof_key_core_time_seconds", "seconds", "The core's own time for the same key.",
     FIGURE(c_ns_per_key), 1e9},
    {"kvroof_keys_per_second", "", "Keys per second, over all threads.", FIGURE(keys_per_s), 1},
    {"kvroof_bytes_per_second", "", "Bytes per second, over all threads.", FIGURE(gb_per_s), 1e-9},
    {"kvroof_speedup_vs_fp16_ratio", "ratio", "Time of FP16 over that of the case.",
     FIGURE(speedup_vs_fp16), 1},
    {"kvroof_roof_ratio", "ratio", "Share of the nearer roof, the memory's or the core's.",
     FIGURE(percent_of_roof), 100},
    {"kvroof_read_roof_ratio", "ratio", "Share of the memory's read roof.",
     FIGURE(percent_of_read_roof), 100},
};

static void put_figures(FILE *out, const struct kvr_run_record *record, size_t which)
{
    bool begun = false;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        double value;
        memcpy(&value, (const char *)&r->result + figures[which].offset, sizeof value);
        if (!kvr_is_exported(r) || !isfinite(value))
            continue;
        if (!begun)
            put_family(out, figures[which].name, figures[which].unit, figures[which].help);
        begun = true;
        put_case(out, figures[which].name, r);
        put_value(out, value / figures[which].divisor);
    }
}

int kvr_put_openmetrics(FILE *out, const struct kvr_run_record *record)
{
    put_run(out, record);
    put_cases(out, record);
    put_flags(out, record);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        put_figures(out, record, i);
    fputs("# EOF\n", out);
    return 0;
}
