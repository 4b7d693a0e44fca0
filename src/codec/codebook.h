/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Codebooks as the preparing kernels read them (kernels/steps.h): [m][d/m][K], of float32 or
 * float16, from the codec's natural [m][K][d/m].
 */
#ifndef KVR_CODEBOOK_H
#define KVR_CODEBOOK_H

#include <stddef.h>

#include "../../kernels/steps.h"

/* Of the packed codebook: K * d values. KVR_CODEBOOK_NONE: 0. */
size_t kvr_codebook_bytes(const struct kvr_shape *shape, enum kvr_codebook type);

/* side: float [m][K][d/m], as kvr_codec_lookat.train wrote it. out: kvr_codebook_bytes bytes, not
 * overlapping; the kernels want it 64-byte aligned. float16 rounds to nearest even. 0, -EINVAL for
 * KVR_CODEBOOK_NONE, -ERANGE for a value that float16 cannot hold. */
int kvr_codebook_pack(const struct kvr_shape *shape, const float *side, enum kvr_codebook type,
                      void *out);

#endif
