/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fleet.h"

#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

#define MAD_TO_SIGMA 1.4826
/* What the MAD knows of a spread, as a share of what as many squares would: its efficiency. */
#define MAD_EFFICIENCY .37
#define LEAST_SPREAD .001 /* clocks tell nothing smaller apart */
#define FALSE_ALARMS .05  /* that any good node of a group is named */

static double time_of(const struct kvr_result *r)
{
    double *values = malloc((r->round_count + 1) * sizeof *values);
    size_t n = 0;
    for (size_t i = 0; values && i < r->round_count; i++)
        if (!r->rounds[i].invalid && r->rounds[i].t_ns > 0)
            values[n++] = r->rounds[i].t_ns;
    double median = kvr_process_median(values, n);
    free(values);
    return log(median);
}

/* ---- groups and their nodes ---- */

static struct kvr_fleet_group *group_of(struct kvr_fleet *f, const struct kvr_run_record *record)
{
    const char *fingerprint = record->machine.fingerprint;
    for (size_t i = 0; *fingerprint && i < f->group_count; i++)
        if (!strcmp(f->groups[i].first->machine.fingerprint, fingerprint))
            return &f->groups[i];
    f->groups[f->group_count].first = record;
    return &f->groups[f->group_count++];
}

static int add_node(struct kvr_fleet_group *g, size_t record)
{
    size_t room = g->node_count & (g->node_count - 1) ? 0 : 2 * g->node_count + 1;
    if (room) { /* full at every power of two */
        struct kvr_fleet_node *more = realloc(g->nodes, room * sizeof *more);
        if (!more)
            return -ENOMEM;
        g->nodes = more;
    }
    g->nodes[g->node_count++] = (struct kvr_fleet_node){.record = record, .log_ratio = NAN};
    return 0;
}

