/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *root_make(void)
{
    const char *folder = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/kvroof-root-XXXXXX", folder && folder[0] ? folder : P_tmpdir) < 0)
        fail_msg("out of memory");
    if (!mkdtemp(path))
        fail_msg("cannot make %s", path);
    return path;
}

void root_put(const char *root, const char *path, const char *text)
{
    root_put_bytes(root, path, text, strlen(text));
}

void root_put_bytes(const char *root, const char *path, const void *data, size_t bytes)
{
    char full[1024];
    int length = snprintf(full, sizeof full, "%s%s", root, path);
    assert_true(length > 0 && length < (int)sizeof full);
    for (char *c = full + strlen(root) + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        mkdir(full, 0700); /* it may be there already */
        *c = '/';
    }
    FILE *file = fopen(full, "w");
    if (!file)
        fail_msg("cannot write %s", full);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

void root_remove(char *root)
{
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(root);
}

const struct kvr_check *check_of(const struct kvr_checks *checks, const char *id)
{
    for (size_t i = 0; i < checks->count; i++)
        if (strcmp(checks->items[i].id, id) == 0)
            return &checks->items[i];
    fail_msg("no check %s", id);
    return NULL;
}

void use_synthetic(const char *description)
{
    if (description)
        setenv("HWLOC_SYNTHETIC", description, 1);
    else
        unsetenv("HWLOC_SYNTHETIC");
}
