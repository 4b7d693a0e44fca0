/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "attention.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "problem.h"

static int is_one_of(const struct kvr_format *format, const struct kvr_format *const *formats)
{
    while (*formats && *formats != format)
        formats++;
    return *formats != NULL;
}

/* 0 without all four. */
static int find(const struct kvr_prepare_step *prepare, uint64_t usable_isa, uint32_t tables,
                struct attention_steps *s)
{
    size_t count;
    *s = (struct attention_steps){.prepare = prepare};
    const struct kvr_softmax_step *const *softmax = kvr_softmax_steps(&count);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(softmax[i]->isa_name, prepare->isa_name))
            s->softmax = softmax[i];
    const struct kvr_values_step *const *values = kvr_values_steps(&count);
    for (size_t i = 0; i < count; i++)
        if (values[i]->format == &kvr_format_dense_f16 &&
            !strcmp(values[i]->isa_name, prepare->isa_name))
            s->values = values[i];
    const struct kvr_shape shape = {.tables = tables, .entries = prepare->format->entries};
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    for (size_t i = 0; i < count; i++)
        if (kernels[i]->format == prepare->format && !(kernels[i]->isa & ~usable_isa) &&
            kvr_kernel_serves(kernels[i], &shape))
            s->kernel = kernels[i];
    return s->softmax && s->values && s->kernel;
}

size_t attention_steps_of(const struct kvr_codec *codec, uint64_t usable_isa, uint32_t tables,
                          struct attention_steps steps[ATTENTION_MOST_STEPS])
{
    size_t count, listed = 0, used = 0;
    const struct kvr_prepare_step *const *all = kvr_prepare_steps(&count);
    for (size_t i = 0; i < count; i++) {
        if (!is_one_of(all[i]->format, codec->formats) ||
            all[i]->book != kvr_codec_book(codec, all[i]->format))
            continue;
        listed++;
        if (all[i]->isa & ~usable_isa)
            continue;
        if (used == ATTENTION_MOST_STEPS || !find(all[i], usable_isa, tables, &steps[used]))
            fail_msg("%s@%s: no steps to go with it", all[i]->format->name, all[i]->isa_name);
        used++;
    }
    assert_int_equal(used == 0, listed == 0); /* every host can run the scalar ones */
    return used;
}

void attention_scores(const float *query, const float *keys, uint32_t tokens, uint32_t d,
                      double *scores)
{
    for (uint32_t t = 0; t < tokens; t++) {
        scores[t] = 0;
        for (uint32_t c = 0; c < d; c++)
            scores[t] += (double)query[c] * (double)keys[(size_t)t * d + c];
        scores[t] /= sqrt(d);
    }
}

void *attention_side(const struct kvr_prepare_step *step, const struct kvr_codec *codec,
                     const struct kvr_shape *shape, const void *side)
{
    const size_t bytes = codec->side_bytes(shape);
    float *values = aligned_bytes(bytes + 1);
    memcpy(values, side, bytes);
    /* that of residual codes holds float16 already */
    const int rounds = step->codebook == KVR_CODEBOOK_F16 && step->book != KVR_BOOK_RESIDUAL;
    for (size_t i = 0; rounds && i < bytes / sizeof *values; i++)
        values[i] = kvr_half_to_float(kvr_float_to_half(values[i]));
    return values;
}

double attention_magnitude(const struct kvr_format *format, const struct kvr_shape *shape,
                           uint32_t tokens, const void *codes)
{
    return format->magnitude ? format->magnitude(shape, tokens, codes) : 0;
}

/* Of products in float with a matrix of rows of length 1 (a rotation) or about sqrt(d) (of sign
 * bits), whose results weigh as much as the key; and half a step an entry of the sketches. */
static double projection_error(const struct kvr_prepare_step *step, const struct kvr_shape *shape,
                               const void *prepared, double query_length, double key_length,
                               double magnitude)
{
    const struct kvr_prepared_signs_u8 *signs = prepared;
    const double roundings = (shape->head_dim + 8) * 0x1p-24 * query_length;
    if (step->book == KVR_BOOK_ROTATED)
        return roundings * key_length;
    if (step->book != KVR_BOOK_SIGNS)
        return 0;
    double steps = (double)signs->step[0] + (double)signs->step[1];
    return magnitude * (4 * roundings + shape->tables * steps * (.5 + 255 * 0x1p-22));
}

