/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "decide.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

enum { MOST_NEEDED = 1000 };

struct moments { size_t count; double mean, variance; };

static struct moments moments_of(const double *values, size_t count)
{
    struct moments m = {0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        double step = values[i] - m.mean; /* Welford */
        m.mean += step / (double)++m.count;
        m.variance += step * (values[i] - m.mean);
    }
    m.variance = m.count > 1 ? m.variance / (double)(m.count - 1) : NAN;
    return m;
}

static double t_quantile(double alpha, double freedom)
{
    return gsl_cdf_tdist_Pinv(1 - alpha / 2, freedom);
}

/* Interval and p from log_ratio, error and freedom. Without any variance (identical figures) the
 * interval is a point. */
static void set_interval(struct kvr_change *c, double alpha)
{
    double half = c->error > 0 ? t_quantile(alpha, c->freedom) * c->error : 0;
    c->low = c->log_ratio - half;
    c->high = c->log_ratio + half;
    if (c->error > 0)
        c->p = gsl_cdf_tdist_Q(fabs(c->log_ratio) / c->error, c->freedom);
    else
        c->p = fabs(c->log_ratio) > 0 ? 0 : 1;
}

/* What equal programs may show: from the spread within each side, which a change leaves alone. */
static double floor_of(const struct moments *a, const struct moments *b, double alpha)
{
    double freedom = (double)(a->count + b->count) - 2;
    if (a->count < 2 || b->count < 2)
        return NAN;
    double within = ((double)(a->count - 1) * a->variance + (double)(b->count - 1) * b->variance) /
                    freedom;
    return t_quantile(alpha, freedom) *
           sqrt(within * (1 / (double)a->count + 1 / (double)b->count));
}

static void clear(struct kvr_change *c, enum kvr_comparing how)
{
    *c = (struct kvr_change){.how = how, .log_ratio = NAN, .low = NAN, .high = NAN, .error = NAN,
                             .spread = NAN, .freedom = NAN, .p = NAN, .p_holm = NAN,
                             .floor = NAN};
}

void kvr_change_of_pairs(const double *base, const double *other, size_t count, double alpha,
                         struct kvr_change *c)
{
    clear(c, KVR_BY_PAIRS);
    double *difference = malloc((count + !count) * sizeof *difference);
    if (!difference)
        return; /* nothing can be told: inconclusive */
    for (size_t i = 0; i < count; i++)
        difference[i] = other[i] - base[i];
    struct moments d = moments_of(difference, count);
    struct moments a = moments_of(base, count), b = moments_of(other, count);
    free(difference);
    c->base_count = c->new_count = d.count;
    c->log_ratio = d.count ? d.mean : NAN;
    if (d.count < 2)
        return;
    c->spread = sqrt(d.variance);
    c->error = c->spread / sqrt((double)d.count);
    c->freedom = (double)d.count - 1;
    c->floor = floor_of(&a, &b, alpha);
    set_interval(c, alpha);
}

static void welch(const struct moments *a, const struct moments *b, double alpha,
                  struct kvr_change *c)
{
    double va = a->variance / (double)a->count, vb = b->variance / (double)b->count;
    double freedom = (va + vb) * (va + vb) /
                     (va * va / (double)(a->count - 1) + vb * vb / (double)(b->count - 1));
    c->error = sqrt(va + vb);
    c->freedom = isfinite(freedom) ? freedom : (double)(a->count + b->count) - 2;
    c->spread = sqrt((a->variance + b->variance) / 2);
    c->floor = floor_of(a, b, alpha);
    set_interval(c, alpha);
}

void kvr_change_of_files(const double *base, size_t base_count, const double *other,
                         size_t other_count, double alpha, struct kvr_change *c)
{
    struct moments a = moments_of(base, base_count), b = moments_of(other, other_count);
    clear(c, KVR_BY_WELCH);
    c->base_count = a.count;
    c->new_count = b.count;
    c->log_ratio = a.count && b.count ? b.mean - a.mean : NAN;
    if (!a.count || !b.count)
        return;
    if (a.count > 1 && b.count > 1) {
        welch(&a, &b, alpha, c);
        return;
    }
    const struct moments *several = a.count > b.count ? &a : &b;
    c->how = KVR_BY_SPREAD;
    c->spread = several->count >= 3 ? sqrt(several->variance) : KVR_USUAL_SPREAD;
    c->floor = log1p(KVR_SPREADS * c->spread);
    c->low = c->log_ratio - c->floor;
    c->high = c->log_ratio + c->floor;
}

