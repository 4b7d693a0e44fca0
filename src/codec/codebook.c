/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "codebook.h"

#include <errno.h>
#include <math.h>

#include "codec.h"

size_t kvr_codebook_bytes(const struct kvr_shape *shape, enum kvr_codebook type)
{
    size_t values = (size_t)shape->entries * shape->head_dim;
    switch (type) {
    case KVR_CODEBOOK_F32:
        return values * sizeof(float);
    case KVR_CODEBOOK_F16:
        return values * sizeof(uint16_t);
    default:
        return 0;
    }
}

int kvr_codebook_pack(const struct kvr_shape *shape, const float *side, enum kvr_codebook type,
                      void *out)
{
    const uint32_t dim = shape->head_dim / shape->tables, entries = shape->entries;
    float *floats = out;
    uint16_t *halves = out;
    if (type == KVR_CODEBOOK_NONE)
        return -EINVAL;
    for (uint32_t i = 0; i < shape->tables; i++) {
        for (uint32_t c = 0; c < entries; c++) {
            for (uint32_t j = 0; j < dim; j++) {
                float value = side[((size_t)i * entries + c) * dim + j];
                size_t at = ((size_t)i * dim + j) * entries + c;
                if (type == KVR_CODEBOOK_F32) {
                    floats[at] = value;
                    continue;
                }
                halves[at] = kvr_float_to_half(value);
                if (!isfinite(kvr_half_to_float(halves[at])))
                    return -ERANGE;
            }
        }
    }
    return 0;
}
