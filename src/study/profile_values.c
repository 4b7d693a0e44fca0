/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "profile_yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "values.h"

/* How often a key stands in the groups before this one, so that its line can be found again.
 * offset: of a pointer in struct yaml_group that is NULL where the key is not given. */
static unsigned uses_before(const struct yaml_profile *yaml, unsigned group, size_t offset)
{
    unsigned uses = 0;
    for (unsigned g = 0; g < group; g++) {
        const void *pointer = NULL;
        memcpy(&pointer, (const char *)&yaml->groups[g] + offset, sizeof pointer);
        uses += pointer != NULL;
    }
    return uses;
}

static void add_number(uint32_t value, uint32_t *values, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (values[i] == value)
            return;
    }
    values[(*count)++] = value;
}

/* What a list's values are. */
enum value_kind { COUNT, SIZE, THREADS };

static int numbers(const struct yaml_source *source, const struct yaml_list *list, const char *key,
                   unsigned nth, enum value_kind kind, uint64_t max, uint32_t *values,
                   size_t *count)
{
    char why[200];
    for (unsigned i = 0; i < list->count; i++) {
        uint64_t value = 0;
        uint32_t threads = 0;
        int status = kind == THREADS ? kvr_threads_parse(list->items[i], &threads, why, sizeof why)
                     : kind == SIZE
                         ? kvr_size_parse(list->items[i], 1, max, &value, why, sizeof why)
                         : kvr_count_parse(list->items[i], 1, max, &value, why, sizeof why);
        if (status)
            return kvr_yaml_bad(source, key, nth, list->items[i], why);
        add_number(kind == THREADS ? threads : (uint32_t)value, values, count);
    }
    return 0;
}

static int words(const struct yaml_source *source, const struct yaml_list *list, const char *key,
                 unsigned nth, const char *const *known, const char **values, size_t *count)
{
    for (unsigned i = 0; i < list->count; i++) {
        bool seen = false;
        if (known && kvr_yaml_word(source, key, nth, list->items[i], known))
            return -EINVAL;
        if (!*list->items[i])
            return kvr_yaml_bad(source, key, nth, "", "is empty");
        for (size_t j = 0; j < *count; j++)
            seen = seen || strcmp(values[j], list->items[i]) == 0;
        if (!seen)
            values[(*count)++] = list->items[i];
    }
    return 0;
}

static int layouts(const struct yaml_source *source, const struct yaml_list *list, unsigned nth,
                   struct kvr_group *group)
{
    char why[200];
    for (unsigned i = 0; i < list->count; i++) {
        uint32_t page_tokens = 0;
        if (kvr_layout_parse(list->items[i], &page_tokens, why, sizeof why))
            return kvr_yaml_bad(source, "layouts", nth, list->items[i], why);
    }
    return words(source, list, "layouts", nth, NULL, group->layouts, &group->layout_count);
}

static int bytes_list(const struct yaml_source *source, const struct yaml_list *list, unsigned nth,
                      struct kvr_group *group)
{
    char why[200];
    for (unsigned i = 0; i < list->count; i++) {
        if (kvr_bytes_parse(list->items[i], group->bytes, KVR_MAX_LIST, &group->bytes_count, why,
                            sizeof why))
            return kvr_yaml_bad(source, "bytes", nth, list->items[i], why);
    }
    return 0;
}

static int places(const struct yaml_source *source, const struct yaml_profile *yaml, unsigned g,
                  struct kvr_group *group)
{
    const struct yaml_group *from = &yaml->groups[g];
    group->pages = KVR_PAGES_THP;
    group->mem = KVR_MEM_LOCAL;
    if (from->pages && kvr_pages_parse(from->pages, &group->pages))
        return kvr_yaml_bad(source, "pages",
                            uses_before(yaml, g, offsetof(struct yaml_group, pages)), from->pages,
                            "is not one of 4k, thp, 2m, 1g");
    if (from->mem && kvr_mem_policy_parse(from->mem, &group->mem, &group->mem_node))
        return kvr_yaml_bad(source, "mem", uses_before(yaml, g, offsetof(struct yaml_group, mem)),
                            from->mem, "is not one of local, node:N, interleave, first-touch");
    return 0;
}

