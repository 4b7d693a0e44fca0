/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which step of each kind an op runs, and how far ahead it looks: by trying.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "op.h"

#define TRY_S 1.5e-3
enum { TRIES = 3 };

/* ns a key of a short sample. */
static double try(struct kvr_session *s, struct kvr_heads *heads, uint32_t warm)
{
    struct kvr_sample_request request = kvr_heads_request(heads);
    struct kvr_sample sample;
    request.warm_segments = warm;
    kvr_sample_plan(s->sampler, &request, TRY_S);
    kvr_sample_take(s->sampler, &request, &sample);
    return kvr_heads_ns_per_key(heads, &sample, sample.robust_ns);
}

/* The least of a few tries of each step that this host can run; 0 or -ENODEV. `set` makes heads use
 * step i and says whether it serves. */
static int choose(struct kvr_session *s, struct kvr_heads *heads, size_t count,
                  bool (*set)(const struct kvr_session *, struct kvr_heads *, size_t))
{
    double best_ns = INFINITY;
    size_t best = SIZE_MAX;
    for (int t = 0; t < TRIES; t++)
        for (size_t i = 0; i < count; i++) {
            if (!set(s, heads, i))
                continue;
            double ns = try(s, heads, 1);
            if (ns < best_ns) {
                best_ns = ns;
                best = i;
            }
        }
    return best < count && set(s, heads, best) ? 0 : -ENODEV;
}

static bool set_prepare(const struct kvr_session *s, struct kvr_heads *h, size_t i)
{
    size_t count;
    const struct kvr_prepare_step *step = kvr_prepare_steps(&count)[i];
    if (step->format != h->kernel->format || step->codebook != h->prepare->codebook ||
        step->book != h->prepare->book || (step->isa & ~s->machine->isa.usable))
        return false;
    h->prepare = step;
    return true;
}

static bool set_softmax(const struct kvr_session *s, struct kvr_heads *h, size_t i)
{
    size_t count;
    const struct kvr_softmax_step *step = kvr_softmax_steps(&count)[i];
    if (step->isa & ~s->machine->isa.usable)
        return false;
    h->softmax = step;
    return true;
}

static bool set_values(const struct kvr_session *s, struct kvr_heads *h, size_t i)
{
    size_t count;
    const struct kvr_values_step *step = kvr_values_steps(&count)[i];
    if (step->format != h->values->format || step->isa & ~s->machine->isa.usable)
        return false;
    h->values = step;
    return true;
}

/* The values' look-ahead, as a kernel's is tuned: all once, the least wins. */
static void tune_values(struct kvr_session *s, struct kvr_heads *h, struct kvr_op *op)
{
    double best_ns = INFINITY, all_ns[KVR_MOST_TUNINGS];
    struct kvr_tuning_choice best = {0, 0, 1};
    size_t tried = 0;
    struct kvr_sample_request request = kvr_heads_request(h);
    kvr_sample_plan(s->sampler, &request, TRY_S);
    for (size_t i = 0; i < kvr_tuning_choice_count && !kvr_session_stopped(s); i++) {
        struct kvr_sample sample;
        h->values_tuning = kvr_tuning_choices[i];
        kvr_sample_take(s->sampler, &request, &sample);
        double ns = kvr_heads_ns_per_key(h, &sample, sample.robust_ns);
        all_ns[tried++] = ns;
        if (ns < best_ns) {
            best_ns = ns;
            best = kvr_tuning_choices[i];
        }
    }
    h->values_tuning = best;
    kvr_tuning_text(all_ns, tried, op->values_alternatives, sizeof op->values_alternatives);
}

/* How many codebooks ahead to prefetch: the least of a few tries of preparing and scanning, between
 * which the codes pass through the same caches. One hot codebook needs none. */
static void tune_codebooks(struct kvr_session *s, struct kvr_heads *h, struct kvr_op *op)
{
    static const uint32_t choices[] = {0, 1, 2, 4};
    enum { CHOICES = sizeof choices / sizeof *choices };
    double ns[CHOICES];
    size_t best = 0, used = 0, room = sizeof op->codebook_alternatives;
    h->run = KVR_RUN_PREPARE | KVR_RUN_SCAN;
    struct kvr_sample_request request = kvr_heads_request(h);
    kvr_sample_plan(s->sampler, &request, TRY_S);
    for (int t = 0; t < TRIES; t++)
        for (size_t i = 0; i < CHOICES; i++) {
            struct kvr_sample sample;
            h->ahead_codebooks = choices[i];
            kvr_sample_take(s->sampler, &request, &sample);
            double now_ns = kvr_heads_ns_per_key(h, &sample, sample.robust_ns);
            ns[i] = t ? fmin(ns[i], now_ns) : now_ns;
        }
    for (size_t i = 0; i < CHOICES; i++) {
        best = ns[i] < ns[best] ? i : best;
        int n = snprintf(op->codebook_alternatives + used, room - used, "%s%s%u:%.3g",
                         i ? " " : "", i ? "c" : "", choices[i], ns[i]);
        used += n > 0 && (size_t)n < room - used ? (size_t)n : 0;
    }
    h->ahead_codebooks = choices[best];
}

int kvr_op_choose_steps(struct kvr_session *s, const struct kvr_op_request *r, struct kvr_op *op,
                        struct kvr_heads *heads, char *error, size_t error_bytes)
{
    const struct kvr_prepare_step wanted = {
        .codebook = r->c->codebook,
        .book = kvr_codec_book(r->material->codec, heads->kernel->format)};
    const struct kvr_values_step wanted_values = {.format = kvr_case_values(r->c)->formats[0]};
    size_t prepares, softmaxes, valueses;
    kvr_prepare_steps(&prepares);
    kvr_softmax_steps(&softmaxes);
    kvr_values_steps(&valueses);
    heads->prepare = &wanted;
    heads->values = r->rows ? &wanted_values : NULL;
    heads->run = KVR_RUN_PREPARE;
    int rc = kvr_op_prepares(r) ? choose(s, heads, prepares, set_prepare) : 0;
    if (rc) {
        snprintf(error, error_bytes, "no kernel prepares a query for %s on this host",
                 heads->kernel->format->name);
        return rc;
    }
    if (kvr_op_prepares(r) && r->codebooks && !r->c->codebook_warm &&
        heads->prepare->book == KVR_BOOK_SUBSPACES)
        tune_codebooks(s, heads, op);
    if (!r->rows)
        return 0;
    heads->run = KVR_RUN_SOFTMAX;
    rc = choose(s, heads, softmaxes, set_softmax);
    heads->run = KVR_RUN_VALUES;
    if (!rc)
        rc = choose(s, heads, valueses, set_values);
    if (!rc)
        tune_values(s, heads, op);
    if (rc)
        snprintf(error, error_bytes, "no kernel of softmax or values runs on this host");
    return rc;
}
