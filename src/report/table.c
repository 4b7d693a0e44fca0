/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "table.h"

#include <math.h>
#include <string.h>

#include "text.h"

static const char bold[] = "\033[1m", yellow[] = "\033[33m", plain[] = "\033[0m";

void kvr_machine_text(const struct kvr_run_record *record, char *text, size_t bytes)
{
    const struct kvr_machine *m = &record->machine;
    char cpu[64], virtual[16], kernel[96], started[32], label[128], ghz[32] = "";
    kvr_clean_text(cpu, sizeof cpu, m->isa.name[0] ? m->isa.name : "unnamed CPU");
    kvr_clean_text(virtual, sizeof virtual, m->isa.hypervisor_name);
    kvr_clean_text(kernel, sizeof kernel, m->kernel);
    kvr_clean_text(started, sizeof started, record->started);
    kvr_clean_text(label, sizeof label, record->label);
    if (isfinite(record->clock_ghz))
        snprintf(ghz, sizeof ghz, ", %.2f GHz", record->clock_ghz);
    char cpus[40] = "", hypervisor[40] = "";
    if (m->cpu_count)
        snprintf(cpus, sizeof cpus, ", %zu CPU%s", m->cpu_count, m->cpu_count == 1 ? "" : "s");
    if (m->isa.hypervisor)
        snprintf(hypervisor, sizeof hypervisor, ", virtual%s%s", *virtual ? ": " : "", virtual);
    snprintf(text, bytes, "%s%s%s%s%s%s%s%s%s%s", cpu, cpus, ghz, hypervisor,
             *kernel ? ", Linux " : "", kernel, *started ? "; " : "", started,
             *label ? "; " : "", label);
}

/* One line of the grid; row SIZE_MAX is the headings. */
static void put_line(FILE *out, const struct kvr_grid *grid, size_t row, bool color)
{
    size_t pending = 0; /* spaces that only what follows them needs */
    for (size_t c = 0; c < KVR_GRID_COLUMNS; c++) {
        if (!grid->shown[c])
            continue;
        const char *text = row == SIZE_MAX ? kvr_grid_heading(c)
                                           : grid->cells[row * KVR_GRID_COLUMNS + c];
        const char *mark = row == SIZE_MAX ? bold : kvr_grid_is_flags(c) ? yellow : NULL;
        bool marked = color && mark && *text, left = kvr_grid_left_aligned(c);
        size_t columns = kvr_utf8_columns(text);
        size_t padding = columns < grid->widths[c] ? grid->widths[c] - columns : 0;
        pending += left ? 0 : padding;
        if (*text) {
            fprintf(out, "%*s%s%s%s", (int)pending, "", marked ? mark : "", text,
                    marked ? plain : "");
            pending = 0;
        }
        pending += (left ? padding : 0) + 2;
    }
    fputc('\n', out);
}

static int put_group(FILE *out, const struct kvr_run_record *record, size_t first,
                     const struct kvr_output_style *style)
{
    struct kvr_grid grid;
    char legend[sizeof grid.legend + 16];
    int rc = kvr_grid_make(record, first, style->width, &grid);
    if (rc)
        return rc;
    fputc('\n', out);
    kvr_put_wrapped(out, grid.title, style->width);
    for (size_t row = 0; row <= grid.rows; row++)
        put_line(out, &grid, row ? row - 1 : SIZE_MAX, style->color);
    if (grid.letters) {
        snprintf(legend, sizeof legend, "flags: %s", grid.legend);
        kvr_put_wrapped(out, legend, style->width);
    }
    kvr_grid_free(&grid);
    return 0;
}

int kvr_put_table(FILE *out, const struct kvr_run_record *record,
                  const struct kvr_output_style *style)
{
    char machine[512];
    kvr_machine_text(record, machine, sizeof machine);
    kvr_put_wrapped(out, machine, style->width);
    for (size_t i = 0; i < record->result_count; i++) {
        int rc = kvr_grid_starts(record, i) ? put_group(out, record, i, style) : 0;
        if (rc)
            return rc;
    }
    kvr_put_verdicts(out, record, style->evidence, style->width);
    fputc('\n', out);
    int rc = kvr_put_bypass(out, record, "", "", style->width);
    if (!rc)
        rc = kvr_put_summary(out, record, "", "", style->width);
    kvr_put_crossings(out, record, style->evidence, style->width);
    double step_ms = style->step_ms > 0 ? style->step_ms : KVR_USUAL_STEP_MS;
    kvr_put_sizing(out, record, step_ms, style->width);
    kvr_put_claims(out, record, style->evidence, style->width);
    return rc;
}

/* ---- Markdown ---- */

void kvr_put_code(FILE *out, const char *text)
{
    fputc('`', out);
    for (; *text; text++)
        fputc(*text == '`' || *text == '|' ? '?' : *text, out);
    fputc('`', out);
}

void kvr_put_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("|\\`*_<>[]", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

void kvr_put_cell(FILE *out, const char *text)
{
    char clean[1024];
    kvr_clean_text(clean, sizeof clean, text);
    fputc(' ', out);
    kvr_put_escaped(out, clean);
    fputs(" |", out);
}

static void put_markdown_line(FILE *out, const struct kvr_grid *grid, size_t row)
{
    fputc('|', out);
    for (size_t c = 0; c < KVR_GRID_COLUMNS; c++) {
        if (!grid->shown[c])
            continue;
        const char *text = row == SIZE_MAX ? kvr_grid_heading(c)
                                           : grid->cells[row * KVR_GRID_COLUMNS + c];
        if (c == 0 && row != SIZE_MAX) {
            fputc(' ', out);
            kvr_put_code(out, text);
            fputs(" |", out);
        } else {
            kvr_put_cell(out, text);
        }
    }
    fputc('\n', out);
}

static int put_markdown_group(FILE *out, const struct kvr_run_record *record, size_t first)
{
    struct kvr_grid grid;
    int rc = kvr_grid_make(record, first, 0, &grid);
    if (rc)
        return rc;
    fputs("\n### ", out);
    kvr_put_escaped(out, grid.title);
    fputs("\n\n", out);
    put_markdown_line(out, &grid, SIZE_MAX);
    fputc('|', out);
    for (size_t c = 0; c < KVR_GRID_COLUMNS; c++)
        if (grid.shown[c])
            fputs(kvr_grid_left_aligned(c) ? " --- |" : " ---: |", out);
    fputc('\n', out);
    for (size_t row = 0; row < grid.rows; row++)
        put_markdown_line(out, &grid, row);
    kvr_grid_free(&grid);
    return 0;
}

int kvr_put_markdown(FILE *out, const struct kvr_run_record *record)
{
    char machine[512];
    kvr_machine_text(record, machine, sizeof machine);
    fputs("## kvroof\n\n", out);
    kvr_put_escaped(out, machine);
    fputc('\n', out);
    for (size_t i = 0; i < record->result_count; i++) {
        int rc = kvr_grid_starts(record, i) ? put_markdown_group(out, record, i) : 0;
        if (rc)
            return rc;
    }
    fputc('\n', out);
    int rc = kvr_put_bypass(out, record, "- ", "`", 0);
    if (!rc)
        rc = kvr_put_summary(out, record, "- ", "`", 0);
    kvr_put_markdown_crossings(out, record);
    kvr_put_markdown_claims(out, record);
    return rc;
}
