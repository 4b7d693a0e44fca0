/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which files there are, and reading them. inputs_check.c says whether they belong together.
 */
#include "inputs.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../data/keyset.h"
#include "inputs_check.h"

const char *const kvr_input_options[KVR_INPUTS] = {
    "--keys", "--queries", "--values", "--keys-prerope", "--calibration",
    "--calibration-prerope",
};

/* ---- paths ---- */

struct paths {
    char **items; /* owned */
    char **labels; /* owned; of calibration sets, else "" */
    size_t count;
};

static void paths_free(struct paths *paths)
{
    for (size_t i = 0; i < paths->count; i++) {
        free(paths->items[i]);
        free(paths->labels[i]);
    }
    free(paths->items);
    free(paths->labels);
}

static int paths_add(struct paths *paths, const char *path, const char *label, size_t label_bytes)
{
    char **items = realloc(paths->items, (paths->count + 1) * sizeof *items);
    paths->items = items ? items : paths->items;
    char **labels = realloc(paths->labels, (paths->count + 1) * sizeof *labels);
    paths->labels = labels ? labels : paths->labels;
    char *path_copy = strdup(path), *label_copy = strndup(label, label_bytes);
    if (!items || !labels || !path_copy || !label_copy) {
        free(path_copy);
        free(label_copy);
        return -ENOMEM;
    }
    items[paths->count] = path_copy;
    labels[paths->count++] = label_copy;
    return 0;
}

/* Bytes of the label in front of a calibration pattern; 0: none. A path has a slash before it. */
static size_t label_bytes(const char *pattern)
{
    size_t bytes = strcspn(pattern, "=/*?[");
    return pattern[bytes] == '=' ? bytes : 0;
}

static int expand(const char *option, const char *pattern, size_t label, struct paths *paths,
                  struct kvr_complaint *complaint)
{
    glob_t found;
    const char *files = label ? pattern + label + 1 : pattern;
    int result = glob(files, GLOB_NOCHECK, NULL, &found), status = 0;
    if (result)
        return kvr_complain(complaint, result == GLOB_NOSPACE ? -ENOMEM : -EIO,
                            "%s %s cannot be looked up", option, pattern);
    if (found.gl_pathc == 1 && !strcmp(found.gl_pathv[0], files) && strpbrk(files, "*?["))
        status = kvr_complain(complaint, -EINVAL, "%s %s matches no file; quote the pattern, and "
                              "see what ls says to it", option, pattern);
    for (size_t i = 0; !status && i < found.gl_pathc; i++)
        status = paths_add(paths, found.gl_pathv[i], pattern, label);
    globfree(&found);
    return status;
}

static int expand_all(const struct kvr_patterns *patterns, struct paths paths[KVR_INPUTS],
                      struct kvr_complaint *complaint)
{
    int status = 0;
    for (size_t k = 0; k < KVR_INPUTS; k++) {
        bool labelled = k == KVR_INPUT_CALIBRATION || k == KVR_INPUT_CALIBRATION_PREROPE;
        for (size_t i = 0; !status && i < patterns->counts[k]; i++) {
            const char *pattern = patterns->items[k][i];
            status = expand(kvr_input_options[k], pattern, labelled ? label_bytes(pattern) : 0,
                            &paths[k], complaint);
        }
    }
    return status;
}

static int mini_paths(struct paths paths[KVR_INPUTS], struct kvr_complaint *complaint)
{
    static const struct {
        enum kvr_input input;
        const char *name;
    } files[] = {{KVR_INPUT_KEYS, "k.npy"}, {KVR_INPUT_QUERIES, "q.npy"},
                 {KVR_INPUT_VALUES, "v.npy"}, {KVR_INPUT_CALIBRATION, "calib_k.npy"}};
    char folder[4096], path[4200];
    int status = 0;
    if (!kvr_data_folder(folder, sizeof folder))
        return kvr_complain(complaint, -ENOENT, "the built-in data set was not found: install the "
                            "program, or set KVROOF_DATA to the folder that holds k.npy");
    for (size_t i = 0; !status && i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        status = paths_add(&paths[files[i].input], path, "", 0);
    }
    return status;
}

/* ---- reading ---- */

