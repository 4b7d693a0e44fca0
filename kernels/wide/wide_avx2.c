/* SPDX-License-Identifier: GPL-3.0-or-later */
#define VECTOR_BYTES 32
#define LOOPS kvr_wide_avx2
#include "wide.inc"
