/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading one profile. libcyaml checks the structure; every value is taken as text and parsed with
 * the parsers of the options, because libcyaml accepts nan for a float and names no file.
 */
#include "profile_yaml.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cyaml_schema_value_t item_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, 256),
};

#define LIST(name, more)                                                                           \
    {                                                                                              \
        .key = #name, .data_offset = offsetof(struct yaml_group, name.items),                      \
        .count_offset = offsetof(struct yaml_group, name.count),                                   \
        .count_size = sizeof(((struct yaml_group *)NULL)->name.count), .value = {                  \
            .type = CYAML_SEQUENCE,                                                                \
            .flags = CYAML_FLAG_POINTER | (more),                                                  \
            .data_size = sizeof(char *),                                                           \
            .sequence = {.entry = &item_schema, .min = 1, .max = KVR_MAX_LIST}                     \
        }                                                                                          \
    }
#define TEXT(name, type)                                                                           \
    CYAML_FIELD_STRING_PTR(#name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, name, 0, 240)

static const cyaml_schema_field_t group_fields[] = {LIST(kernels, CYAML_FLAG_DEFAULT),
                                                    LIST(head_dims, CYAML_FLAG_OPTIONAL),
                                                    LIST(subspaces, CYAML_FLAG_OPTIONAL),
                                                    LIST(entries, CYAML_FLAG_OPTIONAL),
                                                    LIST(tokens, CYAML_FLAG_OPTIONAL),
                                                    LIST(layouts, CYAML_FLAG_OPTIONAL),
                                                    LIST(levels, CYAML_FLAG_OPTIONAL),
                                                    LIST(bytes, CYAML_FLAG_OPTIONAL),
                                                    LIST(threads, CYAML_FLAG_OPTIONAL),
                                                    LIST(ops, CYAML_FLAG_OPTIONAL),
                                                    LIST(codebooks, CYAML_FLAG_OPTIONAL),
                                                    LIST(codebook_residencies, CYAML_FLAG_OPTIONAL),
                                                    LIST(value_formats, CYAML_FLAG_OPTIONAL),
                                                    LIST(batches, CYAML_FLAG_OPTIONAL),
                                                    LIST(group_queries, CYAML_FLAG_OPTIONAL),
                                                    TEXT(evict, struct yaml_group),
                                                    TEXT(pages, struct yaml_group),
                                                    TEXT(mem, struct yaml_group),
                                                    CYAML_FIELD_END};

static const cyaml_schema_value_t group_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_group, group_fields),
};

static const cyaml_schema_field_t profile_fields[] = {
    TEXT(description, struct yaml_profile),
    TEXT(budget_s, struct yaml_profile),
    TEXT(rounds, struct yaml_profile),
    TEXT(min_time_s, struct yaml_profile),
    TEXT(dram_bytes, struct yaml_profile),
    TEXT(keys, struct yaml_profile),
    TEXT(ladder_points_per_octave, struct yaml_profile),
    TEXT(ceilings, struct yaml_profile),
    TEXT(deep, struct yaml_profile),
    CYAML_FIELD_SEQUENCE_COUNT("groups", CYAML_FLAG_POINTER, struct yaml_profile, groups,
                               group_count, &group_schema, 1, 64),
    CYAML_FIELD_END};

static const cyaml_schema_value_t profile_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_profile, profile_fields),
};

static const char *const keys[] = {
    "codebooks", "codebook_residencies", "value_formats", "batches", "group_queries", "evict",
    "description", "budget_s",  "rounds",    "min_time_s", "dram_bytes", "keys",    "groups",
    "kernels",     "head_dims", "subspaces", "entries",    "tokens",     "layouts", "levels",
    "bytes",       "threads",   "ops",       "pages",      "mem",    "ceilings", "deep",
    "ladder_points_per_octave"};

static void name_profile(const char *path, struct kvr_profile *profile)
{
    const char *slash = strrchr(path, '/');
    snprintf(profile->path, sizeof profile->path, "%s", path);
    snprintf(profile->name, sizeof profile->name, "%s", slash ? slash + 1 : path);
    size_t length = strlen(profile->name);
    if (length > 5 && strcmp(profile->name + length - 5, ".yaml") == 0)
        profile->name[length - 5] = '\0';
}

int kvr_profile_parse(const char *path, const char *text, size_t text_bytes,
                      struct kvr_profile *profile, char *error, size_t error_bytes)
{
    const struct yaml_source source = {path, text, text_bytes, error, error_bytes};
    cyaml_data_t *document = NULL;
    memset(profile, 0, sizeof *profile);
    profile->budget_s = profile->min_time_s = NAN;
    profile->mini_keys = true;
    name_profile(path, profile);
    int status = kvr_yaml_load(&source, &profile_schema, keys, sizeof keys / sizeof *keys,
                               "a profile needs groups", &document);
    if (status)
        return status;
    struct yaml_profile *yaml = document;
    profile->document = yaml;
    profile->groups = calloc(yaml->group_count, sizeof *profile->groups);
    if (!profile->groups) {
        snprintf(error, error_bytes, "out of memory");
        status = -ENOMEM;
        goto out;
    }
    profile->group_count = yaml->group_count;
    status = kvr_yaml_convert(&source, yaml, profile);
out:
    if (status)
        kvr_profile_free(profile);
    return status;
}

void kvr_profile_free(struct kvr_profile *profile)
{
    kvr_yaml_free(&profile_schema, profile->document);
    free(profile->groups);
    memset(profile, 0, sizeof *profile);
}
