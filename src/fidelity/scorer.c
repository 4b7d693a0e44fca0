/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scorer.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/additive.h"
#include "../../kernels/formats.h"
#include "../study/lists.h"
#include "rounded.h"

double *kvr_columns(const float *keys, size_t count, size_t head_dim)
{
    double *columns = malloc(count * head_dim * sizeof *columns);
    for (size_t i = 0; columns && i < count; i++) {
        for (size_t c = 0; c < head_dim; c++)
            columns[c * count + i] = keys[i * head_dim + c];
    }
    return columns;
}

void kvr_dot_columns(const struct kvr_wide *wide, const double *columns, size_t count,
                     size_t head_dim, const float *query, size_t n, double *scores)
{
    const double root = sqrt((double)head_dim);
    double factors[KVR_MAX_HEAD_DIM];
    for (size_t c = 0; c < head_dim; c++)
        factors[c] = query[c] / root;
    wide->add_columns(columns, count, head_dim, factors, n, scores);
}

/* The channel that stands at place i. */
static size_t paired(size_t i, size_t head_dim)
{
    return i % 2 ? head_dim / 2 + i / 2 : i / 2;
}

void kvr_pair_channels(const float *in, size_t rows, size_t head_dim, float *out)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < head_dim; c++)
            out[r * head_dim + c] = in[r * head_dim + paired(c, head_dim)];
    }
}

static void unpair_channels(const float *in, size_t rows, size_t head_dim, float *out)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < head_dim; c++)
            out[r * head_dim + paired(c, head_dim)] = in[r * head_dim + c];
    }
}

void kvr_rotate(float *keys, size_t count, size_t head_dim, double base, size_t first)
{
    const size_t half = head_dim / 2;
    for (size_t j = 0; j < half; j++) {
        double step = pow(base, -2.0 * (double)j / (double)head_dim);
        for (size_t i = 0; i < count; i++) {
            float *low = keys + i * head_dim + j, *high = low + half;
            double angle = (double)(first + i) * step, x = *low, y = *high;
            *low = (float)(x * cos(angle) - y * sin(angle));
            *high = (float)(y * cos(angle) + x * sin(angle));
        }
    }
}

/* ---- controls ---- */

static double *shuffled_columns(const struct kvr_head *head)
{
    uint32_t *order = malloc(head->tokens * sizeof *order);
    float *keys = malloc((size_t)head->tokens * head->head_dim * sizeof *keys);
    double *columns = NULL;
    uint64_t random = head->seed;
    if (order && keys) {
        for (uint32_t i = 0; i < head->tokens; i++)
            order[i] = i;
        kvr_shuffle(order, head->tokens, &random);
        for (size_t i = 0; i < head->tokens; i++)
            memcpy(keys + i * head->head_dim, head->keys + (size_t)order[i] * head->head_dim,
                   head->head_dim * sizeof *keys);
        columns = kvr_columns(keys, head->tokens, head->head_dim);
    }
    free(order);
    free(keys);
    return columns;
}

/* Uniform in (0, 1]. */
static double uniform(uint64_t *random)
{
    return ((double)(kvr_random(random) >> 11) + 1.0) * 0x1p-53;
}

static double *random_columns(const struct kvr_head *head)
{
    const double turn = 2.0 * acos(-1.0);
    double *columns = kvr_columns(head->keys, head->tokens, head->head_dim);
    uint64_t random = head->seed;
    for (size_t c = 0; columns && c < head->head_dim; c++) {
        double *column = columns + c * head->tokens, sum = 0.0, squares = 0.0;
        for (size_t i = 0; i < head->tokens; i++) {
            sum += column[i];
            squares += column[i] * column[i];
        }
        double mean = sum / head->tokens, variance = squares / head->tokens - mean * mean;
        double deviation = variance > 0.0 ? sqrt(variance) : 0.0;
        for (size_t i = 0; i < head->tokens; i++) { /* Box and Muller, 1958 */
            double radius = sqrt(-2.0 * log(uniform(&random)));
            column[i] = mean + deviation * radius * cos(turn * uniform(&random));
        }
    }
    return columns;
}

