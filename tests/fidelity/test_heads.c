/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Attention over a head against a formula that is written out here, key by key: grouped queries,
 * causality, sinks, rotation, channel order, controls.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kernels/formats.h"
#include "../../src/fidelity/head.h"
#include "../codec/support.h"

enum { D = 32, TOKENS = 40, GROUP = 2, FIRST = 7, QUERIES = TOKENS - FIRST,
       VALUES = KVR_METRICS * GROUP * QUERIES };

static struct kvr_head random_head(void)
{
    return (struct kvr_head){.wide = kvr_wide(0), .head_dim = D, .tokens = TOKENS,
                             .query_heads = GROUP, .first_query = FIRST,
                             .keys = test_random(1, TOKENS * D, 2.0f),
                             .values = test_random(2, TOKENS * D, 1.0f),
                             .queries = test_random(3, GROUP * TOKENS * D, 3.0f),
                             .query_stride = TOKENS * D, .rope_base = 1000, .seed = 9};
}

static void free_head(struct kvr_head *head)
{
    free((void *)head->keys);
    free((void *)head->values);
    free((void *)head->queries);
    free((void *)head->before_rope);
}

/* exp(q.k / sqrt(d)) / sum, over keys 0..t. */
static void weights_of(const float *query, const float *keys, size_t t, double *weights)
{
    double sum = 0.0;
    for (size_t i = 0; i <= t; i++) {
        double score = 0.0;
        for (size_t c = 0; c < D; c++)
            score += (double)query[c] * keys[i * D + c];
        weights[i] = exp(score / sqrt((double)D));
        sum += weights[i];
    }
    for (size_t i = 0; i <= t; i++)
        weights[i] /= sum;
}

