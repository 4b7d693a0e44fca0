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
    const struct kvr_job *job;
    uint32_t skip;
};

static int train_one(void *context, size_t index)
{
    const struct training *t = context;
    struct kvr_book *book = &t->job->methods->books[index / t->job->methods->head_count];
    const struct kvr_coding *coding = book->coding;
    const struct kvr_inputs *inputs = t->job->inputs;
    size_t head = index % t->job->methods->head_count, d = inputs->head_dim, count;
    float *keys = NULL, *paired = NULL;
    count = kvr_calibration_gather(&inputs->sets[book->set], coding->before_rope,
                                   head / inputs->kv_heads, head % inputs->kv_heads, t->skip,
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

static int check_counts(const struct training *t)
{
    for (size_t b = 0; b < t->job->methods->book_count; b++) {
        const struct kvr_book *book = &t->job->methods->books[b];
        const struct kvr_calibration *set = &t->job->inputs->sets[book->set];
        bool before = book->coding->before_rope;
        size_t keys = kvr_calibration_keys(set, before, t->skip);
        const struct kvr_codec *codec = book->coding->codec;
        const size_t fewest = kvr_codec_fewest_keys(codec, &book->coding->shape);
        if (keys >= fewest)
            continue;
        snprintf(t->job->error, t->job->error_bytes,
                 "%s%s%s holds %zu keys a head%s, fewer than the %zu that %s needs%s",
                 before ? "--calibration-prerope" : "--calibration", *set->label ? " " : "",
                 set->label, keys, t->skip ? " without its sinks" : "", fewest, codec->name,
                 codec->set_tables ? "" : ": as many as entries (--entries) of a codebook");
        return -EINVAL;
    }
    return 0;
}

int kvr_books_train(const struct kvr_job *job, uint32_t skip)
{
    struct training t = {job, skip};
    const struct kvr_progress progress = {job->request->show_progress, "codebooks"};
    int status = check_counts(&t);
    return status ? status
                  : kvr_pool_run(kvr_pool_threads(),
                                 job->methods->book_count * job->methods->head_count, train_one,
                                 &t, &progress);
}
