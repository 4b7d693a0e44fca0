/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Key sets: the joining rule, which files belong together, and where the built-in set is found.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/data/keyset.h"
#include "support.h"

enum { PATH_BYTES = 600 };

static char folder[PATH_BYTES - 100];

static int set_up(void **state)
{
    char data[4096];
    (void)state;
    test_folder(folder, sizeof folder);
    test_data_path("k.npy", data, sizeof data);
    *strrchr(data, '/') = '\0';
    return setenv("KVROOF_DATA", data, 1);
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

/* Writes float32 [layers, heads, tokens, channels] whose values tell where they stood:
 * kind + 1000 * (layer * heads + head) + 100 * token + channel. */
static const char *write_tensor(const char *name, float kind, size_t layers, size_t heads,
                                size_t tokens, size_t channels)
{
    static char paths[4][PATH_BYTES];
    static unsigned next;
    char *path = paths[next++ % 4], dictionary[160];
    size_t count = layers * heads * tokens * channels;
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = kind + (float)(1000 * (i / (tokens * channels)) +
                                   100 * (i / channels % tokens) + i % channels);
    snprintf(path, PATH_BYTES, "%s/%s.npy", folder, name);
    snprintf(dictionary, sizeof dictionary,
             "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu, %zu, %zu), }", layers,
             heads, tokens, channels);
    test_write_npy(path, dictionary, values, count * sizeof *values);
    free(values);
    return path;
}

static void load(const struct kvr_keyset_paths *paths, uint32_t head_dim, struct kvr_keyset *set)
{
    char error[512] = "";
    if (kvr_keyset_load(paths, head_dim, set, error, sizeof error))
        fail_msg("%s", error);
}

static const struct kvr_keyset_paths mini = {NULL, NULL, NULL, NULL};

static void the_mini_set(void **state)
{
    (void)state;
    struct kvr_keyset set;
    struct kvr_tensor keys;
    load(&mini, 64, &set);
    test_load("k.npy", &keys);
    assert_int_equal(set.head_dim, 64);
    assert_int_equal(set.kv_heads, 2);
    assert_int_equal(set.query_heads, 6);
    assert_int_equal(set.tokens, 512);
    assert_int_equal(set.query_tokens, 512);
    assert_int_equal(set.calibration_tokens, 9984);
    assert_false(set.reshaped);
    assert_false(set.leaking);
    assert_string_equal(set.source, "mini");
    assert_memory_equal(set.keys, keys.values, 2 * 512 * 64 * sizeof(float));
    assert_non_null(set.queries);
    assert_non_null(set.values);
    kvr_tensor_free(&keys);
    kvr_keyset_free(&set);
    assert_null(set.keys);
}

/* Channel c of the joined head: file head (c / 64), cyclically, channel c % 64. */
static void check_mini(uint32_t head_dim, uint32_t kv_heads)
{
    struct kvr_keyset set;
    struct kvr_tensor keys, queries, calibration;
    load(&mini, head_dim, &set);
    test_load("k.npy", &keys);
    test_load("q.npy", &queries);
    test_load("calib_k.npy", &calibration);
    assert_int_equal(set.head_dim, head_dim);
    assert_int_equal(set.kv_heads, kv_heads);
    assert_int_equal(set.query_heads, 3 * kv_heads);
    assert_true(set.reshaped);
    for (size_t h = 0; h < kv_heads; h++) {
        for (size_t c = 0; c < head_dim; c++) {
            size_t kv = (h + c / 64) % 2, channel = c % 64, d = head_dim;
            for (size_t t = 0; t < 512; t += 73) {
                assert_true(set.keys[(h * 512 + t) * d + c] ==
                            keys.values[(kv * 512 + t) * 64 + channel]);
                for (size_t i = 0; i < 3; i++)
                    assert_true(set.queries[((h * 3 + i) * 512 + t) * d + c] ==
                                queries.values[((kv * 3 + i) * 512 + t) * 64 + channel]);
            }
            for (size_t t = 0; t < 9984; t += 997)
                assert_true(set.calibration[(h * 9984 + t) * d + c] ==
                            calibration.values[(kv * 9984 + t) * 64 + channel]);
        }
    }
    kvr_tensor_free(&keys);
    kvr_tensor_free(&queries);
    kvr_tensor_free(&calibration);
    kvr_keyset_free(&set);
}

static void the_joining_rule(void **state)
{
    (void)state;
    check_mini(32, 2); /* cut: each head by itself */
    check_mini(80, 1); /* all of KV head 0, 16 channels of KV head 1 */
    check_mini(96, 1);
    check_mini(128, 1);
    check_mini(256, 1); /* 0, 1 and again 0, 1 */
}

/* Two layers of three KV heads are six heads; at twice the head dim neighbours form three. */
static void layers_count_as_heads(void **state)
{
    (void)state;
    struct kvr_keyset set;
    struct kvr_keyset_paths paths = {
        .keys = write_tensor("k", 0, 2, 3, 5, 4),
        .queries = write_tensor("q", .5f, 2, 6, 5, 4),
        .values = write_tensor("v", .25f, 2, 3, 5, 4),
        .calibration = write_tensor("c", .125f, 2, 3, 7, 4),
    };
    load(&paths, 4, &set);
    assert_int_equal(set.kv_heads, 6);
    assert_int_equal(set.query_heads, 12);
    assert_int_equal(set.tokens, 5);
    assert_int_equal(set.calibration_tokens, 7);
    assert_string_equal(set.source, paths.keys);
    assert_false(set.leaking);
    assert_true(set.keys[(4 * 5 + 2) * 4 + 3] == 4203.0f);
    assert_true(set.queries[(9 * 5 + 1) * 4 + 2] == 9102.5f);
    assert_true(set.values[(5 * 5 + 4) * 4] == 5400.25f);
    assert_true(set.calibration[(5 * 7 + 6) * 4 + 1] == 5601.125f);
    kvr_keyset_free(&set);

    load(&paths, 7, &set); /* pairs (0,1), (2,3), (4,5); 4 + 3 channels */
    assert_int_equal(set.kv_heads, 3);
    assert_int_equal(set.query_heads, 6);
    assert_true(set.keys[(1 * 5 + 2) * 7 + 3] == 2203.0f);
    assert_true(set.keys[(1 * 5 + 2) * 7 + 6] == 3202.0f);
    /* joined query 3 = member 1 of pair (2,3): file queries 2 * 2 + 1 and 3 * 2 + 1 */
    assert_true(set.queries[(3 * 5 + 1) * 7 + 0] == 5100.5f);
    assert_true(set.queries[(3 * 5 + 1) * 7 + 5] == 7101.5f);
    assert_true(set.values[(2 * 5 + 0) * 7 + 4] == 5000.25f);
    assert_true(set.calibration[(2 * 7 + 6) * 7 + 4] == 5600.125f);
    kvr_keyset_free(&set);
}

static void keys_without_calibration_leak(void **state)
{
    (void)state;
    struct kvr_keyset set;
    struct kvr_keyset_paths paths = {.keys = write_tensor("k", 0, 1, 2, 5, 4)};
    load(&paths, 4, &set);
    assert_true(set.leaking);
    assert_int_equal(set.calibration_tokens, 5);
    assert_memory_equal(set.calibration, set.keys, 2 * 5 * 4 * sizeof(float));
    assert_null(set.queries);
    assert_null(set.values);
    assert_int_equal(set.query_heads, 0);
    kvr_keyset_free(&set);
}

static void refused(const struct kvr_keyset_paths *paths, uint32_t head_dim, int status,
                    const char *says)
{
    struct kvr_keyset set;
    char error[1024] = "";
    memset(&set, 0x55, sizeof set);
    int got = kvr_keyset_load(paths, head_dim, &set, error, sizeof error);
    if (got != status || !strstr(error, says))
        fail_msg("status %d, \"%s\"; expected %d, \"%s\"", got, error, status, says);
    assert_null(set.keys);
    assert_null(set.calibration);
    assert_int_equal(set.tokens, 0);
}

static void refuses_files_that_do_not_match(void **state)
{
    (void)state;
    const char *keys = write_tensor("k", 0, 2, 2, 5, 4);
    const struct {
        const char *option;
        size_t dims[4];
        const char *says;
    } cases[] = {
        {"q", {1, 4, 5, 4}, "1 layers, --keys"},     {"q", {2, 3, 5, 4}, "not a multiple of the 2"},
        {"q", {2, 4, 6, 4}, "6 tokens, --keys"},     {"q", {2, 4, 5, 8}, "8 channels, --keys"},
        {"q", {2, 1, 5, 4}, "not a multiple"},       {"v", {2, 4, 5, 4}, "4 heads, --keys"},
        {"v", {2, 2, 4, 4}, "4 tokens, --keys"},     {"v", {2, 2, 5, 2}, "2 channels, --keys"},
        {"c", {1, 2, 5, 4}, "1 layers, --keys"},     {"c", {2, 1, 9, 4}, "1 heads, --keys"},
        {"c", {2, 2, 9, 64}, "64 channels, --keys"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t *n = cases[i].dims;
        const char *other = write_tensor(cases[i].option, 0, n[0], n[1], n[2], n[3]);
        char which = cases[i].option[0];
        struct kvr_keyset_paths paths = {.keys = keys,
                                         .queries = which == 'q' ? other : NULL,
                                         .values = which == 'v' ? other : NULL,
                                         .calibration = which == 'c' ? other : NULL};
        refused(&paths, 4, -EINVAL, cases[i].says);
        refused(&paths, 4, -EINVAL, other);
        keys = write_tensor("k", 0, 2, 2, 5, 4);
    }
}

static void refuses_incomplete_requests(void **state)
{
    (void)state;
    struct kvr_keyset_paths paths = {.queries = "some.npy"};
    refused(&paths, 64, -EINVAL, "--queries some.npy needs --keys");
    paths = (struct kvr_keyset_paths){.values = "some.npy"};
    refused(&paths, 64, -EINVAL, "--values some.npy needs --keys");
    paths = (struct kvr_keyset_paths){.calibration = "some.npy"};
    refused(&paths, 64, -EINVAL, "--calibration some.npy needs --keys");
    paths = (struct kvr_keyset_paths){.keys = "no-such-file.npy"};
    refused(&paths, 64, -ENOENT, "--keys no-such-file.npy: cannot be opened");
    paths.keys = write_tensor("k", 0, 1, 1, 2, 4);
    paths.calibration = "no-such-file.npy";
    refused(&paths, 4, -ENOENT, "--calibration no-such-file.npy: cannot be opened");
    refused(&mini, 0, -EINVAL, "--head-dim 0 is not between 1 and 256");
    refused(&mini, 257, -EINVAL, "--head-dim 257 is not between");
}

/* $KVROOF_DATA wins if it holds k.npy, and is passed over if it does not. */
static void the_data_folder(void **state)
{
    (void)state;
    char buffer[4096], kept[4096], error[256] = "";
    struct kvr_keyset set;
    const char *data = getenv("KVROOF_DATA");
    snprintf(kept, sizeof kept, "%s", data ? data : "");
    assert_string_equal(kvr_data_folder(buffer, sizeof buffer), kept);
    assert_null(kvr_data_folder(buffer, 1));

    assert_int_equal(setenv("KVROOF_DATA", folder, 1), 0);
    snprintf(buffer, sizeof buffer, "%s/k.npy", folder);
    unlink(buffer);
    const char *found = kvr_data_folder(buffer, sizeof buffer);
    assert_true(!found || strcmp(found, folder));

    write_tensor("k", 0, 1, 1, 2, 4); /* its companions are missing */
    assert_string_equal(kvr_data_folder(buffer, sizeof buffer), folder);
    snprintf(buffer, sizeof buffer, "%s/q.npy", folder);
    unlink(buffer);
    assert_int_equal(kvr_keyset_load(&mini, 4, &set, error, sizeof error), -ENOENT);
    assert_non_null(strstr(error, "q.npy: cannot be opened"));
    assert_int_equal(setenv("KVROOF_DATA", kept, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mini_set),
        cmocka_unit_test(the_joining_rule),
        cmocka_unit_test(layers_count_as_heads),
        cmocka_unit_test(keys_without_calibration_leak),
        cmocka_unit_test(refuses_files_that_do_not_match),
        cmocka_unit_test(refuses_incomplete_requests),
        cmocka_unit_test(the_data_folder),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
