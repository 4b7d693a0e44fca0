/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plot_sheet.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "text.h"

struct kvr_sheet kvr_sheet_of(FILE *out, const struct kvr_run_record *records, size_t count)
{
    size_t drawn = count < KVR_SHEET_RESULTS ? count : KVR_SHEET_RESULTS;
    return (struct kvr_sheet){.out = out, .records = records, .count = drawn,
                              .left_out = count - drawn};
}

void kvr_sheet_left_out_text(const struct kvr_sheet *sheet, char *text, size_t bytes)
{
    *text = 0;
    if (sheet->left_out)
        snprintf(text, bytes, "and %zu more result%s not drawn: kvroof plot -k compare draws all",
                 sheet->left_out, sheet->left_out == 1 ? ", which is" : "s, which are");
}

/* gnuplot takes a double quote for the begin of a string that may hold the separator. */
void kvr_sheet_field(FILE *out, const char *text)
{
    char clean[KVR_SERIES_BYTES];
    kvr_clean_text(clean, sizeof clean, text);
    for (char *c = clean; *c; c++)
        fputc(*c == '"' ? '\'' : *c, out);
}

void kvr_sheet_number(FILE *out, double value)
{
    char text[40];
    kvr_exact_text(value, text, sizeof text);
    fprintf(out, "\t%s", text);
}

void kvr_sheet_ordinal(const struct kvr_sheet *sheet, size_t index, char *text, size_t bytes)
{
    *text = 0;
    if (sheet->count > 1)
        snprintf(text, bytes, "%zu: ", index + 1);
}

void kvr_sheet_machine_prefix(const struct kvr_sheet *sheet, size_t machine, char *text,
                              size_t bytes)
{
    bool others = false;
    for (size_t i = 0; i < sheet->count; i++)
        others |= kvr_sheet_machine(sheet, i) != machine;
    *text = 0;
    if (others)
        kvr_sheet_ordinal(sheet, machine, text, bytes);
}

int kvr_sheet_end(FILE *out)
{
    if (fflush(out) || ferror(out))
        return errno ? -errno : -EIO;
    return 0;
}

size_t kvr_sheet_machine(const struct kvr_sheet *sheet, size_t index)
{
    const char *fingerprint = sheet->records[index].machine.fingerprint;
    for (size_t i = 0; *fingerprint && i < index; i++)
        if (!strcmp(sheet->records[i].machine.fingerprint, fingerprint))
            return i;
    return index;
}

void kvr_sheet_row(FILE *out, const struct kvr_row *row)
{
    fprintf(out, "%s\t%zu\t%zu\t", row->kind, row->panel, row->series);
    kvr_sheet_field(out, row->name ? row->name : "");
    kvr_sheet_number(out, row->x);
    kvr_sheet_number(out, row->y);
    kvr_sheet_number(out, row->low);
    kvr_sheet_number(out, row->high);
    fprintf(out, "\t%d\n", row->flagged);
}

static void put_caption(const struct kvr_sheet *sheet, const char *text)
{
    kvr_sheet_row(sheet->out, &(struct kvr_row){.kind = "caption", .name = text, .x = NAN, .y = NAN,
                                                .low = NAN, .high = NAN});
}

void kvr_sheet_header(const struct kvr_sheet *sheet)
{
    char text[KVR_SERIES_BYTES];
    size_t captions = sheet->count < KVR_SHEET_CAPTIONS ? sheet->count : KVR_SHEET_CAPTIONS;
    fputs("# kind\tpanel\tseries\tname\tx\ty\tlow\thigh\tflagged\n", sheet->out);
    for (size_t i = 0; i < captions; i++) {
        kvr_sheet_ordinal(sheet, i, text, sizeof text);
        size_t used = strlen(text);
        kvr_machine_text(&sheet->records[i], text + used, sizeof text - used);
        put_caption(sheet, text);
    }
    if (captions < sheet->count) {
        snprintf(text, sizeof text, "and %zu more results, which are drawn but not named here",
                 sheet->count - captions);
        put_caption(sheet, text);
    }
    kvr_sheet_left_out_text(sheet, text, sizeof text);
    if (*text)
        put_caption(sheet, text);
}

