/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "profile_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static json_t *axis_item(const struct kvr_json_axis *axis, size_t i)
{
    if (axis->texts)
        return json_string(axis->texts[i]);
    if (axis->numbers && axis->numbers[i] == UINT32_MAX)
        return json_string("max");
    return json_integer((json_int_t)(axis->numbers ? axis->numbers[i] : axis->wide_numbers[i]));
}

/* 0 or -1, as jansson's functions return; a value that could not be made counts as -1. */
static int set_axis(json_t *object, const struct kvr_json_axis *axis)
{
    if (!axis->count)
        return 0;
    json_t *list = json_array();
    int status = list ? 0 : -1;
    for (size_t i = 0; i < axis->count && !status; i++)
        status = json_array_append_new(list, axis_item(axis, i));
    if (status) {
        json_decref(list);
        return status;
    }
    return json_object_set_new(object, axis->key, list);
}

static int set_text(json_t *object, const char *key, const char *text)
{
    return text && *text ? json_object_set_new(object, key, json_string(text)) : 0;
}

static int set_groups(json_t *object, const struct kvr_json_profile *profile)
{
    json_t *groups = json_array();
    int status = groups ? 0 : -1;
    for (size_t g = 0; g < profile->group_count && !status; g++) {
        json_t *group = json_object();
        status = group ? 0 : -1;
        for (size_t a = 0; a < profile->groups[g].axis_count && !status; a++)
            status = set_axis(group, &profile->groups[g].axes[a]);
        if (status)
            json_decref(group);
        else
            status = json_array_append_new(groups, group);
    }
    if (status) {
        json_decref(groups);
        return status;
    }
    return json_object_set_new(object, "groups", groups);
}

char *kvr_profile_json(const struct kvr_json_profile *profile)
{
    char *text = NULL;
    json_t *object = json_object();
    int status = object ? 0 : -1;
    if (!status)
        status = set_text(object, "name", profile->name);
    if (!status)
        (void)set_text(object, "path", profile->path); /* a path need not be UTF-8 */
    if (!status)
        status = set_text(object, "description", profile->description);
    if (!status)
        status = set_text(object, "keys", profile->keys);
    if (!status && isfinite(profile->budget_s))
        status = json_object_set_new(object, "budget_s", json_real(profile->budget_s));
    if (!status && isfinite(profile->min_time_s))
        status = json_object_set_new(object, "min_time_s", json_real(profile->min_time_s));
    if (!status && profile->rounds)
        status = json_object_set_new(object, "rounds", json_integer(profile->rounds));
    if (!status && profile->dram_bytes)
        status = json_object_set_new(object, "dram_bytes",
                                     json_integer((json_int_t)profile->dram_bytes));
    if (!status && profile->ladder_points_per_octave)
        status = json_object_set_new(object, "ladder_points_per_octave",
                                     json_integer(profile->ladder_points_per_octave));
    if (!status)
        status = set_text(object, "ceilings", profile->ceilings);
    if (!status && profile->deep)
        status = json_object_set_new(object, "deep", json_true());
    if (!status && profile->isa)
        status = set_axis(object, profile->isa);
    if (!status)
        status = set_groups(object, profile);
    if (!status)
        text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}
