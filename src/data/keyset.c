/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Key sets: where they come from, whether their files belong together, and how heads are joined
 * when the wanted head dim is not the files' own.
 */
#include "keyset.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../kernels/kernel.h"
#include "npy.h"
#include "places.h"

enum { PATH_BYTES = 4096 };

/* The four files as read, and where errors go. */
struct loading {
    struct kvr_tensor keys, queries, values, calibration;
    char *error;
    size_t error_bytes;
};

/* Heads of the files, flattened over layers, and how they are joined. */
struct joining {
    size_t file_dim, file_kv_heads, group; /* group: query heads per KV head */
    size_t dim, parts, kv_heads;           /* parts: file heads that make one joined head */
};

static int refuse(struct loading *l, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(struct loading *l, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (l->error && l->error_bytes)
        vsnprintf(l->error, l->error_bytes, format, arguments);
    va_end(arguments);
    return status;
}

const char *kvr_data_folder(char *buffer, size_t bytes)
{
    if (kvr_place_with("k.npy", getenv("KVROOF_DATA"), "data", buffer, bytes))
        return buffer;
    return kvr_place_with("k.npy", "profiles/data", "data", buffer, bytes);
}

static int read_mini(struct loading *l)
{
    static const char *const names[] = {"k.npy", "q.npy", "v.npy", "calib_k.npy"};
    struct kvr_tensor *tensors[] = {&l->keys, &l->queries, &l->values, &l->calibration};
    char folder[PATH_BYTES], path[PATH_BYTES + 16];
    if (!kvr_data_folder(folder, sizeof folder))
        return refuse(l, -ENOENT,
                      "the built-in data set was not found: install the program, or "
                      "set KVROOF_DATA to the folder that holds k.npy");
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        int status = kvr_npy_read(path, tensors[i], l->error, l->error_bytes);
        if (status)
            return status;
    }
    return 0;
}

static int read_given(struct loading *l, const struct kvr_keyset_paths *paths)
{
    static const char *const options[] = {"--keys", "--queries", "--values", "--calibration"};
    const char *files[] = {paths->keys, paths->queries, paths->values, paths->calibration};
    struct kvr_tensor *tensors[] = {&l->keys, &l->queries, &l->values, &l->calibration};
    for (size_t i = 0; i < 4; i++) {
        char defect[512] = "";
        int status = files[i] ? kvr_npy_read(files[i], tensors[i], defect, sizeof defect) : 0;
        if (status)
            return refuse(l, status, "%s %s", options[i], defect);
    }
    return 0;
}

static int read_files(struct loading *l, const struct kvr_keyset_paths *paths)
{
    if (paths->keys)
        return read_given(l, paths);
    if (paths->queries || paths->values || paths->calibration)
        return refuse(l, -EINVAL, "%s %s needs --keys: the built-in data set has its own",
                      paths->queries  ? "--queries"
                      : paths->values ? "--values"
                                      : "--calibration",
                      paths->queries  ? paths->queries
                      : paths->values ? paths->values
                                      : paths->calibration);
    return read_mini(l);
}

static const char *name_of(const char *path)
{
    return path ? path : "the built-in data set";
}

/* Compares one axis of a file with the keys'. 0, or -EINVAL with a sentence naming both. */
static int same_axis(struct loading *l, const struct kvr_keyset_paths *paths, const char *option,
                     const char *path, const struct kvr_tensor *tensor, unsigned axis)
{
    static const char *const axes[] = {"layers", "heads", "tokens", "channels"};
    if (tensor->dims[axis] == l->keys.dims[axis])
        return 0;
    return refuse(l, -EINVAL, "%s %s has %zu %s, --keys %s has %zu", option, name_of(path),
                  tensor->dims[axis], axes[axis], name_of(paths->keys), l->keys.dims[axis]);
}

static int check_shapes(struct loading *l, const struct kvr_keyset_paths *paths)
{
    const struct {
        const struct kvr_tensor *tensor;
        const char *option, *path;
        bool same_heads, same_tokens;
    } files[] = {
        {&l->queries, "--queries", paths->queries, false, true},
        {&l->values, "--values", paths->values, true, true},
        {&l->calibration, "--calibration", paths->calibration, true, false},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        for (unsigned axis = 0; files[i].tensor->values && axis < 4; axis++) {
            if ((axis == 1 && !files[i].same_heads) || (axis == 2 && !files[i].same_tokens))
                continue;
            int status = same_axis(l, paths, files[i].option, files[i].path, files[i].tensor, axis);
            if (status)
                return status;
        }
    }
    if (l->queries.values && l->queries.dims[1] % l->keys.dims[1])
        return refuse(l, -EINVAL,
                      "--queries %s has %zu heads, which is not a multiple of the %zu "
                      "KV heads of --keys %s",
                      name_of(paths->queries), l->queries.dims[1], l->keys.dims[1],
                      name_of(paths->keys));
    return 0;
}

