/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Codebooks as the preparing kernels read them (kernels/steps.h), of float32 or float16, from what
 * a codec's train() leaves in its `side`.
 */
#ifndef KVR_CODEBOOK_H
#define KVR_CODEBOOK_H

#include "codec.h"

/* Of the packed codebook: values only. KVR_CODEBOOK_NONE: 0. */
size_t kvr_codebook_bytes(const struct kvr_shape *shape, enum kvr_book_kind book,
                          enum kvr_codebook type);

/* side: as the train() of a codec with this `book` wrote it. out: kvr_codebook_bytes bytes, not
 * overlapping; the kernels want it 64-byte aligned. float16 rounds to nearest even. 0, -EINVAL for
 * KVR_CODEBOOK_NONE, -ERANGE for a value that float16 cannot hold. */
int kvr_codebook_pack(const struct kvr_shape *shape, enum kvr_book_kind book, const void *side,
                      enum kvr_codebook type, void *out);

/* Multiply-adds, or products, that make one query's tables, or what else its scan wants. */
double kvr_codebook_multiplies(const struct kvr_shape *shape, enum kvr_book_kind book);

#endif
