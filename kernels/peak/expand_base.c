/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The reader that writes, with 128-bit accesses in plain C, for every machine; regular stores only.
 */
#include <stdint.h>

#include "../simd/hide.h"

typedef uint64_t pair __attribute__((vector_size(16), may_alias));

#define EXPAND_VECTOR pair
#define EXPAND_ZERO ((pair){0, 0})
#define EXPAND_LOAD(p) (*(const pair *)(const void *)(p))
#define EXPAND_ADD(a, b) ((a) + (b))
#define EXPAND_HIDE(v) KVR_HIDE_VECTOR(v)
#define EXPAND_STORE(p, v) (*(p) = (v))

#include "expand_body.inc"

EXPAND_DEFINE(kvr_peak_expand_128, "expand128", "scalar", 0, 128, 0, EXPAND_STORE)
