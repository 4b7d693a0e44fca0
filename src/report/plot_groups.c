/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which cases stand in one panel and which are points of one line: those whose names agree in all
 * but what the x axis shows. Both names say only what differs among the cases that are drawn.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_sheet.h"
#include "table.h"
#include "text.h"

double kvr_bytes_saved(const struct kvr_result *r)
{
    double fp16 = 2. * r->head_dim, values = strcmp(r->op, "attention") ? 0 : 2. * r->head_dim;
    return fp16 > 0 && r->key_bytes > 0 ? (fp16 + values) / (r->key_bytes + values) : NAN;
}

double kvr_op_rank(const struct kvr_result *r)
{
    return !strcmp(r->op, "attention") ? 2 : !strcmp(r->op, "step");
}

/* ---- names ---- */

enum { NAME_ISA = 1 << 20 }; /* beside the traits */

static void series_text(const struct kvr_sheet *sheet, const struct kvr_groups *g,
                        const struct kvr_mark *mark, unsigned traits, const char *isa,
                        char *text, size_t bytes)
{
    char series[KVR_SERIES_BYTES], whose[32];
    struct kvr_result named = *mark->result;
    kvr_utf8_copy(named.isa, sizeof named.isa, isa);
    kvr_kernel_text(&named, series, sizeof series);
    kvr_traits_text(&g->traits, mark->result, traits, series, sizeof series);
    kvr_sheet_ordinal(sheet, mark->record, whose, sizeof whose);
    snprintf(text, bytes, "%s%s", whose, series);
}

static int name_case(const struct kvr_sheet *sheet, const struct kvr_grouping *how,
                     struct kvr_groups *g, unsigned more, struct kvr_mark *mark)
{
    char panel[KVR_SERIES_BYTES] = "", series[KVR_SERIES_BYTES + 32];
    kvr_traits_text(&g->traits, mark->result, how->panel, panel, sizeof panel);
    series_text(sheet, g, mark, how->series | more, more & NAME_ISA ? mark->result->isa : "",
                series, sizeof series);
    mark->panel = kvr_names_number(&g->panels, panel);
    mark->series = kvr_names_number(&g->series, series);
    return mark->panel && mark->series ? 0 : -ENOMEM;
}

/* Which ISA is fastest may change along a line: its name lists them. */
static int name_isas(const struct kvr_sheet *sheet, const struct kvr_grouping *how,
                     struct kvr_groups *g, unsigned more)
{
    for (size_t series = 1; series <= g->series.count; series++) {
        struct kvr_names isas = {NULL, 0};
        char list[sizeof g->marks->result->isa] = "", text[KVR_SERIES_BYTES + 32];
        const struct kvr_mark *one = NULL;
        for (size_t i = 0; i < g->count; i++) {
            const struct kvr_mark *m = &g->marks[i];
            size_t before = isas.count, used = strlen(list);
            if (m->series != series)
                continue;
            one = m;
            size_t number = kvr_names_number(&isas, m->result->isa);
            if (!number) {
                free(isas.text);
                return -ENOMEM;
            }
            size_t room = sizeof list - used;
            int wants = number > before ? snprintf(list + used, room, "%s%s", used ? "/" : "",
                                                   m->result->isa)
                                        : 0;
            if (wants < 0 || (size_t)wants >= room)
                list[used] = 0; /* no half names */
        }
        free(isas.text);
        series_text(sheet, g, one, how->series | more, list, text, sizeof text);
        kvr_utf8_copy(g->series.text[series - 1], sizeof *g->series.text, text);
    }
    return 0;
}

static void forget_names(struct kvr_groups *g)
{
    free(g->panels.text);
    free(g->series.text);
    g->panels = g->series = (struct kvr_names){NULL, 0};
}

static int compare(double a, double b)
{
    return (a > b) - (a < b);
}

static int by_line(const void *a, const void *b)
{
    const struct kvr_mark *x = a, *y = b;
    if (x->panel != y->panel)
        return x->panel < y->panel ? -1 : 1;
    if (x->series != y->series)
        return x->series < y->series ? -1 : 1;
    int slots = compare(x->slot, y->slot);
    return slots ? slots : (x->order > y->order) - (x->order < y->order);
}