/* ---- codecs ---- */

static void *aligned(size_t bytes)
{
    return aligned_alloc(KVR_LINE_BYTES, (bytes / KVR_LINE_BYTES + 1) * KVR_LINE_BYTES);
}

static double squared_error(const float *keys, const float *decoded, size_t count, size_t d)
{
    double sum = 0.0;
    for (size_t i = 0; i < count * d; i++)
        sum += ((double)keys[i] - decoded[i]) * ((double)keys[i] - decoded[i]);
    return sum / (double)count;
}

/* Keys that are scored decoded: those coded before rotation, which are rotated here; rows of 16-bit
 * floats, whose scan multiplies just what decoding gives, as do tables of floats, of which RVQ's
 * take too long to make for every query; and codes of groups of keys, of which a causal query would
 * cut the last. */
static int keep_decoded(struct kvr_scorer *s, const float *decoded, size_t count)
{
    const struct kvr_head *head = s->head;
    const size_t d = head->head_dim;
    float *all = malloc((size_t)head->tokens * d * sizeof *all);
    if (!all)
        return -ENOMEM;
    memcpy(all, head->keys, head->skip_sinks * d * sizeof *all);
    if (s->coding->rope_pairs)
        unpair_channels(decoded, count, d, all + head->skip_sinks * d);
    else
        memcpy(all + head->skip_sinks * d, decoded, count * d * sizeof *all);
    if (s->coding->before_rope)
        kvr_rotate(all + head->skip_sinks * d, count, d, head->rope_base, head->skip_sinks);
    s->columns = kvr_columns(all, head->tokens, d);
    free(all);
    return s->columns ? 0 : -ENOMEM;
}

/* All queries of the head's group one after the other, for codecs that look at them. */
static float *gather_queries(const struct kvr_head *head)
{
    const size_t floats = (size_t)head->tokens * head->head_dim;
    float *all = malloc(head->query_heads * floats * sizeof *all);
    for (size_t h = 0; all && h < head->query_heads; h++)
        memcpy(all + h * floats, head->queries + h * head->query_stride, floats * sizeof *all);
    return all;
}

static int train(struct kvr_scorer *s, const float *keys, size_t count)
{
    const struct kvr_coding *coding = s->coding;
    const struct kvr_head *head = s->head;
    const size_t queries = coding->codec->train_queries ? head->query_heads * head->tokens : 0;
    s->side = coding->side;
    if (s->side)
        return 0;
    s->own_side = aligned(coding->codec->side_bytes(&s->shape));
    s->side = s->own_side;
    float *of_group = queries ? gather_queries(head) : NULL;
    const struct kvr_teaching teaching = {of_group, queries, coding->squat};
    int status = s->own_side && (of_group || !queries) ? 0 : -ENOMEM;
    if (!status)
        status = kvr_codec_train(coding->codec, &s->shape, keys, count, &teaching, coding->seed,
                                 s->own_side);
    free(of_group);
    return status;
}

/* The scan of the same codes with a query of floats, whose prepared query begins with
 * query[KVR_MAX_HEAD_DIM] and whose score is the sum of query[c] * value; NULL: none. */
static const struct kvr_format *plain_scan(const struct kvr_format *format)
{
    if (format == &kvr_format_affine8g_q8)
        return &kvr_format_affine8g;
    if (format == &kvr_format_affine4g_q8)
        return &kvr_format_affine4g;
    return format == &kvr_format_affine8 || format == &kvr_format_affine4 ||
                   format == &kvr_format_affine8g || format == &kvr_format_affine4g
               ? format
               : NULL;
}

