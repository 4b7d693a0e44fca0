/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Indices 0..n-1 in ascending order of values: merge sort from runs of one, so that its time does
 * not depend on the values. Returns the half of work[2 n] that holds them. */
static uint32_t *sorted(const double *values, size_t n, uint32_t *work)
{
    uint32_t *from = work, *to = work + n;
    for (size_t i = 0; i < n; i++)
        from[i] = (uint32_t)i;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t start = 0; start < n; start += 2 * run) {
            size_t middle = start + run < n ? start + run : n;
            size_t end = middle + run < n ? middle + run : n;
            size_t a = start, b = middle;
            for (size_t i = start; i < end; i++) {
                int left = b == end || (a < middle && values[from[a]] <= values[from[b]]);
                to[i] = left ? from[a] : from[b];
                a += (size_t)left;
                b += (size_t)!left;
            }
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

void kvr_ranks(const double *values, size_t n, double *ranks, uint32_t *work)
{
    const uint32_t *order = sorted(values, n, work);
    for (size_t first = 0; first < n;) {
        size_t end = first + 1;
        while (end < n && values[order[end]] == values[order[first]])
            end++;
        for (size_t i = first; i < end; i++)
            ranks[order[i]] = (double)(first + 1 + end) / 2.0;
        first = end;
    }
}

double kvr_rank_correlation(const double *a, const double *b, size_t n)
{
    double mean = (double)(n + 1) / 2.0, product = 0.0, square_a = 0.0, square_b = 0.0;
    for (size_t i = 0; i < n; i++) {
        double x = a[i] - mean, y = b[i] - mean;
        product += x * y;
        square_a += x * x;
        square_b += y * y;
    }
    if (!(square_a > 0.0) || !(square_b > 0.0))
        return 0.0;
    return product / sqrt(square_a * square_b);
}

size_t kvr_top(const double *values, size_t n, size_t most, uint32_t *top)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        size_t place = count;
        while (place > 0 && values[i] > values[top[place - 1]])
            place--;
        if (place == most)
            continue;
        count += count < most;
        for (size_t j = count - 1; j > place; j--)
            top[j] = top[j - 1];
        top[place] = (uint32_t)i;
    }
    return count;
}

void kvr_softmax(const double *scores, size_t n, double *weights, double *logs)
{
    double largest = scores[0], sum = 0.0;
    for (size_t i = 1; i < n; i++)
        largest = scores[i] > largest ? scores[i] : largest;
    for (size_t i = 0; i < n; i++) {
        weights[i] = exp(scores[i] - largest);
        sum += weights[i];
    }
    double shift = largest + log(sum);
    for (size_t i = 0; i < n; i++) {
        weights[i] /= sum;
        logs[i] = scores[i] - shift;
    }
}

void kvr_weighted_sum(const double *weights, const float *values, size_t n, size_t d, double *out)
{
    size_t i = 0;
    memset(out, 0, d * sizeof *out);
    for (; i + 4 <= n; i += 4) { /* four keys for each load and store of out */
        const float *v = values + i * d;
        const double *w = weights + i;
        for (size_t c = 0; c < d; c++)
            out[c] += w[0] * v[c] + w[1] * v[d + c] + w[2] * v[2 * d + c] + w[3] * v[3 * d + c];
    }
    for (; i < n; i++) {
        for (size_t c = 0; c < d; c++)
            out[c] += weights[i] * values[i * d + c];
    }
}

static double dot(const double *a, const double *b, size_t d)
{
    double sum = 0.0;
    for (size_t c = 0; c < d; c++)
        sum += a[c] * b[c];
    return sum;
}

double kvr_cosine(const double *a, const double *b, size_t d)
{
    double squares = dot(a, a, d) * dot(b, b, d);
    return squares > 0.0 ? dot(a, b, d) / sqrt(squares) : 0.0;
}

int kvr_row_open(struct kvr_attention_row *row, size_t capacity, size_t d)
{
    *row = (struct kvr_attention_row){.capacity = capacity, .d = d};
    row->scores = calloc(capacity, sizeof *row->scores);
    row->weights = calloc(capacity, sizeof *row->weights);
    row->logs = calloc(capacity, sizeof *row->logs);
    row->ranks = calloc(capacity, sizeof *row->ranks);
    row->work = calloc(capacity, 2 * sizeof *row->work);
    if (row->scores && row->weights && row->logs && row->ranks && row->work)
        return 0;
    kvr_row_free(row);
    return -ENOMEM;
}

void kvr_row_free(struct kvr_attention_row *row)
{
    free(row->scores);
    free(row->weights);
    free(row->logs);
    free(row->ranks);
    free(row->work);
    *row = (struct kvr_attention_row){0};
}

void kvr_row_fill(struct kvr_attention_row *row, const float *values)
{
    kvr_softmax(row->scores, row->n, row->weights, row->logs);
    kvr_ranks(row->scores, row->n, row->ranks, row->work);
    row->top_count = kvr_top(row->scores, row->n, KVR_TOP_MOST, row->top);
    kvr_weighted_sum(row->weights, values, row->n, row->d, row->output);
}

/* Of the first k of two lists, the part of k that is in both. */
static double overlap(const struct kvr_attention_row *a, const struct kvr_attention_row *b,
                      size_t k)
{
    size_t count = a->top_count < k ? a->top_count : k, both = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            both += a->top[i] == b->top[j];
    }
    return (double)both / (double)count;
}

/* Cosine of a - centre and b - centre; 0 if one of them is nothing but rounding. */
static double centred_cosine(const struct kvr_attention_row *a, const struct kvr_attention_row *b,
                             const double *centre)
{
    double x[KVR_MAX_HEAD_DIM], y[KVR_MAX_HEAD_DIM];
    const double rounding = 1e-24 * dot(centre, centre, a->d); /* squared: 1e-12 of its length */
    for (size_t c = 0; c < a->d; c++) {
        x[c] = a->output[c] - centre[c];
        y[c] = b->output[c] - centre[c];
    }
    if (dot(x, x, a->d) <= rounding || dot(y, y, a->d) <= rounding)
        return 0.0;
    return kvr_cosine(x, y, a->d);
}

void kvr_row_compare(const struct kvr_attention_row *exact, const struct kvr_attention_row *row,
                     const double *centre, double metrics[KVR_METRICS])
{
    double difference = 0.0, length = dot(exact->output, exact->output, exact->d);
    double divergence = 0.0, mass = 0.0;
    for (size_t c = 0; c < exact->d; c++) {
        double offset = row->output[c] - exact->output[c];
        difference += offset * offset;
    }
    for (size_t i = 0; i < exact->n; i++)
        divergence += exact->weights[i] * (exact->logs[i] - row->logs[i]);
    for (size_t i = 0; i < row->top_count; i++)
        mass += exact->weights[row->top[i]];
    metrics[KVR_COS] = kvr_cosine(exact->output, row->output, exact->d);
    metrics[KVR_COS_CENTERED] = centred_cosine(exact, row, centre);
    metrics[KVR_REL_L2] = length > 0.0 ? sqrt(difference / length) : 0.0;
    metrics[KVR_KL] = divergence > 0.0 ? divergence : 0.0; /* below 0 by rounding only */
    metrics[KVR_RHO] = kvr_rank_correlation(exact->ranks, row->ranks, exact->n);
    metrics[KVR_TOP1] = overlap(exact, row, 1);
    metrics[KVR_TOP5] = overlap(exact, row, 5);
    metrics[KVR_TOP10] = overlap(exact, row, 10);
    metrics[KVR_MASS10] = mass;
}
