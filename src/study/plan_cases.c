/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Multiplies the axes of a profile's group out into cases. Kernels are the innermost axis, so that
 * formats which are compared are neighbours, and a budget that drops the end drops whole settings.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan_build.h"
#include "values.h"

/* The kernels of a group, every pattern and ISA name resolved once. Owned. */
struct chosen {
    struct kvr_selection *items;
    size_t count, capacity;
};

static int add_chosen(struct kvr_build *build, struct chosen *chosen,
                      const struct kvr_selection *selection)
{
    if (chosen->count == chosen->capacity) {
        size_t capacity = chosen->capacity ? 2 * chosen->capacity : 32;
        void *items = reallocarray(chosen->items, capacity, sizeof *chosen->items);
        if (!items)
            return kvr_build_fail(build, -ENOMEM, "out of memory");
        chosen->items = items;
        chosen->capacity = capacity;
    }
    chosen->items[chosen->count++] = *selection;
    return 0;
}

/* Keeps what has a kernel that runs here; what the host lacks becomes a row. */
static int sort_selection(struct kvr_build *build, const struct kvr_selection *selection,
                          struct chosen *chosen)
{
    char name[160], why[240];
    if (selection->usable_count)
        return add_chosen(build, chosen, selection);
    if (!selection->unusable)
        return 0; /* built for other instruction sets only: not what was asked for */
    snprintf(name, sizeof name, "%s.%s@%s", selection->codec->name, selection->variant,
             selection->unusable->isa_name);
    kvr_explain_unusable(selection, &build->machine->isa, why, sizeof why);
    return kvr_build_skip(build, -ENODEV, name, "isa", "%s", why);
}

/* One pattern under one ISA name. */
static int choose_pattern(struct kvr_build *build, const char *pattern, const char *isa,
                          struct kvr_selections *found, struct chosen *chosen)
{
    char name[160], why[240];
    bool built = false;
    int status = 0;
    int refusal = kvr_select(pattern, isa, build->machine->isa.usable, found, why, sizeof why);
    if (refusal)
        return kvr_build_skip(build, refusal, pattern, "kernel", "%s", why);
    for (size_t s = 0; s < found->count && !status; s++) {
        found->items[s].named =
            build->options->kernel_count && strstr(pattern, found->items[s].variant);
        built = built || found->items[s].usable_count || found->items[s].unusable;
        status = sort_selection(build, &found->items[s], chosen);
    }
    if (status || built)
        return status;
    snprintf(name, sizeof name, "%s@%s", pattern, isa);
    return kvr_build_skip(build, -EINVAL, name, "isa", "%s has no kernel for %s", pattern, isa);
}

static int choose(struct kvr_build *build, const struct kvr_group *group, struct chosen *chosen)
{
    static const char *const automatic[] = {"auto"};
    const struct kvr_options *options = build->options;
    const char *const *isas = options->isa_count ? options->isas : automatic;
    size_t isa_count = options->isa_count ? options->isa_count : 1;
    int status = 0;
    struct kvr_selections *found = malloc(sizeof *found);
    if (!found)
        return kvr_build_fail(build, -ENOMEM, "out of memory");
    for (size_t p = 0; p < group->kernel_count && !status; p++) {
        for (size_t i = 0; i < isa_count && !status; i++)
            status = choose_pattern(build, group->kernels[p], isas[i], found, chosen);
    }
    free(found);
    return status;
}

/* A scan finds its query prepared, and not every codec prepares one from a codebook: what a case
 * does not depend on has one value, so that equal cases are equal. FP16 keeps the batch, as the
 * reference of codecs with codebooks at the same batch. A codebook that the scan itself reads is
 * one for all heads. */
static void share_nothing_needless(struct kvr_case *c, const struct kvr_format *format)
{
    const bool scan = strcmp(c->op, "scan") == 0;
    if (scan)
        c->batch = 1;
    if (scan || !kvr_codec_book(c->codec, format)) {
        c->codebook = KVR_CODEBOOK_NONE;
        c->codebook_warm = !scan && format->scans_side;
    }
    if (strcmp(c->op, "attention"))
        c->values_q8 = false;
}