/* The codes' values, channel by channel, as the reference itself gives them for a query of one 1:
 * products with a real query are exact in double, so that adding these up in the same order is the
 * reference's score, without unpacking every code for every query. */
static int keep_values(struct kvr_scorer *s, const struct kvr_format *plain, size_t count)
{
    const size_t d = s->head->head_dim;
    float *query = aligned(plain->prepared_bytes(&s->shape));
    s->values = malloc(count * d * sizeof *s->values);
    if (query && s->values) {
        memset(query, 0, plain->prepared_bytes(&s->shape));
        for (size_t c = 0; c < d; c++) {
            query[c] = 1.0f;
            plain->reference(&s->shape, (uint32_t)count, s->codes, s->side, query,
                             s->values + c * count);
            query[c] = 0.0f;
        }
    }
    free(query);
    return query && s->values ? 0 : -ENOMEM;
}

static void score_values(const struct kvr_scorer *s, size_t n, double *scores)
{
    const size_t d = s->head->head_dim;
    const bool rounded = plain_scan(s->coding->format) != s->coding->format;
    const struct kvr_prepared_group_q8 *q8 = (const void *)s->prepared;
    const float *query = (const void *)s->prepared;
    double factors[KVR_MAX_HEAD_DIM];
    for (size_t c = 0; c < d; c++)
        factors[c] = rounded ? q8->query8[c] * (double)q8->steps[c / s->shape.group]
                             : (double)query[c];
    s->head->wide->add_columns(s->values, s->shape.tokens, d, factors, n, scores);
}

static int encode(struct kvr_scorer *s, const float *keys, size_t count)
{
    const struct kvr_codec *codec = s->coding->codec;
    const struct kvr_format *layout = kvr_codec_layout(codec, &s->shape);
    const size_t d = s->head->head_dim;
    float *decoded = malloc(count * d * sizeof *decoded);
    s->own_codes = aligned(layout->segment_bytes(&s->shape, (uint32_t)count));
    s->codes = s->own_codes;
    int status = decoded && s->own_codes ? 0 : -ENOMEM;
    if (!status)
        status = codec->encode(&s->shape, s->side, keys, count, s->own_codes);
    const struct kvr_format *format = s->coding->format;
    if (!status) {
        codec->decode(&s->shape, s->side, s->codes, count, decoded);
        s->key_squared_error = squared_error(keys, decoded, count, d);
        if (s->coding->before_rope || format->row_major ||
            (format->residual && !kvr_rounds_for_groups(format)) ||
            format == &kvr_format_additive_f32)
            status = keep_decoded(s, decoded, count);
    }
    free(decoded);
    return status;
}

/* Codes of a sibling, or new ones from the keys [count]. */
static int get_codes(struct kvr_scorer *s, const float *keys, size_t count)
{
    int status = 0;
    if (s->sibling) {
        s->codes = s->sibling->codes;
        s->side = s->sibling->side;
        s->key_squared_error = s->sibling->key_squared_error;
        return 0;
    }
    status = train(s, keys, count);
    return status ? status : encode(s, keys, count);
}

static int open_coded(struct kvr_scorer *s)
{
    const struct kvr_head *head = s->head;
    const size_t d = head->head_dim, count = head->tokens - head->skip_sinks;
    const float *keys = s->coding->before_rope ? head->before_rope : head->keys;
    float *paired_keys = NULL;
    keys += head->skip_sinks * d;
    s->shape.tokens = (uint32_t)count;
    s->shape.heads = s->shape.queries = 1;
    s->shape.vector_bytes = head->wide->vector_bytes;
    if (s->coding->rope_pairs) {
        paired_keys = malloc(count * d * sizeof *paired_keys);
        if (!paired_keys)
            return -ENOMEM;
        kvr_pair_channels(keys, count, d, paired_keys);
        keys = paired_keys;
    }
    const struct kvr_format *plain = plain_scan(s->coding->format);
    s->prepared = aligned(s->coding->format->prepared_bytes(&s->shape));
    int status = s->prepared ? get_codes(s, keys, count) : -ENOMEM;
    if (!status && !s->columns && plain)
        status = keep_values(s, plain, count);
    else if (!status && !s->columns && kvr_rounds_for_groups(s->coding->format))
        status = kvr_keep_group_values(s);
    free(paired_keys);
    return status;
}

