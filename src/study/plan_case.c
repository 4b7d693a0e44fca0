/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One case of the product: does its codec serve the shape, the layout and the operation, does it
 * fit in memory, and is it there already?
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan_build.h"

static bool equal_cases(const struct kvr_case *a, const struct kvr_case *b)
{
    if (a->codec != b->codec || strcmp(a->variant, b->variant) ||
        a->candidate_count != b->candidate_count || memcmp(&a->shape, &b->shape, sizeof a->shape) ||
        strcmp(a->level, b->level) || a->working_set_bytes != b->working_set_bytes ||
        strcmp(a->layout, b->layout) || strcmp(a->op, b->op) || a->threads != b->threads ||
        a->codebook != b->codebook || a->codebook_warm != b->codebook_warm ||
        a->values_q8 != b->values_q8 || a->batch != b->batch ||
        a->evict_bytes != b->evict_bytes || a->pages != b->pages || a->mem != b->mem ||
        a->mem_node != b->mem_node)
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

int kvr_build_skip_case(struct kvr_build *build, const struct kvr_case *c, int status,
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

/* Leaves the candidates that serve the shape's tables. */
static void keep_serving(struct kvr_case *c, const struct kvr_selection *selection)
{
    for (size_t i = 0; i < selection->usable_count; i++) {
        const struct kvr_kernel *kernel = selection->usable[i];
        if (kvr_kernel_serves(kernel, &c->shape))
            c->candidates[c->candidate_count++] = kernel;
    }
}

/* UINT64_MAX where they do not fit in 64 bits. */
static uint64_t times(uint64_t bytes, uint64_t heads)
{
    uint64_t product = 0;
    return __builtin_mul_overflow(bytes, heads, &product) ? UINT64_MAX : product;
}

/* What so many heads stream, with whole codebooks: the heads of a thread share theirs. */
static uint64_t heads_bytes(const struct kvr_case *c)
{
    const uint64_t heads = c->shape.heads, sharers = kvr_case_book_heads(c);
    const uint64_t book_bytes = c->codebook_warm ? 0 : kvr_case_codebook_bytes(c);
    const uint64_t share_bytes = (book_bytes + sharers - 1) / sharers;
    const uint64_t books = (heads / c->threads + sharers - 1) / sharers * c->threads;
    uint64_t sum = times(kvr_case_head_bytes(c) - share_bytes, heads);
    return __builtin_add_overflow(sum, times(book_bytes, books), &sum) ? UINT64_MAX : sum;
}

/* Does the case, with FP16 keys of the same number beside it, fit in the arena? Sets why and the
 * kind of refusal, or 0. */
static int check_size(struct kvr_build *build, struct kvr_case *c, char *why, size_t why_bytes)
{
    const struct kvr_options *options = build->options;
    const uint64_t head_bytes = kvr_case_head_bytes(c);
    const uint64_t beside_bytes = kvr_case_more_codebook_bytes(c);
    uint64_t threads_bytes = times(head_bytes, c->threads), need;
    char need_text[24], limit[24];
    if (!c->codebook_warm) /* a thread's only head has all of a codebook that several share */
        threads_bytes += beside_bytes;
    need = threads_bytes;
    if (c->shape.heads) {
        uint64_t fp16_bytes = times(kvr_case_reference_bytes(c), c->shape.heads);
        c->working_set_bytes = heads_bytes(c);
        need = c->working_set_bytes > fp16_bytes ? c->working_set_bytes : fp16_bytes;
    } else if (c->working_set_bytes) {
        need = c->working_set_bytes;
    }
    if (c->shape.heads && c->shape.heads < c->threads) {
        snprintf(why, why_bytes, "%u heads cannot be shared by %u threads; each needs one",
                 c->shape.heads, c->threads);
        return -EINVAL;
    }
    if (c->evict_bytes != KVR_EVICT_AUTO && c->evict_bytes > build->half_max_bytes) {
        kvr_size_text(c->evict_bytes, need_text, sizeof need_text);
        kvr_size_text(build->half_max_bytes, limit, sizeof limit);
        snprintf(why, why_bytes, "reads %s between passes, but --max-mem allows 2 x %s", need_text,
                 limit);
        return -ENODEV;
    }
    if (kvr_build_reserve(build, need < UINT64_MAX - beside_bytes ? need + beside_bytes : need)) {
        kvr_size_text(need, need_text, sizeof need_text);
        kvr_size_text(build->half_max_bytes, limit, sizeof limit);
        snprintf(why, why_bytes,
                 "needs %s for its keys and as much for the FP16 reference; "
                 "%s 2 x %s: %s%s",
                 need_text, build->node_limits ? "the NUMA node has room for" : "--max-mem allows",
                 limit, build->node_limits ? "choose another --mem or --cpus" : "raise it",
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

/* Two passes over whole heads, one query, caches as they are; *what names what else was wanted. */
static const char *no_materialised(const struct kvr_case *c, const char **what)
{
    if (strcmp(c->op, "scan")) {
        *what = "op";
        return "materialised is measured as a scan: use --op scan, or another variant";
    }
    if (c->shape.queries > 1) {
        *what = "group-queries";
        return "materialised is measured for one query: use --group-queries 1, or another variant";
    }
    if (c->evict_bytes) {
        *what = "evict";
        return "materialised is measured without eviction: use --evict 0, or another variant";
    }
    return NULL;
}

static bool materialised_ordered(const struct kvr_options *options, const char *what)
{
    return !strcmp(what, "op")              ? options->op_count > 0
           : !strcmp(what, "group-queries") ? options->group_query_count > 0
                                            : options->evict_given;
}

/* A sentence for a selection of which keep_serving left nothing; true if the number of entries is
 * the reason. */
static bool no_kernel_serves(const struct kvr_selection *selection, const struct kvr_shape *shape,
                             char *why, size_t why_bytes)
{
    const struct kvr_kernel *kernel = selection->usable[0];
    const char *isa = selection->usable_count == 1 ? kernel->isa_name : NULL;
    char name[80];
    snprintf(name, sizeof name, "%s.%s%s%s", selection->codec->name, selection->variant,
             isa ? "@" : "", isa ? isa : "");
    for (size_t i = 0; i < selection->usable_count; i++) {
        const uint32_t entries = selection->usable[i]->format->entries;
        if (!entries || entries == shape->entries) {
            snprintf(why, why_bytes, "%s serves at most %u subspaces (--subspaces), not %u", name,
                     selection->usable[i]->max_tables, shape->tables);
            return false;
        }
    }
    snprintf(why, why_bytes, "%s serves %u entries (--entries), not %u", name,
             kernel->format->entries, shape->entries);
    return true;
}

/* Does the format of the values serve shape and pages? Otherwise the reason, as refused() does. */
static const char *no_values(const struct kvr_case *c, char *why, size_t why_bytes)
{
    const struct kvr_codec *values = kvr_case_values(c);
    const uint32_t block = values->formats[0]->block_keys;
    const char *reason = values->refuses(&c->shape);
    if (reason || !c->values_q8 || c->page_tokens % block == 0)
        return reason;
    snprintf(why, why_bytes,
             "values of 8 bits lie in blocks of %u rows, which pages of %u would cut; use --layout "
             "pages:%u or --value-format fp16",
             block, c->page_tokens, (c->page_tokens + block - 1) / block * block);
    return why;
}

/* What the codec, its kernels or its layout refuse, in `reason` (NULL: nothing); *what names it.
 * True if it is an order of the command line. */
static bool refused(const struct kvr_build *build, struct kvr_case *c,
                    const struct kvr_selection *selection, const char **what, const char **reason,
                    char *why, size_t why_bytes)
{
    const struct kvr_options *options = build->options;
    const struct kvr_format *format = kvr_codec_layout(selection->codec, &c->shape);
    *what = "shape";
    *reason = selection->codec->refuses(&c->shape);
    if (!*reason && selection->codec->refuses_settings &&
        (*reason = selection->codec->refuses_settings(&c->shape, &options->squat))) {
        *what = "encoder";
        return true; /* only the command line has such settings */
    }
    if (!*reason) {
        keep_serving(c, selection);
        if (!c->candidate_count) {
            bool entries = no_kernel_serves(selection, &c->shape, why, why_bytes);
            *reason = why;
            /* a pattern of several kernels orders no number of entries of each of them */
            return (!entries || (selection->named && !selection->of_many_isas)) &&
                   shape_ordered(options, c->shape.tables);
        }
    }
    if (*reason)
        return shape_ordered(options, c->shape.tables);
    if (kvr_case_materialises(c) && (*reason = no_materialised(c, what)))
        return selection->named && materialised_ordered(options, *what);
    if (c->page_tokens % kvr_whole_keys(format, &c->shape) &&
        !(format->row_major && c->page_tokens < format->block_keys)) {
        uint32_t block = kvr_whole_keys(format, &c->shape);
        *what = "layout";
        snprintf(why, why_bytes,
                 "%s %s blocks of %u keys, which pages of %u would cut; use --layout "
                 "pages:%u or another multiple of %u",
                 c->codec->name, format->row_major ? "scores" : "stores", block, c->page_tokens,
                 (c->page_tokens + block - 1) / block * block, block);
        *reason = why;
        return options->layout_count;
    }
    if (c->values_q8 && (*reason = no_values(c, why, why_bytes))) {
        *what = "value-format";
        return options->value_format_count;
    }
    return false;
}

/* True if one of the patterns begins with the codec's name. */
static bool ordered_by_name(const struct kvr_options *options, const struct kvr_codec *codec)
{
    const size_t length = strlen(codec->name);
    for (size_t i = 0; i < options->kernel_count; i++) {
        const char *end = options->kernels[i] + length;
        if (!strncmp(options->kernels[i], codec->name, length) && (!*end || strchr(".@", *end)))
            return true;
    }
    return false;
}

/* Other codecs may serve the shape, and one that was only meant along with them may be left out:
 * all that are like it, by name. "" if it was ordered itself, or if it is for its tables that it
 * does not serve. */
static void advise_leaving_out(const struct kvr_options *options, const struct kvr_case *c,
                               char *advice, size_t advice_bytes)
{
    size_t used = 0;
    *advice = '\0';
    if (ordered_by_name(options, c->codec) || (c->shape.tables && !c->codec->set_tables))
        return;
    for (const struct kvr_codec *const *codec = kvr_codecs(); *codec && used < advice_bytes;
         codec++) {
        struct kvr_shape shape = c->shape;
        const bool own_tables = (*codec)->set_tables || !kvr_format_looks_up((*codec)->formats[0]);
        shape.group = (*codec)->group;
        shape.tables = shape.entries = 0;
        kvr_codec_set_tables(*codec, &shape);
        if (own_tables && (*codec)->refuses(&shape))
            used += (size_t)snprintf(advice + used, advice_bytes - used, "%s%s",
                                     used ? ", " : "; with --kernel leave out: ",
                                     (*codec)->name);
    }
}

int kvr_build_case(struct kvr_build *build, const struct kvr_case *draft,
                   const struct kvr_selection *selection)
{
    struct kvr_case c = *draft;
    char why[200] = "";
    const char *what = NULL, *reason = NULL;
    bool ordered = refused(build, &c, selection, &what, &reason, why, sizeof why);
    if (reason && ordered) {
        char sentence[320], advice[160] = "";
        snprintf(sentence, sizeof sentence, "%s", reason); /* refuses() writes where it lies */
        if (!strcmp(what, "shape"))
            advise_leaving_out(build->options, &c, advice, sizeof advice);
        return kvr_build_fail(build, -EINVAL, "%s.%s: %s%s", selection->codec->name,
                              selection->variant, sentence, advice);
    }
    if (reason) {
        if (selection->usable_count == 1 && !c.candidate_count)
            c.candidates[c.candidate_count++] = selection->usable[0];
        return kvr_build_skip_case(build, &c, -EINVAL, what, reason);
    }
    int refusal = check_size(build, &c, why, sizeof why);
    if (!refusal)
        return add_case(build, &c);
    if (size_ordered(build->options, &c, refusal))
        return kvr_build_fail(build, refusal, "%s.%s: %s", selection->codec->name,
                              selection->variant, why);
    return kvr_build_skip_case(build, &c, refusal, refusal == -ENODEV ? "memory" : "size", why);
}
