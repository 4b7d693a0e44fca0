/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dial without vector extensions: scalar additions stand for arithmetic.
 */
#include <stdint.h>

#include "../simd/hide.h"

#define DIAL_VECTOR uint64_t
#define DIAL_LOAD(p) (*(const uint64_t *)(const void *)(p))
#define DIAL_HIDE(v) KVR_HIDE(v)
#define DIAL_SYMBOL(id) kvr_dial_##id##_base
#define DIAL_ISA_NAME "scalar"
#define DIAL_ISA 0
#define DIAL_BITS 64

#include "dial_body.inc"

#undef DIAL_STEP
#define DIAL_STEP(j, instruction, p)                                                               \
    x##j += p;                                                                                     \
    KVR_HIDE_VECTOR(x##j);
DIAL_DEFINE(fadd, "fadd", float, 0, float, 0, "")
