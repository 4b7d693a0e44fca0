/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_bf16 in portable C.
 */
#include "dense_scalar.h"

KVR_DENSE_SCALAR(bf16, KVR_DENSE_BF16)
