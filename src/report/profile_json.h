/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The merged profile of a run as JSON text, for the record. The structs here mirror a profile's
 * fields in plain terms, so that report/ knows nothing of study/.
 */
#ifndef KVR_PROFILE_JSON_H
#define KVR_PROFILE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KVR_JSON_AXES = 18 };

/* One axis of a group: `texts`, or else `numbers` or `wide_numbers`. A number UINT32_MAX of
 * `numbers` is written as "max". An axis without values is left out. */
struct kvr_json_axis {
    const char *key;
    const char *const *texts;
    const uint32_t *numbers;
    const uint64_t *wide_numbers;
    size_t count;
};

struct kvr_json_group { struct kvr_json_axis axes[KVR_JSON_AXES]; size_t axis_count; };

struct kvr_json_profile {
    const char *name, *path, *description, *keys; /* NULL or "": left out */
    double budget_s, min_time_s;                  /* NAN: left out */
    uint32_t rounds;
    uint64_t dram_bytes;
    uint32_t ladder_points_per_octave;            /* 0: left out */
    const char *ceilings;                         /* NULL: left out */
    bool deep;                                    /* false: left out */
    const struct kvr_json_axis *isa;              /* NULL: left out */
    const struct kvr_json_group *groups; size_t group_count;
};

/* Compact JSON object; free with free(). A path that is not UTF-8 is left out. NULL: out of memory,
 * or another text that is not UTF-8. */
char *kvr_profile_json(const struct kvr_json_profile *profile);

#endif