/* A group's missing axes: the paper's own case, in main memory, on one thread. */
static void group_defaults(struct kvr_group *group)
{
    if (!group->head_dim_count)
        group->head_dims[group->head_dim_count++] = 64;
    if (!group->subspace_count)
        group->subspaces[group->subspace_count++] = 4;
    if (!group->entry_count)
        group->entries[group->entry_count++] = 256;
    if (!group->tokens_count)
        group->tokens[group->tokens_count++] = 512;
    if (!group->layout_count)
        group->layouts[group->layout_count++] = "heads";
    if (!group->level_count && !group->bytes_count)
        group->levels[group->level_count++] = "DRAM";
    if (!group->thread_count)
        group->threads[group->thread_count++] = 1;
    if (!group->op_count)
        group->ops[group->op_count++] = "scan";
    if (!group->codebook_count)
        group->codebooks[group->codebook_count++] = "f16";
    if (!group->residency_count)
        group->residencies[group->residency_count++] = "cold";
    if (!group->value_format_count)
        group->value_formats[group->value_format_count++] = "fp16";
    if (!group->batch_count)
        group->batches[group->batch_count++] = 1;
    if (!group->group_query_count)
        group->group_queries[group->group_query_count++] = 1;
}

#define USES(list) uses_before(yaml, g, offsetof(struct yaml_group, list.items))

/* The axes beside shape and place: what is done, and what is shared while it is. */
static int convert_ops(const struct yaml_source *source, const struct yaml_profile *yaml,
                       unsigned g, struct kvr_group *group)
{
    const struct yaml_group *from = &yaml->groups[g];
    char why[200];
    int status =
        words(source, &from->ops, "ops", USES(ops), kvr_op_names, group->ops, &group->op_count);
    if (!status)
        status = words(source, &from->codebooks, "codebooks", USES(codebooks), kvr_codebook_names,
                       group->codebooks, &group->codebook_count);
    if (!status)
        status = words(source, &from->codebook_residencies, "codebook_residencies",
                       USES(codebook_residencies), kvr_residency_names, group->residencies,
                       &group->residency_count);
    if (!status)
        status = words(source, &from->value_formats, "value_formats", USES(value_formats),
                       kvr_value_format_names, group->value_formats, &group->value_format_count);
    if (!status)
        status = numbers(source, &from->batches, "batches", USES(batches), COUNT, KVR_MAX_BATCH,
                         group->batches, &group->batch_count);
    if (!status)
        status = numbers(source, &from->group_queries, "group_queries", USES(group_queries), COUNT,
                         KVR_MAX_QUERIES, group->group_queries, &group->group_query_count);
    group->evict_given = from->evict;
    if (!status && from->evict &&
        kvr_size_parse(from->evict, 0, KVR_MAX_EVICT_BYTES, &group->evict_bytes, why, sizeof why))
        return kvr_yaml_bad(source, "evict",
                            uses_before(yaml, g, offsetof(struct yaml_group, evict)), from->evict,
                            why);
    return status;
}

