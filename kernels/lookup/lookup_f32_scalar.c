/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_f32 in portable C: eight keys at a time, one scalar load and addition per look-up.
 *
 * Limit: per look-up a load, an addition and 1.5 operations to extract the code: the load ports or
 * the issue width, whichever is narrower.
 */
#include <string.h>

#include "../simd/hide.h"
#include "../simd/inject.h"
#include "lookup.h"

enum { GROUP_KEYS = 8, TABLES = 4 };

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

#define SCAN score_lookup_f32
#define PREPARED float
#define TABLES_OF(p) (p)
#define ENTRY float
#define SUM float
#define GROUP uint64_t
#include "lookup_scalar.inc"

const struct kvr_kernel kvr_kernel_lookup_f32_f32_scalar = {
    .variant = "f32",
    .isa_name = "scalar",
    .format = &kvr_format_lookup_f32,
    .work = {.block_keys = 8, .loads = 37, .stores = 9, .vector_alu = 32, .uops = 140},
    .work_once = {.loads = 1, .stores = 8, .uops = 20},
    .work_head_dim = 64,
    .work_tables = 4,
    .score = score_lookup_f32,
};
