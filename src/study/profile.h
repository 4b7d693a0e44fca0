/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Profiles: which cases a run measures, as YAML. A profile holds groups; the axes of a group
 * multiply out. A group's missing axis has a default (see profile_values.c).
 */
#ifndef KVR_PROFILE_H
#define KVR_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

struct kvr_group {
    const char *kernels[KVR_MAX_LIST]; size_t kernel_count;   /* globs */
    uint32_t head_dims[KVR_MAX_LIST]; size_t head_dim_count;
    uint32_t subspaces[KVR_MAX_LIST]; size_t subspace_count;  /* lookup codecs only */
    uint32_t entries[KVR_MAX_LIST]; size_t entry_count;       /* lookup codecs only */
    uint32_t tokens[KVR_MAX_LIST]; size_t tokens_count;
    const char *layouts[KVR_MAX_LIST]; size_t layout_count;   /* heads, contiguous, pages:N */
    const char *levels[KVR_MAX_LIST]; size_t level_count;     /* L1 L2 L3 DRAM */
    uint64_t bytes[KVR_MAX_LIST]; size_t bytes_count;         /* besides the levels */
    uint32_t threads[KVR_MAX_LIST]; size_t thread_count;      /* UINT32_MAX: max */
    const char *ops[KVR_MAX_LIST]; size_t op_count;           /* scan, step, attention */
    /* Of look-up codecs in step and attention only: */
    const char *codebooks[KVR_MAX_LIST]; size_t codebook_count;    /* f16, f32 */
    const char *residencies[KVR_MAX_LIST]; size_t residency_count; /* cold, warm */
    const char *value_formats[KVR_MAX_LIST]; size_t value_format_count; /* of attention */
    uint32_t batches[KVR_MAX_LIST]; size_t batch_count;            /* of step and attention */
    uint32_t group_queries[KVR_MAX_LIST]; size_t group_query_count;
    bool evict_given; uint64_t evict_bytes;
    enum kvr_pages pages;
    enum kvr_mem_policy mem; uint32_t mem_node;
};

struct kvr_profile {
    char name[64], path[512], description[256];
    double budget_s;      /* NAN: none */
    double min_time_s;    /* NAN: not given */
    uint32_t rounds;      /* 0: not given */
    uint64_t dram_bytes;  /* working set of level DRAM, one arena half; 0: not given */
    uint32_t ladder_points_per_octave; /* 0: not given */
    bool full_ceilings;   /* ceilings: full */
    bool deep;
    bool mini_keys;       /* keys: mini (also when not given) */
    struct kvr_group *groups; size_t group_count; /* owned */
    void *document;       /* owned: the strings above point into it */
};

/* Finds and reads a profile. `name` with a slash or ending in .yaml is a path; else NAME.yaml is
 * searched in $XDG_CONFIG_HOME/kvroof (or ~/.config/kvroof), the installed profiles, the source
 * tree's, and ./profiles. 0; -ENOENT: no such profile (error offers the nearest name); -EINVAL:
 * bad content, error = "FILE, line N: ..."; -errno of reading. */
int kvr_profile_load(const char *name, struct kvr_profile *profile, char *error,
                     size_t error_bytes);
/* Parses YAML text; `path` is used in messages and to name the profile. 0, -EINVAL or -ENOMEM. */
int kvr_profile_parse(const char *path, const char *text, size_t text_bytes,
                      struct kvr_profile *profile, char *error, size_t error_bytes);
void kvr_profile_free(struct kvr_profile *profile);

/* Calls each() for every profile that a name can load, in alphabetical order; description is the
 * reason when the file cannot be used. 0 or -ENOMEM. */
int kvr_profiles_list(void (*each)(const char *name, const char *description, const char *path,
                                   void *arg), void *arg);

#endif
