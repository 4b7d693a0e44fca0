/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Verification on real keys: random ones have no structure, so that a codec's clipping, empty
 * clusters or outlier channels would rarely be met.
 */
#include "verify_real.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/wide.h"
#include "../data/keyset.h"
#include "../study/verify.h"

enum { QUERIES = 3, SUBSPACES = 4 };

/* One head of real keys as a codec encodes them. Owned buffers. */
struct head {
    struct kvr_shape shape;
    void *side, *codes, *prepared;
    uint32_t tokens;
};

static void *aligned(size_t bytes)
{
    size_t whole = (bytes + 2 * KVR_LINE_BYTES - 1) / KVR_LINE_BYTES * KVR_LINE_BYTES;
    void *memory = aligned_alloc(KVR_LINE_BYTES, whole);
    return memory ? memset(memory, 0, whole) : NULL;
}

static size_t largest_prepared(const struct kvr_codec *codec, const struct kvr_shape *shape)
{
    size_t most = 0;
    for (size_t i = 0; codec->formats[i]; i++) {
        size_t bytes = codec->formats[i]->prepared_bytes(shape);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static int encode_head(const struct kvr_codec *codec, const struct kvr_keyset *set, uint32_t h,
                       uint64_t seed, struct head *head)
{
    const struct kvr_shape *shape = &head->shape;
    const float *keys = set->keys + (size_t)h * set->tokens * set->head_dim;
    const bool calibrate = codec->calibrated && set->calibration;
    const float *fitted =
        calibrate ? set->calibration + (size_t)h * set->calibration_tokens * set->head_dim : keys;
    head->tokens = (uint32_t)set->tokens;
    head->side = aligned(codec->side_bytes(shape));
    head->codes = aligned(kvr_codec_layout(codec, shape)->segment_bytes(shape, head->tokens));
    head->prepared = aligned(largest_prepared(codec, shape));
    if (!head->side || !head->codes || !head->prepared)
        return -ENOMEM;
    const size_t sharing = set->query_heads / set->kv_heads;
    const size_t count = calibrate ? set->calibration_tokens : set->tokens;
    const struct kvr_teaching teaching = {
        .queries = set->queries + h * sharing * set->query_tokens * set->head_dim,
        .count = sharing * set->query_tokens};
    int status = kvr_codec_train(codec, shape, fitted, kvr_codec_enough_keys(codec, shape, count),
                                 &teaching, seed, head->side);
    return status ? status : codec->encode(shape, head->side, keys, set->tokens, head->codes);
}

static void free_head(struct head *head)
{
    free(head->side);
    free(head->codes);
    free(head->prepared);
}

/* First, middle and last query of one of the query heads that read this KV head. */
static int check_head(struct kvr_suspect *suspects, size_t count, const struct kvr_keyset *set,
                      uint32_t h, const struct head *head, void (*report)(const char *line))
{
    const size_t query_head = (size_t)h * set->query_heads / set->kv_heads;
    const float *queries = set->queries + query_head * set->query_tokens * set->head_dim;
    char why[300], line[480];
    for (size_t s = 0; s < count; s++) {
        const struct kvr_kernel *kernel = suspects[s].kernel;
        const struct kvr_codec *codec = suspects[s].codec;
        if (!kvr_kernel_serves(kernel, &head->shape))
            continue;
        for (size_t i = 0; i < QUERIES; i++) {
            const float *query =
                queries + (set->query_tokens - 1) * i / (QUERIES - 1) * set->head_dim;
            codec->prepare(&head->shape, kernel->format, head->side, query, head->prepared);
            int status = kvr_verify_scores(kernel, &head->shape, head->tokens, head->codes,
                                           head->side, head->prepared, why, sizeof why);
            if (status && status != -EDOM)
                return status;
            suspects[s].cases++;
            if (!status)
                continue;
            suspects[s].mismatches++;
            snprintf(line, sizeof line, "%s.%s@%s, real keys, d %u, head %u: %s", codec->name,
                     kernel->variant, kernel->isa_name, head->shape.head_dim, h, why);
            report(line);
        }
    }
    return 0;
}

/* The keys of the first and the last head, coded in one shape. */
static int check_shape(struct kvr_suspect *suspects, size_t count, const struct kvr_keyset *set,
                       const struct kvr_shape *shape, uint64_t seed,
                       void (*report)(const char *line))
{
    const uint32_t heads[] = {0, set->kv_heads - 1};
    int status = 0;
    for (size_t i = 0; i < (set->kv_heads > 1 ? 2 : 1) && !status; i++) {
        struct head head = {.shape = *shape};
        status = encode_head(suspects[0].codec, set, heads[i], seed, &head);
        if (!status)
            status = check_head(suspects, count, set, heads[i], &head, report);
        free_head(&head);
    }
    return status;
}

int kvr_verify_real(struct kvr_suspect *suspects, size_t count, uint32_t head_dim, uint64_t seed,
                    void (*report)(const char *line), char *error, size_t error_bytes)
{
    static const uint32_t entries[] = {256, 16};
    const struct kvr_codec *codec = suspects[0].codec;
    const struct kvr_keyset_paths built_in = {.keys = NULL};
    const bool looks_up = kvr_format_looks_up(codec->formats[0]);
    struct kvr_keyset set;
    struct kvr_isa_info isa;
    kvr_isa_detect(&isa);
    struct kvr_shape shape = {.head_dim = head_dim, .heads = 1, .queries = 1,
                              .group = codec->group, .vector_bytes = kvr_wide_bytes(isa.usable),
                              .tables = looks_up ? SUBSPACES : 0,
                              .entries = looks_up ? entries[0] : 0};
    const bool any_entries = looks_up && !codec->set_tables;
    kvr_codec_set_tables(codec, &shape);
    if (codec->refuses(&shape))
        return -ENOTSUP;
    int status = kvr_keyset_load(&built_in, head_dim, &set, error, error_bytes);
    if (status)
        return status;
    shape.tokens = (uint32_t)set.tokens;
    for (size_t i = 0; i < (any_entries ? 2 : 1) && !status; i++) {
        if (any_entries)
            shape.entries = entries[i];
        status = check_shape(suspects, count, &set, &shape, seed, report);
    }
    if (status)
        snprintf(error, error_bytes, "%s cannot code the built-in keys at d = %u: %s", codec->name,
                 head_dim, strerror(-status));
    kvr_keyset_free(&set);
    return status;
}
