/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4_q8 with AVX-512 VNNI for two and four queries at once (q8_queries.inc).
 *
 * Limits, d = 64, 16 keys: 16 masks for all queries, and 16 dot products and 6 other operations for
 * each. Two ALU ports are full after 13 cycles a query with four of them and 15 with two; alone a
 * query takes 19.
 */
#include "ints_avx512.h"

#include "affine4_q8_dots.inc"
#include "q8_queries.inc"

static void score2_affine4_q8(const struct kvr_shape *shape, const struct kvr_segments *segments,
                              uint32_t i, const void *side, const struct kvr_query_group *group)
{
    (void)side;
    score_group(shape, segments, i, group, 2);
}

static void score4_affine4_q8(const struct kvr_shape *shape, const struct kvr_segments *segments,
                              uint32_t i, const void *side, const struct kvr_query_group *group)
{
    (void)side;
    score_group(shape, segments, i, group, 4);
}

const struct kvr_score_group kvr_groups_affine4_q8_avx512vnni[] = {
    {.queries = 4, .score = score4_affine4_q8,
     .work = {.block_keys = 16, .loads = 85, .stores = 4, .vector_alu = 40, .int_dots = 64,
              .converts = 4, .uops = 232, .convert_rate = "convert.i32"},
     .work_once = {.loads = 13, .stores = 4, .vector_alu = 24, .converts = 4, .uops = 80}},
    {.queries = 2, .score = score2_affine4_q8,
     .work = {.block_keys = 16, .loads = 46, .stores = 2, .vector_alu = 28, .int_dots = 32,
              .converts = 2, .uops = 135, .convert_rate = "convert.i32"},
     .work_once = {.loads = 6, .stores = 2, .vector_alu = 12, .converts = 2, .uops = 47}},
    {.queries = 0},
};
