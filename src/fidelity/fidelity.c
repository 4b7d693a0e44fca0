/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fidelity.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cells.h"
#include "head.h"
#include "methods.h"
#include "pool.h"

/* The largest |rotated key before rotation - key| / largest |key| that float16 files explain. */
#define ROPE_TOLERANCE .02

struct running {
    struct kvr_job job;
    uint32_t tokens, skip; /* the setting at hand */
    struct kvr_head_result *results;
};

static int refuse(const struct running *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(const struct running *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(r->job.error, r->job.error_bytes, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- one unit: a KV head of a text ---- */

static struct kvr_head head_at(const struct running *r, size_t unit)
{
    const struct kvr_inputs *inputs = r->job.inputs;
    const struct kvr_text *text = &inputs->texts[unit / r->job.methods->head_count];
    size_t index = unit % r->job.methods->head_count, layer = index / inputs->kv_heads;
    size_t kv = index % inputs->kv_heads, group = inputs->query_heads / inputs->kv_heads;
    struct kvr_head head = {.wide = kvr_wide(r->job.methods->vector_bytes),
                            .head_dim = (uint32_t)inputs->head_dim, .tokens = r->tokens,
                            .skip_sinks = r->skip, .query_heads = (uint32_t)group,
                            .first_query = r->job.request->first_query,
                            .keys = kvr_head_of(&text->keys, layer, kv),
                            .values = kvr_head_of(&text->values, layer, kv),
                            .queries = kvr_head_of(&text->queries, layer, kv * group),
                            .query_stride = text->queries.dims[2] * inputs->head_dim,
                            .rope_base = r->job.request->rope_base, .seed = unit + 1};
    if (text->before_rope.values)
        head.before_rope = kvr_head_of(&text->before_rope, layer, kv);
    return head;
}

static int measure_unit(void *context, size_t unit)
{
    const struct running *r = context;
    const struct kvr_methods *methods = r->job.methods;
    size_t tracks = methods->track_count, failed = 0;
    struct kvr_head head = head_at(r, unit);
    struct kvr_coding *codings = calloc(tracks, sizeof *codings);
    if (!codings)
        return -ENOMEM;
    for (size_t i = 0; i < tracks; i++) {
        const struct kvr_track *track = &methods->tracks[i];
        codings[i] = methods->methods[track->method].coding;
        codings[i].seed = track->seed;
        if (track->book != KVR_NO_BOOK)
            codings[i].side = methods->books[track->book].sides[unit % methods->head_count];
    }
    int status = kvr_head_measure(&head, codings, tracks, r->results + unit * tracks, &failed);
    free(codings);
    return status;
}

/* ---- one setting ---- */

static int measure_setting(struct running *r)
{
    const struct kvr_inputs *inputs = r->job.inputs;
    size_t units = inputs->text_count * r->job.methods->head_count;
    size_t count = units * r->job.methods->track_count;
    size_t queries = r->tokens - r->job.request->first_query;
    size_t values = KVR_METRICS * queries * (inputs->query_heads / inputs->kv_heads);
    const struct kvr_progress progress = {r->job.request->show_progress, "heads of all texts"};
    float *metrics = calloc(count * values, sizeof *metrics);
    r->results = calloc(count, sizeof *r->results);
    int status = metrics && r->results ? 0 : -ENOMEM;
    for (size_t i = 0; !status && i < count; i++)
        r->results[i].metrics = metrics + i * values;
    if (!status)
        status = kvr_pool_run(kvr_pool_threads(), units, measure_unit, r, &progress);
    if (!status)
        status = kvr_cells_add(&(struct kvr_measured){inputs, r->job.methods, r->results, queries,
                                                      r->tokens, r->skip}, r->job.record);
    free(metrics);
    free(r->results);
    r->results = NULL;
    return status;
}

/* A text that is its own calibration set has to fill the codebooks. */
static int check_own_keys(const struct running *r)
{
    for (size_t i = 0; i < r->job.methods->track_count; i++) {
        const struct kvr_track *track = &r->job.methods->tracks[i];
        const struct kvr_coding *coding = &r->job.methods->methods[track->method].coding;
        if (track->book != KVR_NO_BOOK || coding->control != KVR_CODED)
            continue;
        const size_t fewest = kvr_codec_fewest_keys(coding->codec, &coding->shape);
        if (r->tokens - r->skip < fewest)
            return refuse(r, "%u keys (--tokens, without sinks) are fewer than the %zu that %s "
                          "needs for %u entries (--entries) of a codebook; give --calibration",
                          r->tokens - r->skip, fewest, coding->codec->name, coding->shape.entries);
    }
    return 0;
}

static int check_setting(struct running *r)
{
    for (size_t t = 0; t < r->job.inputs->text_count; t++) {
        if (r->job.inputs->texts[t].keys.dims[2] < r->tokens)
            return refuse(r, "--tokens %u: --keys %s holds %zu", r->tokens,
                          r->job.inputs->texts[t].path, r->job.inputs->texts[t].keys.dims[2]);
    }
    if (r->tokens < 2)
        return refuse(r, "%u token (--tokens): attention over one key is 1 whatever its score; "
                      "at least 2 are needed", r->tokens);
    if (r->job.request->first_query >= r->tokens)
        return refuse(r, "--first-query %u: there are %u tokens (--tokens), so no query is left",
                      r->job.request->first_query, r->tokens);
    if (r->skip >= r->job.request->first_query && r->skip > 0)
        return refuse(r, "--skip-sinks %u: queries from --first-query %u on would see sinks only",
                      r->skip, r->job.request->first_query);
    return check_own_keys(r);
}

/* ---- the whole ---- */

/* Keys before rotation, once rotated, are the keys: else base or files are wrong. */
static int check_rotation(const struct running *r)
{
    for (size_t t = 0; t < r->job.inputs->text_count; t++) {
        const struct kvr_text *text = &r->job.inputs->texts[t];
        size_t d = r->job.inputs->head_dim, tokens = text->keys.dims[2];
        double largest = 0.0, error = 0.0;
        if (!text->before_rope.values)
            continue;
        if (d % 2)
            return refuse(r, "--keys-prerope: %zu channels are no pairs to rotate", d);
        float *rotated = malloc(tokens * d * sizeof *rotated);
        if (!rotated)
            return -ENOMEM;
        memcpy(rotated, text->before_rope.values, tokens * d * sizeof *rotated);
        kvr_rotate(rotated, tokens, d, r->job.request->rope_base, 0);
        for (size_t i = 0; i < tokens * d; i++) {
            double key = text->keys.values[i], apart = fabs(rotated[i] - key);
            largest = fabs(key) > largest ? fabs(key) : largest;
            error = apart > error ? apart : error;
        }
        free(rotated);
        if (!(error <= ROPE_TOLERANCE * largest))
            return refuse(r, "the keys of --keys-prerope, rotated with base %g, are not those of "
                          "--keys %s (they differ by %.3g of %.3g): see --rope-base and whether "
                          "the files pair", r->job.request->rope_base, text->path, error, largest);
    }
    return 0;
}

static uint32_t shortest(const struct kvr_inputs *inputs)
{
    size_t least = inputs->texts[0].keys.dims[2];
    for (size_t t = 1; t < inputs->text_count; t++)
        least = inputs->texts[t].keys.dims[2] < least ? inputs->texts[t].keys.dims[2] : least;
    return least < UINT32_MAX ? (uint32_t)least : UINT32_MAX;
}

/* Every setting: checked first, then measured. */
static int for_settings(struct running *r, int (*step)(struct running *))
{
    const struct kvr_fidelity_request *q = r->job.request;
    int status = 0;
    for (size_t n = 0; !status && n < (q->token_count ? q->token_count : 1); n++) {
        r->tokens = q->token_count ? q->tokens[n] : shortest(r->job.inputs);
        if (r->tokens > r->job.record->tokens)
            r->job.record->tokens = r->tokens;
        status = step(r);
    }
    return status;
}

static int describe(const struct running *r)
{
    struct kvr_fidelity_record *record = r->job.record;
    const struct kvr_inputs *inputs = r->job.inputs;
    int status = 0;
    record->first_query = r->job.request->first_query;
    record->head_dim = (uint32_t)inputs->head_dim;
    record->seeds = r->job.request->seeds;
    for (size_t i = 0; !status && i < inputs->file_count; i++)
        status = kvr_keep_text(&record->files, &record->file_count, inputs->files[i]);
    for (size_t i = 0; !status && i < inputs->calibration_file_count; i++)
        status = kvr_keep_text(&record->calibration_files, &record->calibration_file_count,
                           inputs->calibration_files[i]);
    for (size_t i = 0; !status && i < inputs->text_count; i++)
        status = kvr_keep_text(&record->names, &record->name_count, inputs->texts[i].name);
    for (size_t i = 0; !status && i < inputs->set_count; i++) {
        size_t keys = kvr_calibration_keys(&inputs->sets[i], false, 0);
        record->calibration_keys =
            keys > record->calibration_keys ? keys : record->calibration_keys;
        status = kvr_keep_text(&record->names, &record->name_count, inputs->sets[i].label);
    }
    return status;
}

static int run_settings(struct running *r)
{
    int status = 0;
    for (size_t s = 0; !status && s < r->job.request->skip_count; s++) {
        r->skip = r->job.request->skip_sinks[s];
        status = for_settings(r, check_setting);
    }
    for (size_t s = 0; !status && s < r->job.request->skip_count; s++) {
        double start_s = now_s();
        r->skip = r->job.request->skip_sinks[s];
        status = kvr_books_train(&r->job, r->skip);
        r->job.record->training_s += now_s() - start_s;
        if (!status)
            status = for_settings(r, measure_setting);
    }
    return status;
}

int kvr_fidelity_run(const struct kvr_fidelity_request *request, const struct kvr_inputs *inputs,
                     struct kvr_fidelity_record *record, char *error, size_t error_bytes)
{
    struct kvr_methods methods = {0};
    struct running r = {
        .job = {request, inputs, &methods, record, error, error_bytes}};
    double start_s = now_s();
    *error = '\0';
    int status = describe(&r);
    if (!status)
        status = check_rotation(&r);
    if (!status)
        status = kvr_methods_make(&r.job);
    if (!status)
        status = run_settings(&r);
    kvr_methods_free(&methods);
    record->duration_s = now_s() - start_s;
    return status;
}