const struct kvr_mark *kvr_groups_line_end(const struct kvr_groups *g, const struct kvr_mark *mark)
{
    const struct kvr_mark *end = mark;
    while (end < g->marks + g->count && end->panel == mark->panel && end->series == mark->series)
        end++;
    return end;
}

const struct kvr_mark *kvr_groups_begin_panel(struct kvr_sheet *sheet, const struct kvr_groups *g,
                                              struct kvr_panel *panel,
                                              const struct kvr_mark **after)
{
    const struct kvr_mark *first = g->marks, *end;
    panel->discs = NULL;
    panel->disc_count = 0;
    sheet->panel++;
    kvr_sheet_put_panel(sheet, g->panels.text[sheet->panel - 1], panel);
    while (first->panel != sheet->panel)
        first++;
    for (end = first; end < g->marks + g->count && end->panel == sheet->panel;)
        end++;
    *after = end;
    return first;
}

static bool clash(const struct kvr_groups *g)
{
    for (size_t i = 1; i < g->count; i++) {
        const struct kvr_mark *a = &g->marks[i - 1], *b = &g->marks[i];
        if (a->panel == b->panel && a->series == b->series && a->slot >= b->slot)
            return true;
    }
    return false;
}

/* Working set and ISA part cases only where these would else be taken for one: where heads are
 * given, the set differs from format to format and says nothing, and the ISA is whichever was the
 * fastest. Points without lines are always of one ISA. */
static int name_all(const struct kvr_sheet *sheet, const struct kvr_grouping *how,
                    struct kvr_groups *g)
{
    static const unsigned mores[] = {0, KVR_TRAIT_BYTES, NAME_ISA, KVR_TRAIT_BYTES | NAME_ISA};
    size_t try = how->least > 1 ? 0 : 2;
    int rc = 0;
    kvr_traits_of(g->cases, g->count, &g->traits);
    for (;; try++) {
        unsigned more = mores[try];
        forget_names(g);
        for (size_t i = 0; !rc && i < g->count; i++) {
            const struct kvr_plot_case *c = &g->cases[i];
            g->marks[i] = (struct kvr_mark){.result = c->result, .record = c->record, .order = i,
                                            .slot = how->slot(c->result)};
            rc = name_case(sheet, how, g, more, &g->marks[i]);
        }
        if (rc)
            return rc;
        qsort(g->marks, g->count, sizeof *g->marks, by_line);
        if (try == sizeof mores / sizeof *mores - 1 || how->least < 2 || !clash(g))
            return name_isas(sheet, how, g, more);
    }
}

/* ---- which cases are drawn ---- */

/* Forgets the cases of lines with too few slots; true if there were any. */
static bool drop_short(struct kvr_groups *g, size_t least)
{
    size_t kept = 0, count = g->count;
    const struct kvr_mark *end;
    for (const struct kvr_mark *m = g->marks; m < g->marks + count; m = end) {
        end = kvr_groups_line_end(g, m);
        size_t slots = 1;
        for (const struct kvr_mark *n = m + 1; n < end; n++)
            slots += n->slot > n[-1].slot;
        for (const struct kvr_mark *n = m; slots < least && n < end; n++)
            g->cases[n->order].result = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        g->cases[kept] = g->cases[i];
        kept += g->cases[i].result != NULL;
    }
    g->count = kept;
    return kept < count;
}

static bool has_residency(const struct kvr_groups *g, const char *op, const char *residency)
{
    for (size_t i = 0; i < g->count; i++)
        if (!strcmp(g->cases[i].result->op, op) &&
            !strcmp(g->cases[i].result->codebook_residency, residency))
            return true;
    return false;
}