bool kvr_codings_share(const struct kvr_coding *a, const struct kvr_coding *b)
{
    return a->control == KVR_CODED && b->control == KVR_CODED && a->codec == b->codec &&
           a->shape.tables == b->shape.tables && a->shape.entries == b->shape.entries &&
           !a->before_rope && !b->before_rope && a->side == b->side && a->seed == b->seed;
}

int kvr_scorer_open(struct kvr_scorer *scorer, const struct kvr_head *head,
                    const struct kvr_coding *coding, const struct kvr_scorer *sibling)
{
    *scorer = (struct kvr_scorer){.head = head, .coding = coding, .shape = coding->shape,
                                  .sibling = sibling, .key_squared_error = NAN};
    switch (coding->control) {
    case KVR_CODED:
        return open_coded(scorer);
    case KVR_SHUFFLED:
        scorer->columns = shuffled_columns(head);
        return scorer->columns ? 0 : -ENOMEM;
    case KVR_RANDOM:
        scorer->columns = random_columns(head);
        return scorer->columns ? 0 : -ENOMEM;
    default:
        return 0;
    }
}

void kvr_scorer_free(struct kvr_scorer *scorer)
{
    free(scorer->own_codes);
    free(scorer->prepared);
    free(scorer->own_side);
    free(scorer->columns);
    free(scorer->values);
    *scorer = (struct kvr_scorer){0};
}

/* Tables of bytes are made from those of floats, which the sibling has just made. */
static void prepare(const struct kvr_scorer *s, const float *query)
{
    const struct kvr_coding *coding = s->coding;
    const struct kvr_format *of_sibling = s->sibling ? s->sibling->coding->format : NULL;
    if ((coding->format == &kvr_format_lookup_u8 && of_sibling == &kvr_format_lookup_f32) ||
        (coding->format == &kvr_format_lookup4_u8 && of_sibling == &kvr_format_lookup4_f32))
        kvr_quantise_tables(&s->shape, (const void *)s->sibling->prepared, (void *)s->prepared);
    else
        coding->codec->prepare(&s->shape, coding->format, s->side, query, s->prepared);
}

void kvr_scorer_score(const struct kvr_scorer *s, const float *query, size_t n,
                      const double *exact, double *scores)
{
    const struct kvr_coding *coding = s->coding;
    const size_t d = s->head->head_dim;
    size_t sinks = coding->control == KVR_CODED ? s->head->skip_sinks : 0;
    float paired_query[KVR_MAX_HEAD_DIM];
    if (coding->control == KVR_UNIFORM) {
        memset(scores, 0, n * sizeof *scores);
    } else if (coding->control == KVR_VALUES_Q8) {
        memcpy(scores, exact, n * sizeof *scores);
    } else if (s->columns) {
        kvr_dot_columns(s->head->wide, s->columns, s->head->tokens, d, query, n, scores);
    } else if (n > sinks) {
        if (coding->rope_pairs) {
            kvr_pair_channels(query, 1, d, paired_query);
            query = paired_query;
        }
        prepare(s, query);
        if (kvr_rounds_for_groups(coding->format))
            kvr_score_groups(s, n - sinks, scores + sinks);
        else if (s->values)
            score_values(s, n - sinks, scores + sinks);
        else
            coding->format->reference(&s->shape, (uint32_t)(n - sinks), s->codes, s->side,
                                      s->prepared, scores + sinks);
    }
    memcpy(scores, exact, (sinks < n ? sinks : n) * sizeof *scores);
}
