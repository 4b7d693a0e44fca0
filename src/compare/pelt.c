/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pelt.h"

#include <errno.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

enum { WINDOW = 5 };
#define FAR 6 /* of the noise */
#define MAD_TO_SIGMA 1.4826
#define LEAST_SIGMA 1e-4 /* of logarithms: no clock tells less apart */

/* A step moves one difference only, so the median of them does not see it. NAN: no memory. */
static double noise_of(const double *values, size_t count)
{
    double *steps = malloc((count + 1) * sizeof *steps);
    size_t n = 0;
    for (size_t i = 1; steps && i < count; i++)
        steps[n++] = fabs(values[i] - values[i - 1]);
    double sigma = MAD_TO_SIGMA * kvr_process_median(steps, n) / sqrt(2);
    free(steps);
    return steps ? fmax(sigma, LEAST_SIGMA) : NAN;
}

/* One pass from `from` into `to`; whether a value was replaced. */
static bool calm_once(const double *from, double *to, size_t count, double most)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        double window[WINDOW];
        size_t first = i < WINDOW / 2 ? 0 : i - WINDOW / 2;
        first = first + WINDOW > count ? count - WINDOW : first;
        memcpy(window, from + first, sizeof window);
        double median = kvr_process_median(window, WINDOW);
        bool far = fabs(from[i] - median) > most;
        to[i] = far ? median : from[i];
        any |= far;
    }
    return any;
}

int kvr_calm(double *values, size_t count)
{
    double most = FAR * noise_of(values, count);
    double *copy = malloc((count + 1) * sizeof *copy);
    int rc = copy && !isnan(most) ? 0 : -ENOMEM;
    bool again = !rc && count >= WINDOW;
    for (size_t pass = 0; again && pass < count; pass++) {
        memcpy(copy, values, count * sizeof *copy);
        again = calm_once(copy, values, count, most);
    }
    free(copy);
    return rc;
}

struct search {
    double *sums, *squares; /* of the first i values */
    double *cost;           /* of the best segments of the first i values */
    size_t *before;         /* where the last of them begins */
    size_t *candidates;     /* places that may still begin one */
    double sigma;
};

static double cost_of(const struct search *s, size_t from, size_t to)
{
    double sum = s->sums[to] - s->sums[from];
    double squares = s->squares[to] - s->squares[from] - sum * sum / (double)(to - from);
    return fmax(squares, 0) / (s->sigma * s->sigma);
}

static void sum_up(struct search *s, const double *values, size_t count)
{
    double origin = values[0]; /* levels are far from 0 and squares of them lose digits */
    for (size_t i = 0; i < count; i++) {
        double value = values[i] - origin;
        s->sums[i + 1] = s->sums[i] + value;
        s->squares[i + 1] = s->squares[i] + value * value;
    }
}

static void walk(struct search *s, size_t count)
{
    const double penalty = 2 * log((double)count);
    size_t n = 0;
    s->cost[0] = -penalty;
    for (size_t t = 1; t <= count; t++)
        s->cost[t] = INFINITY;
    for (size_t t = KVR_LEAST_SEGMENT; t <= count; t++) {
        size_t kept = 0;
        if (isfinite(s->cost[t - KVR_LEAST_SEGMENT]))
            s->candidates[n++] = t - KVR_LEAST_SEGMENT;
        for (size_t i = 0; i < n; i++) {
            double cost = s->cost[s->candidates[i]] + cost_of(s, s->candidates[i], t) + penalty;
            if (cost < s->cost[t]) {
                s->cost[t] = cost;
                s->before[t] = s->candidates[i];
            }
        }
        for (size_t i = 0; i < n; i++) /* what lost by a penalty will never win */
            if (s->cost[s->candidates[i]] + cost_of(s, s->candidates[i], t) <= s->cost[t])
                s->candidates[kept++] = s->candidates[i];
        n = kept;
    }
}