/* A kernel that is built for another number of entries than those that nobody ordered, and was not
 * ordered itself, was not meant: no row. */
static bool means_others(const struct kvr_build *build, const struct kvr_selection *selection,
                         uint32_t entries)
{
    bool serves = selection->named || build->options->entry_count;
    for (size_t i = 0; i < selection->usable_count && !serves; i++) {
        const struct kvr_format *format = selection->usable[i]->format;
        serves = !format->entries || format->entries == entries;
    }
    return !serves;
}

/* One kernel choice: over subspaces and entries if its codec leaves them free, else once. */
static int add_selection(struct kvr_build *build, const struct kvr_group *group,
                         const struct kvr_case *draft, const struct kvr_selection *selection)
{
    struct kvr_case c = *draft;
    const bool looks_up = kvr_format_looks_up(selection->usable[0]->format);
    int status = 0;
    c.codec = selection->codec;
    c.variant = selection->variant;
    c.shape.group = selection->codec->group;
    if (c.codec->formats[0]->residual)
        c.shape.residual = build->options->kivi_residual;
    share_nothing_needless(&c, selection->usable[0]->format);
    if (!looks_up || c.codec->set_tables) {
        kvr_codec_set_tables(c.codec, &c.shape);
        return kvr_build_case(build, &c, selection);
    }
    for (size_t m = 0; m < group->subspace_count && !status; m++) {
        for (size_t k = 0; k < group->entry_count && !status; k++) {
            c.shape.tables = group->subspaces[m];
            c.shape.entries = group->entries[k];
            if (means_others(build, selection, c.shape.entries))
                continue;
            status = kvr_build_case(build, &c, selection);
        }
    }
    return status;
}

static bool has_node(const struct kvr_machine *machine, uint32_t node)
{
    for (size_t i = 0; i < machine->node_count; i++) {
        if (machine->nodes[i].os_index == node)
            return true;
    }
    return false;
}

/* Why the host cannot give what a group of the profile wishes, or NULL; "max" becomes a count. */
static const char *host_lacks(struct kvr_build *build, struct kvr_case *c, char *why,
                              size_t why_bytes)
{
    const char *what = NULL;
    if (c->threads == UINT32_MAX && build->core_count == 1 && !build->options->thread_count) {
        snprintf(why, why_bytes, "one core: there is nothing to scale over");
        return "threads";
    }
    if (c->threads != UINT32_MAX && c->threads > build->cpu_count) {
        snprintf(why, why_bytes, "%u CPUs can be used", build->cpu_count);
        what = "threads";
    } else if (c->mem == KVR_MEM_NODE && !has_node(build->machine, c->mem_node)) {
        snprintf(why, why_bytes, "this host has no node %u", c->mem_node);
        what = "mem";
    }
    const struct kvr_case *first = build->plan->case_count ? &build->plan->cases[0] : NULL;
    if (!what && first && (c->pages != first->pages || c->mem != first->mem ||
                           c->mem_node != first->mem_node)) {
        snprintf(why, why_bytes, "all cases of a run lie in the same memory, which has the pages "
                                 "and the place of the first case; run it on its own");
        what = c->pages != first->pages ? "pages" : "mem";
    }
    if (c->threads == UINT32_MAX)
        c->threads = build->core_count;
    return what;
}

static int add_setting(struct kvr_build *build, const struct kvr_group *group,
                       const struct kvr_case *draft, const struct chosen *chosen)
{
    struct kvr_case c = *draft;
    char why[200];
    int status = 0;
    const char *what = host_lacks(build, &c, why, sizeof why);
    for (size_t i = 0; i < chosen->count && !status; i++) {
        if (!what) {
            status = add_selection(build, group, &c, &chosen->items[i]);
            continue;
        }
        struct kvr_case lacking = c;
        lacking.codec = chosen->items[i].codec;
        lacking.variant = chosen->items[i].variant;
        share_nothing_needless(&lacking, chosen->items[i].usable[0]->format);
        status = kvr_build_skip_case(build, &lacking, -ENODEV, what, why);
    }
    return status;
}