static int compare_p(const void *x, const void *y)
{
    const struct kvr_change *const *a = x, *const *b = y;
    return ((*a)->p > (*b)->p) - ((*a)->p < (*b)->p);
}

void kvr_holm(struct kvr_change *const *changes, size_t count)
{
    struct kvr_change **sorted = malloc((count + !count) * sizeof *sorted);
    size_t n = 0;
    double most = 0;
    if (!sorted)
        return; /* p_holm stays NAN: nothing is regressed */
    for (size_t i = 0; i < count; i++)
        if (!isnan(changes[i]->p))
            sorted[n++] = changes[i];
    qsort(sorted, n, sizeof *sorted, compare_p);
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, fmin(1, (double)(n - i) * sorted[i]->p));
        sorted[i]->p_holm = most;
    }
    free(sorted);
}

/* The number of pairs, or of processes a side, at which the interval would lie on one side of the
 * limit if ratio and spread stayed as they are. */
static size_t needed(const struct kvr_change *c, double limit, double alpha)
{
    double distance = fabs(c->log_ratio - limit);
    double variance = c->spread * c->spread * (c->how == KVR_BY_PAIRS ? 1 : 2);
    for (size_t n = 3; isfinite(c->spread) && n <= MOST_NEEDED; n++) {
        double freedom = c->how == KVR_BY_PAIRS ? (double)n - 1 : 2 * (double)n - 2;
        if (t_quantile(alpha, freedom) * sqrt(variance / (double)n) < distance)
            return n;
    }
    return 0;
}

static enum kvr_outcome by_spread(const struct kvr_change *c, double limit, double threshold)
{
    double beyond = log1p(threshold + expm1(c->floor));
    if (c->log_ratio > beyond)
        return KVR_REGRESSED;
    if (c->log_ratio < -beyond)
        return KVR_IMPROVED;
    return c->log_ratio < limit ? KVR_OK : KVR_INCONCLUSIVE;
}

static enum kvr_outcome by_interval(const struct kvr_change *c, double limit, double alpha)
{
    bool sure = c->p_holm < alpha;
    if (c->low > limit && sure)
        return KVR_REGRESSED;
    if (c->high < -limit && sure)
        return KVR_IMPROVED;
    return c->high < limit ? KVR_OK : KVR_INCONCLUSIVE;
}

void kvr_change_decide(struct kvr_change *c, double threshold, double alpha, bool sentinel_changed)
{
    double limit = log1p(threshold);
    c->needed = 0;
    c->outcome = c->how == KVR_BY_SPREAD ? by_spread(c, limit, threshold)
                                         : by_interval(c, limit, alpha);
    if (c->outcome == KVR_REGRESSED && sentinel_changed)
        c->outcome = KVR_INCONCLUSIVE;
    else if (c->outcome == KVR_INCONCLUSIVE)
        c->needed = needed(c, limit, alpha);
    /* Decided by the interval, but not beside so many others. */
    size_t have = c->base_count < c->new_count ? c->base_count : c->new_count;
    if (c->needed && c->needed <= have)
        c->needed = have + 1;
}

bool kvr_sentinel_moved(const struct kvr_change *s, double threshold)
{
    const double alpha = .01;
    if (isnan(s->log_ratio) || fabs(s->log_ratio) <= log1p(threshold) / 2)
        return false;
    if (s->how == KVR_BY_SPREAD)
        return fabs(s->log_ratio) > log1p(threshold + expm1(s->floor));
    return s->p < alpha;
}

size_t kvr_looks_of(size_t least, size_t most, size_t looks[KVR_MOST_LOOKS])
{
    size_t wanted = (most + least - 1) / least, count = 0;
    if (wanted > KVR_MOST_LOOKS)
        wanted = KVR_MOST_LOOKS;
    for (size_t k = 1; k <= wanted; k++) {
        size_t at = (most * k + wanted - 1) / wanted;
        at = at < least ? least : at;
        if (!count || at > looks[count - 1])
            looks[count++] = at;
    }
    return count;
}

double kvr_pocock_alpha(size_t looks)
{
    static const double nominal[KVR_MOST_LOOKS] = {.05, .0294, .0221, .0182, .0158};
    return nominal[looks ? looks - 1 : 0];
}
