/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heads.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/formats.h"
#include "../codec/codec.h"

static size_t whole_lines(size_t bytes)
{
    return (bytes + KVR_LINE_BYTES - 1) / KVR_LINE_BYTES * KVR_LINE_BYTES;
}

static void *lines_of(size_t bytes)
{
    void *p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    if (p)
        memset(p, 0, bytes);
    return p;
}

int kvr_head_buffers_new(unsigned threads, uint32_t queries, uint32_t tile, size_t prepared_bytes,
                         struct kvr_head_buffers *b)
{
    *b = (struct kvr_head_buffers){.threads = threads,
                                   .queries = queries,
                                   .tile = (tile + 63) / 64 * 64,
                                   .prepared_bytes = whole_lines(prepared_bytes)};
    b->prepared = calloc(threads, sizeof *b->prepared);
    b->scores = calloc(threads, sizeof *b->scores);
    b->outputs = calloc(threads, sizeof *b->outputs);
    b->states = calloc(threads, sizeof *b->states);
    bool ok = b->prepared && b->scores && b->outputs && b->states;
    for (unsigned t = 0; t < threads && ok; t++) {
        b->prepared[t] = lines_of(queries * b->prepared_bytes);
        b->scores[t] = lines_of((size_t)queries * b->tile * sizeof(float));
        b->outputs[t] = lines_of((size_t)queries * KVR_MAX_HEAD_DIM * sizeof(float));
        b->states[t] = lines_of(queries * sizeof(struct kvr_softmax));
        ok = b->prepared[t] && b->scores[t] && b->outputs[t] && b->states[t];
    }
    if (!ok)
        kvr_head_buffers_free(b);
    return ok ? 0 : -ENOMEM;
}

void kvr_head_buffers_free(struct kvr_head_buffers *b)
{
    for (unsigned t = 0; t < b->threads; t++) {
        if (b->prepared)
            free(b->prepared[t]);
        if (b->scores)
            free(b->scores[t]);
        if (b->outputs)
            free(b->outputs[t]);
        if (b->states)
            free(b->states[t]);
    }
    free(b->prepared);
    free(b->scores);
    free(b->outputs);
    free(b->states);
    *b = (struct kvr_head_buffers){0};
}

static struct kvr_segments tuned(const struct kvr_segments *from,
                                 const struct kvr_tuning_choice *tuning)
{
    struct kvr_segments s = *from;
    s.ahead_segments = tuning->ahead_segments;
    s.ahead_bytes = tuning->ahead_bytes;
    s.streams = tuning->streams;
    return s;
}

/* One thread's view of the work, fixed for a slice. */
struct place {
    const struct kvr_heads *h;
    struct kvr_segments keys, rows;
    unsigned char *prepared;
    float *scores, *outputs;
    struct kvr_softmax *states;
    unsigned thread;
};

static struct place place_of(const struct kvr_heads *h, unsigned thread)
{
    struct place p = {.h = h,
                      .keys = tuned(&h->keys->segments[thread], &h->keys_tuning),
                      .prepared = h->buffers->prepared[thread],
                      .scores = h->buffers->scores[thread],
                      .outputs = h->buffers->outputs[thread],
                      .states = h->buffers->states[thread],
                      .thread = thread};
    if (h->value_rows)
        p.rows = tuned(&h->value_rows->segments[thread], &h->values_tuning);
    return p;
}

static const void *codebook_of(const struct kvr_heads *h, unsigned thread, uint32_t head)
{
    if (!h->codebooks)
        return h->scale;
    const struct kvr_segments *s = &h->codebooks->segments[thread];
    uint32_t i = head / h->batch;
    return s->base + s->stride_bytes * s->order[i < s->count ? i : i % s->count];
}

/* What is prefetched beside a head's codebook: once for each, by the last head that shares it,
 * because the next one is wanted soon after. */
static const void *codebook_ahead(const struct kvr_heads *h, unsigned thread, uint32_t head)
{
    if (!h->codebooks || !h->ahead_codebooks || (head + 1) % h->batch)
        return NULL;
    return codebook_of(h, thread, head + h->ahead_codebooks * h->batch);
}

/* A head's queries, as many at once as the step can. The first of them read the codebook from
 * memory and prefetch the one ahead. */
