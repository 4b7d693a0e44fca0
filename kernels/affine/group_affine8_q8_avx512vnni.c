/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine8_q8 with AVX-512 VNNI for four queries at once (q8_queries.inc).
 *
 * Limits, d = 64, 16 keys: 16 loads of codes for all queries, and 16 of query dwords with 16 dot
 * products for each: 10 cycles a query where two lines can be loaded a cycle. A query alone loads
 * its dwords once a segment, up to 20 of them, but the codes for itself. Two queries at once gain
 * nothing at d = 64.
 */
#include "ints_avx512.h"

#include "affine8_q8_dots.inc"
#include "q8_queries.inc"

static void score4_affine8_q8(const struct kvr_shape *shape, const struct kvr_segments *segments,
                              uint32_t i, const void *side, const struct kvr_query_group *group)
{
    (void)side;
    score_group(shape, segments, i, group, 4);
}

const struct kvr_score_group kvr_groups_affine8_q8_avx512vnni[] = {
    {.queries = 4, .score = score4_affine8_q8,
     .work = {.block_keys = 16, .loads = 93, .stores = 4, .vector_alu = 20, .int_dots = 64,
              .converts = 4, .uops = 221, .convert_rate = "convert.i32"},
     .work_once = {.loads = 13, .stores = 4, .vector_alu = 20, .converts = 4, .uops = 77}},
    {.queries = 0},
};
