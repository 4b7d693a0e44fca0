/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The formats that codecs encode into. Each object is defined beside its kernels; its layout is
 * described at the end of kernel.h.
 */
#ifndef KVR_FORMATS_H
#define KVR_FORMATS_H

#include "kernel.h"

extern const struct kvr_format kvr_format_dense_f16;
extern const struct kvr_format kvr_format_dense_bf16;
extern const struct kvr_format kvr_format_affine8;
extern const struct kvr_format kvr_format_affine4;
extern const struct kvr_format kvr_format_affine8g;
extern const struct kvr_format kvr_format_affine4g;
extern const struct kvr_format kvr_format_affine8_f16;
extern const struct kvr_format kvr_format_affine4_f16;
extern const struct kvr_format kvr_format_affine4g_f16;
extern const struct kvr_format kvr_format_affine8_q8;
extern const struct kvr_format kvr_format_affine4_q8;
extern const struct kvr_format kvr_format_channel1;
extern const struct kvr_format kvr_format_channel2;
extern const struct kvr_format kvr_format_channel4;
extern const struct kvr_format kvr_format_channel1_q8;
extern const struct kvr_format kvr_format_channel2_q8;
extern const struct kvr_format kvr_format_channel4_q8;
extern const struct kvr_format kvr_format_affine8g_q8;
extern const struct kvr_format kvr_format_affine4g_q8;
extern const struct kvr_format kvr_format_lookup_f32;
extern const struct kvr_format kvr_format_lookup_u8;
extern const struct kvr_format kvr_format_lookup4_f32;
extern const struct kvr_format kvr_format_lookup4_u8;
extern const struct kvr_format kvr_format_signs_u8;
/* Of values only: it has sizes and a layout, and no scores. Blocks of 16 rows; first
 * [d/32][16 rows] float16, the scale of each group of 32 channels of each row, padded with zeros to
 * whole lines; then [16][d] signed bytes. A value is byte * scale: 34 bytes for 32 of them, as
 * ggml's q8_0. d: a multiple of 32. */
extern const struct kvr_format kvr_format_values_q8;
/* That value, exactly. */
double kvr_values_q8_at(const struct kvr_shape *, const void *codes, uint32_t row,
                        uint32_t channel);

#endif
