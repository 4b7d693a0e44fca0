/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What fits in a decoding step of so many milliseconds: heads of the measured length, and keys.
 */
#include <math.h>
#include <string.h>

#include "setting.h"
#include "table.h"
#include "text.h"

static bool counts(const struct kvr_result *r)
{
    return r->measured && strcmp(r->op, "scan") && r->result.ns_per_key > 0;
}

static void heads_text(double ms, double ns_per_key, uint32_t tokens, char *text, size_t bytes)
{
    double heads = floor(ms * 1e6 / ns_per_key / tokens);
    snprintf(text, bytes, "%.0f", heads);
}

static void put_case(FILE *out, const struct kvr_result *r, double step_ms, int width)
{
    char name[64], op[sizeof r->op], setting[200], size[24], heads[24], keys[24], interval[64] = "";
    char flags[200], line[800];
    kvr_kernel_text(r, name, sizeof name);
    kvr_clean_text(op, sizeof op, r->op);
    kvr_setting_text(r, setting, sizeof setting);
    kvr_flags_text(r, ", ", flags, sizeof flags);
    kvr_bytes_text(r->working_set_bytes, size, sizeof size);
    heads_text(step_ms, r->result.ns_per_key, r->tokens, heads, sizeof heads);
    kvr_figure_text(step_ms / r->result.ns_per_key, 3, keys, sizeof keys);
    if (r->result.ci95[0] > 0 && isfinite(r->result.ci95[1])) {
        char least[24], most[24];
        heads_text(step_ms, r->result.ci95[1], r->tokens, least, sizeof least);
        heads_text(step_ms, r->result.ci95[0], r->tokens, most, sizeof most);
        snprintf(interval, sizeof interval, " [%s, %s]", least, most);
    }
    snprintf(line, sizeof line, "- %s of %s%s, %u tokens, %u thread%s, W %s: %s%s heads, %s "
                                "million keys%s%s%s",
             op, name, setting, r->tokens, r->threads, r->threads == 1 ? "" : "s", size, heads,
             interval, keys, *flags ? " [" : "", flags, *flags ? "]" : "");
    kvr_put_wrapped(out, line, width);
}

void kvr_put_sizing(FILE *out, const struct kvr_run_record *record, double step_ms, int width)
{
    bool titled = false;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        char figure[32], title[200];
        if (!counts(r))
            continue;
        kvr_exact_text(step_ms, figure, sizeof figure);
        snprintf(title, sizeof title, "what fits in a decoding step of %s ms (a model has layers x "
                                      "KV heads x sequences of heads)", figure);
        if (!titled) {
            fputc('\n', out);
            kvr_put_wrapped(out, title, width);
        }
        titled = true;
        put_case(out, r, step_ms, width);
    }
}