/* The axes between the size of a case and its kernel, the last one varying fastest. */
enum {
    THREADS, LAYOUTS, TOKENS, QUERIES, BATCHES, CODEBOOKS, RESIDENCIES, VALUE_FORMATS, OPS, AXES
};

/* The next combination, as an odometer counts; false after the last. */
static bool advance(size_t *at, const size_t *counts)
{
    for (size_t axis = AXES; axis-- > 0;) {
        if (++at[axis] < counts[axis])
            return true;
        at[axis] = 0;
    }
    return false;
}

static void set_axes(const struct kvr_group *group, const size_t *at, struct kvr_case *c)
{
    char why[200], layout[24];
    c->threads = group->threads[at[THREADS]];
    c->shape.tokens = group->tokens[at[TOKENS]];
    c->shape.queries = group->group_queries[at[QUERIES]];
    c->batch = group->batches[at[BATCHES]];
    c->codebook =
        strcmp(group->codebooks[at[CODEBOOKS]], "f32") ? KVR_CODEBOOK_F16 : KVR_CODEBOOK_F32;
    c->codebook_warm = strcmp(group->residencies[at[RESIDENCIES]], "warm") == 0;
    c->values_q8 = strcmp(group->value_formats[at[VALUE_FORMATS]], "q8") == 0;
    snprintf(c->op, sizeof c->op, "%s", group->ops[at[OPS]]);
    /* Checked where it was read; pages:4k and pages:4096 are one layout with one name. */
    kvr_layout_parse(group->layouts[at[LAYOUTS]], &c->page_tokens, why, sizeof why);
    snprintf(layout, sizeof layout, "pages:%u", c->page_tokens);
    snprintf(c->layout, sizeof c->layout, "%.15s",
             c->page_tokens ? layout : group->layouts[at[LAYOUTS]]);
}

/* All that a head dim and a size are combined with. */
static int add_settings(struct kvr_build *build, const struct kvr_group *group,
                        const struct kvr_case *draft, const struct chosen *chosen)
{
    const size_t counts[AXES] = {
        [THREADS] = group->thread_count,        [LAYOUTS] = group->layout_count,
        [TOKENS] = group->tokens_count,         [QUERIES] = group->group_query_count,
        [BATCHES] = group->batch_count,         [CODEBOOKS] = group->codebook_count,
        [RESIDENCIES] = group->residency_count, [OPS] = group->op_count,
        [VALUE_FORMATS] = group->value_format_count};
    size_t at[AXES] = {0};
    int status = 0;
    do {
        struct kvr_case c = *draft;
        set_axes(group, at, &c);
        status = add_setting(build, group, &c, chosen);
    } while (!status && advance(at, counts));
    return status;
}

int kvr_build_group(struct kvr_build *build, const struct kvr_group *group)
{
    struct chosen chosen = {.items = NULL};
    const size_t sizes = build->options->heads ? 1 : group->level_count + group->bytes_count;
    /* Heads of a given number may all fit in a cache, where no decoder would find them. */
    const uint64_t evict = build->options->heads ? KVR_EVICT_AUTO : 0;
    int status = choose(build, group, &chosen);
    for (size_t d = 0; d < group->head_dim_count && !status; d++) {
        for (size_t s = 0; s < sizes && !status; s++) {
            struct kvr_case c = {.pages = group->pages,
                                 .mem = group->mem,
                                 .mem_node = group->mem_node,
                                 .evict_bytes = group->evict_given ? group->evict_bytes : evict};
            c.shape =
                (struct kvr_shape){.head_dim = group->head_dims[d], .heads = build->options->heads};
            if (s < group->level_count)
                snprintf(c.level, sizeof c.level, "%s", group->levels[s]);
            else if (!build->options->heads)
                c.working_set_bytes = group->bytes[s - group->level_count];
            status = add_settings(build, group, &c, &chosen);
        }
    }
    free(chosen.items);
    return status;
}
