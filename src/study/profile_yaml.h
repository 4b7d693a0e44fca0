/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/study only: a profile as libcyaml gives it (profile.c), and its conversion to numbers
 * (profile_values.c).
 */
#ifndef KVR_PROFILE_YAML_H
#define KVR_PROFILE_YAML_H

#include "../data/places.h"
#include "profile.h"
#include "yaml_file.h"

struct yaml_list { char **items; unsigned count; };

struct yaml_group {
    struct yaml_list kernels, head_dims, subspaces, entries, tokens, layouts, levels, bytes,
        threads, ops, codebooks, codebook_residencies, value_formats, batches, group_queries;
    char *pages, *mem, *evict;
};

struct yaml_profile {
    char *description, *budget_s, *rounds, *min_time_s, *dram_bytes, *keys;
    char *ladder_points_per_octave, *ceilings, *deep;
    struct yaml_group *groups;
    unsigned group_count;
};

/* Fills profile's values and its groups, which are allocated. 0 or -EINVAL with the error set. */
int kvr_yaml_convert(const struct yaml_source *source, const struct yaml_profile *yaml,
                     struct kvr_profile *profile);

/* Where YAML files may lie, the user's own folder first; "": there is none here. */
enum { KVR_PROFILE_FOLDERS = KVR_MAX_PLACES + 2 };
struct kvr_profile_folders { char path[KVR_PROFILE_FOLDERS][KVR_PLACE_BYTES]; };
void kvr_profile_folders(struct kvr_profile_folders *folders);

#endif