/* KL divergence and cosine of query t when `coded` stands for the keys. */
static void expected(const struct kvr_head *head, const float *coded, size_t h, size_t t,
                     double *divergence, double *cosine)
{
    const float *query = head->queries + (h * TOKENS + t) * D;
    double p[TOKENS], q[TOKENS], ab = 0.0, aa = 0.0, bb = 0.0;
    weights_of(query, head->keys, t, p);
    weights_of(query, coded, t, q);
    *divergence = 0.0;
    for (size_t i = 0; i <= t; i++)
        *divergence += p[i] * log(p[i] / q[i]);
    for (size_t c = 0; c < D; c++) {
        double a = 0.0, b = 0.0;
        for (size_t i = 0; i <= t; i++) {
            a += p[i] * head->values[i * D + c];
            b += q[i] * head->values[i * D + c];
        }
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    *cosine = ab / sqrt(aa * bb);
}

/* Measures one coding and holds every query against the formula with those keys. */
static void check(const struct kvr_head *head, const struct kvr_coding *coding, const float *coded)
{
    float values[VALUES];
    struct kvr_head_result result = {.metrics = values};
    size_t failed;
    assert_int_equal(kvr_head_measure(head, coding, 1, &result, &failed), 0);
    for (size_t h = 0; h < GROUP; h++) {
        for (size_t t = FIRST; t < TOKENS; t++) {
            double divergence, cosine;
            size_t at = h * QUERIES + t - FIRST;
            expected(head, coded, h, t, &divergence, &cosine);
            if (!(fabs(values[KVR_KL * GROUP * QUERIES + at] - divergence) < 1e-5) ||
                !(fabs(values[KVR_COS * GROUP * QUERIES + at] - cosine) < 1e-5))
                fail_msg("query head %zu, query %zu: KL %g, expected %g; cosine %g, expected %g", h,
                         t, (double)values[KVR_KL * GROUP * QUERIES + at], divergence,
                         (double)values[KVR_COS * GROUP * QUERIES + at], cosine);
        }
    }
}

/* round(k * 7 / amax), at most 7, at least -8, from key `skip` on; the keys before stay. */
static float *int4_keys(const float *keys, size_t skip)
{
    float *coded = malloc(TOKENS * D * sizeof *coded), largest = 0.0f;
    assert_non_null(coded);
    memcpy(coded, keys, TOKENS * D * sizeof *coded);
    for (size_t i = skip * D; i < TOKENS * D; i++)
        largest = fmaxf(largest, fabsf(keys[i]));
    float scale = largest / 7.0f;
    for (size_t i = skip * D; i < TOKENS * D; i++)
        coded[i] = fminf(fmaxf(nearbyintf(keys[i] / scale), -8.0f), 7.0f) * scale;
    return coded;
}

static struct kvr_coding int4_coding(void)
{
    return (struct kvr_coding){.codec = kvr_codec_find("int4"), .format = &kvr_format_affine4,
                               .shape = {.head_dim = D}};
}

static void scales_and_sinks(void **state)
{
    (void)state;
    struct kvr_head head = random_head();
    for (uint32_t skip = 0; skip < 6; skip += 5) {
        struct kvr_coding coding = int4_coding();
        float *coded = int4_keys(head.keys, skip);
        head.skip_sinks = skip;
        check(&head, &coding, coded);
        free(coded);
    }
    free_head(&head);
}

/* Coded before rotation: channels j and j + d/2 of key t turn by t * base^(-2j/d). */
static void coded_before_rotation(void **state)
{
    (void)state;
    struct kvr_head head = random_head();
    float *before = test_random(4, TOKENS * D, 2.0f);
    struct kvr_coding coding = int4_coding();
    float *coded = int4_keys(before, 0);
    for (size_t t = 0; t < TOKENS; t++) {
        for (size_t j = 0; j < D / 2; j++) {
            double angle = (double)t / pow(1000.0, (double)j / (D / 2));
            float *x = &coded[t * D + j], *y = x + D / 2, low = *x, high = *y;
            *x = (float)(low * cos(angle) - high * sin(angle));
            *y = (float)(low * sin(angle) + high * cos(angle));
        }
    }
    head.before_rope = before;
    coding.before_rope = true;
    check(&head, &coding, coded);
    free(coded);
    free_head(&head);
}

/* As many entries as keys: every key is its own centroid, so that nothing is lost whatever the
 * order of channels, unless queries and keys are ordered differently. */
static void channel_order(void **state)
{
    (void)state;
    struct kvr_head head = random_head();
    struct kvr_coding coding = {.codec = kvr_codec_find("lookat"),
                                .format = &kvr_format_lookup_f32,
                                .shape = {.head_dim = D, .tables = 4, .entries = 256}};
    float *book = calloc(256 * D, sizeof *book), *paired = malloc(TOKENS * D * sizeof *paired);
    assert_true(book && paired);
    for (size_t t = 0; t < TOKENS; t++) {
        for (size_t c = 0; c < D; c++)
            paired[t * D + c] = head.keys[t * D + (c % 2 ? D / 2 + c / 2 : c / 2)];
        for (size_t i = 0; i < 4; i++)
            memcpy(book + (i * 256 + t) * 8, paired + t * D + i * 8, 8 * sizeof *book);
    }
    coding.rope_pairs = true;
    coding.side = book;
    check(&head, &coding, head.keys);
    kvr_pair_channels(head.keys, TOKENS, D, book);
    assert_memory_equal(book, paired, TOKENS * D * sizeof *paired);
    free(book);
    free(paired);
    free_head(&head);
}

/* Random orders and keys know nothing: over many queries no rank correlation is left. */
static void controls_know_nothing(void **state)
{
    (void)state;
    struct kvr_head head = random_head();
    const struct kvr_coding codings[] = {{.control = KVR_UNIFORM}, {.control = KVR_SHUFFLED},
                                         {.control = KVR_RANDOM}};
    float values[3][VALUES];
    struct kvr_head_result results[] = {{.metrics = values[0]}, {.metrics = values[1]},
                                        {.metrics = values[2]}};
    size_t failed;
    assert_int_equal(kvr_head_measure(&head, codings, 3, results, &failed), 0);
    for (size_t i = 0; i < 3; i++) {
        double rho = 0.0, divergence = 0.0;
        for (size_t q = 0; q < GROUP * QUERIES; q++) {
            rho += values[i][KVR_RHO * GROUP * QUERIES + q] / (GROUP * QUERIES);
            divergence += values[i][KVR_KL * GROUP * QUERIES + q] / (GROUP * QUERIES);
        }
        assert_true(i ? fabs(rho) < .15 : rho == 0.0);
        assert_true(divergence > .1);
        assert_true(isnan(results[i].key_squared_error));
    }
    free_head(&head);
}

/* Exact weights over values, of which each row of 32 channels has 127 steps either way. */
static void values_of_8_bits(void **state)
{
    (void)state;
    struct kvr_head head = random_head();
    const struct kvr_coding coding = {.control = KVR_VALUES_Q8};
    float values[VALUES], *rounded = test_memory(TOKENS * D * sizeof *rounded);
    struct kvr_head_result result = {.metrics = values};
    size_t failed;
    for (size_t t = 0; t < TOKENS; t++) {
        float largest = 0.0f;
        for (size_t c = 0; c < D; c++)
            largest = fmaxf(largest, fabsf(head.values[t * D + c]));
        const float step = kvr_half_to_float(kvr_float_to_half(largest / 127.0f));
        for (size_t c = 0; c < D; c++)
            rounded[t * D + c] =
                fminf(fmaxf(nearbyintf(head.values[t * D + c] / step), -127.0f), 127.0f) * step;
    }
    assert_int_equal(kvr_head_measure(&head, &coding, 1, &result, &failed), 0);
    for (size_t h = 0; h < GROUP; h++) {
        for (size_t t = FIRST; t < TOKENS; t++) {
            double p[TOKENS], off = 0.0, length = 0.0;
            const size_t at = h * QUERIES + t - FIRST;
            weights_of(head.queries + (h * TOKENS + t) * D, head.keys, t, p);
            for (size_t c = 0; c < D; c++) {
                double a = 0.0, b = 0.0;
                for (size_t i = 0; i <= t; i++) {
                    a += p[i] * head.values[i * D + c];
                    b += p[i] * rounded[i * D + c];
                }
                off += (a - b) * (a - b);
                length += a * a;
            }
            const double error = sqrt(off / length);
            assert_true(error > 1e-4);
            assert_true(fabs(values[KVR_REL_L2 * GROUP * QUERIES + at] / error - 1.0) < 1e-4);
            assert_true(values[KVR_KL * GROUP * QUERIES + at] == 0.0f);
            assert_true(fabsf(values[KVR_RHO * GROUP * QUERIES + at] - 1.0f) < 1e-6f);
        }
    }
    free(rounded);
    free_head(&head);
}

static void refuses_what_leaves_nothing(void **state)
{
    (void)state;
    struct kvr_head head = random_head();
    struct kvr_coding coding = int4_coding();
    float values[VALUES];
    struct kvr_head_result result = {.metrics = values};
    size_t failed;
    head.first_query = TOKENS;
    assert_int_equal(kvr_head_measure(&head, &coding, 1, &result, &failed), -EINVAL);
    head.first_query = FIRST;
    head.skip_sinks = TOKENS;
    assert_int_equal(kvr_head_measure(&head, &coding, 1, &result, &failed), -EINVAL);
    free_head(&head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scales_and_sinks),
        cmocka_unit_test(coded_before_rotation),
        cmocka_unit_test(channel_order),
        cmocka_unit_test(controls_know_nothing),
        cmocka_unit_test(values_of_8_bits),
        cmocka_unit_test(refuses_what_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
