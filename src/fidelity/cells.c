/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A chunk is what one head of one text gave in one track: the metrics of its queries, all chunks
 * being of one length. A cell is a choice of chunks: those of a layer or all, a head or all, a text
 * or all.
 */
#include "cells.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cell {
    int32_t layer, head, text; /* KVR_FIDELITY_ALL, or index */
};

struct place {
    size_t layer, head, text;
};

struct cells {
    const struct kvr_measured *measured;
    struct kvr_fidelity_record *record;
    struct place *places; /* of the cell at hand */
    size_t place_count;
    float *pooled; /* of one metric, all queries of a cell */
    double uniform_cos, *uniform_head_cos; /* of the cell; [layers * query_heads] */
};

static void swap(float *a, float *b)
{
    float other = *a;
    *a = *b;
    *b = other;
}

/* Hoare's selection: afterwards values[k] is the k-th smallest. */
static float select_kth(float *values, size_t count, size_t k)
{
    size_t low = 0, high = count - 1;
    while (low < high) {
        float pivot = values[low + (high - low) / 2];
        size_t i = low - 1, j = high + 1; /* may wrap, and come back at once */
        for (;;) {
            while (values[++i] < pivot)
                ;
            while (values[--j] > pivot)
                ;
            if (i >= j)
                break;
            swap(&values[i], &values[j]);
        }
        if (k <= j)
            high = j;
        else
            low = j + 1;
    }
    return values[k];
}

float kvr_twentieth(float *values, size_t count, bool from_top)
{
    size_t k = (count - 1) / 20;
    return select_kth(values, count, from_top ? count - 1 - k : k);
}

static const struct kvr_head_result *result_at(const struct kvr_measured *m, size_t track,
                                               const struct place *at)
{
    size_t group = m->inputs->query_heads / m->inputs->kv_heads;
    size_t unit = (at->text * m->inputs->layers + at->layer) * m->inputs->kv_heads +
                  at->head / group;
    return &m->results[unit * m->methods->track_count + track];
}

static const float *chunk(const struct kvr_measured *m, size_t track, size_t metric,
                          const struct place *at)
{
    size_t group = m->inputs->query_heads / m->inputs->kv_heads;
    return result_at(m, track, at)->metrics + (metric * group + at->head % group) * m->queries;
}

static bool holds(int32_t choice, size_t index)
{
    return choice == KVR_FIDELITY_ALL || (size_t)choice == index;
}

/* The places of a cell, head by head. */
static void enter(struct cells *c, const struct cell *cell)
{
    const struct kvr_inputs *inputs = c->measured->inputs;
    c->place_count = 0;
    for (size_t l = 0; l < inputs->layers; l++) {
        for (size_t h = 0; h < inputs->query_heads; h++) {
            for (size_t t = 0; t < inputs->text_count; t++) {
                if (holds(cell->layer, l) && holds(cell->head, h) && holds(cell->text, t))
                    c->places[c->place_count++] = (struct place){l, h, t};
            }
        }
    }
}

/* Mean of one metric of one track over `count` places; their values to *pooled if not NULL. */
static double mean_of(const struct kvr_measured *m, size_t track, size_t metric,
                      const struct place *places, size_t count, float **pooled)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        const float *values = chunk(m, track, metric, &places[i]);
        for (size_t q = 0; q < m->queries; q++)
            sum += values[q];
        if (pooled) {
            memcpy(*pooled, values, m->queries * sizeof **pooled);
            *pooled += m->queries;
        }
    }
    return sum / (double)(count * m->queries);
}

static double key_error(const struct cells *c, const struct kvr_method *method)
{
    double sum = 0.0;
    for (size_t s = 0; s < method->tracks; s++) {
        for (size_t i = 0; i < c->place_count; i++)
            sum += result_at(c->measured, method->first_track + s, &c->places[i])
                       ->key_squared_error;
    }
    return sum / (double)(method->tracks * c->place_count);
}

/* Over all seeds, of places[0..count). */
static double seeds_mean(const struct kvr_measured *m, const struct kvr_method *method,
                         size_t metric, const struct place *places, size_t count)
{
    double sum = 0.0;
    for (size_t s = 0; s < method->tracks; s++)
        sum += mean_of(m, method->first_track + s, metric, places, count, NULL);
    return sum / (double)method->tracks;
}

static double skill(double cosine, double uniform)
{
    return uniform < 1.0 ? (cosine - uniform) / (1.0 - uniform) : NAN;
}

/* Worst head by each metric, and by skill. Texts of a head are neighbours among the places. */
static void add_worst(struct cells *c, const struct kvr_method *method,
                      struct kvr_fidelity_row *row)
{
    const struct kvr_measured *m = c->measured;
    for (size_t i = 0, texts; i < c->place_count; i += texts) {
        const struct place *at = &c->places[i];
        double *uniform = &c->uniform_head_cos[at->layer * m->inputs->query_heads + at->head];
        double cosine = 0.0;
        for (texts = 1; i + texts < c->place_count && at[texts].head == at->head &&
                        at[texts].layer == at->layer; texts++)
            ;
        for (size_t k = 0; k < KVR_METRICS; k++) {
            double value = seeds_mean(m, method, k, at, texts);
            bool rises = kvr_metric_rises((enum kvr_metric)k);
            if (i == 0 || (rises ? value < row->worst_head[k] : value > row->worst_head[k]))
                row->worst_head[k] = value;
            cosine = k == KVR_COS ? value : cosine;
        }
        if (method->coding.control == KVR_UNIFORM)
            *uniform = cosine;
        double own = skill(cosine, *uniform);
        if (i == 0 || own < row->worst_skill)
            row->worst_skill = own;
    }
}

