/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For group_format.inc: a query of 8 bits with a step per group; the sums of groups are integers.
 */
#ifndef KVR_GROUP_Q8_H
#define KVR_GROUP_Q8_H

#include <math.h>

#include "../half_value.h"
#include "affine.h"

#define PREPARED struct kvr_prepared_group_q8
/* The sum of a group is exact, in float too; then two roundings a group, and one of its sum. */
#define TOLERANCE ((2 + KVR_MAX_GROUPS) * 0x1p-24)

static double query_value(const void *prepared, uint32_t channel)
{
    const PREPARED *p = prepared;
    return p->query8[channel] * (double)p->steps[channel / KVR_AFFINE_GROUP];
}

/* Bytes, and of each group an offset sum and a step. */
static double query_bytes(double head_dim)
{
    return head_dim + head_dim / KVR_AFFINE_GROUP * (sizeof(int32_t) + sizeof(float));
}

/* What scoring so many keys executes: of each group scale times step times sum, added up; sum and
 * scale become floats. */
static struct kvr_cost query_cost(double head_dim, double groups, double scores)
{
    return (struct kvr_cost){
        .executed_flops = 3 * groups * scores,
        .int_ops = 2 * head_dim * scores,
        .converts = 2 * groups * scores,
    };
}

#endif
