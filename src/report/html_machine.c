/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The report's sections on the machine: its ceilings, what it is, what disturbs, and how and by
 * which command it was measured; and the claims ledger.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "table.h"
#include "text.h"

/* ---- claims ---- */

static void put_claim(FILE *out, const struct kvr_claim *c)
{
    char claimed[sizeof c->claimed + sizeof c->unit + 1], why[sizeof c->why];
    snprintf(claimed, sizeof claimed, "%s%s%s", c->claimed, *c->unit ? " " : "", c->unit);
    kvr_clean_text(why, sizeof why, c->why); /* one line */
    kvr_html_row_begin(out);
    kvr_html_opening(out, *c->claim ? c->claim : c->id, why);
    kvr_html_cell(out, false, false, c->holds);
    kvr_html_cell(out, false, false, claimed);
    kvr_html_cell(out, false, false, c->measured);
    kvr_html_cell(out, false, false, c->type);
    kvr_html_row_end(out);
}

int kvr_html_claims(struct kvr_page *page, const struct kvr_run_record *record)
{
    static const struct kvr_html_column columns[] = {
        {"claim", false}, {"holds", false}, {"claimed", false}, {"found", false}, {"type", false}};
    char sources[160], caption[240];
    if (!record->claim_count) {
        fputs("<p>This result holds no claims ledger.</p>\n", page->out);
        return 0;
    }
    fputs("<p>A claim opens to why it holds or not.</p>\n", page->out);
    kvr_claim_sources_text(record, true, sources, sizeof sources);
    snprintf(caption, sizeof caption, "Claims of %s: does it hold?", sources);
    kvr_html_table_begin(page->out, caption, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < record->claim_count; i++)
        put_claim(page->out, &record->claims[i]);
    kvr_html_table_end(page->out);
    return 0;
}

/* ---- ceilings ---- */

static void value_text(const struct kvr_ceiling *c, char *text, size_t bytes)
{
    char value[24], low[24], high[24], interval[64] = "";
    kvr_figure_text(c->value, 4, value, sizeof value);
    kvr_figure_text(c->ci95[0], 4, low, sizeof low);
    kvr_figure_text(c->ci95[1], 4, high, sizeof high);
    if (*low && *high)
        snprintf(interval, sizeof interval, " [%s, %s]", low, high);
    snprintf(text, bytes, "%s%s", value, interval);
}

static void put_ceiling(FILE *out, const struct kvr_ceiling *c,
                        const struct kvr_html_column *columns, size_t count)
{
    char size[24], threads[16] = "", value[96], what[40];
    kvr_bytes_text(c->working_set_bytes, size, sizeof size);
    if (c->threads)
        snprintf(threads, sizeof threads, "%u", c->threads);
    snprintf(what, sizeof what, "%s%s%s", c->type, *c->dtype ? " " : "", c->dtype);
    value_text(c, value, sizeof value);
    kvr_html_row(out, columns,
                 (const char *[]){what, c->level, c->isa, threads, size, c->layout, value, c->unit,
                                  c->method},
                 count);
}

static void put_numa(FILE *out, const struct kvr_run_record *record)
{
    static const struct kvr_html_column columns[] = {
        {"cores, memory", false}, {"GB/s", true}, {"t", true}, {"latency ns", true},
        {"distance", true}, {"pages on the node", true}};
    enum { TEXTS = sizeof columns / sizeof *columns };
    if (!record->numa_cell_count)
        return;
    kvr_html_table_begin(out, "From the cores of each node to the memory of each (t: threads)",
                         columns, TEXTS);
    for (size_t i = 0; i < record->numa_cell_count; i++) {
        const struct kvr_numa_cell *c = &record->numa_matrix[i];
        char texts[TEXTS][40] = {{0}};
        const char *row[TEXTS];
        for (size_t k = 0; k < TEXTS; k++)
            row[k] = texts[k];
        snprintf(texts[0], sizeof texts[0], "%u, %u", c->cpu_node, c->mem_node);
        kvr_figure_text(c->gb_per_s, 3, texts[1], sizeof texts[1]);
        if (c->threads)
            snprintf(texts[2], sizeof texts[2], "%u", c->threads);
        kvr_figure_text(c->latency_ns, 3, texts[3], sizeof texts[3]);
        if (c->distance)
            snprintf(texts[4], sizeof texts[4], "%u", c->distance);
        if (isfinite(c->placed_fraction))
            snprintf(texts[5], sizeof texts[5], "%.0f %%", 100 * c->placed_fraction);
        kvr_html_row(out, columns, row, TEXTS);
    }
    kvr_html_table_end(out);
}

