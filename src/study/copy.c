/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "copy.h"

#include <stdatomic.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Stores past the caches are weakly ordered: they belong to the slice that issued them. */
static void fence(void)
{
#if defined(__x86_64__)
    _mm_sfence();
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

void kvr_copy_slice(void *argument, unsigned thread, uint32_t first, uint32_t count)
{
    const struct kvr_copy *c = argument;
    struct kvr_segments codes = c->codes->segments[thread];
    const struct kvr_segments *copy = &c->copy->segments[thread];
    codes.ahead_segments = c->ahead_segments;
    uint32_t i = first;
    for (uint32_t n = 0; n < count; n++) {
        /* The list of copies may be shorter than that of codes: a single one stays in L1. */
        codes.tokens = kvr_lists_tokens_at(c->codes, i);
        uint32_t to = copy->order[i < copy->count ? i : i % copy->count];
        unsigned char *out = (unsigned char *)(uintptr_t)(copy->base + copy->stride_bytes * to);
        if (c->step)
            c->step->dequantise(&c->shape, &codes, i, c->scale, (uint16_t *)(void *)out,
                                c->non_temporal);
        else
            c->writer->run(&codes, i, kvr_lists_bytes_at(c->codes, i), out,
                           kvr_lists_bytes_at(c->copy, i));
        if (++i == codes.count)
            i = 0;
    }
    fence();
}

struct kvr_sample_request kvr_copy_request(struct kvr_copy *c)
{
    return (struct kvr_sample_request){.run = kvr_copy_slice,
                                       .argument = c,
                                       .list_counts = c->codes->counts,
                                       .cursors = c->cursors};
}
