/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup4_f32 in portable C: a dword is eight look-ups of four keys, one scalar load and addition
 * each.
 *
 * Limit: per look-up a load, an addition and about two operations to extract the code: the issue
 * width.
 */
#include <string.h>

#include "../simd/hide.h"
#include "../simd/inject.h"
#include "lookup.h"

enum { TABLES = 8 };

KVR_INLINE float score_in_group(float *sum, const float *tables)
{
    (void)tables;
    KVR_HIDE_VECTOR(*sum); /* or they are packed, one insertion each */
    return *sum;
}

KVR_INLINE float score_alone(float sum, const float *tables)
{
    (void)tables;
    return sum;
}

#define SCAN score_lookup4_f32
#define PREPARED float
#define TABLES_OF(p) (p)
#define ENTRY float
#define SUM float
#include "lookup4_scalar.inc"

const struct kvr_kernel kvr_kernel_lookup4_f32_f32_scalar = {
    .variant = "f32",
    .isa_name = "scalar",
    .format = &kvr_format_lookup4_f32,
    .work = {.block_keys = 4, .loads = 36, .stores = 4, .vector_alu = 32, .uops = 135},
    .work_once = {.stores = 4, .uops = 8},
    .work_head_dim = 64,
    .work_tables = TABLES,
    .score = score_lookup4_f32,
};