int kvr_html_ceilings(struct kvr_page *page, const struct kvr_run_record *record)
{
    static const struct kvr_html_column columns[] = {
        {"what", false}, {"level", false},  {"isa", false},  {"t", true},       {"W", true},
        {"layout", false}, {"value", true}, {"unit", false}, {"method", false}};
    if (!record->ceiling_count) {
        fputs("<p>This result holds no ceilings.</p>\n", page->out);
        put_numa(page->out, record);
        return 0;
    }
    put_numa(page->out, record);
    kvr_html_table_begin(page->out, "Ceilings (t: threads; W: working set of all of them)", columns,
                         sizeof columns / sizeof *columns);
    for (size_t i = 0; i < record->ceiling_count && i < KVR_REPORT_ROWS; i++)
        put_ceiling(page->out, &record->ceilings[i], columns, sizeof columns / sizeof *columns);
    kvr_html_table_end(page->out);
    return 0;
}

/* ---- machine ---- */

static void put_caches(FILE *out, const struct kvr_machine *m)
{
    for (size_t i = 0; i < m->cache_count; i++) {
        const struct kvr_cache_level *c = &m->caches[i];
        char name[16], size[24], plateau[24], text[160];
        snprintf(name, sizeof name, "L%u", c->level);
        kvr_bytes_text(c->size_bytes, size, sizeof size);
        kvr_bytes_text(c->measured_plateau_bytes, plateau, sizeof plateau);
        snprintf(text, sizeof text, "%s%s, shared by %u CPU%s%s%s", *size ? size : "size not",
                 " reported", c->shared_by, c->shared_by == 1 ? "" : "s",
                 *plateau ? ", measured plateau " : "", plateau);
        kvr_html_fact(out, name, text);
    }
}

static void put_machine(FILE *out, const struct kvr_run_record *record)
{
    const struct kvr_machine *m = &record->machine;
    char text[200], total[24], clock[24];
    fputs("<dl>\n", out);
    kvr_html_fact(out, "CPU", m->isa.name);
    snprintf(text, sizeof text, "%zu, on %zu core%s and %zu NUMA node%s", m->cpu_count,
             m->core_count, m->core_count == 1 ? "" : "s", m->node_count,
             m->node_count == 1 ? "" : "s");
    kvr_html_fact(out, "CPUs", m->cpu_count ? text : "");
    kvr_figure_text(record->clock_ghz, 3, clock, sizeof clock);
    snprintf(text, sizeof text, "%s GHz, measured", clock);
    kvr_html_fact(out, "Clock", *clock ? text : "");
    put_caches(out, m);
    kvr_bytes_text(m->mem_total_bytes, total, sizeof total);
    kvr_html_fact(out, "Memory", total);
    kvr_html_fact(out, "Hypervisor", m->isa.hypervisor_name);
    kvr_html_fact(out, "Linux", m->kernel);
    kvr_html_fact(out, "Huge pages", m->thp);
    kvr_html_fact(out, "Governor", m->governor);
    kvr_html_fact(out, "SMT", m->smt);
    kvr_html_fact(out, "Clock source", m->clocksource);
    kvr_html_fact(out, "Fingerprint", m->fingerprint);
    fputs("</dl>\n", out);
}

static bool warns(const struct kvr_check *c)
{
    return c->status == KVR_CHECK_WARN || c->status == KVR_CHECK_REFUSE;
}

static void put_checks(FILE *out, const struct kvr_checks *checks, bool warnings)
{
    static const struct kvr_html_column columns[] = {
        {"check", false}, {"status", false}, {"what it means here", false},
        {"what would help", false}};
    kvr_html_table_begin(out, warnings ? "Checks that warn" : "The other checks", columns,
                         sizeof columns / sizeof *columns);
    for (size_t i = 0; i < checks->count; i++) {
        const struct kvr_check *c = &checks->items[i];
        if (warns(c) == warnings)
            kvr_html_row(out, columns,
                         (const char *[]){c->id, kvr_check_status_name(c->status), c->text, c->fix},
                         sizeof columns / sizeof *columns);
    }
    kvr_html_table_end(out);
}

