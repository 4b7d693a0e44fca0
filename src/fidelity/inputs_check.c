/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inputs_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../kernels/kernel.h"

enum { LAYERS, HEADS, TOKENS, CHANNELS, AXES, LEAK_KEYS = 16 };

static const char *const axes[AXES] = {"layers", "heads", "tokens", "channels"};

int kvr_complain(const struct kvr_complaint *complaint, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint->error, complaint->bytes, format, arguments);
    va_end(arguments);
    return status;
}

int kvr_check_counts(const size_t *counts, const struct kvr_complaint *complaint)
{
    size_t texts = counts[KVR_INPUT_KEYS];
    if (!texts)
        return kvr_complain(complaint, -EINVAL, "--keys is missing: files of your own need --keys, "
                            "--queries and --values; without any, the built-in set is taken");
    for (size_t k = KVR_INPUT_QUERIES; k <= KVR_INPUT_VALUES; k++) {
        if (!counts[k])
            return kvr_complain(complaint, -EINVAL, "%s is missing: attention needs keys, queries "
                                "and values", kvr_input_options[k]);
    }
    for (size_t k = KVR_INPUT_QUERIES; k <= KVR_INPUT_KEYS_PREROPE; k++) {
        if (counts[k] && counts[k] != texts)
            return kvr_complain(complaint, -EINVAL, "%s names %zu file%s, --keys %zu: files pair "
                                "by their order", kvr_input_options[k], counts[k],
                                counts[k] == 1 ? "" : "s", texts);
    }
    if (counts[KVR_INPUT_CALIBRATION_PREROPE] && !counts[KVR_INPUT_KEYS_PREROPE])
        return kvr_complain(complaint, -EINVAL, "--calibration-prerope needs --keys-prerope");
    if (!counts[KVR_INPUT_CALIBRATION_PREROPE] && counts[KVR_INPUT_KEYS_PREROPE] &&
        counts[KVR_INPUT_CALIBRATION])
        return kvr_complain(complaint, -EINVAL, "--keys-prerope with --calibration needs "
                            "--calibration-prerope: codebooks of rotated keys fit no others");
    return 0;
}

/* A file beside the one that sets what it has to be. */
struct beside {
    const char *option, *path;
    const struct kvr_tensor *tensor;
    const char *keys_option, *keys_path;
    const struct kvr_tensor *keys;
};

static int check_same(const struct beside *b, bool heads, bool tokens,
                      const struct kvr_complaint *complaint)
{
    for (unsigned axis = 0; axis < AXES; axis++) {
        if ((axis == HEADS && !heads) || (axis == TOKENS && !tokens) ||
            b->tensor->dims[axis] == b->keys->dims[axis])
            continue;
        return kvr_complain(complaint, -EINVAL, "%s %s has %zu %s, %s %s has %zu", b->option,
                            b->path, b->tensor->dims[axis], axes[axis], b->keys_option,
                            b->keys_path, b->keys->dims[axis]);
    }
    if (b->tensor->stored_bytes != b->keys->stored_bytes)
        return kvr_complain(complaint, -EINVAL, "%s %s holds float%u, %s %s float%u: save both as "
                            "one type", b->option, b->path, 8 * b->tensor->stored_bytes,
                            b->keys_option, b->keys_path, 8 * b->keys->stored_bytes);
    return 0;
}

/* Is there nothing to tell these vectors of a head apart by? */
typedef bool says_nothing(const float *head, size_t tokens, size_t head_dim);

static bool all_equal(const float *head, size_t tokens, size_t d)
{
    size_t t = 1;
    while (t < tokens && !memcmp(head, head + t * d, d * sizeof *head))
        t++;
    return t == tokens && tokens > 1;
}

static bool all_zero(const float *head, size_t tokens, size_t d)
{
    for (size_t i = 0; i < tokens * d; i++)
        if (head[i] != 0.0f)
            return false;
    return true;
}

/* Attention over equal keys, or of queries that are 0, is uniform, and has no order that a codec
 * could keep: any would be found perfect. */
static int check_heads(const struct kvr_tensor *tensor, const struct beside *named,
                       says_nothing *nothing, const char *words,
                       const struct kvr_complaint *complaint)
{
    size_t tokens = tensor->dims[TOKENS], d = tensor->dims[CHANNELS], heads = tensor->dims[HEADS];
    for (size_t i = 0; i < tensor->dims[LAYERS] * heads; i++) {
        if (nothing(tensor->values + i * tokens * d, tokens, d))
            return kvr_complain(complaint, -EINVAL, "%s %s: in layer %zu, head %zu %s, so that "
                                "its attention has no order to compare; leave that head out",
                                named->option, named->path, i / heads, i % heads, words);
    }
    return 0;
}