static void add_metric(struct cells *c, const struct kvr_method *method, size_t metric,
                       struct kvr_fidelity_row *row)
{
    float *end = c->pooled;
    double sum = 0.0, least = INFINITY, most = -INFINITY, squares = 0.0;
    for (size_t s = 0; s < method->tracks; s++) {
        double mean = mean_of(c->measured, method->first_track + s, metric, c->places,
                              c->place_count, &end);
        sum += mean;
        least = mean < least ? mean : least;
        most = mean > most ? mean : most;
    }
    size_t count = (size_t)(end - c->pooled);
    row->mean[metric] = sum / (double)method->tracks;
    row->seed_spread[metric] = method->tracks > 1 ? most - least : NAN;
    for (size_t i = 0; i < count; i++)
        squares += (c->pooled[i] - row->mean[metric]) * (c->pooled[i] - row->mean[metric]);
    row->std[metric] = sqrt(squares / (double)count);
    row->tail[metric] = kvr_twentieth(c->pooled, count, !kvr_metric_rises((enum kvr_metric)metric));
}

static void describe(const struct cells *c, const struct kvr_method *method,
                     const struct cell *cell, struct kvr_fidelity_row *row)
{
    const struct kvr_inputs *inputs = c->measured->inputs;
    const struct kvr_coding *coding = &method->coding;
    *row = (struct kvr_fidelity_row){.layer = cell->layer, .head = cell->head,
                                     .text = "all", .codec = method->name, .calibration = "",
                                     .tokens = c->measured->tokens,
                                     .skip_sinks = c->measured->skip_sinks,
                                     .seeds = (uint32_t)method->tracks,
                                     .bytes_per_key = NAN, .key_squared_error = NAN};
    if (cell->text != KVR_FIDELITY_ALL)
        row->text = c->record->names[cell->text];
    if (coding->control != KVR_CODED)
        return;
    row->subspaces = coding->shape.tables;
    row->entries = coding->shape.entries;
    kvr_encoder_text(coding->codec, &coding->shape, &coding->squat, row->encoder,
                     sizeof row->encoder);
    row->before_rope = coding->before_rope;
    row->rope_pairs = coding->rope_pairs;
    struct kvr_shape shape = coding->shape;
    shape.tokens = row->tokens - row->skip_sinks;
    row->bytes_per_key = coding->codec->key_bytes(&shape);
    row->key_squared_error = key_error(c, method);
    if (coding->shape.tables && !coding->before_rope) /* "lookup_u8" */
        snprintf(row->table, sizeof row->table, "%s", strrchr(coding->format->name, '_') + 1);
    row->leaking = coding->codec->calibrated;
    if (method->set != KVR_NO_BOOK) {
        row->calibration = c->record->names[inputs->text_count + method->set];
        row->leaking = inputs->sets[method->set].leaking;
    }
}

/* The rows of all methods; uniform is the first, which skill needs. */
static void add_cell(struct cells *c, const struct cell *cell)
{
    const struct kvr_methods *methods = c->measured->methods;
    enter(c, cell);
    for (size_t i = 0; i < methods->method_count; i++) {
        struct kvr_fidelity_row *row = &c->record->rows[c->record->row_count++];
        describe(c, &methods->methods[i], cell, row);
        for (size_t k = 0; k < KVR_METRICS; k++)
            add_metric(c, &methods->methods[i], k, row);
        if (methods->methods[i].coding.control == KVR_UNIFORM)
            c->uniform_cos = row->mean[KVR_COS];
        row->skill = skill(row->mean[KVR_COS], c->uniform_cos);
        add_worst(c, &methods->methods[i], row);
    }
}

static size_t most_tracks(const struct kvr_methods *methods)
{
    size_t most = 0;
    for (size_t i = 0; i < methods->method_count; i++)
        most = methods->methods[i].tracks > most ? methods->methods[i].tracks : most;
    return most;
}

int kvr_cells_add(const struct kvr_measured *measured, struct kvr_fidelity_record *record)
{
    const struct kvr_inputs *inputs = measured->inputs;
    size_t cells = (inputs->layers + 1) * (inputs->query_heads + 1) * (inputs->text_count + 1);
    size_t heads = inputs->layers * inputs->query_heads;
    struct cells c = {.measured = measured, .record = record};
    struct kvr_fidelity_row *rows = realloc(
        record->rows,
        (record->row_count + cells * measured->methods->method_count) * sizeof *rows);
    record->rows = rows ? rows : record->rows;
    c.pooled = malloc(heads * inputs->text_count * measured->queries *
                      most_tracks(measured->methods) * sizeof *c.pooled);
    c.uniform_head_cos = calloc(heads, sizeof *c.uniform_head_cos);
    c.places = calloc(heads * inputs->text_count, sizeof *c.places);
    int status = rows && c.places && c.pooled && c.uniform_head_cos ? 0 : -ENOMEM;
    for (int32_t l = KVR_FIDELITY_ALL; !status && l < (int32_t)inputs->layers; l++) {
        for (int32_t h = KVR_FIDELITY_ALL; h < (int32_t)inputs->query_heads; h++) {
            for (int32_t t = KVR_FIDELITY_ALL; t < (int32_t)inputs->text_count; t++)
                add_cell(&c, &(struct cell){l, h, t});
        }
    }
    free(c.places);
    free(c.pooled);
    free(c.uniform_head_cos);
    return status;
}
