/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What codecs with a float16 scale for every 32 channels of a key share.
 */
#include "groups.h"

#include <errno.h>
#include <float.h>
#include <math.h>

const char *kvr_refuses_groups(const char *name, const struct kvr_shape *shape)
{
    uint32_t d = shape->head_dim;
    if (d == 0 || d % KVR_GROUP || d > KVR_MAX_HEAD_DIM)
        return kvr_refusal("%s serves head dims (--head-dim) that are multiples of %d, its "
                           "scale groups, up to %d, not %u",
                           name, KVR_GROUP, KVR_MAX_HEAD_DIM, d);
    if (shape->group != KVR_GROUP)
        return kvr_refusal("%s has scale groups of %d channels, not of %u", name, KVR_GROUP,
                           shape->group);
    return NULL;
}

int kvr_group_train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                    void *side)
{
    (void)seed;
    (void)side;
    for (size_t i = 0; i < count * shape->head_dim; i++) {
        if (!(fabsf(keys[i]) <= FLT_MAX))
            return -EINVAL;
    }
    return count ? 0 : -EINVAL;
}

size_t kvr_group_side_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return 0;
}

void kvr_group_clear(const struct kvr_shape *shape, int bits, uint8_t code, size_t segment_bytes,
                     void *codes)
{
    uint8_t *bytes = codes;
    memset(codes, bits == 4 ? code | code << 4 : code, segment_bytes);
    for (size_t k = 0; kvr_group_block_offset(shape, bits, k) < segment_bytes;
         k += KVR_GROUP_BLOCK_KEYS)
        memset(bytes + kvr_group_block_offset(shape, bits, k), 0, kvr_group_scales_bytes(shape));
}

void kvr_group_decode(const struct kvr_shape *shape, int bits, int zero, const void *codes,
                      size_t count, float *keys)
{
    const uint8_t *bytes = codes;
    for (size_t k = 0; k < count; k++) {
        for (uint32_t c = 0; c < shape->head_dim; c++) {
            uint16_t scale;
            memcpy(&scale, bytes + kvr_group_scale_index(shape, bits, k, c), sizeof scale);
            int code = bytes[kvr_group_code_index(shape, bits, k, c)];
            if (bits == 4)
                code = code >> (c % 2 * 4) & 15;
            keys[k * shape->head_dim + c] = (float)(code - zero) * kvr_half_to_float(scale);
        }
    }
}
