/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Codes and prepared queries made by the tests themselves, from the layouts in kernel.h and not
 * with the codecs, so that extremes occur that no codec would produce.
 */
#ifndef KVR_TESTS_PROBLEM_H
#define KVR_TESTS_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/formats.h"

enum fill { FILL_MIN, FILL_MAX, FILL_RANDOM, FILL_ALTERNATING, FILL_COUNT };

extern const char *const fill_names[FILL_COUNT];

/* Does it look up in tables of format->entries entries? */
int is_lookup(const struct kvr_format *format);

/* Does the format serve only multiples of 32 channels: a scale's group, or a dword of bits. */
int is_grouped(const struct kvr_format *format);

/* `bytes` of codes of any number of padded segments. */
void fill_codes(const struct kvr_format *format, const struct kvr_shape *shape, enum fill fill,
                unsigned char *codes, size_t bytes, uint64_t *random);

/* format->prepared_bytes(shape) bytes. */
void fill_prepared(const struct kvr_format *format, const struct kvr_shape *shape, enum fill fill,
                   void *prepared, uint64_t *random);

/* What kernel and reference get as `side`: codebooks of random rows for additive_rows, the same at
 * every call; NULL for formats that have none. */
const void *side_of(const struct kvr_format *format);

/* Zeroed, 64-byte aligned; aborts without memory. */
void *aligned_bytes(size_t bytes);

/* Runs the check, and again with the floating-point modes of measured threads (denormal floats are
 * taken and written as zero), where this build knows how to set them. */
void with_and_without_denormals(void (*check)(const void *), const void *argument);

/* What kernel and reference may differ by. */
double allowed_difference(const struct kvr_format *format, const struct kvr_shape *shape,
                          uint32_t tokens, const void *codes, const void *prepared);

#endif
