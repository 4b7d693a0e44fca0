/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The value rounded to float as a number of the same order, above the index. */
static uint64_t rank_key(double value, size_t index)
{
    const float rounded = (float)value;
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    bits ^= bits >> 31 ? UINT32_MAX : UINT32_C(1) << 31;
    return (uint64_t)bits << 32 | index;
}

static void order_two(uint64_t *a, uint64_t *b)
{
    const uint64_t low = *a < *b ? *a : *b, high = *a < *b ? *b : *a;
    *a = low;
    *b = high;
}

/* Runs of four, and what is left behind them as one. */
static void sort_fours(uint64_t *keys, size_t n)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        uint64_t *k = keys + i;
        order_two(&k[0], &k[1]);
        order_two(&k[2], &k[3]);
        order_two(&k[0], &k[2]);
        order_two(&k[1], &k[3]);
        order_two(&k[1], &k[2]);
    }
    for (size_t j = i + 1; j < n; j++)
        for (size_t k = j; k > i; k--)
            order_two(&keys[k - 1], &keys[k]);
}

/* Two runs of one length, from both ends at once: neither can be used up before the middle, and the
 * processor does both. */
static void merge_equal(const uint64_t *runs, size_t length, uint64_t *out)
{
    const uint64_t *a = runs, *b = runs + length, *a_end = b - 1, *b_end = b + length - 1;
    for (size_t i = 0; i < length; i++) {
        const uint64_t low = *a < *b ? *a : *b, high = *a_end > *b_end ? *a_end : *b_end;
        const size_t first = *a < *b, last = *a_end > *b_end;
        out[i] = low;
        out[2 * length - 1 - i] = high;
        a += first;
        b += !first;
        a_end -= last;
        b_end -= !last;
    }
}

static void merge(const uint64_t *runs, size_t middle, size_t end, uint64_t *out)
{
    size_t a = 0, b = middle, i = 0;
    while (a < middle && b < end) {
        const bool left = runs[a] < runs[b];
        out[i++] = runs[left ? a : b];
        a += left;
        b += !left;
    }
    memcpy(out + i, runs + a, (middle - a) * sizeof *out);
    memcpy(out + i + middle - a, runs + b, (end - b) * sizeof *out);
}

/* Merge sort without branches that values decide. Returns the half of keys[2 n] that is sorted. */
static uint64_t *sorted(size_t n, uint64_t *keys)
{
    uint64_t *from = keys, *to = keys + n;
    sort_fours(from, n);
    for (size_t run = 4; run < n; run *= 2) {
        size_t start = 0;
        for (; start + 2 * run <= n; start += 2 * run)
            merge_equal(from + start, run, to + start);
        if (start < n)
            merge(from + start, n - start < run ? n - start : run, n - start, to + start);
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

void kvr_ranks(const double *values, size_t n, double *ranks, uint64_t *work)
{
    for (size_t i = 0; i < n; i++)
        work[i] = rank_key(values[i], i);
    uint64_t *order = sorted(n, work);
    for (size_t i = 0; i < n; i++) { /* as doubles: few places are wrong, and by little */
        size_t index = (uint32_t)order[i], place = i;
        for (; place && values[order[place - 1]] > values[index]; place--)
            order[place] = order[place - 1];
        order[place] = index;
    }
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

size_t kvr_top(const double *values, size_t n, size_t most, double *top)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        size_t place = count;
        while (place > 0 && values[i] > top[place - 1])
            place--;
        if (place == most)
            continue;
        count += count < most;
        for (size_t j = count - 1; j > place; j--)
            top[j] = top[j - 1];
        top[place] = values[i];
    }
    return count;
}

static const size_t edge_keys[KVR_EDGES] = {1, 5, 10};

static void find_edges(struct kvr_attention_row *row)
{
    double top[KVR_TOP_MOST];
    size_t count = kvr_top(row->scores, row->n, KVR_TOP_MOST, top);
    for (size_t e = 0; e < KVR_EDGES; e++) {
        size_t k = edge_keys[e] < count ? edge_keys[e] : count, above = 0, equal = 0;
        row->edges[e].value = top[k - 1];
        while (top[above] > top[k - 1])
            above++;
        for (size_t i = 0; i < row->n; i++)
            equal += row->scores[i] == top[k - 1];
        row->edges[e].share = (double)(k - above) / (double)equal;
    }
}

static double member(const struct kvr_edge *edge, double score)
{
    return score > edge->value ? 1.0 : score == edge->value ? edge->share : 0.0;
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

void kvr_row_fill(const struct kvr_wide *wide, struct kvr_attention_row *row, const float *values)
{
    kvr_softmax(row->scores, row->n, row->weights, row->logs);
    kvr_ranks(row->scores, row->n, row->ranks, row->work);
    find_edges(row);
    wide->weighted_sum(row->weights, values, row->n, row->d, row->output);
}

/* The part of the k largest that two rows share. */
static double overlap(const struct kvr_attention_row *a, const struct kvr_attention_row *b,
                      size_t edge)
{
    size_t k = edge_keys[edge] < a->n ? edge_keys[edge] : a->n;
    double both = 0.0;
    for (size_t i = 0; i < a->n; i++) {
        double x = member(&a->edges[edge], a->scores[i]);
        double y = member(&b->edges[edge], b->scores[i]);
        both += x < y ? x : y;
    }
    return both / (double)k;
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
    for (size_t i = 0; i < exact->n; i++) {
        divergence += exact->weights[i] * (exact->logs[i] - row->logs[i]);
        mass += exact->weights[i] * member(&row->edges[KVR_EDGES - 1], row->scores[i]);
    }
    metrics[KVR_COS] = kvr_cosine(exact->output, row->output, exact->d);
    metrics[KVR_COS_CENTERED] = centred_cosine(exact, row, centre);
    metrics[KVR_REL_L2] = length > 0.0 ? sqrt(difference / length) : 0.0;
    metrics[KVR_KL] = divergence > 0.0 ? divergence : 0.0; /* below 0 by rounding only */
    metrics[KVR_RHO] = kvr_rank_correlation(exact->ranks, row->ranks, exact->n);
    metrics[KVR_TOP1] = overlap(exact, row, 0);
    metrics[KVR_TOP5] = overlap(exact, row, 1);
    metrics[KVR_TOP10] = overlap(exact, row, 2);
    metrics[KVR_MASS10] = mass;
}