int kvr_keep_text(char ***texts, size_t *count, const char *text)
{
    char **more = realloc(*texts, (*count + 1) * sizeof *more);
    if (!more)
        return -ENOMEM;
    *texts = more;
    more[*count] = strdup(text);
    if (!more[*count])
        return -ENOMEM;
    ++*count;
    return 0;
}

static int read_tensor(const char *option, const char *path, struct kvr_tensor *tensor,
                       struct kvr_complaint *complaint)
{
    char defect[600] = "";
    int status = kvr_npy_read(path, tensor, defect, sizeof defect);
    return status ? kvr_complain(complaint, status, "%s %s", option, defect) : 0;
}

/* "folder/test_prose_k.npy" -> "test_prose". */
static char *text_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t bytes = strlen(name);
    if (bytes > 4 && !strcmp(name + bytes - 4, ".npy"))
        bytes -= 4;
    if (bytes > 2 && !strncmp(name + bytes - 2, "_k", 2))
        bytes -= 2;
    return strndup(name, bytes);
}

static int read_text(struct kvr_inputs *inputs, const struct paths paths[KVR_INPUTS], size_t i,
                     bool mini, struct kvr_complaint *complaint)
{
    struct kvr_text *text = &inputs->texts[i];
    struct kvr_tensor *tensors[] = {&text->keys, &text->queries, &text->values, &text->before_rope};
    int status = 0;
    text->path = strdup(paths[KVR_INPUT_KEYS].items[i]);
    text->name = mini ? strdup("mini") : text_name(paths[KVR_INPUT_KEYS].items[i]);
    if (!text->name || !text->path)
        return -ENOMEM;
    for (size_t k = KVR_INPUT_KEYS; !status && k <= KVR_INPUT_KEYS_PREROPE; k++) {
        if (!paths[k].count)
            continue;
        status = read_tensor(kvr_input_options[k], paths[k].items[i], tensors[k], complaint);
        if (!status)
            status = kvr_keep_text(&inputs->files, &inputs->file_count, paths[k].items[i]);
    }
    return status;
}

static struct kvr_calibration *set_of(struct kvr_inputs *inputs, const char *label)
{
    for (size_t i = 0; i < inputs->set_count; i++) {
        if (!strcmp(inputs->sets[i].label, label))
            return &inputs->sets[i];
    }
    struct kvr_calibration *sets = realloc(inputs->sets, (inputs->set_count + 1) * sizeof *sets);
    if (!sets)
        return NULL;
    inputs->sets = sets;
    sets[inputs->set_count] = (struct kvr_calibration){.label = strdup(label)};
    return sets[inputs->set_count].label ? &sets[inputs->set_count++] : NULL;
}

static int read_calibration(struct kvr_inputs *inputs, const struct paths *paths,
                            enum kvr_input input, size_t i, struct kvr_complaint *complaint)
{
    struct kvr_calibration *set = set_of(inputs, paths->labels[i]);
    if (!set)
        return -ENOMEM;
    bool before = input == KVR_INPUT_CALIBRATION_PREROPE;
    struct kvr_tensor **tensors = before ? &set->before_rope : &set->tensors;
    size_t *count = before ? &set->before_rope_count : &set->count;
    struct kvr_tensor *more = realloc(*tensors, (*count + 1) * sizeof *more);
    if (!more)
        return -ENOMEM;
    *tensors = more;
    int status = read_tensor(kvr_input_options[input], paths->items[i], &more[*count], complaint);
    if (status)
        return status;
    status = kvr_check_calibration(inputs, &more[(*count)++], input, paths->items[i], complaint);
    if (!status)
        status = kvr_keep_text(&inputs->calibration_files, &inputs->calibration_file_count,
                           paths->items[i]);
    return status;
}

static int read_all(struct kvr_inputs *inputs, const struct paths paths[KVR_INPUTS], bool mini,
                    struct kvr_complaint *complaint)
{
    int status = 0;
    inputs->text_count = paths[KVR_INPUT_KEYS].count;
    inputs->texts = calloc(inputs->text_count, sizeof *inputs->texts);
    if (!inputs->texts)
        return -ENOMEM;
    for (size_t i = 0; !status && i < inputs->text_count; i++) {
        const char *names[] = {paths[0].items[i], paths[1].items[i], paths[2].items[i],
                               paths[3].count ? paths[3].items[i] : NULL};
        status = read_text(inputs, paths, i, mini, complaint);
        if (!status)
            status = kvr_check_text(inputs, &inputs->texts[i], names, complaint);
    }
    for (size_t k = KVR_INPUT_CALIBRATION; k <= KVR_INPUT_CALIBRATION_PREROPE; k++) {
        for (size_t i = 0; !status && i < paths[k].count; i++)
            status = read_calibration(inputs, &paths[k], (enum kvr_input)k, i, complaint);
    }
    return status;
}

