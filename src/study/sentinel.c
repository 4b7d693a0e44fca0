/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sentinel.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../measure/stats.h"
#include "arena.h"

enum { SEGMENT_BYTES = 64 << 10, AHEAD_BYTES = 512, READS = 9 };
/* Short: what it leaves in a large cache is a hundredth of what a sample reads next. */
#define SAMPLE_S 1.5e-3

/* Fixed, not chosen by trying: one stream, the widest registers, one distance. */
static const struct kvr_peak *plain_reader(const struct kvr_session *s)
{
    size_t count;
    const struct kvr_peak *const *peaks = kvr_peaks(&count), *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (peaks[i]->kind == KVR_PEAK_READ && !(peaks[i]->isa & ~s->machine->isa.usable) &&
            peaks[i]->streams == 1 && peaks[i]->hint == KVR_HINT_T0 &&
            (!best || peaks[i]->width_bits > best->width_bits))
            best = peaks[i];
    return best;
}

int kvr_sentinel_open(struct kvr_session *s, struct kvr_sentinel *x)
{
    uint64_t bytes = s->reference.memory.bytes;
    *x = (struct kvr_sentinel){0};
    if (strcmp(kvr_session_level(s, bytes, s->threads), "DRAM") || bytes < 2 * s->l3_bytes)
        return 0;
    int rc = kvr_lists_plain(s->reference.memory.base, bytes, SEGMENT_BYTES, s->threads, &x->lists);
    if (!rc)
        rc = kvr_score_buffers_new(s->threads, 64, &x->buffers);
    if (rc)
        return rc;
    x->scan = (struct kvr_scan){.lists = &x->lists, .buffers = &x->buffers, .cursors = x->cursors};
    kvr_scan_set_member(&x->scan, &(struct kvr_member){.reader = plain_reader(s),
                                                       .ahead_bytes = AHEAD_BYTES});
    x->request = kvr_scan_request(&x->scan);
    kvr_sample_plan(s->sampler, &x->request, SAMPLE_S);
    x->open = true;
    return 0;
}

void kvr_sentinel_close(struct kvr_sentinel *x)
{
    kvr_lists_free(&x->lists);
    kvr_score_buffers_free(&x->buffers);
    x->open = false;
}

double kvr_sentinel_take(struct kvr_session *s, struct kvr_sentinel *x)
{
    struct kvr_sample sample;
    if (!x->open)
        return NAN;
    kvr_sample_take(s->sampler, &x->request, &sample);
    return kvr_scan_ns_per_key(&x->scan, &sample, sample.robust_ns); /* a "key" is a line */
}

double kvr_sentinel_place(struct kvr_session *s, unsigned threads)
{
    struct kvr_sentinel x = {0};
    double ns[READS], median = NAN;
    char why[240];
    uint64_t bytes = s->reference.memory.bytes;
    if (!kvr_session_team(s, threads) &&
        !kvr_half_share(s, &s->reference, 0, bytes, why, sizeof why) && !kvr_sentinel_open(s, &x)) {
        for (int i = 0; i < READS; i++)
            ns[i] = kvr_sentinel_take(s, &x);
        median = kvr_median(ns, READS).median;
    }
    kvr_sentinel_close(&x);
    return median;
}

const char kvr_no_sentinel[] = "no sentinel read: the arena is not twice the size of the caches";

double kvr_sentinel_of_rounds(const struct kvr_result *result)
{
    double ns[READS];
    size_t n = 0;
    size_t skip = result->round_count > READS ? (result->round_count - READS) / 2 : 0;
    for (size_t i = skip; i < result->round_count && n < READS; i++)
        if (result->rounds[i].sentinel_ns > 0)
            ns[n++] = result->rounds[i].sentinel_ns;
    return n ? kvr_median(ns, n).median : NAN;
}

void kvr_sentinel_check(struct kvr_checks *checks, const double ns[KVR_SENTINEL_PLACES])
{
    double least = INFINITY, most = 0;
    for (int i = 0; i < KVR_SENTINEL_PLACES; i++) {
        if (isnan(ns[i])) {
            kvr_check_add(checks, "sentinel", KVR_CHECK_UNKNOWN,
                          "%s, or the run ended early", kvr_no_sentinel);
            return;
        }
        least = fmin(least, ns[i]);
        most = fmax(most, ns[i]);
    }
    bool steady = most <= 1.1 * least;
    struct kvr_check *c = kvr_check_add(
        checks, "sentinel", steady ? KVR_CHECK_OK : KVR_CHECK_WARN,
        "the same plain read of main memory took %.2f, %.2f and %.2f ns a line at start, middle "
        "and end%s",
        ns[0], ns[1], ns[2],
        steady ? "" : ": a neighbour or the machine changed; compare cases of one round only");
    snprintf(c->value, sizeof c->value, "%.4f", most / least);
    if (!steady)
        snprintf(c->fix, sizeof c->fix, "run again at a quieter time or on a machine of its own");
}
