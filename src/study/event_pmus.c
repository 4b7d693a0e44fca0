/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event_pmus.h"

#include <dirent.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../machine/files.h"

#define DEVICES "/sys/bus/event_source/devices"

static void add(struct kvr_pmus *pmus, const char *name, uint32_t type)
{
    snprintf(pmus->names[pmus->count], sizeof *pmus->names, "%.29s", name);
    pmus->types[pmus->count++] = type;
}

static void add_device(const char *root, const char *name, struct kvr_pmus *pmus)
{
    char path[128];
    uint64_t type;
    snprintf(path, sizeof path, DEVICES "/%.29s/type", name);
    if (!kvr_file_u64(root, path, &type))
        add(pmus, name, (uint32_t)type);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

/* Devices whose names have `bytes` of the pattern and then a number. */
static void add_family(const char *root, const char *pattern, size_t bytes, struct kvr_pmus *pmus)
{
    char folder[512];
    struct dirent **entries = NULL;
    snprintf(folder, sizeof folder, "%s" DEVICES, root);
    int count = scandir(folder, &entries, NULL, by_number);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name, *number = name + bytes;
        if (!strncmp(name, pattern, bytes) && *number && !number[strspn(number, "0123456789")] &&
            strlen(name) < sizeof *pmus->names && pmus->count < KVR_MAX_PMUS)
            add_device(root, name, pmus);
        free(entries[i]);
    }
    free(entries);
}

void kvr_pmus_find(const char *root, const char *pattern, struct kvr_pmus *pmus)
{
    size_t bytes = strlen(pattern);
    pmus->count = 0;
    if (!strcmp(pattern, "hardware"))
        add(pmus, pattern, PERF_TYPE_HARDWARE);
    else if (!strcmp(pattern, "raw"))
        add(pmus, pattern, PERF_TYPE_RAW);
    else if (bytes && pattern[bytes - 1] == '*')
        add_family(root, pattern, bytes - 1, pmus);
    else
        add_device(root, pattern, pmus);
}
