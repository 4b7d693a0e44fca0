/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A whole head of attention composed of the steps (prepare, score, softmax, values, division by the
 * sum) over the built-in keys and values, against the definition in double over the decoded keys;
 * in tiles as in one.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/formats.h"
#include "kernels/steps.h"
#include "problem.h"
#include "src/codec/codebook.h"
#include "src/codec/codec.h"
#include "src/data/keyset.h"
#include "src/machine/isa.h"

enum { TOKENS = 500, TABLES = 8, MAX_TILES = 16 };

/* The steps of one ISA for one format, and a score kernel. */
struct steps {
    const struct kvr_prepare_step *prepare;
    const struct kvr_softmax_step *softmax;
    const struct kvr_values_step *values;
    const struct kvr_kernel *kernel;
};

struct head {
    struct kvr_shape shape;
    const struct kvr_codec *codec;
    unsigned char *codes, *values; /* padded segments */
    float *side, *decoded, *decoded_values;
    void *codebook;
    const float *query;
};

static struct kvr_isa_info isa;

/* Tokens [first, first + tokens) as one segment, which begins with a block. */
static struct kvr_segments tile_of(const unsigned char *base, const struct kvr_format *format,
                                   const struct kvr_shape *shape, uint32_t first, uint32_t tokens)
{
    static const uint32_t order[] = {0};
    return (struct kvr_segments){.base = base + format->segment_bytes(shape, first),
                                 .order = order, .count = 1, .tokens = tokens};
}

static void attend(const struct head *h, const struct steps *s, const void *prepared,
                   uint32_t tile, float *output)
{
    struct kvr_softmax state = {.maximum = -INFINITY};
    float *scores = aligned_bytes(tile * sizeof *scores);
    for (uint32_t first = 0; first < TOKENS; first += tile) {
        uint32_t tokens = TOKENS - first < tile ? TOKENS - first : tile;
        struct kvr_segments keys =
            tile_of(h->codes, s->kernel->format, &h->shape, first, tokens);
        struct kvr_segments values =
            tile_of(h->values, &kvr_format_dense_f16, &h->shape, first, tokens);
        s->kernel->score(&h->shape, &keys, 0, NULL, prepared, scores);
        s->softmax->softmax(scores, tokens, &state);
        s->values->values(&h->shape, &values, 0, scores, state.rescale, output);
    }
    for (uint32_t c = 0; c < h->shape.head_dim; c++)
        output[c] /= state.sum;
    free(scores);
}

/* From the definition; returns the largest |value|, *largest the largest |score|, *terms the
 * largest sum of the magnitudes of a score's terms. */
static double reference(const struct head *h, double *output, double *largest, double *terms)
{
    const uint32_t d = h->shape.head_dim;
    static double scores[TOKENS];
    double maximum = -INFINITY, sum = 0, value = 0;
    *largest = *terms = 0;
    for (uint32_t t = 0; t < TOKENS; t++) {
        double magnitude = 0;
        scores[t] = 0;
        for (uint32_t c = 0; c < d; c++) {
            double term = (double)h->query[c] * (double)h->decoded[t * d + c] / sqrt(d);
            scores[t] += term;
            magnitude += fabs(term);
        }
        *terms = fmax(*terms, magnitude);
        maximum = fmax(maximum, scores[t]);
        *largest = fmax(*largest, fabs(scores[t]));
    }
    memset(output, 0, d * sizeof *output);
    for (uint32_t t = 0; t < TOKENS; t++) {
        double weight = exp(scores[t] - maximum);
        sum += weight;
        for (uint32_t c = 0; c < d; c++) {
            output[c] += weight * (double)h->decoded_values[t * d + c];
            value = fmax(value, fabs((double)h->decoded_values[t * d + c]));
        }
    }
    for (uint32_t c = 0; c < d; c++)
        output[c] /= sum;
    return value;
}

static void check(const struct head *h, const struct steps *s)
{
    static const uint32_t tiles[] = {TOKENS, 64, 192, 448};
    const uint32_t d = h->shape.head_dim;
    double expected[KVR_MAX_HEAD_DIM], largest, terms;
    const double value = reference(h, expected, &largest, &terms);
    void *prepared = aligned_bytes(s->prepare->format->prepared_bytes(&h->shape));
    float whole[KVR_MAX_HEAD_DIM] __attribute__((aligned(64)));
    float output[KVR_MAX_HEAD_DIM] __attribute__((aligned(64)));
    s->prepare->prepare(&h->shape, h->codebook, h->query, prepared);
    /* What a score is off by moves a weight by as much, relatively, and the sum too. */
    double off = 1e-5 * largest;
    if (s->prepare->format == &kvr_format_lookup_u8)
        off += 0.51 * TABLES * (double)((const struct kvr_prepared_lookup_u8 *)prepared)->step;
    if (s->prepare->format != &kvr_format_dense_f16 && strstr(s->prepare->format->name, "_f16"))
        off += 0x1p-11 * terms; /* roundings of keys */
    if (s->prepare->codebook == KVR_CODEBOOK_F16)
        off += 0x1p-10 * largest * TABLES; /* roundings of centroids, which may cancel in a score */
    const double allowed = (expm1(2 * fmin(off, 100)) + 1e-5) * value;
    for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
        for (uint32_t c = 0; c < KVR_MAX_HEAD_DIM; c++)
            output[c] = NAN; /* the first tile does not read it */
        attend(h, s, prepared, tiles[i], output);
        if (i == 0)
            memcpy(whole, output, sizeof whole);
        for (uint32_t c = 0; c < d; c++) {
            if (!(fabs((double)output[c] - expected[c]) <= allowed) ||
                !(fabs((double)output[c] - (double)whole[c]) <= 2e-5 * value))
                fail_msg("%s@%s in tiles of %u: channel %u is %.7g, not %.7g (in one tile %.7g), "
                         "allowed +- %.3g",
                         s->prepare->format->name, s->prepare->isa_name, tiles[i], c,
                         (double)output[c], expected[c], (double)whole[c], allowed);
        }
    }
    free(prepared);
}

