/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pieces of an HTML page: escaped text, tables, lists. Only for src/report. Errors of the
 * stream stay in the stream.
 */
#ifndef KVR_HTML_H
#define KVR_HTML_H

#include "report.h"

extern const char kvr_page_style[], kvr_page_script[];
/* Of the script, as a Content-Security-Policy names it. */
extern const char kvr_page_script_hash[];

/* Text between tags or in an attribute: marks escaped, and what is no valid UTF-8 or a control
 * character is '?'. */
void kvr_html_text(FILE *out, const char *text);
/* <tag>text</tag> */
void kvr_html_element(FILE *out, const char *tag, const char *text);
/* A row of a <dl>; nothing without a text. */
void kvr_html_fact(FILE *out, const char *name, const char *text);

struct kvr_html_column { const char *heading; bool number; };

/* A table in a frame that scrolls by itself; the script of the page sorts and filters it. The first
 * cell of a row is its header. */
void kvr_html_table_begin(FILE *out, const char *caption, const struct kvr_html_column *columns,
                          size_t count);
void kvr_html_row_begin(FILE *out);
void kvr_html_cell(FILE *out, bool first, bool number, const char *text);
void kvr_html_row_end(FILE *out);
void kvr_html_table_end(FILE *out);
/* A row of plain texts below these columns. */
void kvr_html_row(FILE *out, const struct kvr_html_column *columns, const char *const *texts,
                  size_t count);

/* Lines of a text writer: those that start with "- " become items of a list, others paragraphs.
 * The text is cut up. */
void kvr_html_lines(FILE *out, char *lines);

/* The first cell of a row, whose name opens to these lines; without lines the name alone. */
void kvr_html_opening(FILE *out, const char *name, char *lines);

/* The page while it is written: what is left of its room. */
struct kvr_page {
    FILE *out;
    size_t rows, picture_bytes;
};

/* ---- sections of one result; 0 or -ENOMEM ---- */
int kvr_html_answer(struct kvr_page *page, const struct kvr_run_record *record);
int kvr_html_verdicts(struct kvr_page *page, const struct kvr_run_record *record);
int kvr_html_times(struct kvr_page *page, const struct kvr_run_record *record);
int kvr_html_quality(struct kvr_page *page, const struct kvr_run_record *record);
int kvr_html_claims(struct kvr_page *page, const struct kvr_run_record *record);
int kvr_html_ceilings(struct kvr_page *page, const struct kvr_run_record *record);
int kvr_html_machine(struct kvr_page *page, const struct kvr_run_record *record);
int kvr_html_method(struct kvr_page *page, const struct kvr_run_record *record);
/* A picture of this name; `prefix` makes the names in it unique. */
void kvr_html_picture(FILE *out, const char *svg, const char *prefix, const char *name,
                      const char *title);
/* All results beside each other, with the picture that compares them. */
void kvr_html_several(struct kvr_page *page, const struct kvr_report *report);
/* `number` is that of the result in the page, which makes the names in the pictures unique. */
void kvr_html_pictures(struct kvr_page *page, const struct kvr_report_result *result,
                       size_t number);

#endif
