/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where profiles lie: the user's own come before the installed ones, so that a copy can be edited.
 */
#include "profile_yaml.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PROFILES = 128 };

static const char suffix[] = ".yaml";

void kvr_profile_folders(char folders[KVR_PROFILE_FOLDERS][KVR_PLACE_BYTES])
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    struct kvr_places places;
    memset(folders, 0, KVR_PROFILE_FOLDERS * sizeof *folders);
    if (config && *config)
        snprintf(folders[0], sizeof *folders, "%s/kvroof", config);
    else if (home && *home)
        snprintf(folders[0], sizeof *folders, "%s/.config/kvroof", home);
    kvr_places("profiles", &places);
    memcpy(folders[1], places.path, places.count * sizeof *places.path);
    snprintf(folders[KVR_PROFILE_FOLDERS - 1], sizeof *folders, "profiles");
}

static bool has_suffix(const char *name)
{
    size_t length = strlen(name), bytes = sizeof suffix - 1;
    return length > bytes && strcmp(name + length - bytes, suffix) == 0;
}

struct names {
    char *names[MAX_PROFILES], *paths[MAX_PROFILES];
    size_t count;
};

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->names[i]);
        free(names->paths[i]);
    }
    names->count = 0;
}

/* Keeps the list sorted; a name that an earlier folder has hides this one. */
static int add_name(struct names *names, const char *folder, const char *file)
{
    size_t at = 0;
    char *name = strndup(file, strlen(file) - (sizeof suffix - 1)), *path = NULL;
    if (!name || asprintf(&path, "%s/%s", folder, file) < 0) {
        free(name);
        return -ENOMEM;
    }
    while (at < names->count && strcmp(names->names[at], name) < 0)
        at++;
    if (names->count == MAX_PROFILES ||
        (at < names->count && strcmp(names->names[at], name) == 0)) {
        free(name);
        free(path);
        return 0;
    }
    memmove(&names->names[at + 1], &names->names[at], (names->count - at) * sizeof *names->names);
    memmove(&names->paths[at + 1], &names->paths[at], (names->count - at) * sizeof *names->paths);
    names->names[at] = name;
    names->paths[at] = path;
    names->count++;
    return 0;
}

static int collect_names(struct names *names)
{
    char folders[KVR_PROFILE_FOLDERS][KVR_PLACE_BYTES];
    int status = 0;
    kvr_profile_folders(folders);
    for (size_t f = 0; f < KVR_PROFILE_FOLDERS && !status; f++) {
        DIR *folder = *folders[f] ? opendir(folders[f]) : NULL;
        const struct dirent *entry = NULL;
        while (folder && !status && (entry = readdir(folder))) {
            if (has_suffix(entry->d_name) && entry->d_name[0] != '.')
                status = add_name(names, folders[f], entry->d_name);
        }
        if (folder)
            closedir(folder);
    }
    if (status)
        free_names(names);
    return status;
}

static int load_path(const char *path, struct kvr_profile *profile, char *error, size_t error_bytes)
{
    char *text = NULL;
    size_t bytes = 0;
    int status = kvr_yaml_read(path, &text, &bytes, error, error_bytes);
    if (!status)
        status = kvr_profile_parse(path, text, bytes, profile, error, error_bytes);
    free(text);
    return status;
}

int kvr_profile_load(const char *name, struct kvr_profile *profile, char *error, size_t error_bytes)
{
    struct names names = {.count = 0};
    memset(profile, 0, sizeof *profile);
    if (strchr(name, '/') || has_suffix(name))
        return load_path(name, profile, error, error_bytes);
    int status = collect_names(&names);
    if (status) {
        snprintf(error, error_bytes, "out of memory");
        return status;
    }
    status = -ENOENT;
    for (size_t i = 0; i < names.count && status == -ENOENT; i++) {
        if (strcmp(names.names[i], name) == 0)
            status = load_path(names.paths[i], profile, error, error_bytes);
    }
    if (!names.count) {
        struct kvr_places places;
        kvr_places("profiles", &places);
        snprintf(error, error_bytes, "--profile: no profile was found, neither beside the program "
                 "nor in %.200s: install all of it, or give a profile's path",
                 places.path[places.count - 1]);
    } else if (status == -ENOENT) {
        const char *nearest = kvr_nearest(name, (const char *const *)names.names, names.count);
        snprintf(error, error_bytes, "--profile: there is no profile '%.60s'%s%s%s", name,
                 nearest ? "; did you mean " : "; `kvroof list profiles` names them",
                 nearest ? nearest : "", nearest ? "?" : "");
    }
    free_names(&names);
    return status;
}

int kvr_profiles_list(void (*each)(const char *name, const char *description, const char *path,
                                   void *arg),
                      void *arg)
{
    struct names names = {.count = 0};
    int status = collect_names(&names);
    for (size_t i = 0; i < names.count; i++) {
        struct kvr_profile profile = {.groups = NULL};
        char error[400] = "";
        if (load_path(names.paths[i], &profile, error, sizeof error))
            each(names.names[i], error, names.paths[i], arg);
        else
            each(names.names[i], profile.description, names.paths[i], arg);
        kvr_profile_free(&profile);
    }
    free_names(&names);
    return status;
}