int kvr_pelt(const double *values, size_t count, struct kvr_levels *segments)
{
    size_t n = count + 1, found = 1;
    struct search s = {.sums = calloc(3 * n, sizeof *s.sums),
                       .before = calloc(2 * n, sizeof *s.before),
                       .sigma = noise_of(values, count)};
    *segments = (struct kvr_levels){calloc(n, sizeof *segments->starts), 1};
    int rc = s.sums && s.before && segments->starts && !isnan(s.sigma) ? 0 : -ENOMEM;
    if (!rc && count >= 2 * KVR_LEAST_SEGMENT) {
        s.squares = s.sums + n;
        s.cost = s.squares + n;
        s.candidates = s.before + n;
        sum_up(&s, values, count);
        walk(&s, count);
        for (size_t t = s.before[count]; t > 0; t = s.before[t])
            found++;
        segments->count = found;
        for (size_t t = count; found > 0; t = s.before[t])
            segments->starts[--found] = s.before[t];
    }
    free(s.sums);
    free(s.before);
    return rc;
}

/* ---- which of them are real ---- */

struct level { double mean, squares; size_t count; };

static struct level level_of(const double *values, size_t count,
                             const struct kvr_levels *segments, size_t index)
{
    size_t from = segments->starts[index];
    size_t to = index + 1 < segments->count ? segments->starts[index + 1] : count;
    struct level l = {0, 0, to - from};
    for (size_t i = from; i < to; i++)
        l.mean += values[i] / (double)l.count;
    for (size_t i = from; i < to; i++)
        l.squares += (values[i] - l.mean) * (values[i] - l.mean);
    return l;
}

/* What is left within all segments. */
static double sigma_of(const double *values, size_t count, const struct kvr_levels *segments)
{
    double squares = 0;
    for (size_t i = 0; i < segments->count; i++)
        squares += level_of(values, count, segments, i).squares;
    return fmax(sqrt(squares / (double)(count - segments->count)), LEAST_SIGMA);
}

/* Places at which a level may begin and end: the search looked at all of them. */
static double levels_of(size_t count)
{
    return (double)count * (double)(count - 1) / 2;
}

struct kvr_step kvr_step_of(const double *values, size_t count,
                            const struct kvr_levels *segments, size_t index, size_t series)
{
    struct level a = level_of(values, count, segments, index - 1);
    struct level b = level_of(values, count, segments, index);
    struct kvr_step step = {.at = segments->starts[index], .difference = b.mean - a.mean,
                            .freedom = (double)(count - segments->count)};
    step.error = sigma_of(values, count, segments) *
                 sqrt(1 / (double)a.count + 1 / (double)b.count);
    double one_sided = gsl_cdf_tdist_Q(fabs(step.difference) / step.error, step.freedom);
    step.p = fmin(1, 2 * one_sided * levels_of(count) * (double)series);
    return step;
}

int kvr_find_steps(const double *values, size_t count, size_t series, double alpha,
                   struct kvr_levels *segments)
{
    int rc = kvr_pelt(values, count, segments);
    while (!rc && segments->count > 1) {
        size_t least = 0;
        double worst = 0;
        for (size_t i = 1; i < segments->count; i++) {
            double p = kvr_step_of(values, count, segments, i, series).p;
            if (p >= worst) {
                worst = p;
                least = i;
            }
        }
        if (worst < alpha)
            break;
        segments->count--;
        memmove(&segments->starts[least], &segments->starts[least + 1],
                (segments->count - least) * sizeof *segments->starts);
    }
    return rc;
}

double kvr_step_floor(const double *values, size_t count, const struct kvr_levels *segments,
                      size_t series, double alpha)
{
    if (count < 2 * KVR_LEAST_SEGMENT)
        return NAN;
    double tests = 2 * levels_of(count) * (double)series;
    return gsl_cdf_tdist_Qinv(alpha / tests, (double)(count - segments->count)) *
           sigma_of(values, count, segments) *
           sqrt(1. / KVR_LEAST_SEGMENT + 1 / (double)(count - KVR_LEAST_SEGMENT));
}
