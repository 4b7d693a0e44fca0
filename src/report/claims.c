/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The claims ledger as text: a line per claim, and on request what is claimed and why it holds or
 * not. Without evidence only claims that this run or arithmetic decided are shown.
 */
#include <string.h>

#include "table.h"
#include "text.h"

enum { CELLS = 5, CELL_BYTES = 112 };

static bool decided(const struct kvr_claim *c)
{
    return !strcmp(c->holds, "yes") || !strcmp(c->holds, "no") || !strcmp(c->holds, "partly");
}

static bool shown(const struct kvr_claim *c, bool evidence)
{
    return evidence || decided(c);
}

static void cell_texts(const struct kvr_claim *c, char cells[CELLS][CELL_BYTES])
{
    char claimed[64], measured[64], unit[24];
    kvr_clean_text(cells[0], CELL_BYTES, c->id);
    kvr_clean_text(cells[1], CELL_BYTES, c->holds);
    kvr_clean_text(cells[2], CELL_BYTES, c->type);
    kvr_clean_text(claimed, sizeof claimed, c->claimed);
    kvr_clean_text(measured, sizeof measured, c->measured);
    kvr_clean_text(unit, sizeof unit, c->unit);
    snprintf(cells[3], CELL_BYTES, "%s%s%s%s", *claimed ? "claimed " : "", claimed,
             *unit ? " " : "", unit);
    snprintf(cells[4], CELL_BYTES, "%s%s", *measured ? "found " : "", measured);
}

/* "arXiv A, arXiv B": of the claims that are shown, each source once. */
void kvr_claim_sources_text(const struct kvr_run_record *record, bool evidence, char *text,
                            size_t bytes)
{
    *text = 0;
    for (size_t i = 0; i < record->claim_count; i++) {
        const struct kvr_claim *c = &record->claims[i];
        char source[sizeof c->source];
        size_t k = 0, used = strlen(text);
        while (k < i && !(shown(&record->claims[k], evidence) &&
                          !strcmp(record->claims[k].source, c->source)))
            k++;
        if (k < i || !shown(c, evidence))
            continue;
        kvr_clean_text(source, sizeof source, c->source);
        snprintf(text + used, bytes - used, "%s%s", used ? ", " : "", source);
    }
}

static void put_claim(FILE *out, const struct kvr_claim *c, const int widths[CELLS], int width)
{
    char cells[CELLS][CELL_BYTES], line[CELLS * (CELL_BYTES + 2)] = "";
    int columns = 0, used = 0;
    for (int i = 0; i < CELLS; i++)
        columns += widths[i] + 2;
    cell_texts(c, cells);
    bool narrow = width && columns - 2 > width;
    for (int i = 0; i < CELLS; i++) {
        int padding = widths[i] - (int)kvr_utf8_columns(cells[i]);
        if (narrow && !cells[i][0])
            continue;
        used += snprintf(line + used, sizeof line - (size_t)used, "%s%s%*s",
                         !i ? "" : narrow ? "; " : "  ", cells[i],
                         narrow || i == CELLS - 1 ? 0 : padding, "");
    }
    if (narrow)
        kvr_put_wrapped(out, line, width);
    else
        fprintf(out, "%s\n", line); /* as aligned */
}

static void put_why(FILE *out, const struct kvr_claim *c, int width)
{
    char text[sizeof c->why], line[sizeof c->why + 16];
    if (c->claim[0]) {
        kvr_clean_text(text, sizeof text, c->claim);
        snprintf(line, sizeof line, "- claim: %s", text);
        kvr_put_wrapped(out, line, width);
    }
    if (c->why[0]) {
        kvr_clean_text(text, sizeof text, c->why);
        snprintf(line, sizeof line, "- %s", text);
        kvr_put_wrapped(out, line, width);
    }
}

void kvr_put_claims(FILE *out, const struct kvr_run_record *record, bool evidence, int width)
{
    char cells[CELLS][CELL_BYTES], text[160], heading[240];
    int widths[CELLS] = {0};
    size_t left_out = 0;
    for (size_t i = 0; i < record->claim_count; i++) {
        left_out += !shown(&record->claims[i], evidence);
        if (!shown(&record->claims[i], evidence))
            continue;
        cell_texts(&record->claims[i], cells);
        for (int c = 0; c < CELLS; c++) {
            int columns = (int)kvr_utf8_columns(cells[c]);
            widths[c] = columns > widths[c] ? columns : widths[c];
        }
    }
    if (!widths[0])
        return;
    kvr_claim_sources_text(record, evidence, text, sizeof text);
    snprintf(heading, sizeof heading, "claims of %s%s", text,
             evidence ? "" : ": does it hold? (kvroof show says why)");
    fputc('\n', out);
    kvr_put_wrapped(out, heading, width);
    for (size_t i = 0; i < record->claim_count; i++) {
        if (!shown(&record->claims[i], evidence))
            continue;
        put_claim(out, &record->claims[i], widths, width);
        if (evidence)
            put_why(out, &record->claims[i], width);
    }
    if (left_out) {
        snprintf(heading, sizeof heading, "%zu more %s open: not measured, or not decidable here",
                 left_out, left_out == 1 ? "is" : "are");
        kvr_put_wrapped(out, heading, width);
    }
}

/* ---- Markdown ---- */

void kvr_put_markdown_claims(FILE *out, const struct kvr_run_record *record)
{
    char cells[CELLS][CELL_BYTES], text[160];
    bool any = false;
    for (size_t i = 0; i < record->claim_count; i++)
        any |= decided(&record->claims[i]);
    if (!any)
        return;
    fputs("\n### claims of ", out);
    kvr_claim_sources_text(record, false, text, sizeof text);
    kvr_put_escaped(out, text);
    fputs("\n\n| claim | type | claimed | found | holds | why |\n"
          "| --- | --- | --- | --- | --- | --- |\n", out);
    for (size_t i = 0; i < record->claim_count; i++) {
        const struct kvr_claim *c = &record->claims[i];
        if (!decided(c))
            continue;
        cell_texts(c, cells);
        fputc('|', out);
        kvr_put_cell(out, c->claim[0] ? c->claim : c->id);
        kvr_put_cell(out, cells[2]);
        kvr_put_cell(out, c->claimed);
        kvr_put_cell(out, c->measured);
        kvr_put_cell(out, cells[1]);
        kvr_put_cell(out, c->why);
        fputc('\n', out);
    }
}
