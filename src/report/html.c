/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "html.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

void kvr_html_text(FILE *out, const char *text)
{
    static const char marks[] = "&<>\"'";
    static const char *const names[] = {"amp", "lt", "gt", "quot", "#39"};
    size_t bytes = strlen(text) + 1;
    char *clean = malloc(bytes);
    if (!clean) {
        fputc('?', out);
        return;
    }
    kvr_clean_text(clean, bytes, text);
    for (const char *c = clean; *c; c++) {
        const char *mark = strchr(marks, *c);
        if (mark)
            fprintf(out, "&%s;", names[mark - marks]);
        else
            fputc(*c, out);
    }
    free(clean);
}

void kvr_html_element(FILE *out, const char *tag, const char *text)
{
    fprintf(out, "<%s>", tag);
    kvr_html_text(out, text);
    fprintf(out, "</%s>\n", tag);
}

void kvr_html_fact(FILE *out, const char *name, const char *text)
{
    if (!*text)
        return;
    kvr_html_element(out, "dt", name);
    kvr_html_element(out, "dd", text);
}

/* ---- tables ---- */

void kvr_html_table_begin(FILE *out, const char *caption, const struct kvr_html_column *columns,
                          size_t count)
{
    fputs("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"", out);
    kvr_html_text(out, caption);
    fputs("\">\n<table class=\"sort\">\n", out);
    fputs("<caption>", out);
    kvr_html_element(out, "span", caption);
    fputs("</caption>\n<thead><tr>", out);
    for (size_t c = 0; c < count; c++) {
        fprintf(out, "<th scope=\"col\"%s>", columns[c].number ? " class=\"n\"" : "");
        kvr_html_text(out, columns[c].heading);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
}

void kvr_html_row_begin(FILE *out)
{
    fputs("<tr>", out);
}

void kvr_html_cell(FILE *out, bool first, bool number, const char *text)
{
    fprintf(out, "<%s%s>", first ? "th scope=\"row\"" : "td", number ? " class=\"n\"" : "");
    kvr_html_text(out, text);
    fprintf(out, "</%s>", first ? "th" : "td");
}

void kvr_html_row_end(FILE *out)
{
    fputs("</tr>\n", out);
}

void kvr_html_table_end(FILE *out)
{
    fputs("</tbody>\n</table>\n</div>\n", out);
}

void kvr_html_row(FILE *out, const struct kvr_html_column *columns, const char *const *texts,
                  size_t count)
{
    kvr_html_row_begin(out);
    for (size_t c = 0; c < count; c++)
        kvr_html_cell(out, c == 0, columns[c].number, texts[c]);
    kvr_html_row_end(out);
}

/* ---- lines ---- */

static void put_line(FILE *out, const char *line, bool *list)
{
    bool item = !strncmp(line, "- ", 2);
    if (item != *list)
        fputs(item ? "<ul>\n" : "</ul>\n", out);
    *list = item;
    kvr_html_element(out, item ? "li" : "p", item ? line + 2 : line);
}

void kvr_html_lines(FILE *out, char *lines)
{
    char *rest = NULL;
    bool list = false;
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        put_line(out, line, &list);
    if (list)
        fputs("</ul>\n", out);
}

void kvr_html_opening(FILE *out, const char *name, char *lines)
{
    if (!*lines) {
        kvr_html_cell(out, true, false, name);
        return;
    }
    fputs("<th scope=\"row\"><details>", out);
    kvr_html_element(out, "summary", name);
    kvr_html_lines(out, lines);
    fputs("</details></th>", out);
}
