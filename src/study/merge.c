/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../report/profile_json.h"
#include "plan_build.h"

/* A flag replaces its axis. */
#define REPLACE(axis, axis_count, from, from_count)                                                \
    do {                                                                                           \
        if (from_count) {                                                                          \
            memcpy(axis, from, (from_count) * sizeof *(axis));                                     \
            axis_count = (from_count);                                                             \
        }                                                                                          \
    } while (0)

static void override_group(struct kvr_group *group, const struct kvr_options *o)
{
    REPLACE(group->kernels, group->kernel_count, o->kernels, o->kernel_count);
    REPLACE(group->head_dims, group->head_dim_count, o->head_dims, o->head_dim_count);
    REPLACE(group->subspaces, group->subspace_count, o->subspaces, o->subspace_count);
    REPLACE(group->entries, group->entry_count, o->entries, o->entry_count);
    REPLACE(group->tokens, group->tokens_count, o->tokens, o->tokens_count);
    REPLACE(group->layouts, group->layout_count, o->layouts, o->layout_count);
    REPLACE(group->threads, group->thread_count, o->threads, o->thread_count);
    REPLACE(group->ops, group->op_count, o->ops, o->op_count);
    REPLACE(group->codebooks, group->codebook_count, o->codebooks, o->codebook_count);
    REPLACE(group->residencies, group->residency_count, o->residencies, o->residency_count);
    REPLACE(group->value_formats, group->value_format_count, o->value_formats,
            o->value_format_count);
    REPLACE(group->batches, group->batch_count, o->batches, o->batch_count);
    REPLACE(group->group_queries, group->group_query_count, o->group_queries, o->group_query_count);
    /* Levels and bytes are one axis: the size of the working set. --heads gives it as well. */
    REPLACE(group->bytes, group->bytes_count, o->bytes, o->bytes_count);
    if (o->heads)
        group->bytes_count = 0;
    if (o->heads || o->bytes_count)
        group->level_count = 0;
    if (o->evict_given) {
        group->evict_given = true;
        group->evict_bytes = o->evict_bytes;
    }
    if (o->pages_given)
        group->pages = o->pages;
    if (o->mem_given) {
        group->mem = o->mem;
        group->mem_node = o->mem_node;
    }
}

void kvr_profile_override(struct kvr_profile *profile, const struct kvr_options *options)
{
    /* Kernels chosen without a profile: the default layout and op, not all those that quick
     * shows. */
    const bool own_kernels = options->kernel_count && !options->profile;
    for (size_t g = 0; g < profile->group_count; g++) {
        struct kvr_group *group = &profile->groups[g];
        override_group(group, options);
        if (own_kernels && !options->layout_count) {
            group->layouts[0] = "heads";
            group->layout_count = 1;
        }
        if (own_kernels && !options->op_count) {
            group->ops[0] = "scan";
            group->op_count = 1;
        }
    }
    if (options->rounds)
        profile->rounds = options->rounds;
    if (!isnan(options->min_time_s))
        profile->min_time_s = options->min_time_s;
    if (!isnan(options->budget_s))
        profile->budget_s = options->budget_s;
    if (options->keys)
        profile->mini_keys = false;
    profile->deep |= options->deep;
}

#define TEXTS(name, list, n)                                                                       \
    {                                                                                              \
        .key = (name), .texts = (list), .count = (n)                                               \
    }
#define NUMBERS(name, list, n)                                                                     \
    {                                                                                              \
        .key = (name), .numbers = (list), .count = (n)                                             \
    }

/* One-word axes of a group; they must outlive the call that prints them. */
struct group_words {
    const char *pages, *mem;
    char node[24];
};

static const char *mem_name(const struct kvr_group *group, struct group_words *words)
{
    switch (group->mem) {
    case KVR_MEM_NODE:
        snprintf(words->node, sizeof words->node, "node:%u", group->mem_node);
        return words->node;
    case KVR_MEM_INTERLEAVE:
        return "interleave";
    case KVR_MEM_FIRST_TOUCH:
        return "first-touch";
    default:
        return "local";
    }
}

static struct kvr_json_group describe_group(const struct kvr_group *group,
                                            const struct kvr_options *options,
                                            struct group_words *words)
{
    words->pages = kvr_pages_name(group->pages);
    words->mem = mem_name(group, words);
    const struct kvr_json_axis sizes =
        options->heads ? (struct kvr_json_axis)NUMBERS("heads", &options->heads, 1)
                       : (struct kvr_json_axis){.key = "bytes",
                                                .wide_numbers = group->bytes,
                                                .count = group->bytes_count};
    return (struct kvr_json_group){
        .axes =
            {
                TEXTS("kernels", group->kernels, group->kernel_count),
                NUMBERS("head_dims", group->head_dims, group->head_dim_count),
                NUMBERS("subspaces", group->subspaces, group->subspace_count),
                NUMBERS("entries", group->entries, group->entry_count),
                NUMBERS("tokens", group->tokens, group->tokens_count),
                TEXTS("layouts", group->layouts, group->layout_count),
                TEXTS("levels", group->levels, group->level_count),
                sizes,
                NUMBERS("threads", group->threads, group->thread_count),
                TEXTS("ops", group->ops, group->op_count),
                TEXTS("codebooks", group->codebooks, group->codebook_count),
                TEXTS("codebook_residencies", group->residencies, group->residency_count),
                TEXTS("value_formats", group->value_formats, group->value_format_count),
                NUMBERS("batches", group->batches, group->batch_count),
                NUMBERS("group_queries", group->group_queries, group->group_query_count),
                {.key = "evict", .wide_numbers = &group->evict_bytes, .count = group->evict_given},
                TEXTS("pages", &words->pages, 1),
                TEXTS("mem", &words->mem, 1),
            },
        .axis_count = KVR_JSON_AXES,
    };
}

char *kvr_merged_json(const struct kvr_profile *profile, const struct kvr_options *options)
{
    char *text = NULL;
    const struct kvr_json_axis isa = TEXTS("isa", options->isas, options->isa_count);
    struct kvr_json_group *groups = calloc(profile->group_count, sizeof *groups);
    struct group_words *words = calloc(profile->group_count, sizeof *words);
    if (!groups || !words)
        goto out;
    for (size_t g = 0; g < profile->group_count; g++)
        groups[g] = describe_group(&profile->groups[g], options, &words[g]);
    const struct kvr_json_profile plain = {
        .name = profile->name,
        .path = profile->path,
        .description = profile->description,
        .keys = profile->mini_keys ? "mini" : options->keys,
        .budget_s = profile->budget_s,
        .min_time_s = profile->min_time_s,
        .rounds = profile->rounds,
        .dram_bytes = profile->dram_bytes,
        .ladder_points_per_octave = profile->ladder_points_per_octave,
        .ceilings = profile->full_ceilings ? "full" : NULL,
        .deep = profile->deep,
        .isa = &isa,
        .groups = groups,
        .group_count = profile->group_count,
    };
    text = kvr_profile_json(&plain);
out:
    free(groups);
    free(words);
    return text;
}
