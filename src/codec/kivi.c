/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kivi2, kivi4 (arXiv 2402.02750): asymmetric codes per channel and 32 keys, the latest keys as
 * float16 until they are 32. asymkv1 is the same with one bit (arXiv 2410.13212).
 */
#include "channel.h"

static size_t side_bytes(const struct kvr_shape *shape)
{
    (void)shape;
    return 0;
}

static int train(const struct kvr_shape *shape, const float *keys, size_t count, uint64_t seed,
                 void *side)
{
    (void)seed;
    (void)side;
    return kvr_channel_check(shape, keys, count);
}

static int encode_group(const struct kvr_shape *shape, int bits, const void *side,
                        const float *keys, unsigned char *group)
{
    struct kvr_channel_codes codes;
    (void)side;
    for (uint32_t c = 0; c < shape->head_dim; c++) {
        int rc = kvr_channel_quantise(keys + c, shape->head_dim, bits, &codes);
        if (rc)
            return rc;
        kvr_channel_put(shape, bits, c, &codes, group);
    }
    return 0;
}

#define SUMMARY(bits)                                                                              \
    bits "-bit keys, a 16-bit scale and zero per channel and 32 keys; "                            \
         "the last L mod R keys float16 (--kivi-residual, 32)"

KVR_CHANNEL_CODEC(kivi2, 2, "arXiv 2402.02750 (KIVI)", SUMMARY("2"), NULL, NULL)
KVR_CHANNEL_CODEC(kivi4, 4, "arXiv 2402.02750 (KIVI)", SUMMARY("4"), NULL, NULL)
KVR_CHANNEL_CODEC(asymkv1, 1, "arXiv 2410.13212 (AsymKV)", "kivi2 with one bit", NULL, NULL)
