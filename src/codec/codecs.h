/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/codec only: the codec objects that registry.c lists, and what several codecs share.
 */
#ifndef KVR_CODECS_H
#define KVR_CODECS_H

#include "codec.h"

extern const struct kvr_codec kvr_codec_fp16;
extern const struct kvr_codec kvr_codec_bf16;
extern const struct kvr_codec kvr_codec_int8;
extern const struct kvr_codec kvr_codec_int4;
extern const struct kvr_codec kvr_codec_int4g32;
extern const struct kvr_codec kvr_codec_int8q8;
extern const struct kvr_codec kvr_codec_int4q8;
extern const struct kvr_codec kvr_codec_kivi2;
extern const struct kvr_codec kvr_codec_kivi4;
extern const struct kvr_codec kvr_codec_asymkv1;
extern const struct kvr_codec kvr_codec_squat2;
extern const struct kvr_codec kvr_codec_squat4;
extern const struct kvr_codec kvr_codec_q8_0;
extern const struct kvr_codec kvr_codec_q4_0;
extern const struct kvr_codec kvr_codec_lookat;
extern const struct kvr_codec kvr_codec_wkvquant;
extern const struct kvr_codec kvr_codec_opq;
extern const struct kvr_codec kvr_codec_aqlm;
extern const struct kvr_codec kvr_codec_qjl;
extern const struct kvr_codec kvr_codec_rvq;

/* A sentence in a thread-local buffer, valid until this thread's next call: for refuses(). */
const char *kvr_refusal(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* NULL, or the refusal of scale groups. */
const char *kvr_refuses_group(const char *name, const struct kvr_shape *shape);

/* NULL if the shape has the tables and entries that the codec fixes (set_tables) and no scale
 * groups, else the reason. */
const char *kvr_refuses_tables(const char *name, const struct kvr_shape *shape, uint32_t tables,
                               uint32_t entries);

/* NULL if the dense and affine kernels serve this shape (d a multiple of 16 up to
 * KVR_MAX_HEAD_DIM, no scale groups), else the reason. `name` is the codec's. */
const char *kvr_refuses_rows(const char *name, const struct kvr_shape *shape);

/* ---- product quantization, of lookat.c: [m] subspaces of d/m channels, K = 256 or 16 ---- */

extern const struct kvr_format *const kvr_lookup_formats[];
const char *kvr_refuses_subspaces(const char *name, const struct kvr_shape *shape);
double kvr_subspaces_key_bytes(const struct kvr_shape *shape);

/* ---- symmetric codes with one scale per tensor; side = one float, the scale ---- */

size_t kvr_affine_side_bytes(const struct kvr_shape *shape);
/* scale = max|key| / max_code; 0 if all keys are 0. -EINVAL if a key is not finite or count is 0.
 */
int kvr_affine_train(const struct kvr_shape *shape, const float *keys, size_t count, int max_code,
                     float *scale);
/* round-to-even(value / scale), clipped to [min_code, max_code]; 0 if scale is 0. */
int kvr_affine_code(float value, float scale, int min_code, int max_code);
/* Prepared queries of kernel.h; `zero` is the code of value 0 (128 or 8). */
void kvr_affine_prepare(const struct kvr_shape *shape, float scale, int zero, const float *query,
                        struct kvr_prepared_affine *prepared);
/* For the formats whose keys are rounded to float16: a query without the scale, and the scale. */
void kvr_affine_prepare_rounded(const struct kvr_shape *shape, float scale, const float *query,
                                struct kvr_prepared_rounded *prepared);
/* query / sqrt(d) in float, zeros behind it: the prepared query of dense formats. */
void kvr_prepare_dense(const struct kvr_shape *shape, const float *query,
                       struct kvr_prepared_dense *prepared);
/* Everything of a prepared q8 query but dwords, whose channel order is the format's own. */
void kvr_affine_prepare_q8(const struct kvr_shape *shape, float scale, int zero, const float *query,
                           struct kvr_prepared_affine_q8 *prepared);

#endif
