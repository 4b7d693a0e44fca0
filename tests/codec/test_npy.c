/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The .npy reader: what it reads, and that everything else is refused with a sentence that names
 * the file and the defect.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support.h"

enum { PATH_BYTES = 600 };

static char folder[PATH_BYTES - 100];

static int set_up(void **state)
{
    (void)state;
    test_folder(folder, sizeof folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

static const char *file_path(char *path)
{
    snprintf(path, PATH_BYTES, "%s/tensor.npy", folder);
    return path;
}

/* The file must be refused with this errno, naming itself and the defect; nothing is kept. */
static void refused(const char *path, int status, const char *says)
{
    struct kvr_tensor tensor;
    char error[512] = "";
    memset(&tensor, 0x55, sizeof tensor);
    int got = kvr_npy_read(path, &tensor, error, sizeof error);
    if (got != status || !strstr(error, says) || strncmp(error, path, strlen(path)))
        fail_msg("status %d, \"%s\"; expected %d, \"%s\"", got, error, status, says);
    assert_null(tensor.values);
    assert_int_equal(kvr_npy_read(path, &tensor, NULL, 0), status);
}

static void reads_three_widths(void **state)
{
    (void)state;
    static const float expected[] = {1, -2, .5f, 0, 65504, 0x1p-24f};
    const uint16_t halves[] = {0x3c00, 0xc000, 0x3800, 0, 0x7bff, 1};
    const double doubles[] = {1, -2, .5, -0.0, 65504, 0x1p-24};
    const struct {
        const char *dictionary;
        const void *values;
        size_t bytes;
    } cases[] = {
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }", halves, sizeof halves},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", expected, 24},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", doubles, sizeof doubles},
    };
    for (size_t i = 0; i < 3; i++) {
        char path[PATH_BYTES], error[256] = "";
        struct kvr_tensor tensor;
        test_write_npy(file_path(path), cases[i].dictionary, cases[i].values, cases[i].bytes);
        if (kvr_npy_read(path, &tensor, error, sizeof error))
            fail_msg("%s", error);
        const size_t dims[] = {1, 1, 2, 3};
        assert_memory_equal(tensor.dims, dims, sizeof dims);
        assert_int_equal(tensor.stored_half, i == 0);
        for (size_t v = 0; v < 6; v++)
            assert_true(tensor.values[v] == expected[v]);
        kvr_tensor_free(&tensor);
        assert_null(tensor.values);
        kvr_tensor_free(&tensor);
    }
}

static void reads_axes_and_spellings(void **state)
{
    (void)state;
    static const float values[24];
    static const struct {
        const char *dictionary;
        size_t dims[4];
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), }", {1, 2, 3, 4}},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 3, 4)}", {2, 1, 3, 4}},
        {"{\"shape\":(24,1),\"descr\":\"<f4\",\"fortran_order\":False}", {1, 1, 24, 1}},
        {" {\t'fortran_order' :False ,'shape': ( 4 ,6 , ) ,\n 'descr' : '<f4' , } ", {1, 1, 4, 6}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[PATH_BYTES], error[256] = "";
        struct kvr_tensor tensor;
        test_write_npy(file_path(path), cases[i].dictionary, values, sizeof values);
        if (kvr_npy_read(path, &tensor, error, sizeof error))
            fail_msg("%s", error);
        assert_memory_equal(tensor.dims, cases[i].dims, sizeof cases[i].dims);
        kvr_tensor_free(&tensor);
    }
}

/* Versions 2 and 3 hold the header's length in four bytes. */
static void reads_later_versions(void **state)
{
    (void)state;
    char path[PATH_BYTES], text[128];
    static const char dictionary[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}\n";
    for (char version = 0; version <= 4; version++) {
        struct kvr_tensor tensor;
        const float values[] = {3, 4};
        const char head[] = {
            '\x93', 'N', 'U', 'M', 'P', 'Y', version, 0, (char)(sizeof dictionary - 1), 0, 0, 0};
        memcpy(text, head, 12);
        memcpy(text + 12, dictionary, sizeof dictionary - 1);
        memcpy(text + 12 + sizeof dictionary - 1, values, 8);
        test_write(file_path(path), text, 12 + sizeof dictionary - 1 + 8);
        if (version == 0 || version == 4) {
            refused(path, -EINVAL, "has .npy version");
            continue;
        }
        if (version == 1) /* two of the length's bytes would be header */
            continue;
        assert_int_equal(kvr_npy_read(path, &tensor, NULL, 0), 0);
        assert_true(tensor.values[0] == 3 && tensor.values[1] == 4);
        kvr_tensor_free(&tensor);
        text[7] = 1;
        test_write(path, text, 12 + sizeof dictionary - 1 + 8);
        refused(path, -EINVAL, "has .npy version");
        text[7] = 0;
        text[10] = 0x7f; /* a header longer than the file */
        test_write(path, text, 12 + sizeof dictionary - 1 + 8);
        refused(path, -EINVAL, "is truncated within its header");
    }
}