void kvr_sheet_put(const struct kvr_sheet *sheet, const char *kind, size_t series, const char *name,
                   struct kvr_spot at)
{
    kvr_sheet_row(sheet->out, &(struct kvr_row){.kind = kind, .name = name, .panel = sheet->panel,
                  .series = series, .x = at.x, .y = at.y, .low = NAN, .high = NAN});
}

void kvr_sheet_put_point(const struct kvr_sheet *sheet, const char *kind, size_t series,
                         const struct kvr_result *result, double x, const double value[3])
{
    kvr_sheet_row(sheet->out, &(struct kvr_row){.kind = kind, .name = result->name,
                  .panel = sheet->panel, .series = series, .x = x, .y = value[0], .low = value[1],
                  .high = value[2], .flagged = result->flags[0][0] != 0});
}

void kvr_sheet_put_panel(const struct kvr_sheet *sheet, const char *title,
                         const struct kvr_panel *a)
{
    kvr_sheet_row(sheet->out, &(struct kvr_row){.kind = "panel", .name = title,
                  .panel = sheet->panel, .x = a->left, .y = a->right, .low = a->bottom,
                  .high = a->top});
}

int kvr_sheet_put_letter(const struct kvr_sheet *sheet, struct kvr_panel *panel, size_t series,
                         struct kvr_spot pixels)
{
    struct kvr_spot centre = {0, 0};
    char letter[24];
    kvr_names_letter(series, letter, sizeof letter);
    int rc = kvr_place_beside(panel, pixels, kvr_text_pixels(letter), &centre);
    if (!rc)
        kvr_sheet_put(sheet, "letter", series, letter, kvr_panel_values(panel, centre));
    return rc;
}

int kvr_sheet_put_along(const struct kvr_sheet *sheet, struct kvr_panel *panel, const char *kind,
                        size_t series, const char *name, struct kvr_spot from, struct kvr_spot to)
{
    struct kvr_spot centre = {0, 0};
    int rc = kvr_place_along(panel, from, to, kvr_text_pixels(name), &centre);
    struct kvr_spot at = kvr_panel_values(panel, centre);
    if (!rc)
        kvr_sheet_row(sheet->out, &(struct kvr_row){.kind = kind, .name = name,
                      .panel = sheet->panel, .series = series, .x = at.x, .y = at.y,
                      .low = kvr_panel_angle(from, to), .high = NAN});
    return rc;
}

void kvr_sheet_panel_size(size_t panels, double *width, double *height)
{
    *width = panels < 2 ? 640 : panels == 3 ? 410 : 500;
    *height = panels < 2 ? 500 : 440;
}

void kvr_median_interval(double median, const double ci95[2], double value[3])
{
    bool known = ci95[0] > 0 && isfinite(ci95[1]);
    value[0] = median;
    value[1] = known ? ci95[0] : median;
    value[2] = known ? ci95[1] : median;
}

void kvr_rate_interval(const struct kvr_op_result *op, double rate, double value[3])
{
    /* The interval of a rate follows from that of the time, ends exchanged. */
    bool known = op->ci95[0] > 0 && isfinite(op->ci95[1]);
    value[0] = rate;
    value[1] = known ? rate * op->ns_per_key / op->ci95[1] : rate;
    value[2] = known ? rate * op->ns_per_key / op->ci95[0] : rate;
}

size_t kvr_names_number(struct kvr_names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++)
        if (!strcmp(names->text[i], text))
            return i + 1;
    void *more = realloc(names->text, (names->count + 1) * sizeof *names->text);
    if (!more)
        return 0;
    names->text = more;
    kvr_utf8_copy(names->text[names->count], sizeof *names->text, text);
    return ++names->count;
}

void kvr_names_letter(size_t number, char *text, size_t bytes)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t count = sizeof letters - 1, again = (number - 1) / count;
    snprintf(text, bytes, again ? "%c%zu" : "%c", letters[(number - 1) % count], again + 1);
}
