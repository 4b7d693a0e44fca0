/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Training: one job per book, layer and KV head.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "methods.h"
#include "pool.h"

struct training {
    struct kvr_methods *methods;
    const struct kvr_inputs *inputs;
    uint32_t skip;
};

static int train_one(void *context, size_t job)
{
    const struct training *t = context;
    struct kvr_book *book = &t->methods->books[job / t->methods->head_count];
    const struct kvr_coding *coding = book->coding;
    size_t head = job % t->methods->head_count, d = t->inputs->head_dim, count;
    float *keys = NULL, *paired = NULL;
    count = kvr_calibration_gather(&t->inputs->sets[book->set], coding->before_rope,
                                   head / t->inputs->kv_heads, head % t->inputs->kv_heads, t->skip,
                                   &keys);
    free(book->sides[head]);
    book->sides[head] = malloc(coding->codec->side_bytes(&coding->shape));
    int status = keys && book->sides[head] ? 0 : -ENOMEM;
    if (!status && coding->rope_pairs) {
        paired = malloc(count * d * sizeof *paired);
        if (paired)
            kvr_pair_channels(keys, count, d, paired);
        else
            status = -ENOMEM;
    }
    if (!status)
        status = coding->codec->train(&coding->shape, paired ? paired : keys, count, book->seed,
                                      book->sides[head]);
    free(keys);
    free(paired);
    return status;
}

static int check_counts(const struct training *t, char *error, size_t error_bytes)
{
    for (size_t b = 0; b < t->methods->book_count; b++) {
        const struct kvr_book *book = &t->methods->books[b];
        const struct kvr_calibration *set = &t->inputs->sets[book->set];
        bool before = book->coding->before_rope;
        size_t keys = kvr_calibration_keys(set, before, t->skip);
        if (keys >= book->coding->shape.entries)
            continue;
        snprintf(error, error_bytes, "%s%s%s holds %zu keys a head%s, fewer than the %u entries "
                 "(--entries) of a codebook", before ? "--calibration-prerope" : "--calibration",
                 *set->label ? " " : "", set->label, keys,
                 t->skip ? " without its sinks" : "", book->coding->shape.entries);
        return -EINVAL;
    }
    return 0;
}

int kvr_books_train(struct kvr_methods *methods, const struct kvr_inputs *inputs, uint32_t skip,
                    char *error, size_t error_bytes)
{
    struct training t = {methods, inputs, skip};
    int status = check_counts(&t, error, error_bytes);
    return status ? status
                  : kvr_pool_run(kvr_pool_threads(), methods->book_count * methods->head_count,
                                 train_one, &t);
}