/* Joined KV head j is made of file heads j * parts, j * parts + 1, ...: neighbours, so that no
 * head is used twice while there are enough; heads left over at the end are not used. */
static struct joining plan_joining(const struct loading *l, size_t dim)
{
    struct joining j = {.dim = dim, .file_dim = l->keys.dims[3]};
    j.file_kv_heads = l->keys.dims[0] * l->keys.dims[1];
    j.group = l->queries.values ? l->queries.dims[1] / l->keys.dims[1] : 1;
    j.parts = (dim - 1) / j.file_dim + 1;
    j.kv_heads = j.parts < j.file_kv_heads ? j.file_kv_heads / j.parts : 1;
    return j;
}

/* Joins the heads of one tensor, which has `group` heads per KV head; NULL: no memory. Member i
 * of joined head h takes, for each of its parts, member i of that part's own group. */
static float *join(const struct joining *j, const struct kvr_tensor *tensor, size_t group)
{
    size_t tokens = tensor->dims[2], heads = j->kv_heads * group, bytes;
    float *joined = NULL;
    if (!__builtin_mul_overflow(heads, tokens, &bytes) &&
        !__builtin_mul_overflow(bytes, j->dim * sizeof *joined, &bytes))
        joined = malloc(bytes);
    for (size_t h = 0; joined && h < heads; h++) {
        for (size_t p = 0; p < j->parts; p++) {
            size_t kv = (h / group * j->parts + p) % j->file_kv_heads;
            const float *source = tensor->values + (kv * group + h % group) * tokens * j->file_dim;
            size_t at = p * j->file_dim, left = j->dim - at;
            size_t width = left < j->file_dim ? left : j->file_dim;
            for (size_t t = 0; t < tokens; t++)
                memcpy(joined + (h * tokens + t) * j->dim + at, source + t * j->file_dim,
                       width * sizeof *joined);
        }
    }
    return joined;
}

static int fill(struct loading *l, const struct kvr_keyset_paths *paths, uint32_t head_dim,
                struct kvr_keyset *set)
{
    struct joining j = plan_joining(l, head_dim);
    if (j.kv_heads * j.group > UINT32_MAX)
        return refuse(l, -EINVAL, "--keys %s has too many heads", name_of(paths->keys));
    set->leaking = !l->calibration.values;
    const struct kvr_tensor *calibration = set->leaking ? &l->keys : &l->calibration;

    set->head_dim = head_dim;
    set->kv_heads = (uint32_t)j.kv_heads;
    set->tokens = l->keys.dims[2];
    set->calibration_tokens = calibration->dims[2];
    set->reshaped = head_dim != j.file_dim;
    snprintf(set->source, sizeof set->source, "%s", paths->keys ? paths->keys : "mini");
    set->keys = join(&j, &l->keys, 1);
    set->calibration = join(&j, calibration, 1);
    if (l->values.values)
        set->values = join(&j, &l->values, 1);
    if (l->queries.values) {
        set->queries = join(&j, &l->queries, j.group);
        set->query_heads = (uint32_t)(j.kv_heads * j.group);
        set->query_tokens = l->queries.dims[2];
    }
    if (!set->keys || !set->calibration || (l->values.values && !set->values) ||
        (l->queries.values && !set->queries))
        return refuse(l, -ENOMEM, "no memory for the keys of %s", name_of(paths->keys));
    return 0;
}

int kvr_keyset_load(const struct kvr_keyset_paths *paths, uint32_t head_dim, struct kvr_keyset *set,
                    char *error, size_t error_bytes)
{
    struct loading l = {.error = error, .error_bytes = error_bytes};
    int status = 0;
    memset(set, 0, sizeof *set);
    if (head_dim == 0 || head_dim > KVR_MAX_HEAD_DIM)
        status = refuse(&l, -EINVAL, "--head-dim %u is not between 1 and %d", head_dim,
                        KVR_MAX_HEAD_DIM);
    if (!status)
        status = read_files(&l, paths);
    if (!status)
        status = check_shapes(&l, paths);
    if (!status)
        status = fill(&l, paths, head_dim, set);
    if (status)
        kvr_keyset_free(set);
    kvr_tensor_free(&l.keys);
    kvr_tensor_free(&l.queries);
    kvr_tensor_free(&l.values);
    kvr_tensor_free(&l.calibration);
    return status;
}

void kvr_keyset_free(struct kvr_keyset *set)
{
    free(set->keys);
    free(set->queries);
    free(set->values);
    free(set->calibration);
    memset(set, 0, sizeof *set);
}
