/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "interrupts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A column of ten characters for each CPU in some hundred lines. */
enum { MOST_BYTES = 1 << 22, FIRST_BYTES = 1 << 14 };

/* The file from its start, as text. */
static int load(struct kvr_interrupts *x)
{
    size_t have = 0;
    for (;;) {
        if (have + 1 >= x->bytes) {
            char *more = x->bytes < MOST_BYTES ? realloc(x->text, 2 * x->bytes) : NULL;
            if (!more)
                return -ENOMEM;
            x->text = more;
            x->bytes *= 2;
        }
        ssize_t got = pread(x->fd, x->text + have, x->bytes - 1 - have, (off_t)have);
        if (got < 0)
            return -errno;
        if (!got)
            break;
        have += (size_t)got;
    }
    x->text[have] = 0;
    return 0;
}

int kvr_interrupts_open(struct kvr_interrupts *x, const char *path)
{
    *x = (struct kvr_interrupts){.fd = open(path, O_RDONLY | O_CLOEXEC), .bytes = FIRST_BYTES};
    int rc = x->fd < 0 ? -errno : 0;
    x->text = rc ? NULL : malloc(x->bytes);
    if (!rc)
        rc = x->text ? load(x) : -ENOMEM;
    if (rc)
        kvr_interrupts_close(x);
    return rc;
}

void kvr_interrupts_close(struct kvr_interrupts *x)
{
    if (x->fd >= 0)
        close(x->fd);
    free(x->text);
    *x = (struct kvr_interrupts){.fd = -1};
}

static bool wanted(const uint32_t *cpus, size_t cpu_count, uint32_t cpu)
{
    for (size_t i = 0; i < cpu_count; i++)
        if (cpus[i] == cpu)
            return true;
    return false;
}

enum { MOST_COLUMNS = 4096 };

/* "CPU0 CPU2 ...": which columns are wanted. The number of columns. */
static size_t read_head(const char *line, const char *end, const uint32_t *cpus, size_t cpu_count,
                        bool *take, size_t *taken)
{
    size_t columns = 0;
    *taken = 0;
    while (columns < MOST_COLUMNS && (line = strstr(line, "CPU")) && line < end) {
        char *after;
        uint32_t cpu = (uint32_t)strtoul(line + 3, &after, 10);
        take[columns] = wanted(cpus, cpu_count, cpu);
        *taken += take[columns++];
        line = after;
    }
    return columns;
}

/* "LOC:  12  34  Local timer interrupts"; lines of fewer columns (ERR) belong to no CPU. */
static uint64_t read_line(const char *line, size_t columns, const bool *take)
{
    uint64_t sum = 0;
    const char *at = strchr(line, ':');
    if (!at)
        return 0;
    at++;
    for (size_t c = 0; c < columns; c++) {
        char *after;
        unsigned long long n = strtoull(at, &after, 10);
        if (after == at)
            return 0;
        sum += take[c] ? n : 0;
        at = after;
    }
    return sum;
}

int kvr_interrupts_read(struct kvr_interrupts *x, const uint32_t *cpus, size_t cpu_count,
                        uint64_t *count)
{
    bool take[MOST_COLUMNS];
    size_t taken;
    int rc = load(x);
    char *end = rc ? NULL : strchr(x->text, '\n');
    if (!end)
        return rc ? rc : -EINVAL;
    size_t columns = read_head(x->text, end, cpus, cpu_count, take, &taken);
    if (taken != cpu_count)
        return -ENODEV;
    *count = 0;
    for (char *line = end + 1; *line; line = end + 1) {
        end = strchr(line, '\n');
        if (!end)
            break;
        *end = 0; /* numbers must not be read on into the next line */
        *count += read_line(line, columns, take);
    }
    return 0;
}
