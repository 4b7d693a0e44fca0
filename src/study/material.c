/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "material.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lists.h"

enum { PAGE_BYTES = 4096 };

static void *aligned_zero(size_t bytes)
{
    bytes = (bytes + 127) / 64 * 64;
    void *p = aligned_alloc(64, bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

/* Enough keys that pages of them differ, few enough to encode in a moment: a block of a cheap
 * encoder is large, one of a searching encoder small. */
static uint32_t pool_keys(const struct kvr_codec *codec)
{
    return codec->calibrated ? 4096 : 32768;
}

static int encode_pool(struct kvr_material *m, const struct kvr_keyset *keys, uint64_t seed)
{
    int rc = -ENOMEM;
    uint32_t d = keys->head_dim, n = (uint32_t)keys->tokens, at = n;
    uint32_t *order = malloc(n * sizeof *order);
    const struct kvr_format *format = kvr_codec_layout(m->codec, &m->shape);
    struct kvr_shape coded = m->shape;
    coded.residual = 0; /* a block is a whole group, whenever it becomes one */
    float *block = malloc((size_t)format->block_keys * d * sizeof *block);
    if (!order || !block)
        goto out;
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    rc = 0;
    uint32_t format_keys = format->block_keys;
    size_t format_bytes = kvr_block_bytes(format, &m->shape);
    for (uint32_t b = 0; b < m->pool_keys / format_keys && !rc; b++) {
        for (uint32_t k = 0; k < format_keys; k++) {
            if (at == n) {
                kvr_shuffle(order, n, &seed);
                at = 0;
            }
            memcpy(block + (size_t)k * d, keys->keys + (size_t)order[at++] * d, d * sizeof *block);
        }
        rc = m->codec->encode(&coded, m->side, block, format_keys, m->pool + b * format_bytes);
    }
out:
    free(order);
    free(block);
    return rc;
}

/* The last query of head 0, which in a causal model has seen all keys. Without queries a key stands
 * in for one: a scan's time does not depend on it. */
static const float *query_of(const struct kvr_keyset *keys)
{
    return keys->queries ? keys->queries + (keys->query_tokens - 1) * keys->head_dim
                         : keys->keys + (keys->tokens - 1) * keys->head_dim;
}

/* The heads that read KV head 0 are the first of them, one behind the other. Without queries keys
 * stand in for them, as in query_of. */
static int train(struct kvr_material *m, const struct kvr_keyset *keys,
                 const struct kvr_squat_settings *squat, uint64_t seed)
{
    const bool calibrated = m->codec->calibrated;
    const size_t heads = keys->queries ? keys->query_heads / keys->kv_heads : 1;
    const struct kvr_teaching teaching = {
        .queries = keys->queries ? keys->queries : keys->keys,
        .count = heads * (keys->queries ? keys->query_tokens : keys->tokens),
        .squat = *squat};
    return kvr_codec_train(m->codec, &m->shape, calibrated ? keys->calibration : keys->keys,
                           calibrated ? kvr_codec_enough_keys(m->codec, &m->shape,
                                                              keys->calibration_tokens)
                                      : keys->tokens,
                           &teaching, seed, m->side);
}

int kvr_material_make(const struct kvr_codec *codec, const struct kvr_shape *shape,
                      const struct kvr_keyset *keys, const struct kvr_squat_settings *squat,
                      uint64_t seed, struct kvr_material *m)
{
    const struct kvr_format *format = kvr_codec_layout(codec, shape);
    *m = (struct kvr_material){.codec = codec, .shape = *shape, .query = query_of(keys),
                               .keys = keys->keys, .key_count = keys->tokens};
    m->block_keys = format->row_major ? 1 : format->block_keys;
    m->block_bytes = kvr_block_bytes(format, shape) /
                     (format->row_major ? format->block_keys : 1);
    m->pool_keys = pool_keys(codec);
    m->pool_blocks = m->pool_keys / m->block_keys;
    m->side = aligned_zero(codec->side_bytes(shape));
    m->pool = aligned_zero((size_t)m->pool_blocks * m->block_bytes);
    int rc = m->side && m->pool ? 0 : -ENOMEM;
    if (!rc)
        rc = train(m, keys, squat, seed);
    if (!rc)
        rc = encode_pool(m, keys, seed);
    if (rc)
        kvr_material_free(m);
    return rc;
}

void kvr_material_free(struct kvr_material *m)
{
    free(m->side);
    free(m->pool);
    *m = (struct kvr_material){0};
}

void *kvr_material_prepare(const struct kvr_material *m, const struct kvr_format *format)
{
    void *prepared = aligned_zero(format->prepared_bytes(&m->shape));
    if (prepared)
        m->codec->prepare(&m->shape, format, m->side, m->query, prepared);
    return prepared;
}

struct filling {
    uint64_t random, page;
};

static void fill_blocks(const struct kvr_material *m, unsigned char *base, uint64_t bytes,
                        struct filling *f)
{
    uint64_t n = m->pool_blocks, blocks = bytes / m->block_bytes;
    uint64_t per_page = PAGE_BYTES / m->block_bytes ? PAGE_BYTES / m->block_bytes : 1;
    for (uint64_t b = 0; b < blocks;) {
        /* The first blocks of a page spell its number in base n; the others are random. */
        uint64_t digits = f->page++;
        for (uint64_t slot = 0; slot < per_page && b < blocks; slot++, b++) {
            uint64_t pick = digits ? digits % n : kvr_random(&f->random) % n;
            digits /= n;
            memcpy(base + b * m->block_bytes, m->pool + pick * m->block_bytes, m->block_bytes);
        }
    }
    memset(base + blocks * m->block_bytes, 0, bytes - blocks * m->block_bytes);
}

void kvr_material_fill(const struct kvr_material *m, unsigned char *base, uint64_t bytes)
{
    struct filling f = {.random = 1};
    fill_blocks(m, base, bytes, &f);
}

int kvr_material_fill_heads(const struct kvr_material *m, unsigned char *base, uint64_t heads,
                            const struct kvr_residuals *r)
{
    const struct kvr_format *format = kvr_codec_layout(m->codec, &m->shape);
    const size_t d = m->shape.head_dim;
    const uint64_t end = r->coded_bytes + format->segment_bytes(&m->shape, (uint32_t)r->keys);
    struct filling f = {.random = 1};
    float *keys = malloc(r->keys * d * sizeof *keys);
    int rc = keys ? 0 : -ENOMEM;
    for (uint64_t h = 0; h < heads && !rc; h++, base += r->head_bytes) {
        for (uint64_t k = 0; k < r->keys; k++)
            memcpy(keys + k * d, m->keys + kvr_random(&f.random) % m->key_count * d,
                   d * sizeof *keys);
        fill_blocks(m, base, r->coded_bytes, &f);
        rc = m->codec->encode(&m->shape, m->side, keys, r->keys, base + r->coded_bytes);
        fill_blocks(m, base + end, r->head_bytes - end, &f);
    }
    free(keys);
    return rc;
}

int kvr_material_same(const struct kvr_material *a, const struct kvr_material *b)
{
    return a->codec && b->codec && a->codec->encode == b->codec->encode &&
           a->shape.head_dim == b->shape.head_dim && a->shape.tables == b->shape.tables &&
           a->shape.entries == b->shape.entries && a->shape.group == b->shape.group;
}
