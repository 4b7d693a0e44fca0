/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_u8 in portable C: four keys at a time (whose sums fit the integer registers), one scalar
 * load and addition per look-up. It is there for the numbers: bytes gain nothing over floats when
 * they are looked up one by one.
 */
#include <string.h>

#include "../simd/hide.h"
#include "../simd/inject.h"
#include "lookup.h"

enum { GROUP_KEYS = 4, TABLES = 4 };

KVR_INLINE float score_in_group(const uint32_t *sum, const struct kvr_prepared_lookup_u8 *p)
{
    return (float)(int32_t)*sum * p->step + p->bias;
}

KVR_INLINE float score_alone(uint32_t sum, const struct kvr_prepared_lookup_u8 *p)
{
    return (float)sum * p->step + p->bias;
}

#define SCAN score_lookup_u8
#define PREPARED struct kvr_prepared_lookup_u8
#define TABLES_OF(p) ((p)->tables)
#define ENTRY uint8_t
#define SUM uint32_t
#define GROUP uint32_t
#include "lookup_scalar.inc"

const struct kvr_kernel kvr_kernel_lookup_u8_u8_scalar = {
    .variant = "u8",
    .isa_name = "scalar",
    .format = &kvr_format_lookup_u8,
    .work = {.block_keys = 4, .loads = 30, .stores = 4, .vector_alu = 8, .converts = 4,
             .uops = 90},
    .work_once = {.loads = 10, .stores = 4, .vector_alu = 8, .converts = 4, .uops = 28},
    .work_head_dim = 64,
    .work_tables = 4,
    .score = score_lookup_u8,
};
