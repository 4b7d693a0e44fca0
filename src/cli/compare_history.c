/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof compare --history DIR: stored results of one machine over time.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "../compare/history.h"
#include "compare.h"
#include "load.h"

static int is_result(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && (!fnmatch("*.json", entry->d_name, 0) ||
                                       !fnmatch("*.jsonl", entry->d_name, 0));
}

/* The paths of a folder's results in one owned list, each owned. The number, or -errno. */
static int list_folder(const char *folder, char ***paths)
{
    struct dirent **entries = NULL;
    *paths = NULL;
    int count = scandir(folder, &entries, is_result, alphasort);
    if (count < 0)
        return -errno;
    int rc = count;
    *paths = calloc((size_t)count + 1, sizeof **paths);
    for (int i = 0; i < count; i++) {
        if (!*paths || asprintf(&(*paths)[i], "%s/%s", folder, entries[i]->d_name) < 0)
            rc = -ENOMEM;
        free(entries[i]);
    }
    free(entries);
    return rc;
}

static int print(const struct kvr_compare_arguments *a, const struct kvr_run_record *records,
                 const char *const *paths, size_t count)
{
    struct kvr_history history;
    char error[600];
    int rc = kvr_history_make(records, paths, count, &a->options, &history, error, sizeof error);
    if (rc == -EINVAL)
        return kvr_fail(KVR_EXIT_USAGE, "%s", error);
    if (rc)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    history.folder = a->history;
    rc = kvr_write_history(stdout, a->format, &history, a->style.width);
    int code = kvr_compare_exit_code(history.outcome);
    kvr_history_free(&history);
    return rc ? kvr_fail(KVR_EXIT_IO, "cannot write stdout: %s", strerror(-rc)) : code;
}

static int no_result(const struct kvr_compare_arguments *a)
{
    return kvr_fail(KVR_EXIT_USAGE, "--history: %s holds no result (*.json, *.jsonl): kvroof "
                    "run -o json:%s/NAME.json writes one", a->history, a->history);
}

static int read_and_print(const struct kvr_compare_arguments *a, const char **paths, size_t count)
{
    struct kvr_run_record *records = NULL;
    char error[512];
    int code = kvr_load_folder(paths, &count, &records);
    if (!code && !count)
        code = no_result(a);
    for (size_t i = 0; !code && i < count; i++)
        if (kvr_compare_check(paths[i], &records[i], error, sizeof error))
            code = kvr_fail(KVR_EXIT_USAGE, "%s", error);
    if (!code)
        code = print(a, records, paths, kvr_drop_twins(records, paths, count));
    kvr_free_results(records, count);
    return code;
}

int kvr_compare_history(const struct kvr_compare_arguments *a)
{
    char **paths = NULL;
    int count = list_folder(a->history, &paths), code;
    const char **order = calloc((size_t)(count > 0 ? count : 0) + 1, sizeof *order);
    for (int i = 0; order && i < count; i++)
        order[i] = paths[i];
    if (count == -ENOMEM || !order)
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    else if (count < 0)
        code = kvr_fail(KVR_EXIT_USAGE, "--history: cannot read %s: %s", a->history,
                        strerror(-count));
    else if (!count)
        code = no_result(a);
    else
        code = read_and_print(a, order, (size_t)count);
    for (char **path = paths; path && *path; path++)
        free(*path);
    free(paths);
    free(order);
    return code;
}
