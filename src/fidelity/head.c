/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "head.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

struct measuring {
    const struct kvr_head *head;
    struct kvr_scorer *scorers;
    size_t count;
    struct kvr_head_result *results;
    double *columns; /* the keys as they are */
    float *values_q8; /* the values as 8 bits give them; NULL: no coding wants them */
    struct kvr_attention_row exact, row;
    double value_sum[KVR_MAX_HEAD_DIM]; /* of keys 0..t */
};

static void add_values(struct measuring *m, size_t key)
{
    const size_t d = m->head->head_dim;
    for (size_t c = 0; c < d; c++)
        m->value_sum[c] += m->head->values[key * d + c];
}

/* Query t of query head h, in all codings. */
static void measure_query(struct measuring *m, size_t h, size_t t)
{
    const struct kvr_head *head = m->head;
    const size_t d = head->head_dim, queries = head->tokens - head->first_query;
    const float *query = head->queries + h * head->query_stride + t * d;
    double centre[KVR_MAX_HEAD_DIM], metrics[KVR_METRICS];
    m->exact.n = m->row.n = t + 1;
    for (size_t c = 0; c < d; c++)
        centre[c] = m->value_sum[c] / (double)(t + 1);
    kvr_dot_columns(head->wide, m->columns, head->tokens, d, query, t + 1, m->exact.scores);
    kvr_row_fill(head->wide, &m->exact, head->values);
    for (size_t i = 0; i < m->count; i++) {
        kvr_scorer_score(&m->scorers[i], query, t + 1, m->exact.scores, m->row.scores);
        kvr_row_fill(head->wide, &m->row,
                     m->scorers[i].coding->control == KVR_VALUES_Q8 ? m->values_q8 : head->values);
        kvr_row_compare(&m->exact, &m->row, centre, metrics);
        for (size_t k = 0; k < KVR_METRICS; k++)
            m->results[i].metrics[(k * head->query_heads + h) * queries + t - head->first_query] =
                (float)metrics[k];
    }
}

static void measure_queries(struct measuring *m)
{
    for (size_t h = 0; h < m->head->query_heads; h++) {
        memset(m->value_sum, 0, sizeof m->value_sum);
        for (size_t t = 0; t < m->head->tokens; t++) {
            add_values(m, t);
            if (t >= m->head->first_query)
                measure_query(m, h, t);
        }
    }
}

/* Values to 8 bits and back. */
static int round_values(struct measuring *m)
{
    const struct kvr_codec *codec = &kvr_codec_value_q8;
    const struct kvr_head *head = m->head;
    const struct kvr_shape shape = {.head_dim = head->head_dim, .tokens = head->tokens, .heads = 1,
                                    .queries = 1};
    void *codes = malloc(codec->formats[0]->segment_bytes(&shape, head->tokens));
    m->values_q8 = malloc((size_t)head->tokens * head->head_dim * sizeof *m->values_q8);
    int status = codes && m->values_q8 ? 0 : -ENOMEM;
    if (!status)
        status = codec->encode(&shape, NULL, head->values, head->tokens, codes);
    if (!status)
        codec->decode(&shape, NULL, codes, head->tokens, m->values_q8);
    free(codes);
    return status;
}

/* All codings; of those that share their codes the first makes them. */
static int open_scorers(struct measuring *m, const struct kvr_coding *codings, size_t *failed)
{
    int status = 0;
    for (size_t i = 0; !status && i < m->count; i++) {
        const struct kvr_scorer *sibling = NULL;
        for (size_t j = 0; j < i && !sibling; j++)
            sibling = kvr_codings_share(&codings[j], &codings[i]) ? &m->scorers[j] : NULL;
        *failed = i;
        status = kvr_scorer_open(&m->scorers[i], m->head, &codings[i], sibling);
        if (!status && codings[i].control == KVR_VALUES_Q8 && !m->values_q8)
            status = round_values(m);
        m->results[i].key_squared_error = m->scorers[i].key_squared_error;
    }
    return status;
}

int kvr_head_measure(const struct kvr_head *head, const struct kvr_coding *codings, size_t count,
                     struct kvr_head_result *results, size_t *failed)
{
    struct measuring m = {.head = head, .count = count, .results = results};
    int status = -EINVAL;
    *failed = 0;
    if (head->skip_sinks >= head->tokens || head->first_query >= head->tokens)
        return status;
    m.scorers = calloc(count, sizeof *m.scorers);
    m.columns = kvr_columns(head->keys, head->tokens, head->head_dim);
    status = m.scorers && m.columns ? 0 : -ENOMEM;
    if (!status)
        status = kvr_row_open(&m.exact, head->tokens, head->head_dim);
    if (!status)
        status = kvr_row_open(&m.row, head->tokens, head->head_dim);
    if (!status)
        status = open_scorers(&m, codings, failed);
    if (!status)
        measure_queries(&m);
    for (size_t i = 0; m.scorers && i < count; i++)
        kvr_scorer_free(&m.scorers[i]);
    free(m.scorers);
    free(m.columns);
    free(m.values_q8);
    kvr_row_free(&m.exact);
    kvr_row_free(&m.row);
    return status;
}