int kvr_html_machine(struct kvr_page *page, const struct kvr_run_record *record)
{
    FILE *out = page->out;
    size_t warnings = 0, all = record->checks.count;
    put_machine(out, record);
    for (size_t i = 0; i < all; i++)
        warnings += warns(&record->checks.items[i]);
    if (warnings)
        put_checks(out, &record->checks, true);
    else
        fprintf(out, "<p>%s</p>\n", all ? "No check warns." : "No check was recorded.");
    if (all > warnings) {
        fprintf(out, "<details><summary>The other checks (%zu)</summary>\n", all - warnings);
        put_checks(out, &record->checks, false);
        fputs("</details>\n", out);
    }
    return 0;
}

/* ---- method ---- */

/* One word of a command, as a shell takes it; escaped. */
static void put_word(FILE *out, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "%+,-./:=@_";
    if (*word && !word[strspn(word, plain)]) {
        kvr_html_text(out, word);
        return;
    }
    fputs("&#39;", out);
    for (const char *rest = word; *rest;) {
        size_t bytes = strcspn(rest, "'");
        char *part = strndup(rest, bytes);
        kvr_html_text(out, part ? part : "?");
        free(part);
        rest += bytes;
        if (*rest == '\'') {
            fputs("&#39;\\&#39;&#39;", out);
            rest++;
        }
    }
    fputs("&#39;", out);
}

static void put_command(FILE *out, const struct kvr_run_record *record)
{
    if (!record->command || !*record->command) {
        fputs("<p>This result does not hold the command that made it.</p>\n", out);
        return;
    }
    fputs("<p>To measure it again:</p>\n<pre class=\"wide\" tabindex=\"0\"><code>", out);
    for (char **word = record->command; *word; word++) {
        if (word != record->command)
            fputc(' ', out);
        put_word(out, *word);
    }
    fputs("</code></pre>\n", out);
}

static void put_tool(FILE *out, const struct kvr_run_record *record)
{
    char text[128], seconds[24];
    fputs("<dl>\n", out);
    kvr_html_fact(out, "Label", record->label);
    for (char **tag = record->tags; tag && *tag; tag++)
        kvr_html_fact(out, "Tag", *tag);
    kvr_html_fact(out, "Started", record->started);
    kvr_figure_text(record->duration_s, 3, seconds, sizeof seconds);
    snprintf(text, sizeof text, "%s s", seconds);
    kvr_html_fact(out, "Took", *seconds ? text : "");
    snprintf(text, sizeof text, "%s%s%s%s", record->version, *record->git ? " (" : "", record->git,
             *record->git ? ")" : "");
    kvr_html_fact(out, "kvroof", text);
    kvr_html_fact(out, "Compiler", record->compiler);
    kvr_html_fact(out, "Build", record->flags);
    if (record->verdict_settings) {
        snprintf(text, sizeof text, "%u settings of known answer: %u right, %u wrong, %u undecided",
                 record->verdict_settings, record->verdict_right, record->verdict_wrong,
                 record->verdict_undecided);
        kvr_html_fact(out, "Verdicts tried on", text);
    }
    fputs("</dl>\n", out);
}

int kvr_html_method(struct kvr_page *page, const struct kvr_run_record *record)
{
    static const char method[] =
        "<p>Three times are taken of every case, in the same rounds, all in ns a key: "
        "<b>T</b>, the kernel on its keys where they lie; <b>M</b>, the best reader that computes "
        "nothing, over the same addresses in the same order; <b>C</b>, the same kernel with its "
        "key stream folded into L1. The balance <b>B</b> is C / M: a case is on the memory side "
        "where B is below 1 and on the core side where it is above. <b>% of roof</b> is the larger "
        "of C and M over T: at 100 % core and memory hide each other and nothing else costs "
        "time. No hardware counter is needed. Figures are medians over rounds; intervals hold the "
        "true value at 95 %.</p>\n";
    char *text = NULL;
    size_t bytes = 0;
    FILE *lines = open_memstream(&text, &bytes);
    int rc = lines ? kvr_put_bypass(lines, record, "", "", 0) : -ENOMEM;
    if (lines && fclose(lines) && !rc)
        rc = -ENOMEM;
    fputs(method, page->out);
    if (!rc)
        kvr_html_lines(page->out, text);
    free(text);
    put_tool(page->out, record);
    put_command(page->out, record);
    return rc;
}