/* Softmax and values of the preparing step's ISA, the last usable score kernel of its format. */
static int find(const struct kvr_prepare_step *prepare, struct steps *s)
{
    size_t count;
    *s = (struct steps){.prepare = prepare};
    if (prepare->isa & ~isa.usable)
        return 0;
    const struct kvr_softmax_step *const *softmax = kvr_softmax_steps(&count);
    while (count--)
        s->softmax = strcmp(softmax[count]->isa_name, prepare->isa_name) ? s->softmax
                                                                         : softmax[count];
    const struct kvr_values_step *const *values = kvr_values_steps(&count);
    while (count--)
        s->values = strcmp(values[count]->isa_name, prepare->isa_name) ? s->values : values[count];
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    for (size_t i = 0; i < count; i++)
        if (kernels[i]->format == prepare->format && !(kernels[i]->isa & ~isa.usable) &&
            (!kernels[i]->max_tables || kernels[i]->max_tables >= TABLES))
            s->kernel = kernels[i];
    assert_non_null(s->softmax);
    assert_non_null(s->values);
    assert_non_null(s->kernel);
    return 1;
}

static void make(struct head *h, const struct kvr_keyset *set, const char *name)
{
    const struct kvr_codec *fp16 = kvr_codec_find("fp16");
    const uint32_t d = set->head_dim;
    const int lookup = !strcmp(name, "lookat");
    h->codec = kvr_codec_find(name);
    h->shape = (struct kvr_shape){.head_dim = d, .tokens = TOKENS, .heads = 1, .queries = 1,
                                  .tables = lookup ? TABLES : 0, .entries = lookup ? 256 : 0,
                                  .group = h->codec->group};
    h->side = aligned_bytes(h->codec->side_bytes(&h->shape) + 1);
    h->codes = aligned_bytes(h->codec->formats[0]->segment_bytes(&h->shape, TOKENS));
    h->values = aligned_bytes(kvr_format_dense_f16.segment_bytes(&h->shape, TOKENS));
    h->decoded = aligned_bytes(TOKENS * d * sizeof *h->decoded);
    h->decoded_values = aligned_bytes(TOKENS * d * sizeof *h->decoded_values);
    assert_int_equal(h->codec->train(&h->shape, lookup ? set->calibration : set->keys,
                                     lookup ? set->calibration_tokens : TOKENS, 1, h->side), 0);
    assert_int_equal(h->codec->encode(&h->shape, h->side, set->keys, TOKENS, h->codes), 0);
    h->codec->decode(&h->shape, h->side, h->codes, TOKENS, h->decoded);
    assert_int_equal(fp16->encode(&h->shape, NULL, set->values, TOKENS, h->values), 0);
    fp16->decode(&h->shape, NULL, h->values, TOKENS, h->decoded_values);
}

static void check_codec(const struct kvr_keyset *set, const char *name)
{
    struct head h = {0};
    size_t count, checked = 0;
    const struct kvr_prepare_step *const *all = kvr_prepare_steps(&count);
    make(&h, set, name);
    for (size_t i = 0; i < count; i++) {
        struct steps s;
        const struct kvr_format *const *f = h.codec->formats;
        while (*f && *f != all[i]->format)
            f++;
        if (!*f || !find(all[i], &s))
            continue;
        h.codebook = h.side;
        if (all[i]->codebook != KVR_CODEBOOK_NONE) {
            h.codebook = aligned_bytes(kvr_codebook_bytes(&h.shape, all[i]->codebook));
            assert_int_equal(kvr_codebook_pack(&h.shape, h.side, all[i]->codebook, h.codebook), 0);
        }
        for (size_t q = 0; q < 3; q++) {
            float query[KVR_MAX_HEAD_DIM];
            /* as it is, uniform weights, and nearly all weight on one key */
            static const float factors[] = {1, 1e-3f, 30};
            for (uint32_t c = 0; c < set->head_dim; c++)
                query[c] = set->queries[(q * 7 % set->query_tokens) * set->head_dim + c] *
                           factors[q];
            h.query = query;
            check(&h, &s);
        }
        if (all[i]->codebook != KVR_CODEBOOK_NONE)
            free(h.codebook);
        checked++;
    }
    assert_true(checked > 0);
    free(h.side);
    free(h.codes);
    free(h.values);
    free(h.decoded);
    free(h.decoded_values);
}

static void test_attention(void **state)
{
    static const uint32_t dims[] = {64, 128};
    static const char *const codecs[] = {"fp16", "int8", "int4", "int4g32", "lookat"};
    (void)state;
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        const struct kvr_keyset_paths none = {0};
        struct kvr_keyset set;
        char error[512] = "";
        if (kvr_keyset_load(&none, dims[i], &set, error, sizeof error))
            fail_msg("%s", error);
        assert_true(set.tokens >= TOKENS);
        for (size_t c = 0; c < sizeof codecs / sizeof *codecs; c++)
            check_codec(&set, codecs[c]);
        kvr_keyset_free(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_attention)};
    kvr_isa_detect(&isa);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
