/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof.compare/1. What cannot be told is absent.
 */
#include <errno.h>
#include <math.h>

#include "comparison.h"
#include "comparison_text.h"
#include "json.h"
#include "text.h"

static bool put_number(json_t *object, const char *key, double value)
{
    return !isfinite(value) || kvr_json_set(object, key, json_real(value));
}

static bool put_text(json_t *object, const char *key, const char *text)
{
    return !*text || kvr_json_set(object, key, kvr_json_string(text));
}

static bool put_count(json_t *object, const char *key, size_t count)
{
    return !count || kvr_json_set(object, key, json_integer((json_int_t)count));
}

static bool put_change(json_t *object, const struct kvr_change *c)
{
    static const char *const how[] = {"pairs", "welch", "spread"};
    bool good = put_text(object, "how", how[c->how]) &&
                put_number(object, "ratio", exp(c->log_ratio)) &&
                put_number(object, "spread", c->spread) &&
                put_number(object, "p_holm", c->p_holm) &&
                put_number(object, "floor", expm1(c->floor)) &&
                put_count(object, "base_processes", c->base_count) &&
                put_count(object, "new_processes", c->new_count) &&
                put_count(object, "needed", c->needed);
    if (good && isfinite(c->low) && isfinite(c->high))
        good = kvr_json_set(object, "interval", json_pack("[f,f]", exp(c->low), exp(c->high)));
    return good;
}

static json_t *case_json(const struct kvr_compared_case *c)
{
    json_t *object = json_object();
    bool good = object && put_text(object, "name", c->name) &&
                put_text(object, "new_name", c->new_name) &&
                put_text(object, "outcome", kvr_outcome_names[c->change.outcome]) &&
                put_number(object, "base_ns_per_key", c->base_ns) &&
                put_number(object, "new_ns_per_key", c->new_ns) &&
                put_number(object, "threshold", c->threshold) &&
                put_change(object, &c->change) &&
                kvr_json_set(object, "normalised", json_boolean(c->normalised)) &&
                put_text(object, "base_verdict", c->base_verdict) &&
                put_text(object, "new_verdict", c->new_verdict) &&
                kvr_json_set(object, "verdict_changed", json_boolean(kvr_verdict_changed(c)));
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *lone_json(const struct kvr_lone_case *lone, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < count; i++) {
        json_t *object = json_object();
        if (!object || !put_text(object, "name", lone[i].name) ||
            !put_text(object, "why", lone[i].why)) {
            json_decref(object);
            object = NULL;
        }
        if (!kvr_json_append(array, object)) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static bool put_sentinel(json_t *object, const struct kvr_comparison *k)
{
    if (!k->sentinel_known)
        return true;
    json_t *sentinel = json_object();
    bool good = sentinel && put_change(sentinel, &k->sentinel) &&
                kvr_json_set(sentinel, "changed", json_boolean(k->sentinel_changed));
    if (good)
        return kvr_json_set(object, "sentinel", sentinel);
    json_decref(sentinel);
    return false;
}

static bool put_lists(json_t *object, const struct kvr_comparison *k)
{
    json_t *cases = json_array(), *notes = json_array();
    bool good = cases && notes;
    for (size_t i = 0; good && i < k->case_count; i++)
        good = kvr_json_append(cases, case_json(&k->cases[i]));
    for (size_t i = 0; good && i < sizeof k->notes / sizeof *k->notes && k->notes[i][0]; i++)
        good = kvr_json_append(notes, kvr_json_string(k->notes[i]));
    good = good && !json_object_set(object, "cases", cases) &&
           !json_object_set(object, "notes", notes) &&
           kvr_json_set(object, "missing", lone_json(k->missing, k->missing_count)) &&
           kvr_json_set(object, "added", lone_json(k->added, k->added_count));
    json_decref(cases);
    json_decref(notes);
    return good;
}

static json_t *comparison_json(const struct kvr_comparison *k)
{
    json_t *object = json_object();
    bool good = object && put_text(object, "base", k->base) &&
                put_text(object, "new", k->other) &&
                put_text(object, "outcome", kvr_outcome_names[k->outcome]) &&
                kvr_json_set(object, "pairs", json_boolean(k->pairs)) &&
                put_number(object, "level", k->level) && put_count(object, "looks", k->looks) &&
                put_count(object, "base_processes", k->base_processes) &&
                put_count(object, "new_processes", k->new_processes) &&
                put_number(object, "floor", k->floor) &&
                put_number(object, "worst_floor", k->worst_floor) && put_sentinel(object, k) &&
                put_lists(object, k);
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

int kvr_put_comparisons_json(FILE *out, const struct kvr_comparison *comparisons, size_t count)
{
    json_t *root = json_pack("{s:s}", "schema", "kvroof.compare/1"), *array = json_array();
    bool good = root && array;
    enum kvr_outcome outcome = KVR_OK;
    for (size_t i = 0; good && i < count; i++) {
        outcome = kvr_worse_outcome(outcome, comparisons[i].outcome);
        good = kvr_json_append(array, comparison_json(&comparisons[i]));
    }
    good = good && put_text(root, "outcome", kvr_outcome_names[outcome]) &&
           !json_object_set(root, "comparisons", array);
    int rc = good ? kvr_json_put_document(out, root) : -ENOMEM;
    json_decref(array);
    json_decref(root);
    return rc;
}
