/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A codec's keys for one shape, ready to be laid out: the trained side data, a pool of distinct
 * encoded blocks of real keys, and prepared queries. Filling an arena copies pool blocks; encoding
 * a gigabyte of keys would take minutes and give the scan nothing else to read.
 */
#ifndef KVR_MATERIAL_H
#define KVR_MATERIAL_H

#include <stddef.h>
#include <stdint.h>

#include "../codec/codec.h"
#include "../data/keyset.h"

struct kvr_material {
    const struct kvr_codec *codec;
    struct kvr_shape shape;          /* tokens, heads: not used */
    void *side;                      /* 64-byte aligned, owned */
    unsigned char *pool;             /* [pool_blocks][block_bytes], owned */
    uint32_t pool_blocks, pool_keys; /* pool_keys = pool_blocks * keys per block */
    size_t block_bytes;              /* of the format's own block: what is copied as one piece */
    uint32_t block_keys;
    /* borrowed from the key set: [key_count][head_dim] */
    const float *query, *keys;
    size_t key_count;
};

/* Heads that end in a residual: `coded_bytes` of blocks, then that of `keys` keys, 1 at least; what
 * is left of head_bytes is a place for more. keys 0: blocks from end to end. */
struct kvr_residuals {
    uint64_t head_bytes, coded_bytes, keys;
};

/* Trains on KV head 0 (its calibration keys where the codec asks for them) and encodes the pool:
 * every block holds keys of that head in an order of its own. 0 or -errno. */
int kvr_material_make(const struct kvr_codec *codec, const struct kvr_shape *shape,
                      const struct kvr_keyset *keys, const struct kvr_squat_settings *squat,
                      uint64_t seed, struct kvr_material *material);
void kvr_material_free(struct kvr_material *material);

/* A query prepared for one of the codec's formats: 64-byte aligned, owned by the caller. */
void *kvr_material_prepare(const struct kvr_material *material, const struct kvr_format *format);

/* Lays pool blocks over [base, base + bytes) so that no two 4 KiB pages within 64 GiB are equal
 * where the pool allows it: equal pages could be merged by the host (KSM) and then would be cached
 * as one. */
void kvr_material_fill(const struct kvr_material *material, unsigned char *base, uint64_t bytes);
/* The same for heads that end in a residual, each of keys of its own. 0 or -errno as encode(). */
int kvr_material_fill_heads(const struct kvr_material *material, unsigned char *base,
                            uint64_t heads, const struct kvr_residuals *residuals);

/* True if both lay out the same bytes: an arena filled with one serves the other. */
int kvr_material_same(const struct kvr_material *a, const struct kvr_material *b);

#endif
