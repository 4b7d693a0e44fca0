/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mini set against figures that numpy gave on the same tensors: with its codebooks exactly,
 * with our own k-means within the spread between seeds.
 */
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

enum { D = 64, TOKENS = 512, FIRST = 32, QUERIES = TOKENS - FIRST, KV_HEADS = 2, GROUP = 3,
       VALUES = KVR_METRICS * GROUP * QUERIES };

struct mini {
    struct kvr_tensor q, k, v, calibration;
    char text[8192]; /* reference_metrics.json */
};

static struct mini mini;

static int load(void **state)
{
    (void)state;
    char path[4096];
    test_load("q.npy", &mini.q);
    test_load("k.npy", &mini.k);
    test_load("v.npy", &mini.v);
    test_load("calib_k.npy", &mini.calibration);
    test_data_path("reference_metrics.json", path, sizeof path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    mini.text[fread(mini.text, 1, sizeof mini.text - 1, file)] = '\0';
    return fclose(file);
}

static int unload(void **state)
{
    (void)state;
    kvr_tensor_free(&mini.q);
    kvr_tensor_free(&mini.k);
    kvr_tensor_free(&mini.v);
    kvr_tensor_free(&mini.calibration);
    return 0;
}

/* The figure `key` of the method `name`. */
static double figure(const char *name, const char *key)
{
    char entry[64];
    snprintf(entry, sizeof entry, "\"%s\":", name);
    const char *at = strstr(mini.text, entry);
    assert_non_null(at);
    snprintf(entry, sizeof entry, "\"%s\":", key);
    at = strstr(at, entry);
    assert_non_null(at);
    return strtod(at + strlen(entry), NULL);
}

static struct kvr_head head_of(size_t kv)
{
    return (struct kvr_head){.wide = kvr_wide(0), .head_dim = D, .tokens = TOKENS,
                             .query_heads = GROUP, .first_query = FIRST,
                             .keys = mini.k.values + kv * TOKENS * D,
                             .values = mini.v.values + kv * TOKENS * D,
                             .queries = mini.q.values + kv * GROUP * TOKENS * D,
                             .query_stride = TOKENS * D, .seed = 1};
}

struct means {
    double metrics[KVR_METRICS], key_error;
};

/* Means over both KV heads; sides: of each, or NULL. */
static struct means measure(struct kvr_coding coding, void *const *sides)
{
    struct means means = {.key_error = 0};
    float *values = malloc(VALUES * sizeof *values);
    assert_non_null(values);
    for (size_t kv = 0; kv < KV_HEADS; kv++) {
        struct kvr_head head = head_of(kv);
        struct kvr_head_result result = {.metrics = values};
        size_t failed;
        coding.side = sides ? sides[kv] : NULL;
        assert_int_equal(kvr_head_measure(&head, &coding, 1, &result, &failed), 0);
        for (size_t i = 0; i < VALUES; i++)
            means.metrics[i / (GROUP * QUERIES)] += values[i] / (KV_HEADS * GROUP * QUERIES);
        means.key_error += result.key_squared_error / KV_HEADS;
    }
    free(values);
    return means;
}

static void within(const char *name, const char *key, double value, double tolerance)
{
    double expected = figure(name, key);
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%s %s: %.6f, numpy gave %.6f", name, key, value, expected);
}

/* Of keys with equal scores numpy took any into its top five, here all count by a share. */
static void compare(const char *name, const struct means *m, double tolerance)
{
    double top_tolerance = strstr(name, "int8") ? 3e-5 : .01;
    within(name, "cos", m->metrics[KVR_COS], tolerance);
    within(name, "cos_centered", m->metrics[KVR_COS_CENTERED], tolerance);
    within(name, "kl_nats", m->metrics[KVR_KL], tolerance);
    within(name, "rho", m->metrics[KVR_RHO], tolerance);
    within(name, "top5", m->metrics[KVR_TOP5], top_tolerance);
}

static struct kvr_coding coding_of(const char *name)
{
    const struct kvr_codec *codec = kvr_codec_find(name);
    assert_non_null(codec);
    return (struct kvr_coding){.codec = codec, .format = codec->formats[0],
                               .shape = {.head_dim = D, .group = codec->group}, .seed = 1};
}

/* One scale for each KV head: nothing is left to chance. */
static void scalar_codes(void **state)
{
    (void)state;
    static const char *const names[] = {"int8", "int4"};
    for (size_t i = 0; i < 2; i++) {
        struct means m = measure(coding_of(names[i]), NULL);
        compare(names[i], &m, 3e-5);
    }
}

/* Its centred cosine is 0 / 0, which rounding decides in numpy's figure. */
static void uniform_attention(void **state)
{
    (void)state;
    struct means m = measure((struct kvr_coding){.control = KVR_UNIFORM}, NULL);
    within("uniform", "cos", m.metrics[KVR_COS], 1e-6);
    within("uniform", "kl_nats", m.metrics[KVR_KL], 1e-6);
    within("uniform", "rho", m.metrics[KVR_RHO], 0.0);
    assert_true(m.metrics[KVR_COS_CENTERED] == 0.0);
}

/* m subspaces with the stored codebooks or, trained on the calibration keys, our own. */
static struct means lookat(uint32_t subspaces, bool stored)
{
    struct kvr_coding coding = coding_of("lookat");
    struct kvr_tensor books = {0};
    void *sides[KV_HEADS];
    char name[32];
    coding.shape.tables = subspaces;
    coding.shape.entries = 256;
    snprintf(name, sizeof name, "codebook_m%u.npy", subspaces);
    if (stored)
        test_load(name, &books);
    for (size_t kv = 0; kv < KV_HEADS; kv++) {
        size_t bytes = coding.codec->side_bytes(&coding.shape);
        size_t count = mini.calibration.dims[2];
        sides[kv] = test_memory(bytes);
        if (stored)
            memcpy(sides[kv], books.values + kv * 256 * D, bytes);
        else
            assert_int_equal(coding.codec->train(&coding.shape,
                                                 mini.calibration.values + kv * count * D, count,
                                                 1, sides[kv]),
                             0);
    }
    struct means m = measure(coding, sides);
    kvr_tensor_free(&books);
    free(sides[0]);
    free(sides[1]);
    return m;
}

static void stored_codebooks(void **state)
{
    (void)state;
    for (uint32_t m = 2; m <= 16; m *= 2) {
        char name[32];
        struct means means = lookat(m, true);
        snprintf(name, sizeof name, "lookat-%u", m);
        compare(name, &means, 3e-4);
        within(name, "squared_error_per_key", means.key_error, 1e-4);
    }
}

static void own_codebooks(void **state)
{
    (void)state;
    double last = INFINITY;
    for (uint32_t m = 2; m <= 16; m *= 2) {
        char name[32];
        struct means means = lookat(m, false);
        snprintf(name, sizeof name, "lookat-%u", m);
        within(name, "rho", means.metrics[KVR_RHO], .02);
        within(name, "squared_error_per_key", means.key_error,
               .03 * figure(name, "squared_error_per_key"));
        assert_true(means.key_error < last); /* of held-out keys, falls with m */
        last = means.key_error;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalar_codes),
        cmocka_unit_test(uniform_attention),
        cmocka_unit_test(stored_codebooks),
        cmocka_unit_test(own_codebooks),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
