/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4352 };

static int full_path(const char *root, const char *path, char full[PATH_BYTES])
{
    int length = snprintf(full, PATH_BYTES, "%s%s", root, path);
    return length < PATH_BYTES ? 0 : -ENAMETOOLONG;
}

FILE *kvr_file_open(const char *root, const char *path)
{
    char full[PATH_BYTES];
    if (full_path(root, path, full)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return fopen(full, "re");
}

bool kvr_file_exists(const char *root, const char *path)
{
    char full[PATH_BYTES];
    return full_path(root, path, full) == 0 && access(full, F_OK) == 0;
}

bool kvr_file_readable(const char *root, const char *path)
{
    char full[PATH_BYTES];
    return full_path(root, path, full) == 0 && faccessat(AT_FDCWD, full, R_OK, AT_EACCESS) == 0;
}

int kvr_file_refused(const char *root, const char *path)
{
    FILE *file = kvr_file_open(root, path);
    int error = file ? 0 : errno;
    if (file) {
        errno = 0;
        fgetc(file);
        if (ferror(file))
            error = errno ? errno : EIO;
        fclose(file);
    }
    return error == ENOENT || error == ENOTDIR ? 0 : -error;
}

int kvr_file_text(const char *root, const char *path, char *text, size_t bytes)
{
    int rc = 0;
    text[0] = '\0';
    FILE *file = kvr_file_open(root, path);
    if (!file)
        return -errno;
    errno = 0;
    size_t length = fread(text, 1, bytes - 1, file);
    if (ferror(file)) {
        rc = errno ? -errno : -EIO;
        length = 0;
    }
    fclose(file);
    text[length] = '\0';
    length = strlen(text); /* a zero byte in the file ends the text */
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return rc;
}

int kvr_parse_u64(const char *text, uint64_t *value)
{
    char *end;
    while (isspace((unsigned char)*text))
        text++;
    if (!isdigit((unsigned char)*text)) /* strtoull would take a sign */
        return -EINVAL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno)
        return -EINVAL;
    while (isspace((unsigned char)*end))
        end++;
    if (*end)
        return -EINVAL;
    *value = number;
    return 0;
}

int kvr_file_u64(const char *root, const char *path, uint64_t *value)
{
    char text[64];
    int rc = kvr_file_text(root, path, text, sizeof text);
    return rc ? rc : kvr_parse_u64(text, value);
}

/* The text after "key:" in a line, or NULL. */
static const char *after_key(const char *line, const char *key)
{
    size_t length = strlen(key);
    unsigned node;
    int skip = 0;
    if (sscanf(line, "Node %u %n", &node, &skip) == 1 && skip > 0)
        line += skip;
    if (strncmp(line, key, length))
        return NULL;
    line += length;
    line += strspn(line, " \t");
    return *line == ':' ? line + 1 : NULL;
}

int kvr_file_field(const char *root, const char *path, const char *key, char *text, size_t bytes)
{
    char *line = NULL;
    size_t capacity = 0;
    int rc = -ENOENT;
    text[0] = '\0';
    FILE *file = kvr_file_open(root, path);
    if (!file)
        return -errno;
    while (rc == -ENOENT && getline(&line, &capacity, file) > 0) {
        const char *rest = after_key(line, key);
        if (!rest)
            continue;
        rc = 0;
        snprintf(text, bytes, "%s", rest + strspn(rest, " \t"));
        for (size_t n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]);)
            text[--n] = '\0';
    }
    free(line);
    fclose(file);
    return rc;
}

int kvr_file_kib(const char *root, const char *path, const char *key, uint64_t *bytes)
{
    char text[64];
    uint64_t kib;
    int rc = kvr_file_field(root, path, key, text, sizeof text);
    if (rc)
        return rc;
    char *unit = strstr(text, "kB");
    if (!unit)
        return -EINVAL;
    *unit = '\0';
    rc = kvr_parse_u64(text, &kib);
    if (rc == 0 && kib > UINT64_MAX >> 10)
        rc = -EINVAL;
    if (rc == 0)
        *bytes = kib << 10;
    return rc;
}

int kvr_file_key(const char *root, const char *path, const char *key, uint64_t *value)
{
    char text[8192];
    size_t length = strlen(key);
    int rc = kvr_file_text(root, path, text, sizeof text);
    for (const char *line = text; rc == 0 && line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return sscanf(line + length, "%" SCNu64, value) == 1 ? 0 : -EINVAL;
    }
    return rc ? rc : -ENOENT;
}
