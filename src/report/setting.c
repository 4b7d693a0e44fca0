/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "setting.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

bool kvr_same_setting(const struct kvr_result *a, const struct kvr_result *b)
{
    return !strcmp(a->op, b->op) && a->head_dim == b->head_dim && !strcmp(a->layout, b->layout) &&
           !strcmp(a->pages, b->pages) && !strcmp(a->mem, b->mem) &&
           a->group_queries == b->group_queries && a->batch == b->batch &&
           !strcmp(a->value_format, b->value_format) &&
           a->evict_bytes == b->evict_bytes;
}

bool kvr_same_codebook(const struct kvr_result *a, const struct kvr_result *b)
{
    return !strcmp(a->codebook, b->codebook) &&
           !strcmp(a->codebook_residency, b->codebook_residency);
}

static void add(char *text, size_t bytes, const char *before, const char *value,
                const char *usual, const char *after)
{
    char clean[40];
    size_t used = strlen(text);
    if (!*value || !strcmp(value, usual) || used >= bytes)
        return;
    kvr_clean_text(clean, sizeof clean, value);
    snprintf(text + used, bytes - used, ", %s%s%s", before, clean, after);
}

void kvr_setting_text(const struct kvr_result *r, char *text, size_t bytes)
{
    char queries[16], batch[16], evicted[24], residual[16];
    snprintf(queries, sizeof queries, "%u", r->group_queries);
    snprintf(batch, sizeof batch, "%u", r->batch);
    snprintf(residual, sizeof residual, "%u", r->residual);
    kvr_bytes_text(r->evict_bytes, evicted, sizeof evicted);
    *text = 0;
    add(text, bytes, "pages ", r->pages, "thp", "");
    add(text, bytes, "mem ", r->mem, "local", "");
    if (r->group_queries > 1)
        add(text, bytes, "", queries, "", " queries per KV head");
    if (r->batch > 1)
        add(text, bytes, "batch ", batch, "", "");
    add(text, bytes, "codebook ", r->codebook, "f16", "");
    add(text, bytes, "codebook ", r->codebook_residency, "cold", "");
    add(text, bytes, "values ", r->value_format, "fp16", "");
    if (r->residual)
        add(text, bytes, "R ", residual, "32", "");
    add(text, bytes, "", evicted, "", " evicted between passes");
}