static void prepare_head(const struct place *p, uint32_t head)
{
    const struct kvr_heads *h = p->h;
    const size_t stride_bytes = h->buffers->prepared_bytes;
    const void *codebook = codebook_of(h, p->thread, head);
    const void *ahead = codebook_ahead(h, p->thread, head);
    for (uint32_t q = 0; q < h->shape.queries;) {
        const float *query = h->query + (size_t)q * h->shape.head_dim;
        unsigned char *prepared = p->prepared + q * stride_bytes;
        if (h->prepare->prepare_group && h->shape.queries - q >= KVR_PREPARE_GROUP) {
            h->prepare->prepare_group(&h->shape, codebook, ahead, query, prepared, stride_bytes);
            q += KVR_PREPARE_GROUP;
        } else {
            h->prepare->prepare(&h->shape, codebook, ahead, query, prepared);
            q++;
        }
        ahead = NULL;
    }
}

/* What a head needs once: prepared queries, and softmax and output at their start. */
static void begin_head(const struct place *p, uint32_t head)
{
    const struct kvr_heads *h = p->h;
    if (h->run & KVR_RUN_PREPARE)
        prepare_head(p, head);
    for (uint32_t q = 0; q < h->shape.queries && h->run & KVR_RUN_SOFTMAX; q++)
        p->states[q] = (struct kvr_softmax){-INFINITY, 0, 0};
}

/* Scores of one part for all queries, as many at once as the kernel can: the codes come from memory
 * for the first of them. */
static void scan_part(const struct place *p, uint32_t i)
{
    const struct kvr_heads *h = p->h;
    const struct kvr_query_group at = {p->prepared, p->scores, h->buffers->prepared_bytes,
                                       h->buffers->tile};
    kvr_score_queries(h->kernel, &h->shape, &p->keys, i, h->side, at, h->shape.queries);
}

/* One part of a head for all its queries. */
static void do_part(const struct place *p, uint32_t i, uint32_t tokens)
{
    const struct kvr_heads *h = p->h;
    if (h->run & KVR_RUN_SCAN)
        scan_part(p, i);
    for (uint32_t q = 0; q < h->shape.queries; q++) {
        float *scores = p->scores + (size_t)q * h->buffers->tile;
        struct kvr_softmax *state = &p->states[q];
        /* Alone, the values phase still decays its sums, or they would grow without end. */
        float rescale = .5F;
        if (h->run & KVR_RUN_SOFTMAX) {
            h->softmax->softmax(scores, tokens, state);
            rescale = state->rescale;
        }
        if (h->run & KVR_RUN_VALUES)
            h->values->values(&h->shape, &p->rows, i, scores, rescale,
                              p->outputs + (size_t)q * KVR_MAX_HEAD_DIM);
    }
}

void kvr_heads_slice(void *argument, unsigned thread, uint32_t first, uint32_t count)
{
    const struct kvr_heads *h = argument;
    struct place p = place_of(h, thread);
    const uint32_t parts = h->keys->parts;
    uint32_t i = first, part = first % parts, head = first / parts;
    for (uint32_t n = 0; n < count; n++) {
        const uint32_t tokens = kvr_lists_tokens_at(h->keys, i);
        p.keys.tokens = p.rows.tokens = tokens;
        if (part == 0)
            begin_head(&p, head);
        if (h->run & ~KVR_RUN_PREPARE)
            do_part(&p, i, tokens);
        if (++part == parts) {
            part = 0;
            head++;
        }
        if (++i == p.keys.count)
            i = head = 0;
    }
}

static void heads_name(const void *argument, char *text, size_t bytes)
{
    const struct kvr_heads *h = argument;
    size_t at = 0;
    for (int p = 0; p < KVR_PHASES && at < bytes; p++)
        if (h->run & 1u << p)
            at += (size_t)snprintf(text + at, bytes - at, "%s%s", at ? "+" : "",
                                   kvr_phase_names[p]);
    if (at < bytes && h->kernel)
        snprintf(text + at, bytes - at, " of %s@%s", h->kernel->format->name,
                 h->kernel->isa_name);
}

struct kvr_sample_request kvr_heads_request(struct kvr_heads *h)
{
    return (struct kvr_sample_request){.run = kvr_heads_slice,
                                       .argument = h,
                                       .list_counts = h->keys->counts,
                                       .cursors = h->cursors,
                                       .name = heads_name,
                                       .between = h->between.run,
                                       .between_context = h->between.context};
}

