/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "processes.h"

#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../measure/stats.h"
#include "balance.h"
#include "verdict.h"

enum { MOST_PROCESSES = 256 };

void kvr_process_interval(const double *ns, size_t count, double ci95[2])
{
    double mean = 0, squares = 0;
    ci95[0] = ci95[1] = NAN;
    if (count < 2)
        return;
    for (size_t i = 0; i < count; i++)
        mean += log(ns[i]) / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += pow(log(ns[i]) - mean, 2);
    double freedom = (double)count - 1;
    double half = gsl_cdf_tdist_Pinv(.975, freedom) * sqrt(squares / freedom / (double)count);
    ci95[0] = exp(mean - half);
    ci95[1] = exp(mean + half);
}

/* Median times of each process that a result has rounds of; their number. */
static size_t process_medians(const struct kvr_result *r, double *medians)
{
    double *values = malloc((r->round_count + 1) * sizeof *values);
    size_t count = 0;
    for (uint32_t p = 0; values && p < MOST_PROCESSES; p++) {
        size_t n = 0;
        for (size_t i = 0; i < r->round_count; i++)
            if (r->rounds[i].process == p && !r->rounds[i].invalid)
                values[n++] = r->rounds[i].t_ns;
        if (n)
            medians[count++] = kvr_median(values, n).median;
    }
    free(values);
    return count;
}

static struct kvr_result *find(const struct kvr_run_record *record, const char *name)
{
    for (size_t i = 0; i < record->result_count; i++)
        if (!strcmp(record->results[i].name, name))
            return &record->results[i];
    return NULL;
}

static int append_rounds(struct kvr_result *to, const struct kvr_result *from)
{
    size_t count = to->round_count + from->round_count;
    struct kvr_round *rounds = realloc(to->rounds, count * sizeof *rounds);
    if (!rounds)
        return -ENOMEM;
    memcpy(rounds + to->round_count, from->rounds, from->round_count * sizeof *rounds);
    to->rounds = rounds;
    to->round_count = count;
    return 0;
}

/* One part's result: its rounds, or the whole where the case is new. */
static int take_result(struct kvr_run_record *whole, struct kvr_result *r, uint32_t process)
{
    for (size_t i = 0; i < r->round_count; i++)
        r->rounds[i].process = process;
    struct kvr_result *known = find(whole, r->name);
    if (known && known->measured)
        return r->measured ? append_rounds(known, r) : 0;
    if (known && !r->measured)
        return 0;
    if (known) { /* a process that had the time for it */
        free(known->rounds);
        free(known->counters);
        *known = *r;
    } else if (!kvr_record_add_result(whole, r)) {
        return -ENOMEM;
    }
    r->rounds = NULL; /* they are the whole's now */
    r->counters = NULL;
    r->round_count = r->counter_count = 0;
    return 0;
}

static void compute_again(struct kvr_run_record *whole, struct kvr_result *r)
{
    double medians[MOST_PROCESSES];
    struct kvr_verdict_record again;
    bool judged = r->verdict.side[0];
    if (!r->measured || !r->round_count)
        return;
    kvr_balance(r, kvr_peak_flops(whole, r->threads));
    size_t count = process_medians(r, medians);
    if (count > 1) {
        kvr_process_interval(medians, count, r->result.ci95);
        kvr_result_available(r, "ci95");
    }
    if (judged) {
        kvr_verdict_recompute(r, &again);
        r->verdict = again;
    }
    if (isfinite(r->verdict.balance_ci95[0]))
        kvr_result_available(r, "balance_ci95");
    if (r->verdict.shift_says[0])
        kvr_result_available(r, "shift");
}

/* Between processes, the median over cases of the largest over the smallest. */
static void check_spread(struct kvr_run_record *whole, size_t count)
{
    double *ratios = malloc((whole->result_count + 1) * sizeof *ratios);
    size_t n = 0;
    for (size_t i = 0; ratios && i < whole->result_count; i++) {
        double medians[MOST_PROCESSES], least = INFINITY, most = 0;
        size_t of = process_medians(&whole->results[i], medians);
        for (size_t k = 0; k < of; k++) {
            least = fmin(least, medians[k]);
            most = fmax(most, medians[k]);
        }
        if (of > 1)
            ratios[n++] = most / least;
    }
    double spread = n ? kvr_median(ratios, n).median : NAN;
    free(ratios);
    struct kvr_check *c = kvr_check_add(&whole->checks, "processes",
                                        n ? KVR_CHECK_INFO : KVR_CHECK_UNKNOWN,
                                        "measured in %zu processes", count);
    size_t used = strlen(c->text);
    if (n)
        snprintf(c->text + used, sizeof c->text - used, "; half of the cases differ between them "
                 "by %.1f %% or more", 100 * (spread - 1));
    snprintf(c->value, sizeof c->value, "%zu", count);
}

static void take_header(struct kvr_run_record *whole, struct kvr_run_record *part)
{
    whole->machine = part->machine;
    whole->clock_ghz = part->clock_ghz;
    kvr_checks_free(&whole->checks);
    whole->checks = part->checks;
    part->checks = (struct kvr_checks){0};
    whole->ceilings = part->ceilings;
    whole->ceiling_count = part->ceiling_count;
    whole->numa_matrix = part->numa_matrix;
    whole->numa_cell_count = part->numa_cell_count;
    whole->verdict_settings = part->verdict_settings;
    whole->verdict_right = part->verdict_right;
    whole->verdict_wrong = part->verdict_wrong;
    whole->verdict_undecided = part->verdict_undecided;
    part->ceilings = NULL;
    part->numa_matrix = NULL;
    part->ceiling_count = part->numa_cell_count = 0;
}

int kvr_processes_merge(struct kvr_run_record *whole, struct kvr_run_record *parts, size_t count)
{
    int rc = 0;
    bool headed = false;
    for (size_t i = 0; i < count && !rc; i++) {
        if (!headed && parts[i].result_count) {
            take_header(whole, &parts[i]);
            headed = true;
        }
        for (size_t k = 0; k < parts[i].result_count && !rc; k++)
            rc = take_result(whole, &parts[i].results[k], (uint32_t)i);
    }
    for (size_t i = 0; !rc && i < whole->result_count; i++)
        compute_again(whole, &whole->results[i]);
    if (!rc)
        check_spread(whole, count);
    return rc;
}
