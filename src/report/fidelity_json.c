/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof.fidelity/1.
 */
#include <math.h>
#include <stdlib.h>

#include "fidelity.h"
#include "fidelity_write.h"
#include "json.h"

/* Absent where it is NAN. */
static bool put_real(json_t *object, const char *key, double value)
{
    return !isfinite(value) || kvr_json_set(object, key, json_real(value));
}

/* Metrics as an object; those of `only` (0: all, 1: that rise, -1: that fall). */
static bool put_metrics(json_t *object, const char *key, const double *values, int only,
                        double skill)
{
    json_t *metrics = json_object();
    bool good = metrics != NULL;
    for (size_t k = 0; good && k < KVR_METRICS; k++) {
        if (only && kvr_metric_rises((enum kvr_metric)k) != (only > 0))
            continue;
        good = put_real(metrics, kvr_metric_names[k], values[k]);
    }
    good = good && put_real(metrics, "skill", skill);
    if (good && json_object_size(metrics))
        return kvr_json_set(object, key, metrics);
    json_decref(metrics);
    return good;
}

static bool put_index(json_t *object, const char *key, int32_t index)
{
    return kvr_json_set(object, key, index == KVR_FIDELITY_ALL ? json_string("all")
                                                               : json_integer(index));
}

static bool put_identity(json_t *o, const struct kvr_fidelity_row *row)
{
    bool good = put_index(o, "layer", row->layer) && put_index(o, "head", row->head) &&
                kvr_json_set(o, "text", kvr_json_string(row->text)) &&
                kvr_json_set(o, "codec", json_string(row->codec));
    if (good && row->subspaces)
        good = kvr_json_set(o, "subspaces", json_integer(row->subspaces)) &&
               kvr_json_set(o, "entries", json_integer(row->entries));
    if (good && *row->table)
        good = kvr_json_set(o, "table", json_string(row->table));
    if (good && *row->calibration)
        good = kvr_json_set(o, "calibration", kvr_json_string(row->calibration));
    if (good && row->before_rope)
        good = kvr_json_set(o, "coded", json_string("before-rope"));
    if (good && row->rope_pairs)
        good = kvr_json_set(o, "channel_order", json_string("rope-pairs"));
    if (good && row->skip_sinks)
        good = kvr_json_set(o, "skip_sinks", json_integer(row->skip_sinks));
    if (good && row->leaking)
        good = kvr_json_set(o, "flags", json_pack("[s]", "leaking"));
    return good && kvr_json_set(o, "tokens", json_integer(row->tokens));
}

static json_t *row_json(const struct kvr_fidelity_row *row)
{
    json_t *o = json_object();
    bool good = o && put_identity(o, row) && put_real(o, "bytes_per_key", row->bytes_per_key) &&
                put_real(o, "key_squared_error", row->key_squared_error);
    for (size_t k = 0; good && k < KVR_METRICS; k++)
        good = put_real(o, kvr_metric_names[k], row->mean[k]);
    good = good && put_real(o, "skill", row->skill) &&
           put_metrics(o, "worst_head", row->worst_head, 0, row->worst_skill) &&
           put_metrics(o, "p5", row->tail, 1, NAN) && put_metrics(o, "p95", row->tail, -1, NAN) &&
           put_metrics(o, "std", row->std, 0, NAN) &&
           put_metrics(o, "seed_spread", row->seed_spread, 0, NAN) &&
           kvr_json_set(o, "seeds", json_integer(row->seeds));
    if (good)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *list_json(char *const *texts, size_t count)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = kvr_json_append(list, kvr_json_string(texts[i]));
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

static bool put_calibration(json_t *root, const struct kvr_fidelity_record *r)
{
    json_t *object = json_object();
    bool good = object &&
                kvr_json_set(object, "files",
                             list_json(r->calibration_files, r->calibration_file_count)) &&
                kvr_json_set(object, "keys", json_integer((json_int_t)r->calibration_keys));
    if (good)
        return kvr_json_set(root, "calibration", object);
    json_decref(object);
    return false;
}

static bool put_absent(json_t *root, const struct kvr_fidelity_record *r)
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (size_t i = 0; good && i < r->absent_count; i++)
        good = kvr_json_set(object, r->absent[i].name, kvr_json_string(r->absent[i].why));
    if (good)
        return kvr_json_set(root, "unavailable", object);
    json_decref(object);
    return false;
}

json_t *kvr_fidelity_json(const struct kvr_fidelity_record *r)
{
    json_t *root = json_object(), *rows = json_array();
    bool good = root && rows && kvr_json_set(root, "schema", json_string("kvroof.fidelity/1")) &&
                kvr_json_set(root, "tokens", json_integer(r->tokens)) &&
                kvr_json_set(root, "first_query", json_integer(r->first_query)) &&
                (!r->head_dim || kvr_json_set(root, "head_dim", json_integer(r->head_dim))) &&
                kvr_json_set(root, "seeds", json_integer(r->seeds)) &&
                kvr_json_set(root, "files", list_json(r->files, r->file_count)) &&
                put_calibration(root, r) && put_absent(root, r) &&
                put_real(root, "training_s", r->training_s) &&
                put_real(root, "duration_s", r->duration_s);
    for (size_t i = 0; good && i < r->row_count; i++)
        good = kvr_json_append(rows, row_json(&r->rows[i]));
    good = good && json_object_set(root, "rows", rows) == 0;
    json_decref(rows);
    if (good)
        return root;
    json_decref(root);
    return NULL;
}
