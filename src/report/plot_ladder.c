/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plotdata.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_sheet.h"
#include "setting.h"
#include "table.h"
#include "text.h"

enum { LEAST_WORKING_SETS = 3 };

struct ladder {
    struct kvr_sheet sheet;
    int series; /* number of the last one begun */
};

/* ---- rows ---- */

static void put_text_row(struct ladder *s, const char *kind, const char *text, uint64_t bytes)
{
    fprintf(s->sheet.out, "%s\t0\t", kind);
    kvr_sheet_field(s->sheet.out, text);
    if (bytes)
        fprintf(s->sheet.out, "\t%" PRIu64 "\t\t\t\t0\n", bytes);
    else
        fputs("\t\t\t\t\t0\n", s->sheet.out);
}

static void put_point(struct ladder *s, const char *kind, const char *name, uint64_t bytes,
                      const double value[3], bool flagged)
{
    fprintf(s->sheet.out, "%s\t%d\t", kind, s->series);
    kvr_sheet_field(s->sheet.out, name);
    fprintf(s->sheet.out, "\t%" PRIu64, bytes);
    for (size_t i = 0; i < 3; i++)
        kvr_sheet_number(s->sheet.out, value[i]);
    fprintf(s->sheet.out, "\t%d\n", flagged);
}

/* ---- the machine's ladder ---- */

static bool is_ladder_point(const struct kvr_ceiling *c)
{
    return !strcmp(c->kind, "bandwidth") && !strcmp(c->type, "read") && c->working_set_bytes &&
           isfinite(c->value) && (!c->layout[0] || !strcmp(c->layout, "contiguous"));
}

static bool same_ladder(const struct kvr_ceiling *a, const struct kvr_ceiling *b)
{
    return is_ladder_point(b) && a->threads == b->threads && !strcmp(a->pages, b->pages);
}

/* Which record a series belongs to, where there are several. */
static void whose(const struct ladder *s, size_t index, char *text, size_t bytes)
{
    const struct kvr_run_record *r = &s->sheet.records[index];
    *text = 0;
    if (s->sheet.count > 1 && r->label[0])
        snprintf(text, bytes, "%s: ", r->label);
    else if (s->sheet.count > 1)
        snprintf(text, bytes, "%zu: ", index + 1);
}

static int by_bytes(const void *a, const void *b)
{
    const struct kvr_ceiling *const *x = a, *const *y = b;
    if ((*x)->working_set_bytes != (*y)->working_set_bytes)
        return (*x)->working_set_bytes < (*y)->working_set_bytes ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

static int put_ladder(struct ladder *s, size_t index, size_t first)
{
    const struct kvr_run_record *r = &s->sheet.records[index];
    const struct kvr_ceiling *like = &r->ceilings[first];
    char name[KVR_SERIES_BYTES], prefix[160];
    size_t n = 0;
    for (size_t i = 0; i < first; i++)
        if (same_ladder(like, &r->ceilings[i]))
            return 0;
    const struct kvr_ceiling **points = malloc(r->ceiling_count * sizeof *points);
    if (!points)
        return -ENOMEM;
    for (size_t i = first; i < r->ceiling_count; i++)
        if (same_ladder(like, &r->ceilings[i]))
            points[n++] = &r->ceilings[i];
    qsort(points, n, sizeof *points, by_bytes);
    whose(s, index, prefix, sizeof prefix);
    snprintf(name, sizeof name, "%sread, %u thread%s%s%s", prefix, like->threads,
             like->threads == 1 ? "" : "s", like->pages[0] ? ", " : "", like->pages);
    s->series++;
    for (size_t i = 0; i < n; i++) {
        bool known = isfinite(points[i]->ci95[0]) && isfinite(points[i]->ci95[1]);
        double value[3] = {points[i]->value, known ? points[i]->ci95[0] : points[i]->value,
                           known ? points[i]->ci95[1] : points[i]->value};
        put_point(s, "read", name, points[i]->working_set_bytes, value, false);
    }
    free(points);
    return 0;
}

/* ---- kernels measured over several working sets ---- */

static bool is_kernel_point(const struct kvr_result *r)
{
    return r->measured && !strcmp(r->op, "scan") && r->working_set_bytes &&
           isfinite(r->result.gb_per_s) && r->result.gb_per_s > 0;
}

static bool same_kernel(const struct kvr_result *a, const struct kvr_result *b)
{
    return is_kernel_point(b) && !strcmp(a->codec, b->codec) && !strcmp(a->variant, b->variant) &&
           !strcmp(a->isa, b->isa) && a->tokens == b->tokens && a->subspaces == b->subspaces &&
           a->entries == b->entries && a->threads == b->threads && kvr_same_setting(a, b) &&
           kvr_same_codebook(a, b);
}

/* The point that follows `above` in the series of `like`; NULL after the last. */
static const struct kvr_result *next_point(const struct kvr_run_record *record,
                                           const struct kvr_result *like, uint64_t above)
{
    const struct kvr_result *next = NULL;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (same_kernel(like, r) && r->working_set_bytes > above &&
            (!next || r->working_set_bytes < next->working_set_bytes))
            next = r;
    }
    return next;
}

