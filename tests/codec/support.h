/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What several tests of codecs and data share. Failures end the test through cmocka.
 */
#ifndef KVR_TEST_CODEC_SUPPORT_H
#define KVR_TEST_CODEC_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

#include "../../src/codec/codec.h"
#include "../../src/data/npy.h"

/* Path of a file of the built-in data set in the source tree. */
void test_data_path(const char *name, char *path, size_t bytes);
/* Reads a tensor of the built-in data set; free with kvr_tensor_free. */
void test_load(const char *name, struct kvr_tensor *tensor);
/* Values of an uint8 .npy file of the built-in data set, which kvr_npy_read refuses; free(). */
uint8_t *test_load_bytes(const char *name, size_t values);

/* A new folder for temporary files, and its removal with all files in it. */
void test_folder(char *path, size_t bytes);
void test_folder_remove(const char *path);
/* Writes a whole file, replacing it. */
void test_write(const char *path, const void *content, size_t bytes);
/* Writes a .npy file of version 1.0 with this dictionary (padded as NumPy does) and these values.
 */
void test_write_npy(const char *path, const char *dictionary, const void *values, size_t bytes);

/* 64-byte aligned and filled with 0xa5; free(). */
void *test_memory(size_t bytes);
/* Uniform in [-amplitude, amplitude], the same on every host; free(). */
float *test_random(uint64_t seed, size_t count, float amplitude);

/* Trained side and encoded keys of one segment; free both. */
struct test_encoded {
    void *side, *codes;
    size_t codes_bytes;
};
struct test_encoded test_encode(const struct kvr_codec *codec, const struct kvr_shape *shape,
                                const float *training, size_t training_count, const float *keys,
                                size_t count);
/* A prepared query; free(). */
void *test_prepare(const struct kvr_codec *codec, const struct kvr_shape *shape,
                   const struct kvr_format *format, const void *side, const float *query);

#endif
