/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which event file is this machine's: all of a folder are read, the best one is kept.
 */
#include "event_set.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile_yaml.h"

static int is_yaml(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && !strcmp(dot, ".yaml") && *entry->d_name != '.';
}

/* Keeps the file's set in *best if it fits better than what is there. */
static int consider(const char *path, const struct kvr_machine *machine,
                    struct kvr_event_set *best, enum kvr_event_fit *best_fit, char *error,
                    size_t error_bytes)
{
    char *text = NULL;
    size_t bytes = 0;
    struct kvr_event_set set = {.count = 0};
    enum kvr_event_fit fit = KVR_FITS_NOT;
    int status = kvr_yaml_read(path, &text, &bytes, error, error_bytes);
    if (!status)
        status = kvr_event_set_parse(path, text, bytes, machine, &set, &fit, error, error_bytes);
    free(text);
    if (!status && fit > *best_fit) {
        kvr_event_set_free(best);
        *best = set;
        *best_fit = fit;
        return 0;
    }
    kvr_event_set_free(&set);
    return status;
}

int kvr_events_load_from(const char *folder, const struct kvr_machine *machine,
                         struct kvr_event_set *set, char *error, size_t error_bytes)
{
    struct dirent **entries = NULL;
    enum kvr_event_fit fit = KVR_FITS_NOT;
    memset(set, 0, sizeof *set);
    int count = scandir(folder, &entries, is_yaml, alphasort), status = 0;
    for (int i = 0; i < count; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (!status)
            status = consider(path, machine, set, &fit, error, error_bytes);
        free(entries[i]);
    }
    free(entries);
    if (!status && fit == KVR_FITS_NOT) {
        snprintf(error, error_bytes, "%s: there is no event file for this machine", folder);
        status = -ENOENT;
    }
    if (status)
        kvr_event_set_free(set);
    return status;
}

int kvr_events_load(const struct kvr_machine *machine, struct kvr_event_set *set, char *error,
                    size_t error_bytes)
{
    char folders[KVR_PROFILE_FOLDERS][KVR_PLACE_BYTES], folder[KVR_PLACE_BYTES + 16];
    int status = -ENOENT;
    kvr_profile_folders(folders);
    for (size_t i = 0; i < KVR_PROFILE_FOLDERS && status == -ENOENT; i++) {
        snprintf(folder, sizeof folder, "%.1023s/events", folders[i]);
        if (*folders[i])
            status = kvr_events_load_from(folder, machine, set, error, error_bytes);
    }
    return status;
}
