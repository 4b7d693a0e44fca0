/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The report's sections on cases: the answer, the verdicts, the times.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "table.h"
#include "text.h"

/* ---- the answer ---- */

/* The sentences of one kind, a line each; NULL: out of memory. The caller frees. */
static char *sentences(const struct kvr_run_record *record, enum kvr_sentences kind)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *lines = open_memstream(&text, &bytes);
    int rc = lines ? kvr_put_sentences(lines, record, kind, "", "", 0) : -ENOMEM;
    if (lines && fclose(lines) && !rc)
        rc = -ENOMEM;
    if (rc) {
        free(text);
        return NULL;
    }
    return text;
}

/* Every line is an item. */
static void put_items(FILE *out, char *lines)
{
    char *rest = NULL;
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        kvr_html_element(out, "li", line);
}

static void put_details(FILE *out, const char *summary, char *const *texts, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(texts[i]);
    if (!bytes)
        return;
    fputs("<details>", out);
    kvr_html_element(out, "summary", summary);
    fputs("<ul>\n", out);
    for (size_t i = 0; i < count; i++)
        put_items(out, texts[i]);
    fputs("</ul></details>\n", out);
}

/* The first sentence of each kind is the answer; the same for other settings follows. */
static void put_answer(FILE *out, char *const texts[KVR_SAYS])
{
    char *others[KVR_SAY_NOTES];
    size_t said = 0;
    fputs("<div class=\"answer\">\n", out);
    for (int kind = 0; kind < KVR_SAY_NOTES; kind++) {
        char *end = strchr(texts[kind], '\n');
        others[kind] = end ? end + 1 : texts[kind] + strlen(texts[kind]);
        if (end)
            *end = 0;
        if (*texts[kind])
            kvr_html_element(out, "p", texts[kind]);
        said += *texts[kind] != 0;
    }
    if (!said)
        fputs("<p>This result holds no case that was measured from DRAM, so it does not answer "
              "whether memory or the core is the limit there: <code>kvroof run</code> does.</p>\n",
              out);
    fputs("</div>\n", out);
    put_details(out, "The same in the other settings", others, KVR_SAY_NOTES);
    put_details(out, "Flags, warnings, and what was not measured", &texts[KVR_SAY_NOTES], 1);
}

int kvr_html_answer(struct kvr_page *page, const struct kvr_run_record *record)
{
    char *texts[KVR_SAYS] = {NULL};
    int rc = 0;
    for (int kind = 0; kind < KVR_SAYS && !rc; kind++) {
        texts[kind] = sentences(record, kind);
        rc = texts[kind] ? 0 : -ENOMEM;
    }
    if (!rc)
        put_answer(page->out, texts);
    for (int kind = 0; kind < KVR_SAYS; kind++)
        free(texts[kind]);
    return rc;
}

/* ---- rows that have no room ---- */

static void put_left_out(FILE *out, size_t left_out)
{
    if (left_out)
        fprintf(out, "<p class=\"note\">%zu more %s left out, to keep the page small: "
                     "<code>kvroof show</code> prints all.</p>\n",
                left_out, left_out == 1 ? "row is" : "rows are");
}

/* ---- verdicts ---- */

/* The case's name; what its verdict rests on below it, when opened. */
static int put_case(FILE *out, const struct kvr_result *r, const char *name)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *lines = open_memstream(&text, &bytes);
    if (lines)
        kvr_put_evidence(lines, r, 0);
    if (!lines || fclose(lines)) {
        free(text);
        return -ENOMEM;
    }
    kvr_html_opening(out, name, text);
    free(text);
    return 0;
}

