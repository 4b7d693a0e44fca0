/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The report as a page: head, a section for each result, the results themselves for download.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "table.h"
#include "text.h"
#include "writers.h"

/* Most of the page for pictures; the rest of it is tables and result files. */
#define PICTURE_BYTES (800 << 10)

static const struct section {
    const char *name, *title;
} sections[] = {{"answer", "Answer"},   {"verdicts", "Verdicts"}, {"times", "Times"},
                {"pictures", "Pictures"}, {"quality", "Quality"}, {"claims", "Claims"},
                {"ceilings", "Ceilings"}, {"machine", "Machine"}, {"method", "Method"}};
enum { SECTIONS = sizeof sections / sizeof *sections };

static void put_head(FILE *out, const struct kvr_report_result *results, size_t count)
{
    char machine[512];
    kvr_machine_text(results[0].record, machine, sizeof machine);
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n", out);
    fprintf(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                 "style-src 'unsafe-inline'; script-src '%s'; img-src data:; base-uri 'none'; "
                 "form-action 'none'\">\n", kvr_page_script_hash);
    fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<link rel=\"icon\" href=\"data:,\">\n<title>kvroof: ", out);
    kvr_html_text(out, machine);
    if (count > 1)
        fprintf(out, ", and %zu more", count - 1);
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n", kvr_page_style);
}

/* Closeness is told where it was read beside the result. */
static bool has_section(const struct kvr_report_result *result, size_t s)
{
    return result->record->fidelity || strcmp(sections[s].name, "quality") != 0;
}

static void put_links(FILE *out, const struct kvr_report_result *result, size_t number)
{
    fputs("<ul>", out);
    for (size_t s = 0; s < SECTIONS; s++)
        if (has_section(result, s))
            fprintf(out, "<li><a href=\"#r%zu-%s\">%s</a></li>", number, sections[s].name,
                    sections[s].title);
    fputs("</ul>", out);
}

/* Each result has sections of its own. */
static bool is_whole(const struct kvr_report *report)
{
    return report->count <= KVR_REPORT_RESULTS;
}

static void put_navigation(FILE *out, const struct kvr_report *report)
{
    const struct kvr_report_result *results = report->results;
    size_t count = is_whole(report) ? report->count : 0;
    fputs("<nav aria-label=\"Contents\">\n", out);
    if (count != 1)
        fputs("<p><a href=\"#several\">Side by side</a></p>\n", out);
    if (count == 1) {
        put_links(out, &results[0], 1);
    } else if (count) {
        fputs("<ol>\n", out);
        for (size_t i = 0; i < count; i++) {
            char machine[512];
            kvr_machine_text(results[i].record, machine, sizeof machine);
            fprintf(out, "<li><a href=\"#r%zu\">", i + 1);
            kvr_html_text(out, machine);
            fputs("</a>", out);
            put_links(out, &results[i], i + 1);
            fputs("</li>\n", out);
        }
        fputs("</ol>\n", out);
    }
    fprintf(out, "%s</nav>\n", count ? "<p><a href=\"#data\">Result files</a></p>\n" : "");
}

static int put_doubts(FILE *out, const char *doubts)
{
    char *lines = strdup(doubts);
    if (!lines)
        return -ENOMEM;
    kvr_html_lines(out, lines);
    free(lines);
    return 0;
}

static int put_section(struct kvr_page *page, const struct kvr_report_result *result,
                       size_t number, size_t s)
{
    static int (*const parts[SECTIONS])(struct kvr_page *, const struct kvr_run_record *) = {
        kvr_html_answer, kvr_html_verdicts, kvr_html_times,   NULL,            kvr_html_quality,
        kvr_html_claims, kvr_html_ceilings, kvr_html_machine, kvr_html_method};
    int rc = 0;
    if (!has_section(result, s))
        return 0;
    fprintf(page->out, "<section id=\"r%zu-%s\">\n<h3>%s</h3>\n", number, sections[s].name,
            sections[s].title);
    if (parts[s] == kvr_html_verdicts && result->doubts && *result->doubts)
        rc = put_doubts(page->out, result->doubts);
    if (parts[s] && !rc)
        rc = parts[s](page, result->record);
    else if (!parts[s])
        kvr_html_pictures(page, result, number);
    fputs("</section>\n", page->out);
    return rc;
}

static int put_result(struct kvr_page *page, const struct kvr_report_result *result, size_t number)
{
    char machine[512];
    int rc = 0;
    kvr_machine_text(result->record, machine, sizeof machine);
    fprintf(page->out, "<article id=\"r%zu\">\n", number);
    kvr_html_element(page->out, "h2", machine);
    fputs("<p class=\"note\">", page->out);
    kvr_html_text(page->out, result->name);
    fputs("</p>\n", page->out);
    for (size_t s = 0; s < SECTIONS && !rc; s++)
        rc = put_section(page, result, number, s);
    fputs("</article>\n", page->out);
    return rc;
}