/* Formats without a codebook are neither warm nor cold, and what both are compared with. */
static int share_out(struct kvr_groups *g)
{
    static const char *const residencies[] = {"warm", "cold"};
    struct kvr_plot_case *cases = malloc(2 * g->count * sizeof *cases);
    size_t count = 0, copied = 0;
    g->copies = malloc(2 * g->count * sizeof *g->copies);
    if (!cases || !g->copies) {
        free(cases);
        return -ENOMEM;
    }
    for (size_t i = 0; i < g->count; i++) {
        const struct kvr_result *r = g->cases[i].result;
        size_t before = count;
        for (size_t k = 0; k < 2 && !r->codebook_residency[0]; k++) {
            if (!has_residency(g, r->op, residencies[k]))
                continue;
            struct kvr_result *copy = &g->copies[copied++];
            *copy = *r;
            memcpy(copy->codebook_residency, residencies[k], sizeof "warm");
            cases[count++] = (struct kvr_plot_case){copy, g->cases[i].record};
        }
        if (count == before)
            cases[count++] = g->cases[i];
    }
    free(g->cases);
    g->cases = cases;
    g->count = count;
    return 0;
}

/* qsort is not stable: `order` first, then the cases' own. */
struct sorted { struct kvr_plot_case of; double key; size_t index; };

static int by_order(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    int keys = compare(x->key, y->key);
    return keys ? keys : (x->index > y->index) - (x->index < y->index);
}

static int take_cases(const struct kvr_sheet *sheet, const struct kvr_grouping *how,
                      struct kvr_groups *g)
{
    int rc;
    size_t count = 0;
    g->cases = kvr_plot_cases(sheet, &count, &rc);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++)
        if (isfinite(how->slot(g->cases[i].result)))
            g->cases[g->count++] = g->cases[i];
    if (!g->count)
        return -ENODATA;
    rc = how->panel & KVR_TRAIT_RESIDENCY ? share_out(g) : 0;
    if (rc)
        return rc;
    struct sorted *sorted = malloc(g->count * sizeof *sorted);
    g->marks = malloc(g->count * sizeof *g->marks);
    if (!sorted || !g->marks) {
        free(sorted);
        return -ENOMEM;
    }
    for (size_t i = 0; i < g->count; i++)
        sorted[i] = (struct sorted){g->cases[i], how->order(g->cases[i].result), i};
    qsort(sorted, g->count, sizeof *sorted, by_order);
    for (size_t i = 0; i < g->count; i++)
        g->cases[i] = sorted[i].of;
    free(sorted);
    return 0;
}

int kvr_groups_make(const struct kvr_sheet *sheet, const struct kvr_grouping *how,
                    struct kvr_groups *g)
{
    *g = (struct kvr_groups){.count = 0};
    int rc = take_cases(sheet, how, g);
    if (!rc)
        rc = name_all(sheet, how, g);
    /* What is drawn decides what its names have to tell apart. */
    if (!rc && drop_short(g, how->least))
        rc = g->count ? name_all(sheet, how, g) : -ENODATA;
    return rc;
}

void kvr_groups_free(struct kvr_groups *g)
{
    free(g->cases);
    free(g->copies);
    free(g->marks);
    forget_names(g);
}

int kvr_groups_sheet(const struct kvr_sheet *sheet, const struct kvr_grouping *how,
                     struct kvr_groups *groups, int (*draw)(void *context), void *context)
{
    struct kvr_numeric numeric = kvr_numeric_c();
    errno = 0;
    int rc = kvr_groups_make(sheet, how, groups);
    if (!rc)
        rc = draw(context);
    if (!rc)
        rc = kvr_sheet_end(sheet->out);
    kvr_numeric_restore(numeric);
    kvr_groups_free(groups);
    return rc;
}

void kvr_groups_put_legend(const struct kvr_sheet *sheet, const struct kvr_groups *g)
{
    char text[KVR_SERIES_BYTES + 32], letter[24];
    struct kvr_row row = {.kind = "series", .name = text, .x = NAN, .y = NAN, .low = NAN,
                          .high = NAN};
    for (size_t i = 0; i < g->series.count; i++) {
        kvr_names_letter(i + 1, letter, sizeof letter);
        snprintf(text, sizeof text, "%s  %s", letter, g->series.text[i]);
        row.series = i + 1;
        kvr_sheet_row(sheet->out, &row);
    }
    kvr_traits_common(&g->traits, g->cases, g->count, text, sizeof text);
    row.kind = "common";
    row.series = 0;
    if (*text)
        kvr_sheet_row(sheet->out, &row);
}
