/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Readers with 64-bit loads in plain C: the baseline of every machine that is not x86.
 */
#include <stdint.h>

#include "../simd/hide.h"

typedef uint64_t __attribute__((may_alias)) word;

#define READ_VECTOR word
#define READ_ZERO 0
#define READ_LOAD(p) (*(const word *)(const void *)(p))
#define READ_ADD(a, b) ((a) + (b))
#define READ_SUM(v) (v)
#define READ_HIDE(v) KVR_HIDE(v)
#define READ_NAME "read64"
#define READ_SYMBOL(suffix) kvr_peak_read_base_##suffix
#define READ_ISA_NAME "scalar"
#define READ_ISA 0
#define READ_BITS 64

#include "read_body.inc"
