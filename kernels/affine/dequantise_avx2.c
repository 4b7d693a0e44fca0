/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Segments of affine8, affine4 and affine4g to float16 copies with AVX2 and F16C: the first half of
 * the variant that materialises its keys.
 */
#include "../steps.h"
#include "dequantise_avx2.h"
/* after the instruction set's header */
#include "dequantise_body.h"

enum { DEQUANTISE_ISA = KVR_ISA_AVX2 | KVR_ISA_F16C };

KVR_DEQUANTISE_STEP(affine8, KVR_AFFINE8, "avx2", avx2, DEQUANTISE_ISA)
KVR_DEQUANTISE_STEP(affine4, KVR_AFFINE4, "avx2", avx2, DEQUANTISE_ISA)
KVR_DEQUANTISE_STEP(affine4g, KVR_AFFINE4G, "avx2", avx2, DEQUANTISE_ISA)
