/* SPDX-License-Identifier: GPL-3.0-or-later */
#define VECTOR_BYTES 16
#define LOOPS kvr_wide_scalar
#include "wide.inc"