static void put_kernel(struct ladder *s, size_t index, size_t first)
{
    const struct kvr_run_record *record = &s->sheet.records[index];
    const struct kvr_result *like = &record->results[first], *r = NULL;
    char name[KVR_SERIES_BYTES + 96], prefix[160], kernel[96], tables[40] = "", setting[96];
    size_t points = 0;
    for (size_t i = 0; i < first; i++)
        if (same_kernel(like, &record->results[i]))
            return;
    for (uint64_t above = 0; (r = next_point(record, like, above)); points++)
        above = r->working_set_bytes;
    if (points < LEAST_WORKING_SETS)
        return;
    whose(s, index, prefix, sizeof prefix);
    kvr_kernel_text(like, kernel, sizeof kernel);
    if (like->subspaces)
        snprintf(tables, sizeof tables, ", m %u", like->subspaces);
    kvr_setting_text(like, setting, sizeof setting);
    snprintf(name, sizeof name, "%s%s, d %u%s, n %u, %s, %ut%s", prefix, kernel, like->head_dim,
             tables, like->tokens, like->layout, like->threads, setting);
    s->series++;
    for (uint64_t above = 0; (r = next_point(record, like, above));) {
        above = r->working_set_bytes;
        const struct kvr_op_result *o = &r->result;
        double value[3];
        kvr_rate_interval(o, o->gb_per_s, value);
        put_point(s, "kernel", name, r->working_set_bytes, value, r->flags[0][0] != 0);
    }
}

/* ---- the sheet ---- */

static void put_caches(struct ladder *s, size_t index)
{
    const struct kvr_machine *m = &s->sheet.records[index].machine;
    char prefix[160], size[24], text[KVR_SERIES_BYTES];
    whose(s, index, prefix, sizeof prefix);
    /* One machine has one set of caches, however many of its results are drawn. */
    if (kvr_sheet_machine(&s->sheet, index) != index)
        return;
    for (size_t i = 0; i < m->cache_count; i++) {
        const struct kvr_cache_level *c = &m->caches[i];
        const uint64_t sizes[] = {c->size_bytes, c->measured_plateau_bytes};
        for (size_t k = 0; k < 2; k++) {
            if (!sizes[k])
                continue;
            kvr_bytes_text(sizes[k], size, sizeof size);
            snprintf(text, sizeof text, "%sL%u %s", prefix, c->level, size);
            put_text_row(s, k ? "plateau" : "reported", text, sizes[k]);
        }
    }
}

static void put_caption(struct ladder *s, size_t index)
{
    char text[KVR_SERIES_BYTES], prefix[160];
    whose(s, index, prefix, sizeof prefix);
    /* A label stands in the machine's own text. */
    size_t used = s->sheet.records[index].label[0] ? 0 : strlen(prefix);
    memcpy(text, prefix, used);
    kvr_machine_text(&s->sheet.records[index], text + used, sizeof text - used);
    put_text_row(s, "caption", text, 0);
}

static int put_sheet(struct ladder *s)
{
    char text[KVR_SERIES_BYTES];
    int rc = 0;
    fputs("# kind\tseries\tname\tworking_set_bytes\tgb_per_s\tlow\thigh\tflagged\n", s->sheet.out);
    for (size_t i = 0; i < s->sheet.count; i++)
        put_caption(s, i);
    kvr_sheet_left_out_text(&s->sheet, text, sizeof text);
    if (*text)
        put_text_row(s, "caption", text, 0);
    for (size_t i = 0; i < s->sheet.count; i++)
        put_caches(s, i);
    for (size_t i = 0; !rc && i < s->sheet.count; i++)
        for (size_t c = 0; !rc && c < s->sheet.records[i].ceiling_count; c++)
            if (is_ladder_point(&s->sheet.records[i].ceilings[c]))
                rc = put_ladder(s, i, c);
    for (size_t i = 0; !rc && i < s->sheet.count; i++)
        for (size_t k = 0; k < s->sheet.records[i].result_count; k++)
            if (is_kernel_point(&s->sheet.records[i].results[k]))
                put_kernel(s, i, k);
    return rc;
}

int kvr_plot_ladder(FILE *out, const struct kvr_drawn *of)
{
    struct ladder ladder = {.sheet = kvr_sheet_of(out, of->records, of->count)};
    bool any = false;
    for (size_t i = 0; i < ladder.sheet.count; i++)
        for (size_t c = 0; c < of->records[i].ceiling_count; c++)
            any |= is_ladder_point(&of->records[i].ceilings[c]);
    if (!any)
        return -ENODATA;
    struct kvr_numeric numeric = kvr_numeric_c();
    errno = 0;
    int rc = put_sheet(&ladder);
    kvr_numeric_restore(numeric);
    return rc ? rc : kvr_sheet_end(out);
}