static int convert_group(const struct yaml_source *source, const struct yaml_profile *yaml,
                         unsigned g, struct kvr_group *group)
{
    static const char *const levels[] = {"L1", "L2", "L3", "DRAM", NULL};
    const struct yaml_group *from = &yaml->groups[g];
    int status = words(source, &from->kernels, "kernels", USES(kernels), NULL, group->kernels,
                       &group->kernel_count);
    if (!status)
        status = numbers(source, &from->head_dims, "head_dims", USES(head_dims), COUNT,
                         KVR_MAX_HEAD_DIM, group->head_dims, &group->head_dim_count);
    if (!status)
        status = numbers(source, &from->subspaces, "subspaces", USES(subspaces), COUNT,
                         KVR_MAX_TABLES, group->subspaces, &group->subspace_count);
    if (!status)
        status = numbers(source, &from->entries, "entries", USES(entries), COUNT, 65536,
                         group->entries, &group->entry_count);
    if (!status)
        status = numbers(source, &from->tokens, "tokens", USES(tokens), SIZE, 1 << 30,
                         group->tokens, &group->tokens_count);
    if (!status)
        status = layouts(source, &from->layouts, USES(layouts), group);
    if (!status)
        status = words(source, &from->levels, "levels", USES(levels), levels, group->levels,
                       &group->level_count);
    if (!status)
        status = bytes_list(source, &from->bytes, USES(bytes), group);
    if (!status)
        status = numbers(source, &from->threads, "threads", USES(threads), THREADS, 0,
                         group->threads, &group->thread_count);
    if (!status)
        status = convert_ops(source, yaml, g, group);
    if (!status)
        status = places(source, yaml, g, group);
    group_defaults(group);
    return status;
}

/* How much is measured besides the cases. */
static int convert_depth(const struct yaml_source *source, const struct yaml_profile *yaml,
                         struct kvr_profile *profile)
{
    static const char *const ceilings[] = {"short", "full", NULL};
    static const char *const switches[] = {"true", "false", NULL};
    uint64_t points = 0;
    const char *ladder = yaml->ladder_points_per_octave;
    if (ladder && kvr_yaml_count(source, "ladder_points_per_octave", 0, ladder, 1, 8, &points))
        return -EINVAL;
    if (yaml->ceilings && kvr_yaml_word(source, "ceilings", 0, yaml->ceilings, ceilings))
        return -EINVAL;
    if (yaml->deep && kvr_yaml_word(source, "deep", 0, yaml->deep, switches))
        return -EINVAL;
    profile->ladder_points_per_octave = (uint32_t)points;
    profile->full_ceilings = yaml->ceilings && !strcmp(yaml->ceilings, "full");
    profile->deep = yaml->deep && !strcmp(yaml->deep, "true");
    return 0;
}

static int convert_head(const struct yaml_source *source, const struct yaml_profile *yaml,
                        struct kvr_profile *profile)
{
    char why[200];
    uint64_t rounds = 0;
    snprintf(profile->description, sizeof profile->description, "%s",
             yaml->description ? yaml->description : "");
    if (yaml->budget_s && kvr_positive_parse(yaml->budget_s, &profile->budget_s, why, sizeof why))
        return kvr_yaml_bad(source, "budget_s", 0, yaml->budget_s, why);
    if (yaml->min_time_s &&
        kvr_positive_parse(yaml->min_time_s, &profile->min_time_s, why, sizeof why))
        return kvr_yaml_bad(source, "min_time_s", 0, yaml->min_time_s, why);
    if (yaml->rounds && kvr_yaml_count(source, "rounds", 0, yaml->rounds, 1, 10000, &rounds))
        return -EINVAL;
    if (yaml->dram_bytes && kvr_size_parse(yaml->dram_bytes, 1 << 20, UINT64_C(1) << 50,
                                           &profile->dram_bytes, why, sizeof why))
        return kvr_yaml_bad(source, "dram_bytes", 0, yaml->dram_bytes, why);
    if (yaml->keys && strcmp(yaml->keys, "mini"))
        return kvr_yaml_bad(source, "keys", 0, yaml->keys, "is not mini, the only built-in set");
    profile->rounds = (uint32_t)rounds;
    return convert_depth(source, yaml, profile);
}

int kvr_yaml_convert(const struct yaml_source *source, const struct yaml_profile *yaml,
                     struct kvr_profile *profile)
{
    int status = convert_head(source, yaml, profile);
    for (unsigned g = 0; !status && g < yaml->group_count; g++)
        status = convert_group(source, yaml, g, &profile->groups[g]);
    return status;
}
