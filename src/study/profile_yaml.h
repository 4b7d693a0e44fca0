/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/study only: a profile as libcyaml gives it (profile.c), and its conversion to numbers
 * (profile_values.c).
 */
#ifndef KVR_PROFILE_YAML_H
#define KVR_PROFILE_YAML_H

#include "profile.h"

struct yaml_list { char **items; unsigned count; };

struct yaml_group {
    struct yaml_list kernels, head_dims, subspaces, entries, tokens, layouts, levels, bytes,
        threads, ops, codebooks, codebook_residencies, batches, group_queries;
    char *pages, *mem, *evict;
};

struct yaml_profile {
    char *description, *budget_s, *rounds, *min_time_s, *dram_bytes, *keys;
    char *ladder_points_per_octave, *ceilings, *deep;
    struct yaml_group *groups;
    unsigned group_count;
};

/* The document, for messages. */
struct yaml_source {
    const char *path, *text;
    size_t text_bytes;
    char *error;
    size_t error_bytes;
};

/* The line, from 1, on which `value` stands under the nth (from 0) `key:` of the document; the
 * key's own line if the value is "" or written otherwise; 0 if there is no such key. */
unsigned kvr_yaml_line(const struct yaml_source *source, const char *key, unsigned nth,
                       const char *value);
/* -EINVAL with a sentence: file, that line, key, value, and why it is refused. */
int kvr_yaml_bad(const struct yaml_source *source, const char *key, unsigned nth,
                       const char *value, const char *why);
/* The whole text of a YAML file, owned by the caller, not terminated. 0 or -errno with a sentence;
 * -EINVAL: larger than 1 MiB. */
int kvr_yaml_read(const char *path, char **text, size_t *bytes, char *error, size_t error_bytes);
/* Fills profile's values and its groups, which are allocated. 0 or -EINVAL with the error set. */
int kvr_yaml_convert(const struct yaml_source *source, const struct yaml_profile *yaml,
                     struct kvr_profile *profile);

#endif