double kvr_heads_ns_per_key(const struct kvr_heads *h, const struct kvr_sample *sample,
                            double sample_ns)
{
    return sample_ns / ((double)sample->segments * kvr_lists_segment_keys(h->keys));
}

/* ---- against double ---- */

static double value_at(const struct kvr_heads *h, const unsigned char *values, uint32_t row,
                       uint32_t channel)
{
    uint16_t half;
    if (h->values->format == &kvr_format_values_q8)
        return kvr_values_q8_at(&h->shape, values, row, channel);
    memcpy(&half, values + ((size_t)row * h->shape.head_dim + channel) * sizeof half, sizeof half);
    return (double)kvr_half_to_float(half);
}

/* Scores of a head in double, part by part; weights in place of them; the output. */
static void reference_head(const struct place *p, uint32_t position, uint32_t q, double *scores,
                           double *output)
{
    const struct kvr_heads *h = p->h;
    const uint32_t parts = h->keys->parts, whole = h->keys->tokens;
    const uint32_t last = h->keys->last_tokens ? h->keys->last_tokens : whole;
    const uint32_t d = h->shape.head_dim, tokens = (parts - 1) * whole + last;
    double maximum = -INFINITY, sum = 0;
    for (uint32_t part = 0; part < parts; part++) {
        uint32_t at = p->keys.order[position * parts + part];
        h->kernel->format->reference(&h->shape, part + 1 == parts ? last : whole,
                                     p->keys.base + p->keys.stride_bytes * at, h->side,
                                     p->prepared + q * h->buffers->prepared_bytes,
                                     scores + (size_t)part * whole);
    }
    for (uint32_t k = 0; k < tokens; k++)
        maximum = fmax(maximum, scores[k]);
    for (uint32_t k = 0; k < tokens; k++)
        sum += scores[k] = exp(scores[k] - maximum);
    memset(output, 0, d * sizeof *output);
    for (uint32_t k = 0; k < tokens && h->value_rows; k++) {
        uint32_t at = p->rows.order[position * parts + k / whole];
        const unsigned char *values = p->rows.base + p->rows.stride_bytes * at;
        for (uint32_t c = 0; c < d; c++)
            output[c] += scores[k] / sum * value_at(h, values, k % whole, c);
    }
}

/* A float sum of this many terms, and kernels whose scores are right to their own tolerance. */
static int compare_outputs(const struct place *p, uint32_t q, const double *expected, char *error,
                           size_t error_bytes)
{
    const uint32_t d = p->h->shape.head_dim;
    const float *output = p->outputs + (size_t)q * KVR_MAX_HEAD_DIM;
    double sum = (double)p->states[q].sum, largest = 0;
    for (uint32_t c = 0; c < d; c++)
        largest = fmax(largest, fabs(expected[c]));
    for (uint32_t c = 0; c < d; c++) {
        double got = (double)output[c] / sum;
        if (!(fabs(got - expected[c]) <= 1e-3 * largest + 1e-6)) {
            snprintf(error, error_bytes,
                     "channel %u of the attention output is %.9g, %.9g in double (softmax %s, "
                     "values %s)",
                     c, got, expected[c], p->h->softmax->isa_name, p->h->values->isa_name);
            return -EDOM;
        }
    }
    return 0;
}

int kvr_heads_verify(struct kvr_heads *heads, uint32_t position, char *error, size_t error_bytes)
{
    struct kvr_heads h = *heads;
    const uint32_t parts = h.keys->parts;
    double *scores = calloc((size_t)parts * h.keys->tokens, sizeof *scores);
    double *output = calloc(KVR_MAX_HEAD_DIM, sizeof *output);
    int rc = scores && output ? 0 : -ENOMEM;
    struct place p = place_of(&h, 0);
    if (!rc)
        kvr_heads_slice(&h, 0, position * parts, parts);
    for (uint32_t q = 0; q < h.shape.queries && !rc && h.values; q++) {
        reference_head(&p, position, q, scores, output);
        rc = compare_outputs(&p, q, output, error, error_bytes);
    }
    free(scores);
    free(output);
    return rc;
}
