/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Nearest centroids kept by bounds while centroids move are those of a full search each time.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/codec/assignment.h"
#include "../../src/codec/kmeans.h"
#include "support.h"

enum { BLOCKS = 40, POINTS = BLOCKS * 16, DIM = 5, ENTRIES = 37, PADDED = 40, STEPS = 30 };

static size_t searches;

static void counted(const float *points, const float *centroids, const float *half_norms,
                    size_t entries, size_t dim, int32_t *nearest, float *scores)
{
    searches++;
    kvr_wide(0)->nearest16(points, centroids, half_norms, entries, dim, nearest, scores);
}

static void set_half_norms(const float *centroids, float *half_norms)
{
    for (size_t c = 0; c < PADDED; c++) {
        double sum = 0.0;
        for (size_t j = 0; j < DIM; j++)
            sum += (double)centroids[c * DIM + j] * centroids[c * DIM + j];
        half_norms[c] = c < ENTRIES ? (float)(sum / 2) : INFINITY;
    }
}

static void bounds_change_no_code(void **state)
{
    (void)state;
    struct kvr_wide wide = *kvr_wide(0);
    wide.nearest16 = counted;
    float *points = kvr_zeroed(POINTS * DIM, sizeof *points), half_norms[PADDED];
    float *random = test_random(3, POINTS * DIM, 1.0f), *start = test_random(4, PADDED * DIM, 1.0f);
    float *walk = test_random(5, (size_t)STEPS * PADDED * DIM, 1.0f);
    int32_t codes[POINTS] = {0};
    assert_non_null(points);
    for (size_t i = 0; i < POINTS * DIM; i++) /* steps of 1/8: many points are equally near */
        points[i] = i % 3 ? random[i] : roundf(random[i] * 8) / 8;
    memcpy(start + DIM, start, DIM * sizeof *start); /* twice the same centroid */
    struct kvr_assignment a = {.wide = &wide, .points = points, .blocks = BLOCKS, .dim = DIM,
                               .entries = ENTRIES, .centroids = start, .half_norms = half_norms,
                               .codes = codes};
    set_half_norms(start, half_norms);
    assert_int_equal(kvr_assignment_open(&a), 0);
    for (size_t step = 0; step < STEPS; step++) {
        int32_t before[POINTS];
        memcpy(before, codes, sizeof codes);
        searches = 0;
        const bool changed = kvr_assign(&a);
        if (step == 0)
            assert_int_equal(searches, BLOCKS);
        if (step + 1 == STEPS)
            assert_true(searches < BLOCKS / 2);
        for (size_t b = 0; b < BLOCKS; b++) {
            int32_t nearest[16];
            wide.nearest16(points + b * DIM * 16, start, half_norms, ENTRIES, DIM, nearest, NULL);
            assert_memory_equal(nearest, codes + b * 16, sizeof nearest);
        }
        assert_int_equal(changed, memcmp(before, codes, sizeof codes) != 0);
        if (step == STEPS / 2) { /* as an empty cluster takes a point over */
            codes[7] = (codes[7] + 1) % ENTRIES;
            kvr_assignment_forget(&a, 7);
        }
        for (size_t i = 0; i < ENTRIES * DIM; i++)
            start[i] += walk[step * PADDED * DIM + i] * ldexpf(.25f, -(int)step / 2);
        set_half_norms(start, half_norms);
    }
    kvr_assignment_free(&a);
    free(points);
    free(random);
    free(start);
    free(walk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bounds_change_no_code)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
