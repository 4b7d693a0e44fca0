/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The prediction tried where its answer is known: between cases of one record.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../measure/stats.h"
#include "alike.h"
#include "predict.h"
#include "threads.h"

static const struct way {
    const char *over;
    unsigned but;
} ways[] = {{"threads", KVR_BUT_THREADS}, {"level", KVR_BUT_LEVEL}, {"head dim", KVR_BUT_SHAPE}};
enum { THREADS, LEVEL, HEAD_DIM, WAYS };

static bool is_source(const struct kvr_result *of, const struct kvr_result *from, int way)
{
    if (!from->measured || !(from->result.ns_per_key > 0) ||
        !kvr_alike(of, from, ways[way].but | KVR_BUT_PLACE))
        return false;
    switch (way) {
    case THREADS:
        return of->threads > 1 && from->threads == 1;
    case LEVEL:
        return !strcmp(from->level, "DRAM") && strcmp(of->level, "DRAM") && strcmp(of->level, "L1");
    default:
        return from->head_dim < of->head_dim;
    }
}

/* GB/s of the reader over a result's kind of list, or over any. */
static double roof(const struct kvr_run_record *record, const struct kvr_result *r)
{
    double family = kvr_family_gb_per_s(record, r->level, r->layout,
                                        (uint64_t)r->cost.stream_bytes, r->threads);
    return isnan(family) ? kvr_read_roof(record, r->level, r->threads, r->working_set_bytes)
                         : family;
}

static double per_key(double of_head, const struct kvr_result *r)
{
    return of_head / r->tokens;
}

/* Work of the core a key: look-ups where that is what a format does, else the products. */
static double work(const struct kvr_result *r)
{
    return per_key(r->cost.lookups > 0 ? r->cost.lookups : r->cost.useful_flops, r);
}

static void check_one(const struct kvr_run_record *record, const struct kvr_result *of,
                      const struct kvr_result *from, int way,
                      struct kvr_prediction_check *check)
{
    double cores = (double)from->threads / of->threads;
    struct kvr_scaling s = {
        .c = cores * work(of) / work(from),
        .c_other = cores * of->head_dim / from->head_dim,
        .m = per_key(of->cost.stream_bytes, of) / per_key(from->cost.stream_bytes, from) *
             roof(record, from) / roof(record, of),
    };
    *check = (struct kvr_prediction_check){.of = of, .from = from, .over = ways[way].over,
                                           .error_percent = NAN};
    if (way == HEAD_DIM && kvr_has_phases(from)) {
        check->predicted = (struct kvr_prediction){.predicted_ns = NAN, .balance = NAN};
        snprintf(check->predicted.refused, sizeof check->predicted.refused,
                 "has phases, which do not all grow with the head dim");
    } else {
        kvr_predict_time(from, &s, &check->predicted);
    }
    check->predicted.result = of;
    check->predicted.measured_ns = of->result.ns_per_key;
    if (!check->predicted.refused[0])
        check->error_percent = 100 * (check->predicted.predicted_ns / of->result.ns_per_key - 1);
}

int kvr_predict_check(const struct kvr_run_record *record, struct kvr_prediction_check **checks,
                      size_t *count)
{
    *count = 0;
    *checks = calloc(WAYS * record->result_count + 1, sizeof **checks);
    if (!*checks)
        return -ENOMEM;
    for (int way = 0; way < WAYS; way++)
        for (size_t i = 0; i < record->result_count; i++) {
            const struct kvr_result *of = &record->results[i], *from = NULL;
            for (size_t j = 0; j < record->result_count && of->measured && !from; j++)
                if (is_source(of, &record->results[j], way))
                    from = &record->results[j];
            if (from && of->result.ns_per_key > 0)
                check_one(record, of, from, way, &(*checks)[(*count)++]);
        }
    return 0;
}

double kvr_predict_median_error(const struct kvr_prediction_check *checks, size_t count)
{
    double *errors = calloc(count + 1, sizeof *errors), median = NAN;
    size_t n = 0;
    for (size_t i = 0; errors && i < count; i++)
        if (isfinite(checks[i].error_percent))
            errors[n++] = fabs(checks[i].error_percent);
    if (n)
        median = kvr_median(errors, n).median;
    free(errors);
    return median;
}
