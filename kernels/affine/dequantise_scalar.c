/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Segments of affine8, affine4 and affine4g to float16 copies in portable C: the first half of the
 * variant that materialises its keys.
 */
#include "../steps.h"
#include "dequantise_scalar.h"
/* after the instruction set's header */
#include "dequantise_body.h"

KVR_DEQUANTISE_STEP(affine8, KVR_AFFINE8, "scalar", scalar, 0)
KVR_DEQUANTISE_STEP(affine4, KVR_AFFINE4, "scalar", scalar, 0)
KVR_DEQUANTISE_STEP(affine4g, KVR_AFFINE4G, "scalar", scalar, 0)
