/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * additive_f32 in portable C, a key at a time: its high bits, then a load and an addition a stage.
 */
#include "../half.h"
#include "additive_lines.h"

enum { TABLES = 8 };

KVR_INLINE float sum_key(const unsigned char *codes, const float *tables, uint32_t count)
{
    float sum = 0;
    for (uint32_t g = 0; g < count / KVR_ADDITIVE_STAGES; g++) {
        uint32_t bits = kvr_additive_bits(codes);
        for (uint32_t r = 0; r < KVR_ADDITIVE_STAGES; r++) {
            sum += tables[kvr_additive_next(codes + (size_t)r * KVR_LINE_BYTES, &bits)];
            tables += KVR_ADDITIVE_ENTRIES;
        }
        codes += KVR_ADDITIVE_GROUP;
    }
    return sum;
}

#define WIDEN kvr_widen_half
#define SCORE_KEY(query, codes, count) sum_key(codes, query, count)
#define SCAN score_additive_f32
#define QUERY float
#include "additive_scalar.inc"

const struct kvr_kernel kvr_kernel_additive_f32_f32_scalar = {
    .variant = "f32",
    .isa_name = "scalar",
    .format = &kvr_format_additive_f32,
    .work = {.block_keys = 1, .loads = 20, .stores = 1, .vector_alu = 9, .uops = 68},
    .work_once = {.loads = 1, .stores = 1, .vector_alu = 1, .uops = 15},
    .work_head_dim = 32,
    .work_tables = TABLES,
    .score = score_additive_f32,
};
