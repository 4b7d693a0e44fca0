/* SPDX-License-Identifier: GPL-3.0-or-later */
#define VECTOR_BYTES 64
#define LOOPS kvr_wide_avx512
#include "wide.inc"