int kvr_inputs_load(const struct kvr_patterns *patterns, struct kvr_inputs *inputs, char *error,
                    size_t error_bytes)
{
    struct kvr_complaint complaint = {error, error_bytes};
    struct paths paths[KVR_INPUTS] = {0};
    size_t counts[KVR_INPUTS], given = 0;
    *inputs = (struct kvr_inputs){0};
    for (size_t k = 0; k < KVR_INPUTS; k++)
        given += patterns->counts[k];
    int status = given ? expand_all(patterns, paths, &complaint) : mini_paths(paths, &complaint);
    for (size_t k = 0; k < KVR_INPUTS; k++)
        counts[k] = paths[k].count;
    if (!status)
        status = kvr_check_counts(counts, &complaint);
    if (!status)
        status = read_all(inputs, paths, !given, &complaint);
    if (!status)
        kvr_find_leaks(inputs);
    if (status == -ENOMEM)
        kvr_complain(&complaint, status, "out of memory");
    for (size_t k = 0; k < KVR_INPUTS; k++)
        paths_free(&paths[k]);
    return status;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

void kvr_inputs_free(struct kvr_inputs *inputs)
{
    for (size_t i = 0; inputs->texts && i < inputs->text_count; i++) {
        struct kvr_text *text = &inputs->texts[i];
        free(text->name);
        free(text->path);
        kvr_tensor_free(&text->keys);
        kvr_tensor_free(&text->queries);
        kvr_tensor_free(&text->values);
        kvr_tensor_free(&text->before_rope);
    }
    for (size_t i = 0; i < inputs->set_count; i++) {
        struct kvr_calibration *set = &inputs->sets[i];
        for (size_t j = 0; j < set->count; j++)
            kvr_tensor_free(&set->tensors[j]);
        for (size_t j = 0; j < set->before_rope_count; j++)
            kvr_tensor_free(&set->before_rope[j]);
        free(set->tensors);
        free(set->before_rope);
        free(set->label);
    }
    free(inputs->texts);
    free(inputs->sets);
    free_texts(inputs->files, inputs->file_count);
    free_texts(inputs->calibration_files, inputs->calibration_file_count);
    *inputs = (struct kvr_inputs){0};
}

/* ---- access ---- */

const float *kvr_head_of(const struct kvr_tensor *tensor, size_t layer, size_t head)
{
    return tensor->values +
           (layer * tensor->dims[1] + head) * tensor->dims[2] * tensor->dims[3];
}

size_t kvr_calibration_keys(const struct kvr_calibration *set, bool before_rope, size_t skip)
{
    const struct kvr_tensor *tensors = before_rope ? set->before_rope : set->tensors;
    size_t count = before_rope ? set->before_rope_count : set->count, keys = 0;
    for (size_t i = 0; i < count; i++)
        keys += tensors[i].dims[2] > skip ? tensors[i].dims[2] - skip : 0;
    return keys;
}

size_t kvr_calibration_gather(const struct kvr_calibration *set, bool before_rope, size_t layer,
                              size_t head, size_t skip, float **keys)
{
    const struct kvr_tensor *tensors = before_rope ? set->before_rope : set->tensors;
    size_t count = before_rope ? set->before_rope_count : set->count, rows = 0;
    size_t d = tensors[0].dims[3], total = kvr_calibration_keys(set, before_rope, skip);
    *keys = malloc((total + 1) * d * sizeof **keys);
    if (!*keys)
        return 0;
    for (size_t i = 0; i < count; i++) {
        size_t tokens = tensors[i].dims[2];
        if (tokens <= skip)
            continue;
        memcpy(*keys + rows * d, kvr_head_of(&tensors[i], layer, head) + skip * d,
               (tokens - skip) * d * sizeof **keys);
        rows += tokens - skip;
    }
    return rows;
}
