/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plan.h"

void kvr_size_text(uint64_t value, char *text, size_t bytes)
{
    static const char suffixes[] = "?kMG";
    size_t power = 0;
    while (power < 3 && value && value % 1024 == 0) {
        value /= 1024;
        power++;
    }
    if (power)
        snprintf(text, bytes, "%" PRIu64 "%c", value, suffixes[power]);
    else
        snprintf(text, bytes, "%" PRIu64, value);
}

/* The default, local, is not part of a name. */
static void mem_suffix(const struct kvr_case *c, char *text, size_t bytes)
{
    switch (c->mem) {
    case KVR_MEM_NODE:
        snprintf(text, bytes, "/node:%u", c->mem_node);
        break;
    case KVR_MEM_INTERLEAVE:
        snprintf(text, bytes, "/interleave");
        break;
    case KVR_MEM_FIRST_TOUCH:
        snprintf(text, bytes, "/first-touch");
        break;
    default:
        snprintf(text, bytes, "%s", "");
    }
}

/* What else is not the default: queries that share a key, a batch, another codebook, bytes that are
 * read between passes. KVR_EVICT_AUTO is the default of --heads, 0 that of --bytes. */
static void op_suffix(const struct kvr_case *c, char *text, size_t bytes)
{
    char queries[16] = "", batch[16] = "", evict[40] = "", size[24];
    if (c->shape.queries > 1)
        snprintf(queries, sizeof queries, "/q%u", c->shape.queries);
    if (c->batch > 1)
        snprintf(batch, sizeof batch, "/b%u", c->batch);
    if (c->evict_bytes != KVR_EVICT_AUTO && (c->evict_bytes || c->shape.heads)) {
        kvr_size_text(c->evict_bytes, size, sizeof size);
        snprintf(evict, sizeof evict, "/evict%s", size);
    }
    snprintf(text, bytes, "%s%s%s%s%s%s", queries, batch, c->values_q8 ? "/vq8" : "",
             c->codebook == KVR_CODEBOOK_F32 ? "/cb32" : "", c->codebook_warm ? "/cbwarm" : "",
             evict);
}

void kvr_case_name(const struct kvr_case *c, const char *isa, uint64_t working_set_bytes,
                   char *name, size_t bytes)
{
    char tables[40] = "", working_set[24], threads[16] = "max", mem[24], op[96];
    const struct kvr_shape *shape = &c->shape;
    if (shape->residual)
        snprintf(tables, sizeof tables, "/R%u", shape->residual);
    if (shape->tables)
        snprintf(tables, sizeof tables, "/m%u/K%u", shape->tables, shape->entries);
    if (working_set_bytes)
        kvr_size_text(working_set_bytes, working_set, sizeof working_set);
    else
        snprintf(working_set, sizeof working_set, "%s", c->level);
    if (c->threads != UINT32_MAX)
        snprintf(threads, sizeof threads, "%u", c->threads);
    op_suffix(c, op, sizeof op);
    mem_suffix(c, mem, sizeof mem);
    snprintf(name, bytes, "%s.%s@%s/d%u%s/n%u/W%s/%st/%s/%s/%s%s%s", c->codec->name, c->variant,
             isa ? isa : "auto", shape->head_dim, tables, shape->tokens, working_set, threads,
             c->op, c->layout, kvr_pages_name(c->pages), op, mem);
}
