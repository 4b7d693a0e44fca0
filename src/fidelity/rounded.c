/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A format's reference unpacks every code for every query, and would take the last of the first n
 * keys for a residual. Here the values stay unpacked, and a group's rounded query is divided by its
 * scales: factor * code = factor / scale * (value - zero).
 */
#include "rounded.h"

#include <errno.h>
#include <stdlib.h>

#include "../../kernels/channel/channel_fold.h"
#include "../../kernels/formats.h"

bool kvr_rounds_for_groups(const struct kvr_format *format)
{
    return format == &kvr_format_channel1_q8 || format == &kvr_format_channel2_q8 ||
           format == &kvr_format_channel4_q8;
}

int kvr_keep_group_values(struct kvr_scorer *s)
{
    const size_t count = s->shape.tokens, d = s->shape.head_dim;
    float *decoded = malloc(count * d * sizeof *decoded);
    if (decoded) {
        s->coding->codec->decode(&s->shape, s->side, s->codes, count, decoded);
        s->values = kvr_columns(decoded, count, d);
    }
    free(decoded);
    return s->values ? 0 : -ENOMEM;
}

/* Replaces the query of floats by that of a group; returns what is to be added to each score. */
static double round_query(const float *query, const unsigned char *group, size_t d,
                          double *factors)
{
    double offset = 0.0;
    kvr_fold_q8(query, group, (uint32_t)d, factors);
    for (size_t c = 0; c < d; c++) {
        const double scale = kvr_channel_half(group + 2 * c);
        factors[c] = scale != 0.0 ? factors[c] / scale : 0.0;
        offset += (query[c] - factors[c]) * kvr_channel_half(group + 2 * (d + c));
    }
    return offset;
}

void kvr_score_groups(const struct kvr_scorer *s, size_t n, double *scores)
{
    const size_t count = s->shape.tokens, d = s->shape.head_dim;
    const size_t whole = count - kvr_residual_keys(s->coding->format, &s->shape, (uint32_t)count);
    const size_t group_bytes = kvr_block_bytes(s->coding->format, &s->shape);
    const struct kvr_prepared_dense *p = (const void *)s->prepared;
    for (size_t first = 0; first < n; first += KVR_CHANNEL_KEYS) {
        const size_t keys = n - first < KVR_CHANNEL_KEYS ? n - first : KVR_CHANNEL_KEYS;
        double factors[KVR_MAX_HEAD_DIM], offset = 0.0;
        for (size_t c = 0; c < d; c++)
            factors[c] = (double)p->query[c];
        if (first < whole)
            offset = round_query(p->query, (const unsigned char *)s->codes +
                                               first / KVR_CHANNEL_KEYS * group_bytes, d, factors);
        s->head->wide->add_columns(s->values + first, count, d, factors, keys, scores + first);
        for (size_t k = first; k < first + keys; k++)
            scores[k] += offset;
    }
}
