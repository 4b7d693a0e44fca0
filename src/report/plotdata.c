/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plotdata.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "text.h"

enum { SERIES_BYTES = 400, LEAST_WORKING_SETS = 3 };

struct sheet {
    FILE *out;
    const struct kvr_run_record *records;
    size_t count;
    int series; /* number of the last one begun */
};

/* ---- rows ---- */

/* gnuplot takes a double quote for the begin of a string that may hold the separator. */
static void put_field(FILE *out, const char *text)
{
    char clean[SERIES_BYTES];
    kvr_clean_text(clean, sizeof clean, text);
    for (char *c = clean; *c; c++)
        fputc(*c == '"' ? '\'' : *c, out);
}

static void put_number(FILE *out, double value)
{
    char text[40];
    kvr_exact_text(value, text, sizeof text);
    fprintf(out, "\t%s", text);
}

static void put_text_row(struct sheet *s, const char *kind, const char *text, uint64_t bytes)
{
    fprintf(s->out, "%s\t0\t", kind);
    put_field(s->out, text);
    if (bytes)
        fprintf(s->out, "\t%" PRIu64 "\t\t\t\t0\n", bytes);
    else
        fputs("\t\t\t\t\t0\n", s->out);
}

static void put_point(struct sheet *s, const char *kind, const char *name, uint64_t bytes,
                      const double value[3], bool flagged)
{
    fprintf(s->out, "%s\t%d\t", kind, s->series);
    put_field(s->out, name);
    fprintf(s->out, "\t%" PRIu64, bytes);
    for (size_t i = 0; i < 3; i++)
        put_number(s->out, value[i]);
    fprintf(s->out, "\t%d\n", flagged);
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
static void whose(const struct sheet *s, size_t index, char *text, size_t bytes)
{
    const struct kvr_run_record *r = &s->records[index];
    *text = 0;
    if (s->count > 1 && r->label[0])
        snprintf(text, bytes, "%s: ", r->label);
    else if (s->count > 1)
        snprintf(text, bytes, "%zu: ", index + 1);
}

static int by_bytes(const void *a, const void *b)
{
    const struct kvr_ceiling *const *x = a, *const *y = b;
    if ((*x)->working_set_bytes != (*y)->working_set_bytes)
        return (*x)->working_set_bytes < (*y)->working_set_bytes ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

static int put_ladder(struct sheet *s, size_t index, size_t first)
{
    const struct kvr_run_record *r = &s->records[index];
    const struct kvr_ceiling *like = &r->ceilings[first];
    char name[SERIES_BYTES], prefix[160];
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
           !strcmp(a->isa, b->isa) && a->head_dim == b->head_dim && a->tokens == b->tokens &&
           a->subspaces == b->subspaces && a->entries == b->entries &&
           a->threads == b->threads && !strcmp(a->layout, b->layout) &&
           !strcmp(a->pages, b->pages) && !strcmp(a->mem, b->mem);
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

static void put_kernel(struct sheet *s, size_t index, size_t first)
{
    const struct kvr_run_record *record = &s->records[index];
    const struct kvr_result *like = &record->results[first], *r = NULL;
    char name[SERIES_BYTES], prefix[160], kernel[96], tables[40] = "";
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
    snprintf(name, sizeof name, "%s%s, d %u%s, n %u, %s, %ut", prefix, kernel, like->head_dim,
             tables, like->tokens, like->layout, like->threads);
    s->series++;
    for (uint64_t above = 0; (r = next_point(record, like, above));) {
        above = r->working_set_bytes;
        const struct kvr_op_result *o = &r->result;
        /* The interval of a rate follows from that of the time, ends exchanged. */
        bool known = o->ci95[0] > 0 && isfinite(o->ci95[1]);
        double gb = o->gb_per_s;
        double value[3] = {gb, known ? gb * o->ns_per_key / o->ci95[1] : gb,
                           known ? gb * o->ns_per_key / o->ci95[0] : gb};
        put_point(s, "kernel", name, r->working_set_bytes, value, r->flags[0][0] != 0);
    }
}

/* ---- the sheet ---- */

static void put_caches(struct sheet *s, size_t index)
{
    const struct kvr_machine *m = &s->records[index].machine;
    char prefix[160], size[24], text[SERIES_BYTES];
    whose(s, index, prefix, sizeof prefix);
    /* One machine has one set of caches, however many of its results are drawn. */
    for (size_t i = 0; m->fingerprint[0] && i < index; i++)
        if (!strcmp(s->records[i].machine.fingerprint, m->fingerprint))
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

static void put_caption(struct sheet *s, size_t index)
{
    char text[SERIES_BYTES], prefix[160];
    whose(s, index, prefix, sizeof prefix);
    size_t used = s->records[index].label[0] ? 0 : strlen(prefix); /* its own text has the label */
    memcpy(text, prefix, used);
    kvr_machine_text(&s->records[index], text + used, sizeof text - used);
    put_text_row(s, "caption", text, 0);
}

static int put_sheet(struct sheet *s)
{
    int rc = 0;
    fputs("# kind\tseries\tname\tworking_set_bytes\tgb_per_s\tlow\thigh\tflagged\n", s->out);
    for (size_t i = 0; i < s->count; i++)
        put_caption(s, i);
    for (size_t i = 0; i < s->count; i++)
        put_caches(s, i);
    for (size_t i = 0; !rc && i < s->count; i++)
        for (size_t c = 0; !rc && c < s->records[i].ceiling_count; c++)
            if (is_ladder_point(&s->records[i].ceilings[c]))
                rc = put_ladder(s, i, c);
    for (size_t i = 0; !rc && i < s->count; i++)
        for (size_t k = 0; k < s->records[i].result_count; k++)
            if (is_kernel_point(&s->records[i].results[k]))
                put_kernel(s, i, k);
    return rc;
}

int kvr_plot_ladder(FILE *out, const struct kvr_run_record *records, size_t count)
{
    struct sheet sheet = {.out = out, .records = records, .count = count};
    bool any = false;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < records[i].ceiling_count; c++)
            any |= is_ladder_point(&records[i].ceilings[c]);
    if (!any)
        return -ENODATA;
    struct kvr_numeric numeric = kvr_numeric_c();
    errno = 0;
    int rc = put_sheet(&sheet);
    kvr_numeric_restore(numeric);
    if (rc)
        return rc;
    if (fflush(out) || ferror(out))
        return errno ? -errno : -EIO;
    return 0;
}
