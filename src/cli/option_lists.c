/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The comma lists among run's options.
 */
#include <stdio.h>
#include <string.h>

#include "../study/values.h"
#include "option_values.h"

enum { WHY_BYTES = 240, ELEMENT_BYTES = 128 };

static error_t add_u32(struct option_state *state, const char *option, uint32_t value,
                       uint32_t *values, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (values[i] == value)
            return 0;
    }
    if (*count == KVR_MAX_LIST)
        return kvr_option_too_many(state, option, KVR_MAX_LIST);
    values[(*count)++] = value;
    return 0;
}

static error_t add_count(struct option_state *state, const char *option, const char *text,
                         uint64_t max, uint32_t *values, size_t *count)
{
    char why[WHY_BYTES];
    uint64_t value = 0;
    if (kvr_count_parse(text, 1, max, &value, why, sizeof why))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, option, text, why);
    return add_u32(state, option, (uint32_t)value, values, count);
}

static error_t add_text(struct option_state *state, const char *option, const char *text,
                        const char **values, size_t *count)
{
    struct kvr_options *o = state->options;
    size_t bytes = strlen(text) + 1;
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(values[i], text) == 0)
            return 0;
    }
    if (*count == KVR_MAX_LIST || bytes > sizeof o->list_text - o->list_text_bytes)
        return kvr_option_too_many(state, option, KVR_MAX_LIST);
    char *copy = o->list_text + o->list_text_bytes;
    memcpy(copy, text, bytes);
    o->list_text_bytes += bytes;
    values[(*count)++] = copy;
    return 0;
}

static error_t add_tokens(struct option_state *state, const char *text)
{
    char why[WHY_BYTES];
    uint64_t value = 0;
    if (kvr_size_parse(text, 1, 1 << 30, &value, why, sizeof why))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, "tokens", text, why);
    return add_u32(state, "tokens", (uint32_t)value, state->options->tokens,
                   &state->options->tokens_count);
}

static error_t add_bytes(struct option_state *state, const char *text)
{
    char why[WHY_BYTES];
    struct kvr_options *o = state->options;
    if (kvr_bytes_parse(text, o->bytes, KVR_MAX_LIST, &o->bytes_count, why, sizeof why))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, "bytes", text, why);
    return 0;
}

static error_t add_threads(struct option_state *state, const char *text)
{
    char why[WHY_BYTES];
    uint32_t threads = 0;
    if (kvr_threads_parse(text, &threads, why, sizeof why))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, "threads", text, why);
    return add_u32(state, "threads", threads, state->options->threads,
                   &state->options->thread_count);
}

static error_t add_layout(struct option_state *state, const char *text)
{
    char why[WHY_BYTES];
    uint32_t page_tokens = 0;
    if (kvr_layout_parse(text, &page_tokens, why, sizeof why))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, "layout", text, why);
    return add_text(state, "layout", text, state->options->layouts, &state->options->layout_count);
}

static error_t add_word(struct option_state *state, const char *option, const char *text,
                        const char *const *known, const char **values, size_t *count)
{
    char why[WHY_BYTES];
    if (kvr_word_parse(text, known, why, sizeof why))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, option, text, why);
    return add_text(state, option, text, values, count);
}

/* One element of what is done, and what is shared while it is. */
static error_t add_op(struct option_state *state, int key, const char *text)
{
    struct kvr_options *o = state->options;
    switch (key) {
    case KEY_OP:
        return add_word(state, "op", text, kvr_op_names, o->ops, &o->op_count);
    case KEY_CODEBOOK:
        return add_word(state, "codebook", text, kvr_codebook_names, o->codebooks,
                        &o->codebook_count);
    case KEY_RESIDENCY:
        return add_word(state, "codebook-residency", text, kvr_residency_names, o->residencies,
                        &o->residency_count);
    case KEY_VALUE_FORMAT:
        return add_word(state, "value-format", text, kvr_value_format_names, o->value_formats,
                        &o->value_format_count);
    case KEY_BATCH:
        return add_count(state, "batch", text, KVR_MAX_BATCH, o->batches, &o->batch_count);
    default:
        return add_count(state, "group-queries", text, KVR_MAX_QUERIES, o->group_queries,
                         &o->group_query_count);
    }
}

/* One element of a comma list. */
static error_t add_element(struct option_state *state, int key, const char *text)
{
    struct kvr_options *o = state->options;
    switch (key) {
    case 'k':
        return add_text(state, "kernel", text, o->kernels, &o->kernel_count);
    case KEY_ISA:
        return add_text(state, "isa", text, o->isas, &o->isa_count);
    case 'd':
        return add_count(state, "head-dim", text, KVR_MAX_HEAD_DIM, o->head_dims,
                         &o->head_dim_count);
    case 'm':
        return add_count(state, "subspaces", text, KVR_MAX_TABLES, o->subspaces,
                         &o->subspace_count);
    case KEY_ENTRIES:
        return add_count(state, "entries", text, 65536, o->entries, &o->entry_count);
    case 'n':
        return add_tokens(state, text);
    case KEY_BYTES:
        return add_bytes(state, text);
    case 't':
        return add_threads(state, text);
    case KEY_LAYOUT:
        return add_layout(state, text);
    default:
        return add_op(state, key, text);
    }
}

static error_t add_elements(struct option_state *state, int key, const char *option,
                            const char *list)
{
    char element[ELEMENT_BYTES];
    error_t error = 0;
    for (const char *at = list; !error;) {
        size_t length = strcspn(at, ",");
        if (!length)
            return kvr_option_refuse(state, KVR_EXIT_USAGE, option, list,
                                     *list ? "has an empty element" : "is empty");
        if (length >= sizeof element)
            return kvr_args_fail(&state->args, KVR_EXIT_USAGE, "--%s: '%.40s...' is too long",
                                 option, at);
        snprintf(element, sizeof element, "%.*s", (int)length, at);
        error = add_element(state, key, element);
        if (!at[length])
            break;
        at += length + 1;
    }
    return error;
}

error_t kvr_option_list(struct option_state *state, int key, const char *text)
{
    static const struct {
        int key;
        const char *name;
    } lists[] = {
        {'k', "kernel"},
        {KEY_ISA, "isa"},
        {'d', "head-dim"},
        {'n', "tokens"},
        {KEY_BYTES, "bytes"},
        {'m', "subspaces"},
        {KEY_ENTRIES, "entries"},
        {KEY_LAYOUT, "layout"},
        {'t', "threads"},
        {KEY_OP, "op"},
        {KEY_CODEBOOK, "codebook"},
        {KEY_RESIDENCY, "codebook-residency"},
        {KEY_VALUE_FORMAT, "value-format"},
        {KEY_BATCH, "batch"},
        {KEY_GROUP_QUERIES, "group-queries"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (lists[i].key == key)
            return add_elements(state, key, lists[i].name, text);
    }
    return ARGP_ERR_UNKNOWN;
}
