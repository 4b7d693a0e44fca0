/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The prediction tried where its answer is known: between cases of one record.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../measure/stats.h"
#include "predict.h"
#include "threads.h"

enum { WAYS = 3 };

/* The same kernel, op and list. */
static bool same_kernel(const struct kvr_result *a, const struct kvr_result *b)
{
    return b->measured && b->result.ns_per_key > 0 && !strcmp(a->codec, b->codec) &&
           !strcmp(a->variant, b->variant) && !strcmp(a->isa, b->isa) && !strcmp(a->op, b->op) &&
           !strcmp(a->layout, b->layout) && !strcmp(a->pages, b->pages) &&
           !strcmp(a->codebook, b->codebook) &&
           !strcmp(a->codebook_residency, b->codebook_residency) && a->tokens == b->tokens &&
           a->entries == b->entries && a->group_queries == b->group_queries &&
           a->batch == b->batch && a->evict_bytes == b->evict_bytes;
}

static bool same_shape(const struct kvr_result *a, const struct kvr_result *b)
{
    return a->head_dim == b->head_dim && a->subspaces == b->subspaces;
}

static bool is_source(const struct kvr_result *of, const struct kvr_result *from, int way)
{
    bool level = !strcmp(of->level, from->level), threads = of->threads == from->threads;
    if (of == from || !same_kernel(of, from))
        return false;
    switch (way) {
    case 0:
        return same_shape(of, from) && level && of->threads > 1 && from->threads == 1;
    case 1:
        return same_shape(of, from) && threads && !strcmp(from->level, "DRAM") && !level &&
               strcmp(of->level, "L1");
    default:
        return level && threads && from->head_dim < of->head_dim;
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
                      const struct kvr_result *from, const char *over,
                      struct kvr_prediction_check *check)
{
    double cores = (double)from->threads / of->threads;
    struct kvr_scaling s = {
        .c = cores * work(of) / work(from),
        .c_other = cores * of->head_dim / from->head_dim,
        .m = per_key(of->cost.stream_bytes, of) / per_key(from->cost.stream_bytes, from) *
             roof(record, from) / roof(record, of),
    };
    *check = (struct kvr_prediction_check){.of = of, .from = from, .over = over,
                                           .error_percent = NAN};
    kvr_predict_time(from, &s, &check->predicted);
    check->predicted.result = of;
    check->predicted.measured_ns = of->result.ns_per_key;
    if (!check->predicted.refused[0])
        check->error_percent = 100 * (check->predicted.predicted_ns / of->result.ns_per_key - 1);
}

int kvr_predict_check(const struct kvr_run_record *record, struct kvr_prediction_check **checks,
                      size_t *count)
{
    static const char *const over[WAYS] = {"threads", "level", "head dim"};
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
                check_one(record, of, from, over[way], &(*checks)[(*count)++]);
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
