/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the steps of several queries of dense_f16 share (group_f16.inc is the walk).
 */
#ifndef KVR_GROUP_F16_H
#define KVR_GROUP_F16_H

#include "../groups.h"
#include "../simd/unroll.h"
#include "dense.h"

enum { MAX_QUERIES = 4 };

struct queries {
    const float *query[MAX_QUERIES];
    float *scores[MAX_QUERIES];
};

#endif