#define F4 "'descr': '<f4', 'fortran_order': False"

static void refuses_headers(void **state)
{
    (void)state;
    static const struct {
        const char *dictionary, *says;
    } cases[] = {
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1, 2)}", "complex numbers (type <c8"},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2)}", "integers (type <i4"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 8)}", "integers (type |u1"},
        {"{'descr': '|b1', 'fortran_order': False, 'shape': (1, 8)}", "booleans (type |b1"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1, 1)}", "values of type |O"},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (1, 1)}", "values of type <f16"},
        {"{'descr': 'f4', 'fortran_order': False, 'shape': (1, 2)}", "values of type f4"},
        {"{'descr': '', 'fortran_order': False, 'shape': (1, 2)}", "values of type "},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2)}", "big-endian (type >f4"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 2)}", "records"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2)}", "Fortran order"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (1, 2)}", "neither True nor False"},
        {"{" F4 ", 'shape': ()}", "has 0 axes"},
        {"{" F4 ", 'shape': (2,)}", "has 1 axis;"},
        {"{" F4 ", 'shape': (1, 1, 1, 1, 2)}", "has 5 axes"},
        {"{" F4 ", 'shape': (0, 2)}", "axis 0 of its shape is 0"},
        {"{" F4 ", 'shape': (2, 4, 0)}", "axis 2 of its shape is 0"},
        {"{" F4 ", 'shape': (4294967296, 4294967296)}", "number of values overflows"},
        {"{" F4 ", 'shape': (4294967296, 1073741824)}", "size overflows"},
        {"{" F4 ", 'shape': (18446744073709551616, 1)}", "an axis of shape overflows"},
        {"{" F4 ", 'shape': (1048576, 1048576)}", "truncated: its shape needs 4398046511104"},
        {"{" F4 ", 'shape': (1, 3)}", "truncated: its shape needs 12 bytes"},
        {"{" F4 ", 'shape': (1, 1)}", "longer than its shape says"},
        {"{" F4 ", 'shape': (-1, 2)}", "not a tuple of non-negative integers"},
        {"{" F4 ", 'shape': (1 2)}", "not a tuple of non-negative integers"},
        {"{" F4 ", 'shape': (1.0, 2)}", "not a tuple of non-negative integers"},
        {"{" F4 ", 'shape': (1,, 2)}", "not a tuple of non-negative integers"},
        {"{" F4 ", 'shape': (2)}", "a number, not a tuple"},
        {"{" F4 ", 'shape': [1, 2]}", "shape is not a tuple"},
        {"{" F4 ", 'shape': (1, 2", "not a tuple of non-negative integers"},
        {"{" F4 ", 'shape': (1, 2)", "it does not end"},
        {"{" F4 ", 'shape': (1, 2)} x", "something follows the dictionary"},
        {"{" F4 ", 'shape': (1, 2), 'shape': (1, 2)}", "a key occurs twice"},
        {"{" F4 ", 'shape': (1, 2), 'more': 1}", "a key other than"},
        {"{" F4 " 'shape': (1, 2)}", "not separated by commas"},
        {"{" F4 ", 'shape' (1, 2)}", "a key has no value"},
        {"{" F4 "}", "the key 'shape' is missing"},
        {"{'descr': '<f4', 'shape': (1, 2)}", "the key 'fortran_order' is missing"},
        {"{'fortran_order': False, 'shape': (1, 2)}", "the key 'descr' is missing"},
        {"{'descr': '<f\\x34', 'fortran_order': False, 'shape': (1, 2)}", "an escape"},
        {"{'descr': 'ffffffffffffffffffffffffffffffffffffffffffffffffffffff'}", "is too long"},
        {"{" F4 ", 'shap", "an escape or control character"},
        {"{1: 2}", "a quoted string is expected"},
        {"[]", "it is not a dictionary"},
        {"", "it is not a dictionary"},
    };
    static const float values[2];
    char path[PATH_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_write_npy(file_path(path), cases[i].dictionary, values, sizeof values);
        refused(path, -EINVAL, cases[i].says);
    }
}

