/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { PATH_BYTES = 1024 };

int kvr_make_folder(const char *folder)
{
    char path[PATH_BYTES];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s", folder);
    if (n <= 0)
        return -ENOENT;
    if ((size_t)n >= sizeof path)
        return -ENAMETOOLONG;
    for (char *c = path + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = 0;
        if (mkdir(path, 0777) && errno != EEXIST)
            return -errno;
        *c = '/';
    }
    if (mkdir(path, 0777) && errno != EEXIST)
        return -errno;
    if (stat(path, &st))
        return -errno;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}
