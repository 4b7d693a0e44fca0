/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "places.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void add(struct kvr_places *places, const char *folder, const char *part)
{
    char *path = places->path[places->count];
    int length = snprintf(path, KVR_PLACE_BYTES, "%s/%s", folder, part);
    if (length > 0 && length < KVR_PLACE_BYTES)
        places->count++;
}

/* Shortens the program's path folder by folder; 0 if one of them has share/kvroof, else -1. */
static int beside_program(char *folder, size_t bytes)
{
    static const char share[] = "/share/kvroof";
    ssize_t length = readlink("/proc/self/exe", folder, bytes - sizeof share);
    if (length <= 0 || folder[0] != '/')
        return -1;
    folder[length] = 0;
    for (char *slash = strrchr(folder, '/'); slash; slash = strrchr(folder, '/')) {
        memcpy(slash, share, sizeof share);
        if (!access(folder, X_OK))
            return 0;
        *slash = 0;
    }
    return -1;
}

void kvr_places(const char *part, struct kvr_places *places)
{
    char folder[KVR_PLACE_BYTES];
    places->count = 0;
    if (!beside_program(folder, sizeof folder))
        add(places, folder, part);
    add(places, KVR_DATADIR, part);
}

static bool holds(const char *folder, const char *file)
{
    char path[KVR_PLACE_BYTES];
    int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    return length > 0 && (size_t)length < sizeof path && !access(path, R_OK);
}

const char *kvr_place_with(const char *file, const char *chosen, const char *part, char *buffer,
                           size_t bytes)
{
    struct kvr_places places;
    const char *found = chosen && *chosen && holds(chosen, file) ? chosen : NULL;
    kvr_places(part, &places);
    for (size_t i = 0; i < places.count && !found; i++)
        if (holds(places.path[i], file))
            found = places.path[i];
    if (!found || strlen(found) >= bytes)
        return NULL;
    memcpy(buffer, found, strlen(found) + 1);
    return buffer;
}
