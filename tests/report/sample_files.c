/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files and folders of the tests of src/report.
 */
#include "sample.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *sample_read(const char *path, size_t *bytes)
{
    FILE *in = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    if (!in)
        return NULL;
    FILE *out = open_memstream(&text, &size);
    for (int c = getc(in); out && c != EOF; c = getc(in))
        putc(c, out);
    fclose(in);
    if (out)
        fclose(out);
    if (bytes)
        *bytes = size;
    return text;
}

void sample_write(const char *path, const void *text, size_t bytes)
{
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(text, 1, bytes, out) != bytes || fclose(out))
        perror(path);
}

void sample_folder(char *path, size_t bytes)
{
    const char *parent = getenv("TMPDIR");
    snprintf(path, bytes, "%s/kvroof-report-XXXXXX", parent ? parent : P_tmpdir);
    if (!mkdtemp(path))
        perror(path);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

void sample_folder_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
