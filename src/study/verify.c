/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/wide.h"
#include "../machine/isa.h"
#include "lists.h"

enum { MAX_TOKENS = 1040, CALIBRATION_KEYS = 320, CASES_PER_TRAINING = 8,
       CASES_PER_SLOW_TRAINING = 32, SHAPE_DRAWS = 1000 };

enum fill { FILL_RANDOM, FILL_EQUAL, FILL_ZERO, FILL_OUTLIER, FILL_ALTERNATING, FILL_COUNT };

static const char *const fill_names[FILL_COUNT] = {"random", "all equal", "all zero",
                                                   "one outlier", "alternating"};

/* The compiled paths of a kernel: without look-ahead, both kinds of it, and in several
 * streams. */
static const struct {
    uint32_t segments, bytes, streams;
} aheads[] = {{0, 0, 1}, {1, 0, 1}, {0, 256, 1}, {0, 0, 4}, {1, 0, 2}};

static void *aligned_zero(size_t bytes)
{
    bytes = (bytes + 127) / 64 * 64;
    void *p = aligned_alloc(64, bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

/* NaN is never close. */
static int is_close(const struct kvr_format *format, float score, double reference, double allowed)
{
    if (format->tolerance == 0)
        return score == (float)reference;
    return fabs((double)score - reference) <= allowed;
}

/* First score that is not close, or tokens. */
static uint32_t first_wrong(const struct kvr_format *format, uint32_t tokens, const float *scores,
                            const double *references, double allowed)
{
    uint32_t k = 0;
    while (k < tokens && is_close(format, scores[k], references[k], allowed))
        k++;
    return k;
}

static double allowed_difference(const struct kvr_format *format, const struct kvr_shape *shape,
                                 uint32_t tokens, const void *codes, const void *prepared)
{
    if (format->tolerance == 0)
        return 0;
    double factor = format->magnitude ? format->magnitude(shape, tokens, codes) : 1;
    return format->tolerance * format->scale(shape, prepared) * factor;
}

int kvr_verify_scores(const struct kvr_kernel *kernel, const struct kvr_shape *shape,
                      uint32_t tokens, const void *codes, const void *side, const void *prepared,
                      char *error, size_t error_bytes)
{
    const struct kvr_format *format = kernel->format;
    const uint32_t order[] = {0};
    int rc = -ENOMEM;
    float *scores = malloc(((size_t)tokens + 1) * sizeof *scores);
    double *references = malloc(((size_t)tokens + 1) * sizeof *references);
    if (!scores || !references)
        goto out;
    format->reference(shape, tokens, codes, side, prepared, references);
    double allowed = allowed_difference(format, shape, tokens, codes, prepared);
    rc = 0;
    for (size_t a = 0; a < sizeof aheads / sizeof *aheads && !rc; a++) {
        struct kvr_segments segments = {.base = codes, .order = order, .count = 1,
                                        .tokens = tokens, .ahead_segments = aheads[a].segments,
                                        .ahead_bytes = aheads[a].bytes,
                                        .streams = aheads[a].streams};
        for (uint32_t k = 0; k < tokens; k++)
            scores[k] = NAN; /* what the kernel does not write is wrong */
        kernel->score(shape, &segments, 0, side, prepared, scores);
        uint32_t k = first_wrong(format, tokens, scores, references, allowed);
        if (k < tokens) {
            rc = -EDOM;
            snprintf(error, error_bytes,
                     "%s.%s@%s: key %u of %u scored %.9g, the reference gives %.9g; allowed "
                     "difference %.3g (look-ahead: %u segments, %u bytes)",
                     format->name, kernel->variant, kernel->isa_name, k, tokens,
                     (double)scores[k], references[k], allowed, aheads[a].segments,
                     aheads[a].bytes);
        }
    }
out:
    free(references);
    free(scores);
    return rc;
}

/* Uniform in [0, 1). */
static double uniform(uint64_t *state)
{
    return (double)(kvr_random(state) >> 11) * 0x1p-53;
}

static uint32_t below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(kvr_random(state) % limit);
}

/* Roughly normal, spread 1: what keys and queries look like. */
static float normal(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += uniform(state);
    return (float)sum;
}

static void fill_keys(enum fill fill, float *keys, size_t values, uint64_t *state)
{
    float constant = fill == FILL_ZERO ? 0 : normal(state);
    for (size_t i = 0; i < values; i++) {
        if (fill == FILL_EQUAL || fill == FILL_ZERO)
            keys[i] = constant;
        else if (fill == FILL_ALTERNATING)
            keys[i] = i % 2 ? -constant : constant;
        else
            keys[i] = normal(state);
    }
    if (fill == FILL_OUTLIER && values)
        keys[kvr_random(state) % values] = uniform(state) < 0.5 ? -1e4f : 1e4f;
}

/* A shape that the codec codes and the kernel serves; 0 if SHAPE_DRAWS draws found none. */
static int draw_shape(const struct kvr_kernel *kernel, const struct kvr_codec *codec,
                      uint32_t vector_bytes, uint64_t *state, struct kvr_shape *shape)
{
    static const uint32_t entries[] = {256, 16}, usual[] = {64, 80, 96, 128, 256};
    int lookup = strncmp(kernel->format->name, "lookup", 6) == 0;
    for (int draw = 0; draw < SHAPE_DRAWS; draw++) {
        *shape = (struct kvr_shape){.heads = 1, .queries = 1, .group = codec->group,
                                    .vector_bytes = vector_bytes};
        /* Half of the cases at the usual head dims, some of which have code of their own. */
        shape->head_dim = below(state, 2) ? usual[below(state, sizeof usual / sizeof *usual)]
                                          : 16 * (1 + below(state, 16));
        if (lookup) {
            shape->tables = 1 + below(state, KVR_MAX_TABLES);
            shape->entries = entries[below(state, 2)];
        }
        if (kernel->format->residual)
            shape->residual = below(state, 1 + KVR_MAX_RESIDUAL / KVR_RESIDUAL_STEP) *
                              KVR_RESIDUAL_STEP;
        kvr_codec_set_tables(codec, shape);
        if (!kvr_kernel_serves(kernel, shape))
            continue;
        if (!codec->refuses(shape))
            return 1;
    }
    return 0;
}

/* Counts near a block's end half of the time. */
static uint32_t draw_tokens(const struct kvr_format *format, uint64_t *state)
{
    if (below(state, 2))
        return 1 + below(state, 300);
    uint32_t blocks = 1 + below(state, MAX_TOKENS / format->block_keys - 1);
    return blocks * format->block_keys + below(state, 3) - 1;
}

struct bench {
    float *keys;              /* [MAX_TOKENS], or as many as train() wants */
    unsigned char *side, *codes, *prepared;
    float query[KVR_MAX_HEAD_DIM];
};

static void bench_free(struct bench *b)
{
    free(b->keys);
    free(b->side);
    free(b->codes);
    free(b->prepared);
    *b = (struct bench){0};
}

static size_t calibration_keys(const struct kvr_codec *codec, const struct kvr_shape *shape)
{
    size_t fewest = kvr_codec_fewest_keys(codec, shape);
    return fewest > CALIBRATION_KEYS ? fewest : CALIBRATION_KEYS;
}

/* Of so many keys or fewer: the most have a whole residual. */
static size_t most_bytes(const struct kvr_format *format, const struct kvr_shape *shape,
                         uint32_t tokens)
{
    const size_t bytes = format->segment_bytes(shape, tokens);
    const uint32_t left = kvr_residual_keys(format, shape, tokens);
    const size_t before =
        format->residual && tokens > left ? format->segment_bytes(shape, tokens - left - 1) : 0;
    return bytes > before ? bytes : before;
}

static int bench_new(const struct kvr_kernel *kernel, const struct kvr_codec *codec,
                     const struct kvr_shape *shape, struct bench *b)
{
    size_t keys = calibration_keys(codec, shape);
    keys = keys > MAX_TOKENS ? keys : MAX_TOKENS;
    *b = (struct bench){.keys = malloc(keys * shape->head_dim * sizeof *b->keys),
                        .side = aligned_zero(codec->side_bytes(shape)),
                        .codes = aligned_zero(most_bytes(kernel->format, shape, MAX_TOKENS)),
                        .prepared = aligned_zero(kernel->format->prepared_bytes(shape))};
    if (b->keys && b->side && b->codes && b->prepared)
        return 0;
    bench_free(b);
    return -ENOMEM;
}

/* One case: keys, codes, prepared query, comparison. -EDOM or the codec's error with a sentence. */
static int run_case(const struct kvr_kernel *kernel, const struct kvr_codec *codec,
                    const struct kvr_shape *shape, struct bench *b, enum fill fill,
                    uint32_t tokens, uint64_t seed, char *error, size_t error_bytes)
{
    uint64_t state = seed;
    fill_keys(fill, b->keys, (size_t)tokens * shape->head_dim, &state);
    float query_size = below(&state, 16) ? 1.0f : 0.0f;
    for (uint32_t c = 0; c < shape->head_dim; c++)
        b->query[c] = query_size * normal(&state);
    int rc = 0;
    if (!codec->calibrated)
        rc = codec->train(shape, b->keys, tokens, seed, b->side);
    if (!rc)
        rc = codec->encode(shape, b->side, b->keys, tokens, b->codes);
    if (rc) {
        snprintf(error, error_bytes, "%s does not code these keys: %s", codec->name,
                 strerror(-rc));
        return rc;
    }
    codec->prepare(shape, kernel->format, b->side, b->query, b->prepared);
    return kvr_verify_scores(kernel, shape, tokens, b->codes, b->side, b->prepared, error,
                             error_bytes);
}

static int calibrate(const struct kvr_codec *codec, const struct kvr_shape *shape, struct bench *b,
                     uint64_t seed)
{
    uint64_t state = seed;
    const size_t count = calibration_keys(codec, shape);
    fill_keys(FILL_RANDOM, b->keys, count * shape->head_dim, &state);
    return codec->train(shape, b->keys, count, seed, b->side);
}

static void report_case(void (*report)(const char *line), const struct kvr_codec *codec,
                        const struct kvr_shape *shape, uint32_t tokens, enum fill fill,
                        uint64_t seed, const char *error)
{
    char line[768];
    snprintf(line, sizeof line, "%s d%u m%u K%u n%u, keys %s, case seed %#llx: %s", codec->name,
             shape->head_dim, shape->tables, shape->entries, tokens, fill_names[fill],
             (unsigned long long)seed, error);
    report(line);
}

int kvr_verify_random(const struct kvr_kernel *kernel, const struct kvr_codec *codec,
                      uint32_t cases, uint64_t seed, uint32_t *checked, uint32_t *mismatches,
                      void (*report)(const char *line))
{
    struct kvr_shape shape = {0};
    struct bench b = {0};
    const uint32_t per_training =
        codec->slow_training ? CASES_PER_SLOW_TRAINING : CASES_PER_TRAINING;
    struct kvr_isa_info isa;
    int rc = 0;
    kvr_isa_detect(&isa);
    *checked = *mismatches = 0;
    for (uint32_t i = 0; i < cases && *mismatches < KVR_VERIFY_MAX_MISMATCHES; i++) {
        char error[512];
        if (i % per_training == 0) {
            bench_free(&b);
            if (!draw_shape(kernel, codec, kvr_wide_bytes(isa.usable), &seed, &shape))
                break;
            rc = bench_new(kernel, codec, &shape, &b);
            if (!rc && codec->calibrated)
                rc = calibrate(codec, &shape, &b, kvr_random(&seed));
            if (rc)
                break;
        }
        enum fill fill = below(&seed, 2) ? FILL_RANDOM : (enum fill)below(&seed, FILL_COUNT);
        uint32_t tokens = draw_tokens(kernel->format, &seed);
        uint64_t case_seed = kvr_random(&seed);
        shape.tokens = tokens;
        int result = run_case(kernel, codec, &shape, &b, fill, tokens, case_seed, error,
                              sizeof error);
        if (result == -ENOMEM) {
            rc = result;
            break;
        }
        ++*checked;
        if (result) {
            ++*mismatches;
            report_case(report, codec, &shape, tokens, fill, case_seed, error);
        }
    }
    bench_free(&b);
    return rc;
}
