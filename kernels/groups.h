/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The groups of the kernels that score several queries in one pass: each list lies in a file of its
 * own beside its kernel, whose object code it leaves alone.
 */
#ifndef KVR_GROUPS_H
#define KVR_GROUPS_H

#include "ahead.h"

extern const struct kvr_score_group kvr_groups_affine4_q8_avx512vnni[];
extern const struct kvr_score_group kvr_groups_affine8_q8_avx512vnni[];
extern const struct kvr_score_group kvr_groups_dense_f16_avx2[];
extern const struct kvr_score_group kvr_groups_dense_f16_avx512[];
extern const struct kvr_score_group kvr_groups_lookup_u8_avx512vbmi[];

KVR_INLINE const void *kvr_group_prepared(const struct kvr_query_group *group, int q)
{
    return group->prepared + (size_t)q * group->prepared_stride_bytes;
}

KVR_INLINE float *kvr_group_scores(const struct kvr_query_group *group, int q)
{
    return group->scores + (size_t)q * group->scores_stride;
}

#endif
