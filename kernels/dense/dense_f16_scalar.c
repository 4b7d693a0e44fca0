/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dense_f16 in portable C.
 */
#include "dense_scalar.h"

KVR_DENSE_SCALAR(f16, KVR_DENSE_F16)
