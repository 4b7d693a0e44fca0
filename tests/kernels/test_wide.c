/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loops of wide.h: the baseline's against plain sums, wider ones against the baseline's, bit
 * for bit.
 */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/wide.h"
#include "src/machine/isa.h"

enum { BLOCKS = 3, MOST_DIM = 33, ENTRIES = 24, KEYS = 75, CHANNELS = 72 };

static _Alignas(64) float points[BLOCKS * MOST_DIM * 16];
static float centroids[ENTRIES * MOST_DIM], half_norms[ENTRIES], values[KEYS * CHANNELS];
static double columns[CHANNELS * KEYS], factors[CHANNELS > KEYS ? CHANNELS : KEYS];

struct results {
    int32_t nearest[16], plain_nearest[16];
    float scores[32], distances[BLOCKS * 16];
    double sums[BLOCKS], added[KEYS], weighted[CHANNELS];
    size_t column[16];
};

/* In steps of 1/8, so that equally near centroids occur, or any. */
static float random_value(uint32_t *random, int coarse)
{
    *random = *random * 1664525u + 1013904223u;
    const float value = (float)(*random >> 8) * 0x1p-23f - 1.0f;
    return coarse ? roundf(value * 8) / 8 : value;
}

static void fill(size_t dim, int coarse)
{
    uint32_t random = (uint32_t)dim * 2 + (uint32_t)coarse;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        points[i] = random_value(&random, coarse);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        values[i] = random_value(&random, coarse);
        columns[i] = random_value(&random, coarse) * 1.1;
    }
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        factors[i] = random_value(&random, coarse) * 1.3;
    for (size_t c = 0; c < ENTRIES; c++) {
        half_norms[c] = 0.0f;
        for (size_t j = 0; j < dim; j++) {
            centroids[c * dim + j] = random_value(&random, coarse);
            half_norms[c] += centroids[c * dim + j] * centroids[c * dim + j] / 2;
        }
    }
    half_norms[ENTRIES - 1] = INFINITY;
}

static void run(const struct kvr_wide *wide, size_t dim, size_t n, size_t d, struct results *r)
{
    memset(r, 0, sizeof *r);
    wide->nearest16(points, centroids, half_norms, ENTRIES, dim, r->nearest, r->scores);
    wide->nearest16(points, centroids, half_norms, ENTRIES, dim, r->plain_nearest, NULL);
    for (size_t i = 0; i < BLOCKS * 16; i++)
        r->distances[i] = i < 32 ? FLT_MAX : 0.0f; /* the last block is near enough already */
    r->sums[2] = 7.0;
    wide->lower_distances(points, BLOCKS, dim, points + 5, r->distances, r->sums);
    wide->lower_distances(points, BLOCKS, dim, points + 9, r->distances, r->sums);
    for (size_t i = 0; i < 16; i++)
        r->column[i] = wide->nearest_column(columns, ENTRIES, dim, values + i * dim);
    wide->add_columns(columns, KEYS, d, factors, n, r->added);
    wide->weighted_sum(factors, values, n, d, r->weighted);
}

static float point(size_t i, size_t j, size_t dim)
{
    return points[i / 16 * dim * 16 + j * 16 + i % 16];
}

static void check_nearest(const struct results *r, size_t dim)
{
    for (size_t i = 0; i < 16; i++) {
        float best = FLT_MAX, second = FLT_MAX;
        size_t nearest = 0;
        for (size_t c = 0; c < ENTRIES; c++) {
            float score = half_norms[c];
            for (size_t j = 0; j < dim; j++)
                score -= point(i, j, dim) * centroids[c * dim + j];
            if (score < best) {
                second = best;
                best = score;
                nearest = c;
            } else if (score < second) {
                second = score;
            }
        }
        assert_int_equal(r->nearest[i], nearest);
        assert_int_equal(r->plain_nearest[i], nearest);
        assert_true(r->scores[i] == best && r->scores[16 + i] == second);
    }
}

static void check_distances(const struct results *r, size_t dim)
{
    for (size_t i = 0; i < 32; i++) {
        float squares[2] = {0};
        for (size_t j = 0; j < dim; j++) {
            const float a = point(i, j, dim) - point(5, j, dim);
            const float b = point(i, j, dim) - point(9, j, dim);
            squares[0] += a * a;
            squares[1] += b * b;
        }
        assert_true(r->distances[i] == fminf(squares[0], squares[1]));
    }
    for (size_t b = 0; b < 2; b++) {
        double sum = 0.0;
        for (size_t i = 0; i < 16; i++)
            sum += r->distances[b * 16 + i];
        assert_true(r->sums[b] == sum);
    }
    assert_true(r->sums[2] == 7.0);
}

static void check_doubles(const struct results *r, size_t dim, size_t n, size_t d)
{
    for (size_t i = 0; i < 16; i++) {
        double least = INFINITY;
        size_t nearest = 0;
        for (size_t c = 0; c < ENTRIES; c++) {
            double distance = 0.0;
            for (size_t j = 0; j < dim; j++)
                distance += (values[i * dim + j] - columns[j * ENTRIES + c]) *
                            (values[i * dim + j] - columns[j * ENTRIES + c]);
            if (distance < least) {
                least = distance;
                nearest = c;
            }
        }
        assert_int_equal(r->column[i], nearest);
    }
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0;
        for (size_t c = 0; c < d; c++)
            sum += factors[c] * columns[c * KEYS + i];
        assert_true(r->added[i] == sum);
    }
    for (size_t c = 0; c < d; c++) {
        double sum = 0.0;
        for (size_t i = 0; i < n; i++)
            sum += factors[i] * values[i * d + c];
        assert_true(fabs(r->weighted[c] - sum) < 1e-12);
    }
}

static void all_widths_agree(void **state)
{
    (void)state;
    static const size_t dims[] = {1, 2, 4, 8, 16, 32, 33}, counts[] = {1, 4, 31, 64, 75};
    struct kvr_isa_info isa;
    struct results base, other;
    kvr_isa_detect(&isa);
    for (size_t k = 0; k < 7 * 5 * 2; k++) {
        const size_t dim = dims[k / 10], n = counts[k / 2 % 5], d = k % 3 ? 64 : CHANNELS;
        fill(dim, (int)(k % 2));
        run(kvr_wide(0), dim, n, d, &base);
        check_nearest(&base, dim);
        check_distances(&base, dim);
        check_doubles(&base, dim, n, d);
        for (uint32_t bytes = 32; bytes <= kvr_wide_bytes(isa.usable); bytes *= 2) {
            assert_int_equal(kvr_wide(bytes)->vector_bytes, bytes);
            run(kvr_wide(bytes), dim, n, d, &other);
            assert_memory_equal(&base, &other, sizeof base);
        }
    }
}

static void the_host_decides(void **state)
{
    (void)state;
    assert_int_equal(kvr_wide_bytes(0), 16);
    assert_int_equal(kvr_wide(0)->vector_bytes, 16);
    assert_int_equal(kvr_wide(31)->vector_bytes, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_widths_agree),
                                       cmocka_unit_test(the_host_decides)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
