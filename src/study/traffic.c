/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "traffic.h"

#include <string.h>

#include "../../kernels/additive.h"

static double bytes_per_key(const struct kvr_lists *lists, const struct kvr_case *c)
{
    return kvr_lists_head_bytes(lists) / c->shape.tokens;
}

static void count_copy(const struct kvr_traffic_request *r, struct kvr_traffic *t)
{
    const double copied = bytes_per_key(r->copy, r->c);
    const int crossings = r->copy_past_caches ? 1 : 3;
    t->l1 += 2 * copied;
    if (t->l1_l2 > 0 || r->copy_past_caches)
        t->l1_l2 += crossings * copied;
    if (t->l2_l3 > 0 || r->copy_past_caches)
        t->l2_l3 += crossings * copied;
    if (t->mem_read > 0 || r->copy_past_caches) {
        t->mem_read += copied;
        t->mem_write = copied;
        t->mem_allocate = r->copy_past_caches ? 0 : copied;
    }
}

/* Look-ups within vector registers, which tables enter once a head. */
static bool in_registers(const struct kvr_kernel *kernel)
{
    return kernel->isa && !kernel->work.gathered &&
           kernel->format != &kvr_format_additive_rows;
}

/* What the kernel keeps beside the keys, of all queries: between the core and L1. */
static double own_bytes(const struct kvr_traffic_request *r)
{
    const struct kvr_shape *shape = &r->c->shape;
    struct kvr_cost cost;
    if (!strcmp(r->kernel->variant, "tiled")) /* written and read */
        return 2.0 * sizeof(uint16_t) * shape->head_dim * shape->queries;
    if (!shape->tables)
        return 0;
    if (r->kernel->format == &kvr_format_additive_rows)
        return (double)KVR_LINE_BYTES * shape->tables * shape->queries;
    if (in_registers(r->kernel)) {
        r->kernel->format->cost(shape, &cost);
        return cost.side_bytes / shape->tokens;
    }
    const double entry_bytes = strstr(r->kernel->format->name, "u8") ? 1 : sizeof(float);
    return entry_bytes * shape->tables * shape->queries;
}

/* Tables, or rows, that half of L1 does not hold come from L2: a line a look-up. If they were made
 * in this op, they were written there, and each line had to be fetched first. */
static void count_large_tables(const struct kvr_traffic_request *r, struct kvr_traffic *t)
{
    const struct kvr_shape *shape = &r->c->shape;
    struct kvr_cost cost;
    if (!shape->tables || !r->l1_bytes)
        return;
    r->kernel->format->cost(shape, &cost);
    if (cost.side_bytes <= (double)r->l1_bytes / 2)
        return;
    t->l1_l2 += in_registers(r->kernel)
                    ? own_bytes(r)
                    : (double)KVR_LINE_BYTES * shape->tables * shape->queries;
    if (r->c->codebook != KVR_CODEBOOK_NONE) {
        t->l1 += cost.side_bytes / shape->tokens;
        t->l1_l2 += 2 * cost.side_bytes / shape->tokens;
    }
}

void kvr_traffic_count(const struct kvr_traffic_request *r, struct kvr_traffic *t)
{
    double bytes = bytes_per_key(r->keys, r->c) +
                   (double)sizeof(uint32_t) * r->keys->parts / r->c->shape.tokens;
    double codebook = 0;
    if (r->beside->has_rows)
        bytes += bytes_per_key(&r->beside->rows, r->c);
    if (r->beside->has_codebooks)
        codebook = (double)r->beside->codebooks.segment_bytes / r->c->shape.tokens /
                   kvr_case_book_heads(r->c);
    *t = (struct kvr_traffic){.l1 = bytes + codebook + own_bytes(r)};
    if (strcmp(r->level, "L1"))
        t->l1_l2 = bytes + codebook;
    count_large_tables(r, t);
    if (!r->c->codebook_warm)
        bytes += codebook;
    if (!strcmp(r->level, "L3") || !strcmp(r->level, "DRAM"))
        t->l2_l3 = bytes;
    if (!strcmp(r->level, "DRAM"))
        t->mem_read = bytes;
    if (r->copy)
        count_copy(r, t);
}