/* The end of a path, which tells files apart. */
static const char *path_end(const char *path)
{
    enum { MOST = 80 };
    size_t length = strlen(path);
    return length > MOST ? path + length - MOST : path;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The host, and beside it the file if the fleet has that host more than once. */
static int name_nodes(struct kvr_fleet *f, const struct kvr_run_record *records,
                      const char *const *names, size_t count)
{
    const char **hosts = malloc((count + 1) * sizeof *hosts);
    if (!hosts)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        hosts[i] = records[i].machine.hostname;
    qsort(hosts, count, sizeof *hosts, compare_texts);
    for (size_t g = 0; g < f->group_count; g++)
        for (size_t i = 0; i < f->groups[g].node_count; i++) {
            struct kvr_fleet_node *n = &f->groups[g].nodes[i];
            const char *host = records[n->record].machine.hostname;
            const char *file = path_end(names[n->record]);
            const char **at = bsearch(&host, hosts, count, sizeof *hosts, compare_texts);
            bool twice = at && ((at > hosts && !strcmp(at[-1], host)) ||
                                (at + 1 < hosts + count && !strcmp(at[1], host)));
            if (!*host)
                snprintf(n->name, sizeof n->name, "%s", file);
            else if (twice)
                snprintf(n->name, sizeof n->name, "%.60s (%.90s)", host, file);
            else
                snprintf(n->name, sizeof n->name, "%s", host);
        }
    free(hosts);
    return 0;
}

/* ---- cases ---- */

static size_t case_index(const struct kvr_fleet_group *g, const char *name, size_t guess)
{
    if (guess < g->case_count && !strcmp(g->cases[guess].name, name))
        return guess; /* nodes of one job have the same order */
    size_t i = 0;
    while (i < g->case_count && strcmp(g->cases[i].name, name))
        i++;
    return i;
}

static int find_cases(struct kvr_fleet_group *g, const struct kvr_run_record *records)
{
    size_t room = 0;
    for (size_t n = 0; n < g->node_count; n++) {
        const struct kvr_run_record *record = &records[g->nodes[n].record];
        for (size_t i = 0; i < record->result_count; i++) {
            const struct kvr_result *r = &record->results[i];
            if (!r->measured || case_index(g, r->name, i) < g->case_count)
                continue;
            if (g->case_count == room) {
                room = 2 * room + 16;
                struct kvr_fleet_case *more = realloc(g->cases, room * sizeof *more);
                if (!more)
                    return -ENOMEM;
                g->cases = more;
            }
            g->cases[g->case_count++] = (struct kvr_fleet_case){
                .name = r->name, .median_ns = NAN, .spread = NAN, .critical = NAN};
        }
    }
    return 0;
}

static int fill_cells(struct kvr_fleet_group *g, const struct kvr_run_record *records)
{
    size_t count = g->node_count * g->case_count;
    g->cells = malloc((count + 1) * sizeof *g->cells);
    if (!g->cells)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        g->cells[i] = (struct kvr_fleet_cell){NAN, NAN, NAN, false};
    for (size_t n = 0; n < g->node_count; n++) {
        const struct kvr_run_record *record = &records[g->nodes[n].record];
        for (size_t i = 0; i < record->result_count; i++)
            if (record->results[i].measured) {
                size_t c = case_index(g, record->results[i].name, i);
                g->cells[n * g->case_count + c].log_ns = time_of(&record->results[i]);
            }
    }
    return 0;
}

/* ---- who is far off ---- */

/* Of one case: median, MAD and z of each node. */
static void score_case(struct kvr_fleet_group *g, size_t c, double *values)
{
    struct kvr_fleet_case *k = &g->cases[c];
    size_t n = 0;
    for (size_t i = 0; i < g->node_count; i++)
        if (!isnan(g->cells[i * g->case_count + c].log_ns))
            values[n++] = g->cells[i * g->case_count + c].log_ns;
    double median = kvr_process_median(values, n);
    k->nodes = n;
    k->median_ns = exp(median);
    for (size_t i = 0; i < n; i++)
        values[i] = fabs(values[i] - median);
    if (n >= KVR_FLEET_LEAST_NODES)
        k->spread = MAD_TO_SIGMA * kvr_process_median(values, n);
    for (size_t i = 0; i < g->node_count; i++) {
        struct kvr_fleet_cell *cell = &g->cells[i * g->case_count + c];
        cell->log_ratio = cell->log_ns - median;
        cell->z = cell->log_ratio / fmax(k->spread, LEAST_SPREAD);
        if (isnan(k->spread))
            cell->z = NAN;
    }
}

/* Bonferroni over all nodes and cases of the group, and Student's t for a MAD of few nodes. */
static void set_critical(struct kvr_fleet_group *g)
{
    double tests = 0;
    for (size_t c = 0; c < g->case_count; c++)
        tests += (double)g->cases[c].nodes;
    for (size_t c = 0; c < g->case_count; c++) {
        struct kvr_fleet_case *k = &g->cases[c];
        if (!isnan(k->spread))
            k->critical = fmax(KVR_FLEET_LEAST_Z,
                               gsl_cdf_tdist_Qinv(FALSE_ALARMS / 2 / tests,
                                                  MAD_EFFICIENCY * (double)(k->nodes - 1)));
    }
}

static void name_node(struct kvr_fleet_group *g, size_t node, double threshold, double *values)
{
    struct kvr_fleet_node *n = &g->nodes[node];
    size_t count = 0;
    double furthest = 0;
    for (size_t c = 0; c < g->case_count; c++) {
        struct kvr_fleet_cell *cell = &g->cells[node * g->case_count + c];
        n->cases += !isnan(cell->log_ns);
        if (!(fabs(cell->z) >= g->cases[c].critical) ||
            fabs(cell->log_ratio) < log1p(threshold))
            continue;
        cell->named = true;
        n->slower += cell->log_ratio > 0;
        n->faster += cell->log_ratio < 0;
        values[count++] = cell->log_ratio;
        if (fabs(cell->z) > furthest) {
            furthest = fabs(cell->z);
            n->furthest = c;
        }
    }
    n->log_ratio = kvr_process_median(values, count);
    g->named += count > 0;
}

static int judge(struct kvr_fleet_group *g, double threshold)
{
    double *values = malloc((g->node_count + g->case_count + 1) * sizeof *values);
    if (!values)
        return -ENOMEM;
    for (size_t c = 0; c < g->case_count; c++)
        score_case(g, c, values);
    set_critical(g);
    for (size_t n = 0; n < g->node_count; n++)
        name_node(g, n, threshold, values);
    free(values);
    return 0;
}

static int by_size(const void *a, const void *b)
{
    const struct kvr_fleet_group *x = a, *y = b;
    if (x->node_count != y->node_count)
        return x->node_count < y->node_count ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

int kvr_fleet_make(const struct kvr_run_record *records, const char *const *names, size_t count,
                   double threshold, struct kvr_fleet *f)
{
    *f = (struct kvr_fleet){.threshold = threshold, .nodes = count};
    f->groups = calloc(count + 1, sizeof *f->groups);
    int rc = f->groups ? 0 : -ENOMEM;
    for (size_t i = 0; !rc && i < count; i++)
        rc = add_node(group_of(f, &records[i]), i);
    if (!rc)
        rc = name_nodes(f, records, names, count);
    for (size_t i = 0; !rc && i < f->group_count; i++) {
        rc = find_cases(&f->groups[i], records);
        if (!rc)
            rc = fill_cells(&f->groups[i], records);
        if (!rc)
            rc = judge(&f->groups[i], threshold);
    }
    if (!rc)
        qsort(f->groups, f->group_count, sizeof *f->groups, by_size);
    return rc;
}
