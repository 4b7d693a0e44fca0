/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The report's section on several results: a row for each, and each case against the first result.
 */
#include <string.h>

#include "html.h"
#include "table.h"

static size_t machines(const struct kvr_report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < report->count; i++) {
        const char *fingerprint = report->results[i].record->machine.fingerprint;
        size_t k = 0;
        while (k < i && strcmp(report->results[k].record->machine.fingerprint, fingerprint))
            k++;
        count += k == i;
    }
    return count;
}

/* Verdicts of that side; NULL: of any other but memory and core. */
static size_t verdicts(const struct kvr_run_record *record, const char *side)
{
    size_t count = 0;
    for (size_t i = 0; i < record->result_count; i++) {
        const char *is = record->results[i].verdict.side;
        if (!kvr_has_verdict(&record->results[i]))
            continue;
        count += side ? !strcmp(is, side) : strcmp(is, "memory") && strcmp(is, "core");
    }
    return count;
}

static size_t flagged(const struct kvr_run_record *record)
{
    size_t count = 0;
    for (size_t i = 0; i < record->result_count; i++)
        count += record->results[i].measured && record->results[i].flags[0][0];
    return count;
}

static void put_results(FILE *out, const struct kvr_report *report)
{
    static const struct kvr_html_column columns[] = {
        {"result", false}, {"machine, date, label", false}, {"memory side", true},
        {"core side", true}, {"even or undecided", true}, {"flagged", true}};
    enum { COUNTS = 4 };
    kvr_html_table_begin(out, "Results, and how many of their cases are on which side", columns,
                         sizeof columns / sizeof *columns);
    for (size_t i = 0; i < report->count; i++) {
        const struct kvr_run_record *record = report->results[i].record;
        const size_t counts[COUNTS] = {verdicts(record, "memory"), verdicts(record, "core"),
                                       verdicts(record, NULL), flagged(record)};
        char name[300], machine[512], texts[COUNTS][24];
        snprintf(name, sizeof name, "%zu: %.250s", i + 1, report->results[i].name);
        kvr_machine_text(record, machine, sizeof machine);
        for (size_t c = 0; c < COUNTS; c++)
            snprintf(texts[c], sizeof texts[c], "%zu", counts[c]);
        kvr_html_row(out, columns,
                     (const char *[]){name, machine, texts[0], texts[1], texts[2], texts[3]},
                     sizeof columns / sizeof *columns);
    }
    kvr_html_table_end(out);
}

void kvr_html_several(struct kvr_page *page, const struct kvr_report *report)
{
    static const char title[] = "Time a key of each case against the first result";
    FILE *out = page->out;
    size_t count = machines(report);
    fputs("<section id=\"several\">\n<h2>Side by side</h2>\n", out);
    fprintf(out, "<p>%zu results of %zu machine%s.</p>\n", report->count, count,
            count == 1 ? "" : "s");
    if (report->count > KVR_REPORT_RESULTS)
        fprintf(out, "<p class=\"note\">Sections of their own, and the files for download, have "
                     "results on a page of at most %d.</p>\n", KVR_REPORT_RESULTS);
    if (report->compare && strlen(report->compare) <= page->picture_bytes) {
        page->picture_bytes -= strlen(report->compare);
        kvr_html_picture(out, report->compare, "several-compare-", "compare", title);
    } else {
        fputs("<p class=\"note\">No picture of the cases against the first result: ", out);
        kvr_html_text(out, report->compare ? "it has no room here" : report->compare_why);
        fputs("</p>\n", out);
    }
    put_results(out, report);
    fputs("</section>\n", out);
}
