/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One row a case: github-action-benchmark's arrays and Bencher's metrics.
 */
#include <math.h>
#include <stdio.h>

#include "export.h"
#include "json.h"
#include "table.h"
#include "text.h"

bool kvr_is_exported(const struct kvr_result *r)
{
    return r->measured && isfinite(r->result.ns_per_key) && r->result.ns_per_key > 0;
}

void kvr_case_sentence(const struct kvr_result *r, char *text, size_t bytes)
{
    const struct kvr_op_result *o = &r->result;
    char ns[32], low[32], high[32], rate[32], flags[KVR_MAX_FLAGS * sizeof r->flags[0]];
    char interval[96] = "";
    struct kvr_verdict_cells verdict = {.phrase = ""};
    kvr_figure_text(o->ns_per_key, 4, ns, sizeof ns);
    kvr_figure_text(o->gb_per_s, 3, rate, sizeof rate);
    kvr_flags_text(r, " ", flags, sizeof flags);
    if (isfinite(o->ci95[0]) && isfinite(o->ci95[1])) {
        kvr_figure_text(o->ci95[0], 4, low, sizeof low);
        kvr_figure_text(o->ci95[1], 4, high, sizeof high);
        snprintf(interval, sizeof interval, " (95 %% %s to %s)", low, high);
    }
    if (kvr_has_verdict(r))
        kvr_verdict_cells_of(r, (struct kvr_name_parts){0}, &verdict);
    snprintf(text, bytes, "%s ns/key%s%s%s%s%s%s%s%s", ns, interval, *rate ? "; " : "", rate,
             *rate ? " GB/s" : "", *verdict.phrase ? "; " : "", verdict.phrase,
             *flags ? "; flags: " : "", flags);
}

/* ---- github-action-benchmark ---- */

/* "± 0.03": half of the 95 % interval, in the unit of the value. */
static bool set_range(json_t *row, const struct kvr_result *r, double value)
{
    char half[40], text[56];
    const double *ci = r->result.ci95;
    double share = (ci[1] - ci[0]) / 2 / r->result.ns_per_key;
    if (!isfinite(share))
        return true;
    kvr_figure_text(share * value, 3, half, sizeof half);
    snprintf(text, sizeof text, "± %s", half);
    return kvr_json_set(row, "range", json_string(text));
}

static json_t *gha_row(const struct kvr_run_record *record, const struct kvr_result *r,
                       bool bigger)
{
    char sentence[400], extra[600], machine[40];
    double value = bigger ? 1e9 / r->result.ns_per_key : r->result.ns_per_key;
    json_t *row = json_object();
    kvr_case_sentence(r, sentence, sizeof sentence);
    kvr_clean_text(machine, sizeof machine, record->machine.fingerprint);
    snprintf(extra, sizeof extra, "%s\nrounds: %zu%s%s", sentence, r->round_count,
             *machine ? "\nmachine: " : "", machine);
    bool good = row && kvr_json_set(row, "name", kvr_json_string(r->name)) &&
                kvr_json_set(row, "unit", json_string(bigger ? "keys/s" : "ns/key")) &&
                kvr_json_set(row, "value", json_real(value)) && set_range(row, r, value) &&
                kvr_json_set(row, "extra", kvr_json_string(extra));
    return kvr_json_made(row, good);
}

json_t *kvr_json_gha(const struct kvr_run_record *record, bool bigger)
{
    json_t *rows = json_array();
    bool good = rows != NULL;
    for (size_t i = 0; good && i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (kvr_is_exported(r))
            good = kvr_json_append(rows, gha_row(record, r, bigger));
    }
    return kvr_json_made(rows, good);
}

/* ---- Bencher Metric Format ---- */

/* Adds {value, lower_value, upper_value}; nothing where the value was not measured. */
static bool set_metric(json_t *metrics, const char *name, double value, const double *ci95)
{
    json_t *metric;
    if (!isfinite(value))
        return true;
    metric = json_object();
    bool good = metric && kvr_json_set(metric, "value", json_real(value));
    if (ci95 && isfinite(ci95[0]) && isfinite(ci95[1]))
        good = good && kvr_json_set(metric, "lower_value", json_real(ci95[0])) &&
               kvr_json_set(metric, "upper_value", json_real(ci95[1]));
    return kvr_json_set(metrics, name, kvr_json_made(metric, good));
}

/* `latency` (ns) and `throughput` (operations per second) are Bencher's own measures. It has no
 * place for words: the number of flags says that a figure has some. */
static json_t *bmf_metrics(const struct kvr_result *r)
{
    const struct kvr_op_result *o = &r->result;
    double rates[2] = {1e9 / o->ci95[1], 1e9 / o->ci95[0]};
    double flags = 0;
    for (size_t i = 0; i < KVR_MAX_FLAGS && r->flags[i][0]; i++)
        flags++;
    json_t *m = json_object();
    bool good = m && set_metric(m, "latency", o->ns_per_key, o->ci95) &&
                set_metric(m, "throughput", 1e9 / o->ns_per_key, rates) &&
                set_metric(m, "gigabytes-per-second", o->gb_per_s, NULL) &&
                set_metric(m, "speedup-vs-fp16", o->speedup_vs_fp16, o->speedup_ci95) &&
                set_metric(m, "percent-of-roof", o->percent_of_roof, o->percent_of_roof_ci95) &&
                set_metric(m, "flags", flags, NULL);
    return kvr_json_made(m, good);
}

json_t *kvr_json_bmf(const struct kvr_run_record *record)
{
    json_t *root = json_object();
    bool good = root != NULL;
    for (size_t i = 0; good && i < record->result_count; i++)
        if (kvr_is_exported(&record->results[i]))
            good = kvr_json_set_text_key(root, record->results[i].name,
                                         bmf_metrics(&record->results[i]));
    return kvr_json_made(root, good);
}