/* One bad value among many, past the first chunk that is read; its index is named. */
static void refuses_values(void **state)
{
    (void)state;
    enum { COUNT = 20000, AT = 17001 };
    static const struct {
        const char *type;
        size_t bytes;
        uint64_t bits;
        const char *says;
    } cases[] = {
        {"<f2", 2, 0x7e00, "17001 (in file order, from 0) is NaN"},
        {"<f2", 2, 0xfc00, "17001 (in file order, from 0) is infinite"},
        {"<f4", 4, 0x7fc00000, "is NaN"},
        {"<f4", 4, 0xff800001, "is NaN"},
        {"<f4", 4, 0x7f800000, "is infinite"},
        {"<f4", 4, 0x00000001, "is subnormal as float32"},
        {"<f4", 4, 0x807fffff, "is subnormal as float32"},
        {"<f8", 8, 0x7ff8000000000000, "is NaN"},
        {"<f8", 8, 0xfff0000000000000, "is infinite"},
        {"<f8", 8, 0x7fe0000000000000, "beyond the range of float32"},
        {"<f8", 8, 0x47efffffffffffff, "beyond the range of float32"},
        {"<f8", 8, 0x0000000000000001, "is subnormal as float32"},
        {"<f8", 8, 0x3800000000000000, "is subnormal as float32"}, /* 2^-127 */
        {"<f8", 8, 0xb690000000000000, "is subnormal as float32"}, /* -2^-150: would become 0 */
        {"<f2", 2, 0x0001, NULL}, /* a float16 subnormal is a normal float32 */
        {"<f4", 4, 0x00800000, NULL},
        {"<f8", 8, 0x3810000000000000, NULL}, /* 2^-126 */
        {"<f8", 8, 0x8000000000000000, NULL},
    };
    unsigned char *values = malloc(COUNT * 8);
    assert_non_null(values);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[PATH_BYTES], dictionary[128], error[256] = "";
        struct kvr_tensor tensor;
        memset(values, 0, COUNT * 8);
        memcpy(values + AT * cases[i].bytes, &cases[i].bits, cases[i].bytes);
        snprintf(dictionary, sizeof dictionary,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (200, 100), }", cases[i].type);
        test_write_npy(file_path(path), dictionary, values, COUNT * cases[i].bytes);
        if (cases[i].says) {
            refused(path, -EINVAL, cases[i].says);
            continue;
        }
        if (kvr_npy_read(path, &tensor, error, sizeof error))
            fail_msg("case %zu: %s", i, error);
        kvr_tensor_free(&tensor);
    }
    free(values);
}

static void refuses_files(void **state)
{
    (void)state;
    char path[PATH_BYTES];
    unlink(file_path(path));
    refused(path, -ENOENT, "cannot be opened: No such file");
    refused(folder, -EISDIR, "is a folder");
    test_write(path, "", 0);
    refused(path, -EINVAL, "is empty");
    test_write(path, "{\"schema\": \"something else\"}", 28);
    refused(path, -EINVAL, "is not a .npy file");
    test_write(path, "PK", 2);
    refused(path, -EINVAL, "is not a .npy file");
}

/* Every proper prefix of a good file, and the file with a byte more, is refused. */
static void refuses_every_other_length(void **state)
{
    (void)state;
    static const char dictionary[] =
        "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 2, 3), }";
    const uint16_t halves[] = {1, 2, 3, 4, 5, 6};
    char path[PATH_BYTES];
    unsigned char content[160];
    struct kvr_tensor tensor;
    test_write_npy(file_path(path), dictionary, halves, sizeof halves);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t bytes = fread(content, 1, sizeof content, file);
    fclose(file);
    assert_in_range(bytes, 100, sizeof content - 1);
    for (size_t cut = 0; cut < bytes; cut++) {
        test_write(path, content, cut);
        refused(path, -EINVAL, cut ? "is truncated" : "is empty");
    }
    content[bytes] = 0;
    test_write(path, content, bytes + 1);
    refused(path, -EINVAL, "is longer than its shape says");
    test_write(path, content, bytes);
    assert_int_equal(kvr_npy_read(path, &tensor, NULL, 0), 0);
    kvr_tensor_free(&tensor);
}

/* Any byte of the header replaced by any other: no crash, and what is read has the right size. */
static void survives_every_changed_byte(void **state)
{
    (void)state;
    static const char dictionary[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}";
    const float values[] = {1, 2, 3, 4, 5, 6};
    static const unsigned char others[] = {0, ' ', '\'', ',', '(', ')', '0', '9', '{', '}', 0xff};
    char path[PATH_BYTES];
    unsigned char content[160];
    test_write_npy(file_path(path), dictionary, values, sizeof values);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t bytes = fread(content, 1, sizeof content, file);
    fclose(file);
    for (size_t at = 0; at < bytes - sizeof values; at++) {
        unsigned char kept = content[at];
        for (size_t k = 0; k < sizeof others; k++) {
            struct kvr_tensor tensor;
            char error[256] = "";
            content[at] = others[k];
            test_write(path, content, bytes);
            if (kvr_npy_read(path, &tensor, error, sizeof error)) {
                assert_true(strlen(error) > strlen(path));
            } else {
                size_t count = tensor.dims[0] * tensor.dims[1] * tensor.dims[2] * tensor.dims[3];
                assert_int_equal(count, tensor.stored_half ? 12 : 6);
                kvr_tensor_free(&tensor);
            }
        }
        content[at] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_three_widths),
        cmocka_unit_test(reads_axes_and_spellings),
        cmocka_unit_test(reads_later_versions),
        cmocka_unit_test(refuses_headers),
        cmocka_unit_test(refuses_values),
        cmocka_unit_test(refuses_files),
        cmocka_unit_test(refuses_every_other_length),
        cmocka_unit_test(survives_every_changed_byte),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