/* ---- the results themselves ---- */

static void put_base64(FILE *out, const char *text, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes; i += 3) {
        size_t left = bytes - i;
        unsigned first = (unsigned char)text[i];
        unsigned second = left > 1 ? (unsigned char)text[i + 1] : 0;
        unsigned third = left > 2 ? (unsigned char)text[i + 2] : 0;
        unsigned bits = first << 16 | second << 8 | third;
        fputc(digits[bits >> 18], out);
        fputc(digits[bits >> 12 & 63], out);
        fputc(left > 1 ? digits[bits >> 6 & 63] : '=', out);
        fputc(left > 2 ? digits[bits & 63] : '=', out);
    }
}

static size_t base64_bytes(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

/* A file of that name, whatever the other was called (run.jsonl). */
static void put_name(FILE *out, const char *name)
{
    const char *dot = strrchr(name, '.');
    char base[256];
    snprintf(base, sizeof base, "%.*s.json", dot && dot != name ? (int)(dot - name) : 240, name);
    kvr_html_text(out, base);
}

static void put_download(FILE *out, const struct kvr_report_result *result, const char *json,
                         size_t bytes, bool fits)
{
    fputs("<li>", out);
    if (fits) {
        fputs("<a download=\"", out);
        put_name(out, result->name);
        fputs("\" href=\"data:application/json;base64,", out);
        put_base64(out, json, bytes);
        fputs("\">", out);
    }
    put_name(out, result->name);
    fprintf(out, "%s (%zu KiB)%s</li>\n", fits ? "</a>" : "", (bytes + 1023) / 1024,
            fits ? "" : ": too large to be in this page, which stays below 2 MiB");
}

/* `page` is what `out` holds so far. */
static int put_data(FILE *out, const size_t *page_bytes, const struct kvr_report_result *results,
                    size_t count)
{
    enum { FOOT_BYTES = 16 << 10 }; /* for what still follows, the script among it */
    int rc = 0;
    fputs("<section id=\"data\">\n<h2>Result files</h2>\n<p>Everything above, and every round, "
          "as <code>kvroof.result/1</code>; <code>kvroof show</code> reads it.</p>\n<ul>\n", out);
    for (size_t i = 0; i < count && !rc; i++) {
        char *json = NULL;
        size_t bytes = 0;
        FILE *text = open_memstream(&json, &bytes);
        rc = text ? kvr_write(text, KVR_OUT_JSON, results[i].record, NULL) : -ENOMEM;
        if (text && fclose(text) && !rc)
            rc = -ENOMEM;
        fflush(out);
        if (!rc)
            put_download(out, &results[i], json, bytes,
                         *page_bytes + base64_bytes(bytes) + FOOT_BYTES < KVR_REPORT_BYTES);
        free(json);
    }
    fputs("</ul>\n</section>\n", out);
    return rc;
}

static int put_page(FILE *out, const size_t *page_bytes, const struct kvr_report *report)
{
    struct kvr_page page = {.out = out, .rows = KVR_REPORT_ROWS / report->count,
                            .picture_bytes = PICTURE_BYTES};
    int rc = 0;
    put_head(out, report->results, report->count);
    fputs("<body>\n<a class=\"skip\" href=\"#main\">Skip to the results</a>\n"
          "<header>\n<h1>kvroof report</h1>\n<p>What limits attention score kernels over "
          "compressed keys on this machine: the memory, or the core?</p>\n", out);
    put_navigation(out, report);
    fputs("</header>\n<main id=\"main\">\n", out);
    if (report->count > 1)
        kvr_html_several(&page, report);
    for (size_t i = 0; is_whole(report) && i < report->count && !rc; i++)
        rc = put_result(&page, &report->results[i], i + 1);
    if (!rc && is_whole(report))
        rc = put_data(out, page_bytes, report->results, report->count);
    fprintf(out, "</main>\n<script>%s</script>\n</body>\n</html>\n", kvr_page_script);
    return rc;
}

int kvr_write_report(FILE *out, const struct kvr_report *report)
{
    struct kvr_numeric numeric = kvr_numeric_c();
    char *text = NULL;
    size_t bytes = 0;
    FILE *page = open_memstream(&text, &bytes);
    int rc = page ? put_page(page, &bytes, report) : -ENOMEM;
    if (page && fclose(page) && !rc)
        rc = -ENOMEM;
    if (!rc && bytes >= KVR_REPORT_BYTES)
        rc = -E2BIG;
    errno = 0;
    if (!rc && (fwrite(text, 1, bytes, out) != bytes || fflush(out)))
        rc = errno ? -errno : -EIO;
    free(text);
    kvr_numeric_restore(numeric);
    return rc;
}
