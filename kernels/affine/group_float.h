/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For group_format.inc: a float query.
 */
#ifndef KVR_GROUP_FLOAT_H
#define KVR_GROUP_FLOAT_H

#include <math.h>

#include "../half_value.h"
#include "affine.h"

#define PREPARED struct kvr_prepared_dense
/* Two roundings a channel of a group's sum, then those of groups. */
#define TOLERANCE (96 * 0x1p-24)

static double query_value(const void *prepared, uint32_t channel)
{
    const PREPARED *p = prepared;
    return (double)p->query[channel];
}

static double query_bytes(double head_dim)
{
    return sizeof(float) * head_dim;
}

/* What scoring so many keys executes: the sum of a group, times its scale; code and scale become
 * floats. */
static struct kvr_cost query_cost(double head_dim, double groups, double scores)
{
    return (struct kvr_cost){
        .executed_flops = 2 * (head_dim + groups) * scores,
        .converts = (head_dim + groups) * scores,
    };
}

#endif
