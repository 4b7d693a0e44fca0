/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <unistd.h>

#include <cmocka.h>

void test_data_path(const char *name, char *path, size_t bytes)
{
    assert_in_range(snprintf(path, bytes, "%s/%s", KVR_TEST_DATADIR, name), 1, bytes - 1);
}

void test_load(const char *name, struct kvr_tensor *tensor)
{
    char path[4096], error[512] = "";
    test_data_path(name, path, sizeof path);
    if (kvr_npy_read(path, tensor, error, sizeof error))
        fail_msg("%s", error);
}

uint8_t *test_load_bytes(const char *name, size_t values)
{
    char path[4096];
    uint8_t *bytes = malloc(values);
    test_data_path(name, path, sizeof path);
    FILE *file = fopen(path, "rb");
    assert_non_null(bytes);
    assert_non_null(file);
    assert_int_equal(fseek(file, -(long)values, SEEK_END), 0);
    assert_int_equal(fread(bytes, 1, values, file), values);
    fclose(file);
    return bytes;
}

void test_folder(char *path, size_t bytes)
{
    const char *parent = getenv("TMPDIR");
    int length = snprintf(path, bytes, "%s/kvroof-test-XXXXXX", parent ? parent : P_tmpdir);
    assert_in_range(length, 1, bytes - 1);
    assert_non_null(mkdtemp(path));
}

void test_folder_remove(const char *path)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
    assert_int_equal(rmdir(path), 0);
}

void test_write(const char *path, const void *content, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(bytes ? fwrite(content, 1, bytes, file) : 0, bytes);
    assert_int_equal(fclose(file), 0);
}

void test_write_npy(const char *path, const char *dictionary, const void *values, size_t bytes)
{
    size_t length = strlen(dictionary), header = (10 + length + 1 + 63) / 64 * 64;
    unsigned char *content = malloc(header + bytes);
    assert_non_null(content);
    memset(content, ' ', header);
    memcpy(content, "\x93NUMPY\x01\x00", 8);
    content[8] = (unsigned char)((header - 10) & 255);
    content[9] = (unsigned char)((header - 10) >> 8);
    memcpy(content + 10, dictionary, length);
    content[header - 1] = '\n';
    if (bytes)
        memcpy(content + header, values, bytes);
    test_write(path, content, header + bytes);
    free(content);
}

void *test_memory(size_t bytes)
{
    size_t rounded = (bytes + 64) / 64 * 64;
    void *memory = aligned_alloc(64, rounded);
    assert_non_null(memory);
    return memset(memory, 0xa5, rounded);
}

float *test_random(uint64_t seed, size_t count, float amplitude)
{
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    uint64_t state = seed * 2 + 1;
    for (size_t i = 0; i < count; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int32_t upper = (int32_t)(state >> 40) - (1 << 23); /* 24 bits: exact in float */
        values[i] = (float)upper / (float)(1 << 23) * amplitude;
    }
    return values;
}

struct test_encoded test_encode(const struct kvr_codec *codec, const struct kvr_shape *shape,
                                const float *training, size_t training_count, const float *keys,
                                size_t count)
{
    struct test_encoded e = {.side = test_memory(codec->side_bytes(shape))};
    const char *refusal = codec->refuses(shape);
    if (refusal)
        fail_msg("%s", refusal);
    assert_int_equal(codec->train(shape, training, training_count, 1, e.side), 0);
    e.codes_bytes = kvr_codec_layout(codec, shape)->segment_bytes(shape, (uint32_t)count);
    e.codes = test_memory(e.codes_bytes + 64);
    assert_int_equal(codec->encode(shape, e.side, keys, count, e.codes), 0);
    for (size_t i = 0; i < 64; i++) /* nothing is written behind the segment */
        assert_int_equal(((uint8_t *)e.codes)[e.codes_bytes + i], 0xa5);
    return e;
}

void *test_prepare(const struct kvr_codec *codec, const struct kvr_shape *shape,
                   const struct kvr_format *format, const void *side, const float *query)
{
    size_t bytes = format->prepared_bytes(shape);
    uint8_t *prepared = test_memory(bytes + 64);
    codec->prepare(shape, format, side, query, prepared);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(prepared[bytes + i], 0xa5);
    return prepared;
}
