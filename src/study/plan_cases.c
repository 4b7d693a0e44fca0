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

static bool equal_cases(const struct kvr_case *a, const struct kvr_case *b)
{
    if (a->codec != b->codec || strcmp(a->variant, b->variant) ||
        a->candidate_count != b->candidate_count || memcmp(&a->shape, &b->shape, sizeof a->shape) ||
        strcmp(a->level, b->level) || a->working_set_bytes != b->working_set_bytes ||
        strcmp(a->layout, b->layout) || strcmp(a->op, b->op) || a->threads != b->threads ||
        a->pages != b->pages || a->mem != b->mem || a->mem_node != b->mem_node)
        return false;
    for (size_t i = 0; i < a->candidate_count; i++) {
        if (a->candidates[i] != b->candidates[i])
            return false;
    }
    return true;
}

static int add_case(struct kvr_build *build, const struct kvr_case *c)
{
    struct kvr_plan *plan = build->plan;
    for (size_t i = 0; i < plan->case_count; i++) {
        if (equal_cases(&plan->cases[i], c))
            return 0;
    }
    if (plan->case_count == KVR_MAX_CASES)
        return kvr_build_fail(build, -EINVAL,
                              "the selection multiplies out to more than %d "
                              "cases; name fewer kernels, sizes or shapes",
                              KVR_MAX_CASES);
    if (plan->case_count == build->case_capacity) {
        size_t capacity = build->case_capacity ? 2 * build->case_capacity : 64;
        void *cases = reallocarray(plan->cases, capacity, sizeof *plan->cases);
        if (!cases)
            return kvr_build_fail(build, -ENOMEM, "out of memory");
        plan->cases = cases;
        build->case_capacity = capacity;
    }
    plan->cases[plan->case_count++] = *c;
    return 0;
}

static int skip_case(struct kvr_build *build, const struct kvr_case *c, int status,
                     const char *what, const char *why)
{
    char name[sizeof((struct kvr_skip *)NULL)->name];
    const char *isa = c->candidate_count == 1 ? c->candidates[0]->isa_name : NULL;
    kvr_case_name(c, isa, c->working_set_bytes, name, sizeof name);
    return kvr_build_skip(build, status, name, what, "%s", why);
}

/* Is the shape (or the size) of this case an order of the command line? */
static bool shape_ordered(const struct kvr_options *options, bool looks_up)
{
    return options->head_dim_count ||
           (looks_up && (options->subspace_count || options->entry_count));
}

/* Leaves the candidates that serve the shape's number of tables. */
static void keep_serving(struct kvr_case *c, const struct kvr_selection *selection)
{
    for (size_t i = 0; i < selection->usable_count; i++) {
        const struct kvr_kernel *kernel = selection->usable[i];
        if (!kernel->max_tables || c->shape.tables <= kernel->max_tables)
            c->candidates[c->candidate_count++] = kernel;
    }
}

/* Bytes of heads x tokens keys in `format`, UINT64_MAX where they do not fit in 64 bits. */
static uint64_t heads_bytes(const struct kvr_format *format, const struct kvr_shape *shape,
                            uint64_t heads)
{
    uint64_t bytes = 0;
    if (__builtin_mul_overflow((uint64_t)format->segment_bytes(shape, shape->tokens), heads,
                               &bytes))
        return UINT64_MAX;
    return bytes;
}

/* Does the case, with FP16 keys of the same number beside it, fit in the arena? Sets why and the
 * kind of refusal, or 0. */
static int check_size(struct kvr_build *build, struct kvr_case *c, char *why, size_t why_bytes)
{
    const struct kvr_format *format = c->candidates[0]->format;
    const struct kvr_options *options = build->options;
    uint64_t threads_bytes = heads_bytes(format, &c->shape, c->threads), need = threads_bytes;
    char need_text[24], limit[24];
    if (c->shape.heads) {
        uint64_t fp16_bytes = 0;
        c->working_set_bytes = heads_bytes(format, &c->shape, c->shape.heads);
        if (__builtin_mul_overflow((uint64_t)c->shape.heads * c->shape.tokens,
                                   (uint64_t)2 * c->shape.head_dim, &fp16_bytes))
            fp16_bytes = UINT64_MAX;
        need = c->working_set_bytes > fp16_bytes ? c->working_set_bytes : fp16_bytes;
    } else if (c->working_set_bytes) {
        need = c->working_set_bytes;
    }
    if (c->shape.heads && c->shape.heads < c->threads) {
        snprintf(why, why_bytes, "%u heads cannot be shared by %u threads; each needs one",
                 c->shape.heads, c->threads);
        return -EINVAL;
    }
    if (kvr_build_reserve(build, need)) {
        kvr_size_text(need, need_text, sizeof need_text);
        kvr_size_text(build->half_max_bytes, limit, sizeof limit);
        snprintf(why, why_bytes,
                 "needs %s for its keys and as much for the FP16 reference; "
                 "--max-mem allows 2 x %s: raise it%s",
                 need_text, limit,
                 options->heads         ? " or lower --heads"
                 : options->bytes_count ? " or lower --bytes"
                                        : " or lower --tokens");
        return -ENODEV;
    }
    if (c->working_set_bytes && !c->shape.heads && c->working_set_bytes < threads_bytes) {
        kvr_size_text(c->working_set_bytes, limit, sizeof limit);
        kvr_size_text(threads_bytes, need_text, sizeof need_text);
        snprintf(why, why_bytes,
                 "a working set of %s holds less than a head of %u tokens per "
                 "thread (%s); lower --tokens",
                 limit, c->shape.tokens, need_text);
        return -EINVAL;
    }
    return 0;
}