static int put_verdict(FILE *out, const struct kvr_result *r, struct kvr_name_parts parts)
{
    struct kvr_verdict_cells cells;
    char speedup[24], flags[320];
    kvr_verdict_cells_of(r, parts, &cells);
    kvr_figure_text(r->result.speedup_vs_fp16, 3, speedup, sizeof speedup);
    kvr_flags_text(r, ", ", flags, sizeof flags);
    kvr_html_row_begin(out);
    int rc = put_case(out, r, cells.name);
    kvr_html_cell(out, false, false, cells.phrase);
    kvr_html_cell(out, false, true, cells.balance + strlen("B ")); /* its heading says B */
    kvr_html_cell(out, false, true, speedup);
    kvr_html_cell(out, false, false, cells.shift);
    kvr_html_cell(out, false, false, flags);
    kvr_html_row_end(out);
    return rc;
}

int kvr_html_verdicts(struct kvr_page *page, const struct kvr_run_record *record)
{
    static const struct kvr_html_column columns[] = {
        {"case", false},   {"side, and what binds", false}, {"balance B", true},
        {"x FP16", true}, {"shift", false},                {"flags", false}};
    struct kvr_name_parts parts = kvr_name_parts_of(record);
    size_t verdicts = 0;
    int rc = 0;
    for (size_t i = 0; i < record->result_count; i++)
        verdicts += kvr_has_verdict(&record->results[i]);
    if (!verdicts) {
        fputs("<p>No case of this result has a verdict.</p>\n", page->out);
        return 0;
    }
    fputs("<p>A case opens to what its verdict rests on.</p>\n", page->out);
    kvr_html_table_begin(page->out, "Verdicts (B: the core's own time over the memory's, with its "
                                    "95 % interval)", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0, row = 0; i < record->result_count && !rc; i++)
        if (kvr_has_verdict(&record->results[i]) && row++ < page->rows)
            rc = put_verdict(page->out, &record->results[i], parts);
    kvr_html_table_end(page->out);
    put_left_out(page->out, verdicts > page->rows ? verdicts - page->rows : 0);
    return rc;
}

/* ---- times ---- */

static void put_grid(FILE *out, const struct kvr_grid *grid, size_t rows)
{
    struct kvr_html_column columns[KVR_GRID_COLUMNS];
    const char *texts[KVR_GRID_COLUMNS];
    size_t index[KVR_GRID_COLUMNS], count = 0;
    for (size_t c = 0; c < KVR_GRID_COLUMNS; c++)
        if (grid->shown[c]) {
            columns[count] = (struct kvr_html_column){kvr_grid_heading(c),
                                                      !kvr_grid_left_aligned(c)};
            index[count++] = c;
        }
    kvr_html_table_begin(out, grid->title, columns, count);
    for (size_t row = 0; row < grid->rows && row < rows; row++) {
        for (size_t c = 0; c < count; c++)
            texts[c] = grid->cells[row * KVR_GRID_COLUMNS + index[c]];
        kvr_html_row(out, columns, texts, count);
    }
    kvr_html_table_end(out);
}

/* Crossings, and heads that fit in a step: the text of the terminal's table. */
static int put_conclusions(FILE *out, const struct kvr_run_record *record)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *lines = open_memstream(&text, &bytes);
    if (lines) {
        kvr_put_crossings(lines, record, false, 0);
        kvr_put_sizing(lines, record, KVR_USUAL_STEP_MS, 0);
    }
    int rc = !lines || fclose(lines) ? -ENOMEM : 0;
    if (!rc)
        kvr_html_lines(out, text);
    free(text);
    return rc;
}

int kvr_html_times(struct kvr_page *page, const struct kvr_run_record *record)
{
    size_t room = page->rows, left_out = 0;
    int rc = 0;
    bool any = false;
    for (size_t i = 0; i < record->result_count && !rc; i++) {
        struct kvr_grid grid;
        if (!kvr_grid_starts(record, i))
            continue;
        any = true;
        rc = kvr_grid_make(record, i, 0, &grid);
        if (rc)
            break;
        size_t rows = grid.rows < room ? grid.rows : room;
        if (rows)
            put_grid(page->out, &grid, rows);
        room -= rows;
        left_out += grid.rows - rows;
        kvr_grid_free(&grid);
    }
    if (!any)
        fputs("<p>No case was measured.</p>\n", page->out);
    put_left_out(page->out, left_out);
    return rc ? rc : put_conclusions(page->out, record);
}
