/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t kvr_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void kvr_shuffle(uint32_t *values, uint32_t count, uint64_t *state)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = (uint32_t)(kvr_random(state) % i);
        uint32_t swap = values[i - 1];
        values[i - 1] = values[j];
        values[j] = swap;
    }
}

static int allocate(struct kvr_lists *lists, unsigned threads)
{
    *lists = (struct kvr_lists){.threads = threads};
    lists->segments = calloc(threads, sizeof *lists->segments);
    lists->orders = calloc(threads, sizeof *lists->orders);
    lists->counts = calloc(threads, sizeof *lists->counts);
    return lists->segments && lists->orders && lists->counts ? 0 : -ENOMEM;
}

void kvr_lists_free(struct kvr_lists *lists)
{
    for (unsigned t = 0; lists->orders && t < lists->threads; t++)
        free(lists->orders[t]);
    free(lists->orders);
    free(lists->segments);
    free(lists->counts);
    *lists = (struct kvr_lists){0};
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* From what is read of a head's segments to where they lie. */
static void lay_out(struct kvr_lists *lists)
{
    uint64_t last = lists->segment_bytes;
    if (lists->last_tokens && lists->last_segment_bytes > last)
        last = lists->last_segment_bytes;
    lists->head_bytes = (uint64_t)(lists->parts - 1) * lists->segment_bytes + last;
    lists->stride_bytes = (size_t)common_divisor(lists->segment_bytes, last);
}

/* What order[] says of a part of a head, and back. */
static uint32_t place_of(const struct kvr_lists *lists, uint64_t head, uint64_t part)
{
    return (uint32_t)((head * lists->head_bytes + part * lists->segment_bytes) /
                      lists->stride_bytes);
}

static uint32_t moved_place(const struct kvr_lists *from, uint32_t place,
                            const struct kvr_lists *to)
{
    const uint64_t at = (uint64_t)place * from->stride_bytes;
    return place_of(to, at / from->head_bytes, at % from->head_bytes / from->segment_bytes);
}

static int add_thread(struct kvr_lists *lists, unsigned thread, const unsigned char *base,
                      const uint32_t *heads, uint64_t head_count, uint32_t interleave)
{
    uint64_t count = head_count * lists->parts;
    if (count > UINT32_MAX)
        return -ERANGE;
    uint32_t *order = malloc(count * sizeof *order);
    if (!order)
        return -ENOMEM;
    uint64_t n = 0;
    for (uint64_t first = 0; first < head_count; first += interleave) {
        uint64_t end = first + interleave < head_count ? first + interleave : head_count;
        for (uint32_t p = 0; p < lists->parts; p++)
            for (uint64_t h = first; h < end; h++)
                order[n++] = place_of(lists, heads[h], p);
    }
    lists->orders[thread] = order;
    lists->counts[thread] = (uint32_t)count;
    lists->segments[thread] = (struct kvr_segments){.base = base,
                                                    .stride_bytes = lists->stride_bytes,
                                                    .order = order,
                                                    .count = (uint32_t)count,
                                                    .tokens = lists->tokens};
    return 0;
}

/* Pages of a thread's share, which stays its own: all of them, or where heads end in a residual
 * those with it and the others among themselves. 0 or -ENOMEM. */
static int shuffle_pages(const struct kvr_lists *lists, unsigned thread, bool residual,
                         uint64_t *random)
{
    uint32_t *order = lists->orders[thread];
    const uint32_t count = lists->counts[thread], parts = lists->parts;
    const uint32_t whole = residual ? count / parts * (parts - 1) : count;
    uint32_t *pages = malloc(count * sizeof *pages), first = 0, last = whole;
    if (!pages)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        pages[residual && (i + 1) % parts == 0 ? last++ : first++] = order[i];
    kvr_shuffle(pages, whole, random);
    kvr_shuffle(pages + whole, count - whole, random);
    first = 0;
    last = whole;
    for (uint32_t i = 0; i < count; i++)
        order[i] = pages[residual && (i + 1) % parts == 0 ? last++ : first++];
    free(pages);
    return 0;
}

int kvr_lists_build(const struct kvr_lists_request *r, struct kvr_lists *lists)
{
    const bool residual = kvr_residual_keys(r->format, r->shape, r->shape->tokens) > 0;
    uint32_t *heads = NULL;
    uint64_t random = r->seed;
    int rc = allocate(lists, r->threads);
    if (rc)
        goto out;
    lists->tokens = r->part_tokens;
    lists->parts = (r->shape->tokens + r->part_tokens - 1) / r->part_tokens;
    lists->last_tokens = r->shape->tokens - (lists->parts - 1) * r->part_tokens;
    lists->keys_per_segment = (double)r->shape->tokens / lists->parts;
    lists->segment_bytes = r->format->segment_bytes(r->shape, r->part_tokens);
    lists->last_segment_bytes = r->format->segment_bytes(r->shape, lists->last_tokens);
    lay_out(lists);
    lists->heads = r->heads ? r->heads : r->bytes / (lists->head_bytes + r->more_head_bytes);
    lists->heads -= lists->heads % r->threads; /* equal shares: the slowest thread is the time */
    if (lists->heads < r->threads ||
        kvr_lists_memory_bytes(lists) / lists->stride_bytes > UINT32_MAX) {
        rc = -ERANGE;
        goto out;
    }
    heads = malloc(lists->heads * sizeof *heads);
    if (!heads) {
        rc = -ENOMEM;
        goto out;
    }
    uint64_t share = lists->heads / r->threads;
    for (uint64_t h = 0; h < lists->heads; h++)
        heads[h] = (uint32_t)h;
    for (unsigned t = 0; t < r->threads && !rc; t++) {
        if (r->shuffled)
            kvr_shuffle(heads + t * share, (uint32_t)share, &random);
        rc = add_thread(lists, t, r->base, heads + t * share, share,
                        r->interleave ? r->interleave : 1);
        if (!rc && r->paged)
            rc = shuffle_pages(lists, t, residual, &random);
    }
out:
    free(heads);
    if (rc)
        kvr_lists_free(lists);
    return rc;
}

/* Another list's heads in its order, at a base and with sizes of its own. */
static int copy_order(const struct kvr_lists *from, const unsigned char *base,
                      struct kvr_lists *lists)
{
    int rc = 0;
    for (unsigned t = 0; t < from->threads && !rc; t++) {
        size_t bytes = from->counts[t] * sizeof *lists->orders[t];
        lists->orders[t] = malloc(bytes ? bytes : 1);
        if (!lists->orders[t]) {
            rc = -ENOMEM;
            break;
        }
        for (uint32_t i = 0; i < from->counts[t]; i++)
            lists->orders[t][i] = moved_place(from, from->orders[t][i], lists);
        lists->counts[t] = from->counts[t];
        lists->segments[t] = (struct kvr_segments){.base = base,
                                                   .stride_bytes = lists->stride_bytes,
                                                   .order = lists->orders[t],
                                                   .count = from->counts[t],
                                                   .tokens = from->tokens};
    }
    return rc;
}

int kvr_lists_beside(const struct kvr_lists *keys, const unsigned char *base,
                     const struct kvr_format *format, const struct kvr_shape *shape,
                     struct kvr_lists *lists)
{
    int rc = allocate(lists, keys->threads);
    if (keys->last_tokens)
        lists->last_segment_bytes = format->segment_bytes(shape, keys->last_tokens);
    lists->tokens = keys->tokens;
    lists->last_tokens = keys->last_tokens;
    lists->keys_per_segment = keys->keys_per_segment;
    lists->segment_bytes = format->segment_bytes(shape, keys->tokens);
    lists->parts = keys->parts;
    lists->heads = keys->heads;
    lay_out(lists);
    if (!rc)
        rc = copy_order(keys, base, lists);
    if (rc)
        kvr_lists_free(lists);
    return rc;
}

int kvr_lists_codebooks(const struct kvr_lists *keys, const unsigned char *base, size_t bytes,
                        uint32_t batch, bool one, uint64_t seed, struct kvr_lists *lists)
{
    int rc = allocate(lists, keys->threads);
    uint64_t random = seed, first = 0;
    uint32_t head_tokens = (keys->parts - 1) * keys->tokens + keys->last_tokens;
    lists->parts = 1;
    lists->segment_bytes = bytes;
    lay_out(lists);
    lists->tokens = head_tokens;
    lists->keys_per_segment = (double)head_tokens * batch;
    for (unsigned t = 0; t < keys->threads && !rc; t++) {
        uint64_t count = (keys->counts[t] / keys->parts + batch - 1) / batch;
        uint32_t *order = malloc(count * sizeof *order);
        if (!order) {
            rc = -ENOMEM;
            break;
        }
        for (uint64_t i = 0; i < count; i++)
            order[i] = one ? 0 : (uint32_t)(first + i);
        if (!one)
            kvr_shuffle(order, (uint32_t)count, &random);
        rc = add_thread(lists, t, base, order, count, 1);
        free(order);
        first += count;
        lists->heads += count;
    }
    if (rc)
        kvr_lists_free(lists);
    return rc;
}

/* Makes a fold's list one of whole heads: the last segment of each is at the fold's start, whatever
 * codes lie there: time does not depend on them. 0 or -ENOMEM. */
static int fold_residual(const struct kvr_format *format, const struct kvr_shape *shape,
                         const struct kvr_lists *like, uint64_t fold_bytes,
                         struct kvr_lists *lists)
{
    const uint32_t copies = lists->counts[0];
    lists->parts = like->parts;
    lists->last_tokens = like->last_tokens;
    lists->last_segment_bytes = format->segment_bytes(shape, like->last_tokens);
    lists->keys_per_segment = like->keys_per_segment;
    lists->heads = lists->threads;
    for (unsigned t = 0; t < lists->threads; t++) {
        uint32_t *order = realloc(lists->orders[t], like->parts * sizeof *order);
        if (!order)
            return -ENOMEM;
        for (uint32_t p = 0; p < like->parts; p++)
            order[p] = p + 1 < like->parts ? p % copies : 0;
        lists->orders[t] = order;
        lists->counts[t] = lists->segments[t].count = like->parts;
        lists->segments[t].order = order;
        lists->segments[t].fold_bytes = fold_bytes;
    }
    return 0;
}

int kvr_lists_fold(const unsigned char *base, const struct kvr_format *format,
                   const struct kvr_shape *shape, const struct kvr_lists *like,
                   uint64_t fold_bytes, unsigned threads, struct kvr_lists *lists)
{
    int rc = allocate(lists, threads);
    size_t segment_bytes = format->segment_bytes(shape, like->tokens);
    bool cut = segment_bytes > fold_bytes;
    uint32_t copies = cut ? 1 : (uint32_t)(fold_bytes / segment_bytes), order[KVR_MAX_COPIES];
    if (copies > KVR_MAX_COPIES)
        copies = KVR_MAX_COPIES;
    for (uint32_t i = 0; i < copies; i++)
        order[i] = i;
    lists->tokens = like->tokens;
    lists->parts = 1;
    lists->segment_bytes = segment_bytes;
    lay_out(lists);
    lists->heads = (uint64_t)copies * threads;
    for (unsigned t = 0; t < threads && !rc; t++) {
        rc = add_thread(lists, t, base, order, copies, 1);
        if (!rc && cut)
            lists->segments[t].fold_bytes = fold_bytes;
    }
    if (!rc && like->parts > 1 && kvr_residual_keys(format, shape, like->last_tokens))
        rc = fold_residual(format, shape, like, fold_bytes, lists);
    if (rc)
        kvr_lists_free(lists);
    return rc;
}

int kvr_lists_plain(const unsigned char *base, uint64_t bytes, size_t segment_bytes,
                    unsigned threads, struct kvr_lists *lists)
{
    int rc = allocate(lists, threads);
    uint64_t share = bytes / segment_bytes / threads;
    uint32_t *order = rc || !share ? NULL : malloc(share * sizeof *order);
    lists->tokens = (uint32_t)(segment_bytes / KVR_LINE_BYTES);
    lists->segment_bytes = segment_bytes;
    lists->parts = 1;
    lay_out(lists);
    lists->heads = share * threads;
    if (!rc && !order)
        rc = share ? -ENOMEM : -ERANGE;
    for (unsigned t = 0; t < threads && !rc; t++) {
        for (uint64_t i = 0; i < share; i++)
            order[i] = (uint32_t)(t * share + i);
        rc = add_thread(lists, t, base, order, share, 1);
    }
    free(order);
    if (rc)
        kvr_lists_free(lists);
    return rc;
}

bool kvr_lists_repeat(struct kvr_lists *lists)
{
    size_t fold_bytes = lists->segment_bytes;
    uint32_t passes = (uint32_t)(KVR_REPEAT_BYTES / fold_bytes);
    bool possible = passes > 1 && fold_bytes % KVR_READ_FOLD_BYTES == 0;
    for (unsigned t = 0; t < lists->threads; t++)
        possible = possible && lists->counts[t] == 1;
    if (!possible)
        return false;
    for (unsigned t = 0; t < lists->threads; t++) {
        lists->segments[t].fold_bytes = fold_bytes;
        lists->segments[t].tokens *= passes;
    }
    lists->tokens *= passes;
    lists->segment_bytes *= passes;
    return true;
}

uint64_t kvr_lists_keys(const struct kvr_lists *lists)
{
    uint64_t keys = 0;
    for (unsigned t = 0; t < lists->threads; t++)
        keys += (uint64_t)(lists->counts[t] * kvr_lists_segment_keys(lists) + .5);
    return keys;
}

double kvr_lists_segment_keys(const struct kvr_lists *lists)
{
    return lists->keys_per_segment > 0 ? lists->keys_per_segment : lists->tokens;
}

double kvr_lists_head_bytes(const struct kvr_lists *lists)
{
    size_t last = lists->last_tokens ? lists->last_segment_bytes : lists->segment_bytes;
    return (double)(lists->parts - 1) * (double)lists->segment_bytes + (double)last;
}

double kvr_lists_mean_bytes(const struct kvr_lists *lists)
{
    return kvr_lists_head_bytes(lists) / lists->parts;
}

void kvr_chain_link(unsigned char *base, uint32_t lines, uint32_t *order, uint64_t *random)
{
    for (uint32_t i = 0; i < lines; i++)
        order[i] = i;
    kvr_shuffle(order, lines, random);
    for (uint32_t i = 0; i < lines; i++) {
        const void *next = base + (size_t)order[(i + 1) % lines] * KVR_LINE_BYTES;
        memcpy(base + (size_t)order[i] * KVR_LINE_BYTES, &next, sizeof next);
    }
}
