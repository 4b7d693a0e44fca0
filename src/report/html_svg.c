/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures of gnuplot inside the page. Every SVG names its parts gpPt0, gnuplot_plot_1 and so on:
 * in one page each of them gets a prefix of its own.
 */
#include <stdio.h>
#include <string.h>

#include "html.h"

/* Bytes up to and with `end`, or all if it does not occur. */
static size_t up_to(const char *text, const char *end)
{
    const char *found = strstr(text, end);
    return found ? (size_t)(found - text) + strlen(end) : strlen(text);
}

/* The length of what stands before a name here, inside a tag: id=", href='#, url(#. */
static size_t before_name(const char *at)
{
    static const char *const starts[] = {" id=\"", "\tid=\"", "\nid=\"", " id='", "\tid='",
                                         "\nid='",  "href=\"#", "href='#", "url(#", "url('#"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (!strncmp(at, starts[i], strlen(starts[i])))
            return strlen(starts[i]);
    return 0;
}

/* What "Gnuplot" says of itself is no description of the picture. */
static size_t unwanted(const char *at)
{
    if (!strncmp(at, "<title>", 7))
        return up_to(at, "</title>");
    if (!strncmp(at, "<desc>", 6))
        return up_to(at, "</desc>");
    return 0;
}

static void put_svg(FILE *out, const char *svg, const char *prefix, const char *title)
{
    const char *at = strstr(svg, "<svg");
    bool in_tag = true;
    if (!at)
        return;
    fputs("<svg role=\"img\" aria-label=\"", out);
    kvr_html_text(out, title);
    fputc('"', out);
    for (at += 4; *at;) {
        size_t skipped = unwanted(at), named = in_tag ? before_name(at) : 0;
        at += skipped;
        if (skipped)
            continue;
        fwrite(at, 1, named ? named : 1, out);
        if (named)
            fputs(prefix, out);
        in_tag = *at == '<' || (in_tag && *at != '>');
        at += named ? named : 1;
    }
    fputc('\n', out);
}

void kvr_html_picture(FILE *out, const char *svg, const char *prefix, const char *name,
                      const char *title)
{
    fputs("<figure>\n<div class=\"wide picture\" role=\"region\" tabindex=\"0\" aria-label=\"",
          out);
    kvr_html_text(out, name);
    fputs("\">\n", out);
    put_svg(out, svg, prefix, title);
    fputs("</div>\n", out);
    kvr_html_element(out, "figcaption", title);
    fputs("</figure>\n", out);
}

static void put_why(FILE *out, const struct kvr_report_result *result, size_t i, const char *why)
{
    fprintf(out, "<li>%s: ", kvr_pictures[i].name);
    kvr_html_text(out, why ? why : result->why[i]);
    fputs("</li>\n", out);
}

static void put_missing(struct kvr_page *page, const struct kvr_report_result *result,
                        const bool left_out[KVR_PICTURES])
{
    size_t missing = 0;
    for (size_t i = 0; i < KVR_PICTURES; i++)
        missing += left_out[i] || result->why[i][0];
    if (!missing)
        return;
    fputs("<details><summary>Pictures that are not here, and why</summary>\n<ul>\n", page->out);
    for (size_t i = 0; i < KVR_PICTURES; i++)
        if (left_out[i] || result->why[i][0])
            put_why(page->out, result, i, left_out[i]
                    ? "left out, to keep the page small: kvroof plot draws it" : NULL);
    fputs("</ul></details>\n", page->out);
}

void kvr_html_pictures(struct kvr_page *page, const struct kvr_report_result *result,
                       size_t number)
{
    FILE *out = page->out;
    bool left_out[KVR_PICTURES] = {false};
    for (size_t i = 0; i < KVR_PICTURES; i++) {
        char prefix[64];
        size_t bytes = result->svg[i] ? strlen(result->svg[i]) : 0;
        left_out[i] = bytes > page->picture_bytes;
        if (!bytes || left_out[i])
            continue;
        page->picture_bytes -= bytes;
        snprintf(prefix, sizeof prefix, "r%zu-%s-", number, kvr_pictures[i].name);
        kvr_html_picture(out, result->svg[i], prefix, kvr_pictures[i].name,
                         kvr_pictures[i].title);
    }
    put_missing(page, result, left_out);
}