double attention_format_error(const struct kvr_prepare_step *step, const struct kvr_shape *shape,
                              const void *prepared, const float *query, const float *decoded,
                              uint32_t tokens, double magnitude)
{
    const uint32_t d = shape->head_dim;
    double sum = 0, largest_query = 0, largest_key = 0, largest_norm = 0;
    double square = 0, largest_square = 0;
    for (uint32_t c = 0; c < d; c++) {
        square += (double)query[c] * (double)query[c];
        sum += fabs((double)query[c]) / sqrt(d);
        largest_query = fmax(largest_query, fabs((double)query[c]));
    }
    for (uint32_t t = 0; t < tokens; t++) {
        double norm = 0, key_square = 0;
        for (uint32_t c = 0; c < d; c++) {
            double key = fabs((double)decoded[(size_t)t * d + c]);
            largest_key = fmax(largest_key, key);
            norm += key;
            key_square += key * key;
        }
        largest_norm = fmax(largest_norm, norm);
        largest_square = fmax(largest_square, key_square);
    }
    /* Roundings of floats: of the factor and of every product with the query, and of their sum,
     * which an offset multiplies with a zero of at most 8 / 7 of the largest key. */
    double error = (d + 8) * 0x1p-24 * sum * largest_key * 8 / 7;
    if (step->format == &kvr_format_affine8_f16 || step->format == &kvr_format_affine4_f16 ||
        step->format == &kvr_format_affine4g_f16)
        error += 0x1p-11 * sum * largest_key + 0x1p-25 * sum; /* keys as float16 */
    error += projection_error(step, shape, prepared, sqrt(square), sqrt(largest_square), magnitude);
    /* half a step an entry, and the step's rounding */
    if (step->format == &kvr_format_lookup_u8 || step->format == &kvr_format_lookup4_u8) {
        double entry_step = (double)((const struct kvr_prepared_lookup_u8 *)prepared)->step;
        error += shape->tables * entry_step * (.5 + 255 * 0x1p-22);
    }
    /* the groups' largest magnitudes are at most the query's; their steps are float16 */
    if (step->format == &kvr_format_affine8g_q8 || step->format == &kvr_format_affine4g_q8)
        error += largest_query * (.5 / 127 + 0x1p-11) * largest_norm / sqrt(d);
    if (step->format == &kvr_format_affine8_q8 || step->format == &kvr_format_affine4_q8)
        error += .5 * largest_query / 127 * largest_norm / sqrt(d);
    /* half a step for each code: of a group's largest product with a scale, whose codes are apart
     * by at most twice the largest key */
    if (step->format == &kvr_format_channel1_q8 || step->format == &kvr_format_channel2_q8 ||
        step->format == &kvr_format_channel4_q8)
        error += .501 * largest_query / 127 * d * 2 * largest_key / sqrt(d);
    return error;
}

void attention_expect(const double *scores, const float *values, uint32_t tokens, uint32_t d,
                      struct attention_expected *e)
{
    double maximum = -INFINITY, sum = 0;
    *e = (struct attention_expected){.largest_score = 0};
    for (uint32_t t = 0; t < tokens; t++) {
        maximum = fmax(maximum, scores[t]);
        e->largest_score = fmax(e->largest_score, fabs(scores[t]));
    }
    for (uint32_t t = 0; t < tokens; t++) {
        double weight = exp(scores[t] - maximum);
        sum += weight;
        for (uint32_t c = 0; c < d; c++) {
            double value = (double)values[(size_t)t * d + c];
            e->output[c] += weight * value;
            e->magnitude[c] += weight * fabs(value);
        }
    }
    for (uint32_t c = 0; c < d; c++) {
        e->output[c] /= sum;
        e->magnitude[c] /= sum;
    }
}

/* A weight is e^(score - maximum) of a score that is off by score_error, so by e^(+-score_error).
 * exp itself is off by 4e-7 and by 2^-24 of its argument (steps.h), of which at most 88 matter:
 * what lies below is 0 in float. So is every rescaling, once a tile. Weights that are all off by at
 * most e^(+-x) move a weighted mean by at most (e^2x - 1) of the mean magnitude. Sums in float, of
 * weights and of products, are off by 2^-24 for every term at most, in whatever order; a rescaling
 * and the division are a term each. */
double attention_allowed(const struct attention_expected *e, uint32_t c, uint32_t tokens,
                         uint32_t tiles, double score_error)
{
    double argument = fmin(2 * e->largest_score + 2 * score_error, 88);
    double exponent = score_error + (tiles + 1) * 4e-7 + 2 * argument * 0x1p-24;
    double sums = 2 * (tokens + tiles + 2) * 0x1p-24;
    return (expm1(2 * exponent) + sums) * e->magnitude[c] + tokens * (double)FLT_MIN;
}