/* Too large is refused if a flag made it so; a working set that is merely too small for one head
 * is a corner of the product, and becomes a row. */
static bool size_ordered(const struct kvr_options *options, const struct kvr_case *c, int refusal)
{
    bool level_only = !c->working_set_bytes;
    return refusal == -ENODEV &&
           (options->heads || options->bytes_count || (options->tokens_count && level_only));
}

/* Checks and adds one case whose shape is complete. */
static int finish_case(struct kvr_build *build, const struct kvr_case *draft,
                       const struct kvr_selection *selection, bool looks_up)
{
    struct kvr_case c = *draft;
    char why[200] = "";
    const char *reason = selection->codec->refuses(&c.shape);
    if (!reason) {
        keep_serving(&c, selection);
        if (!c.candidate_count) {
            snprintf(why, sizeof why, "%s.%s@%s serves at most %u subspaces, not %u",
                     selection->codec->name, selection->variant, selection->usable[0]->isa_name,
                     selection->usable[0]->max_tables, c.shape.tables);
            reason = why;
        }
    }
    if (reason && shape_ordered(build->options, looks_up))
        return kvr_build_fail(build, -EINVAL, "%s.%s: %s", selection->codec->name,
                              selection->variant, reason);
    if (reason) {
        if (selection->usable_count == 1 && !c.candidate_count)
            c.candidates[c.candidate_count++] = selection->usable[0];
        return skip_case(build, &c, -EINVAL, "shape", reason);
    }
    int refusal = check_size(build, &c, why, sizeof why);
    if (!refusal)
        return add_case(build, &c);
    if (size_ordered(build->options, &c, refusal))
        return kvr_build_fail(build, refusal, "%s.%s: %s", selection->codec->name,
                              selection->variant, why);
    return skip_case(build, &c, refusal, refusal == -ENODEV ? "memory" : "size", why);
}

/* One kernel choice: over subspaces and entries if its codec looks up, else once. */
static int add_selection(struct kvr_build *build, const struct kvr_group *group,
                         const struct kvr_case *draft, const struct kvr_selection *selection)
{
    struct kvr_case c = *draft;
    const bool looks_up = kvr_format_looks_up(selection->usable[0]->format);
    int status = 0;
    c.codec = selection->codec;
    c.variant = selection->variant;
    if (!looks_up)
        return finish_case(build, &c, selection, looks_up);
    for (size_t m = 0; m < group->subspace_count && !status; m++) {
        for (size_t k = 0; k < group->entry_count && !status; k++) {
            c.shape.tables = group->subspaces[m];
            c.shape.entries = group->entries[k];
            status = finish_case(build, &c, selection, looks_up);
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
        status = skip_case(build, &lacking, -ENODEV, what, why);
    }
    return status;
}

/* Layouts, tokens, operations and threads of one head dim and one size. */
static int add_settings(struct kvr_build *build, const struct kvr_group *group,
                        const struct kvr_case *draft, const struct chosen *chosen)
{
    struct kvr_case c = *draft;
    int status = 0;
    for (size_t t = 0; t < group->thread_count; t++) {
        for (size_t l = 0; l < group->layout_count; l++) {
            for (size_t n = 0; n < group->tokens_count; n++) {
                for (size_t o = 0; o < group->op_count && !status; o++) {
                    c.threads = group->threads[t];
                    c.shape.tokens = group->tokens[n];
                    snprintf(c.layout, sizeof c.layout, "%s", group->layouts[l]);
                    snprintf(c.op, sizeof c.op, "%s", group->ops[o]);
                    status = add_setting(build, group, &c, chosen);
                }
            }
        }
    }
    return status;
}

int kvr_build_group(struct kvr_build *build, const struct kvr_group *group)
{
    struct chosen chosen = {.items = NULL};
    const size_t sizes = build->options->heads ? 1 : group->level_count + group->bytes_count;
    int status = choose(build, group, &chosen);
    for (size_t d = 0; d < group->head_dim_count && !status; d++) {
        for (size_t s = 0; s < sizes && !status; s++) {
            struct kvr_case c = {
                .pages = group->pages, .mem = group->mem, .mem_node = group->mem_node};
            c.shape = (struct kvr_shape){
                .head_dim = group->head_dims[d], .queries = 1, .heads = build->options->heads};
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