int kvr_check_text(struct kvr_inputs *inputs, const struct kvr_text *text,
                   const char *const *paths, const struct kvr_complaint *complaint)
{
    const struct kvr_text *first = &inputs->texts[0];
    const struct kvr_tensor *tensors[] = {&text->keys, &text->queries, &text->values,
                                          &text->before_rope};
    for (size_t k = KVR_INPUT_QUERIES; k <= KVR_INPUT_KEYS_PREROPE; k++) {
        struct beside b = {kvr_input_options[k], paths[k], tensors[k], "--keys", paths[0],
                           &text->keys};
        int status = paths[k] ? check_same(&b, k != KVR_INPUT_QUERIES, true, complaint) : 0;
        if (status)
            return status;
    }
    for (size_t k = KVR_INPUT_KEYS; k <= KVR_INPUT_QUERIES; k++) {
        struct beside b = {kvr_input_options[k], paths[k], tensors[k], kvr_input_options[k],
                           first->path, k ? &first->queries : &first->keys};
        int status = check_same(&b, true, false, complaint);
        if (status)
            return status;
    }
    if (text->queries.dims[HEADS] % text->keys.dims[HEADS])
        return kvr_complain(complaint, -EINVAL, "--queries %s has %zu heads, which is not a "
                            "multiple of the %zu KV heads of --keys %s", paths[1],
                            text->queries.dims[HEADS], text->keys.dims[HEADS], paths[0]);
    if (text->keys.dims[CHANNELS] > KVR_MAX_HEAD_DIM)
        return kvr_complain(complaint, -EINVAL, "--keys %s has %zu channels; at most %d are served",
                            paths[0], text->keys.dims[CHANNELS], KVR_MAX_HEAD_DIM);
    inputs->layers = text->keys.dims[LAYERS];
    inputs->kv_heads = text->keys.dims[HEADS];
    inputs->query_heads = text->queries.dims[HEADS];
    inputs->head_dim = text->keys.dims[CHANNELS];
    struct beside keys = {.option = kvr_input_options[KVR_INPUT_KEYS], .path = paths[0]};
    struct beside queries = {.option = kvr_input_options[KVR_INPUT_QUERIES], .path = paths[1]};
    int status = check_heads(&text->keys, &keys, all_equal, "all keys are equal", complaint);
    return status ? status : check_heads(&text->queries, &queries, all_zero,
                                         "all queries are 0", complaint);
}

int kvr_check_calibration(const struct kvr_inputs *inputs, const struct kvr_tensor *tensor,
                          enum kvr_input input, const char *path,
                          const struct kvr_complaint *complaint)
{
    struct beside b = {kvr_input_options[input], path, tensor, "--keys", inputs->texts[0].path,
                       &inputs->texts[0].keys};
    return check_same(&b, true, false, complaint);
}

/* Of layer 0, head 0: the text is the same in all. */
static bool shares_stretch(const struct kvr_tensor *text, const struct kvr_tensor *set)
{
    size_t d = text->dims[CHANNELS], bytes = d * sizeof *text->values;
    for (size_t t = 0; t + LEAK_KEYS <= text->dims[TOKENS]; t += LEAK_KEYS) {
        const float *stretch = text->values + t * d;
        for (size_t c = 0; c + LEAK_KEYS <= set->dims[TOKENS]; c++) {
            const float *other = set->values + c * d;
            if (!memcmp(stretch, other, bytes) && !memcmp(stretch, other, LEAK_KEYS * bytes))
                return true;
        }
    }
    return false;
}

void kvr_find_leaks(struct kvr_inputs *inputs)
{
    for (size_t i = 0; i < inputs->set_count; i++) {
        struct kvr_calibration *set = &inputs->sets[i];
        for (size_t t = 0; t < inputs->text_count; t++) {
            const struct kvr_text *text = &inputs->texts[t];
            for (size_t j = 0; j < set->count; j++)
                set->leaking |= shares_stretch(&text->keys, &set->tensors[j]);
            for (size_t j = 0; text->before_rope.values && j < set->before_rope_count; j++)
                set->leaking |= shares_stretch(&text->before_rope, &set->before_rope[j]);
        }
    }
}
