/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "json.h"

static json_t *object_of(const struct kvr_field *fields, const void *base)
{
    json_t *object = json_object();
    return kvr_json_made(object, object && kvr_json_put(object, fields, base));
}

/* An array of objects, one per item. */
static json_t *array_of(const struct kvr_field *fields, const void *items, size_t count,
                        size_t item_bytes)
{
    json_t *array = json_array();
    bool good = array != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = kvr_json_append(array, object_of(fields, (const char *)items + i * item_bytes));
    return kvr_json_made(array, good);
}

static json_t *string_array(char *const *strings)
{
    json_t *array = json_array();
    bool good = array != NULL;
    for (; good && strings && *strings; strings++)
        good = kvr_json_append(array, kvr_json_string(*strings));
    return kvr_json_made(array, good);
}

static json_t *features(uint64_t bits)
{
    json_t *array = json_array();
    bool good = array != NULL;
    for (unsigned i = 0; good && i < kvr_isa_bit_count(); i++)
        if (bits >> i & 1)
            good = kvr_json_append(array, json_string(kvr_isa_bit_name(UINT64_C(1) << i)));
    return kvr_json_made(array, good);
}

static json_t *caches(const struct kvr_machine *machine)
{
    json_t *array = array_of(kvr_cache_fields, machine->caches, machine->cache_count,
                             sizeof *machine->caches);
    bool good = array != NULL;
    for (size_t i = 0; good && i < machine->cache_count; i++)
        good = kvr_json_set(json_array_get(array, i), "type",
                            json_string(machine->caches[i].level == 1 ? "data" : "unified"));
    return kvr_json_made(array, good);
}

static json_t *numa_node(const struct kvr_machine *machine, size_t index)
{
    const struct kvr_node *node = &machine->nodes[index];
    json_t *object = object_of(kvr_node_fields, node);
    json_t *cpus = json_array(), *distances = json_array();
    bool good = object && cpus && distances;
    for (size_t i = 0; good && i < machine->cpu_count; i++)
        if (machine->cpus[i].node == node->os_index)
            good = kvr_json_append(cpus, json_integer(machine->cpus[i].os_index));
    for (size_t i = 0; good && i < machine->node_count; i++)
        good = kvr_json_append(distances, json_integer(node->distances[i]));
    good = good && json_object_set(object, "cpus", cpus) == 0 &&
           json_object_set(object, "distances", distances) == 0;
    json_decref(cpus);
    json_decref(distances);
    return kvr_json_made(object, good);
}

static json_t *numa(const struct kvr_machine *machine)
{
    json_t *array = json_array();
    bool good = array != NULL;
    for (size_t i = 0; good && i < machine->node_count; i++)
        good = kvr_json_append(array, numa_node(machine, i));
    return kvr_json_made(array, good);
}

static json_t *hypervisor(const struct kvr_isa_info *isa)
{
    if (!isa->hypervisor)
        return json_string("none");
    return isa->hypervisor_name[0] ? kvr_json_string(isa->hypervisor_name)
                                   : json_string("unknown");
}

json_t *kvr_json_machine(const struct kvr_machine *machine, double clock_ghz)
{
    json_t *object = object_of(kvr_machine_fields, machine);
    json_t *cpu = object_of(kvr_cpu_fields, machine);
    json_t *cgroup = object_of(kvr_cgroup_fields, machine);
    bool good = object && cpu && cgroup &&
                kvr_json_set(cpu, "features", features(machine->isa.usable));
    if (good && machine->isa.hidden)
        good = kvr_json_set(cpu, "hidden_features", features(machine->isa.hidden));
    if (good && machine->cpu_count)
        good = kvr_json_set(cgroup, "cpus", json_integer((json_int_t)machine->cpu_count));
    good = good && json_object_set(object, "cpu", cpu) == 0 &&
           json_object_set(object, "cgroup", cgroup) == 0 &&
           kvr_json_set(object, "hypervisor", hypervisor(&machine->isa)) &&
           kvr_json_set(object, "caches", caches(machine)) &&
           kvr_json_set(object, "numa", numa(machine)) &&
           kvr_json_set(object, "cpus", array_of(kvr_place_fields, machine->cpus,
                                                 machine->cpu_count, sizeof *machine->cpus));
    if (good && isfinite(clock_ghz))
        good = kvr_json_set(object, "clock_ghz", json_real(clock_ghz));
    json_decref(cpu);
    json_decref(cgroup);
    return kvr_json_made(object, good);
}

/* A string; of a proof its counts. */
static bool put_check_value(json_t *object, const struct kvr_check *c)
{
    if (!c->bypass.regions)
        return !c->value[0] || kvr_json_set(object, "value", kvr_json_string(c->value));
    json_t *value = object_of(kvr_bypass_fields, &c->bypass);
    bool good = value != NULL;
    if (good && c->bypass.interrupts_known)
        good = kvr_json_set(value, "interrupts", json_integer((json_int_t)c->bypass.interrupts));
    return kvr_json_set(object, "value", kvr_json_made(value, good));
}

static json_t *checks(const struct kvr_checks *checks)
{
    json_t *array = array_of(kvr_check_fields, checks->items, checks->count,
                             sizeof *checks->items);
    bool good = array != NULL;
    for (size_t i = 0; good && i < checks->count; i++)
        good = kvr_json_set(json_array_get(array, i), "status",
                            json_string(kvr_check_status_name(checks->items[i].status))) &&
               put_check_value(json_array_get(array, i), &checks->items[i]);
    return kvr_json_made(array, good);
}

static json_t *ceilings(const struct kvr_run_record *record)
{
    json_t *array = array_of(kvr_ceiling_fields, record->ceilings, record->ceiling_count,
                             sizeof *record->ceilings);
    bool good = array != NULL;
    for (size_t i = 0; good && i < record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &record->ceilings[i];
        json_t *family = c->family_count ? json_object() : NULL;
        good = family || !c->family_count;
        for (size_t j = 0; good && j < c->family_count; j++)
            if (isfinite(c->family[j].value))
                good = kvr_json_set_text_key(family, c->family[j].name,
                                             json_real(c->family[j].value));
        if (family)
            good = json_object_set_new(json_array_get(array, i), "family", family) == 0 && good;
    }
    return kvr_json_made(array, good);
}

/* "k=v" strings as a map; a later one of the same key wins. */
static json_t *tags(char *const *strings)
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (; good && *strings; strings++) {
        json_t *text = kvr_json_string(*strings);
        const char *pair = json_string_value(text);
        const char *equals = pair ? strchr(pair, '=') : NULL;
        size_t key_bytes = equals ? (size_t)(equals - pair) : pair ? strlen(pair) : 0;
        json_t *value = json_string(equals ? equals + 1 : "");
        good = text && value && json_object_setn(object, pair, key_bytes, value) == 0;
        json_decref(value);
        json_decref(text);
    }
    return kvr_json_made(object, good);
}

json_t *kvr_json_header(const struct kvr_run_record *record)
{
    json_t *object = json_object();
    bool good = object && kvr_json_set(object, "schema", json_string("kvroof.result/1")) &&
                kvr_json_put(object, kvr_record_fields, record) &&
                kvr_json_set(object, "command", string_array(record->command));
    if (good && record->tags)
        good = kvr_json_set(object, "tags", tags(record->tags));
    json_t *profile = record->profile_json ? json_loads(record->profile_json, 0, NULL) : NULL;
    if (profile)
        good = json_object_set_new(object, "profile", profile) == 0 && good;
    good = good &&
           kvr_json_set(object, "machine", kvr_json_machine(&record->machine, record->clock_ghz)) &&
           kvr_json_set(object, "checks", checks(&record->checks)) &&
           kvr_json_set(object, "ceilings", ceilings(record)) &&
           kvr_json_set(object, "claims", array_of(kvr_claim_fields, record->claims,
                                                   record->claim_count, sizeof *record->claims));
    if (good && record->crossing_count)
        good = kvr_json_set(object, "crossings",
                            array_of(kvr_crossing_fields, record->crossings,
                                     record->crossing_count, sizeof *record->crossings));
    if (good && record->numa_cell_count)
        good = kvr_json_set(object, "numa_matrix",
                            array_of(kvr_numa_cell_fields, record->numa_matrix,
                                     record->numa_cell_count, sizeof *record->numa_matrix));
    if (good && record->verdict_settings)
        good = kvr_json_set(object, "verdict_test", object_of(kvr_verdict_test_fields, record));
    return kvr_json_made(object, good);
}

/* ---- results ---- */

/* A count that could not be taken is named under `unavailable` and left out everywhere: it is not
 * zero. */
static void drop_unavailable_counts(json_t *object, const struct kvr_result *result)
{
    for (size_t i = 0; i < result->unavailable_count; i++)
        if (json_is_integer(json_object_get(object, result->unavailable[i].what)))
            json_object_del(object, result->unavailable[i].what);
}

static json_t *rounds(const struct kvr_result *result)
{
    json_t *array = array_of(kvr_round_fields, result->rounds, result->round_count,
                             sizeof *result->rounds);
    for (size_t i = 0; i < json_array_size(array); i++)
        drop_unavailable_counts(json_array_get(array, i), result);
    return array;
}

static json_t *cpus(const struct kvr_result *result)
{
    size_t max = sizeof result->cpus / sizeof *result->cpus;
    json_t *array = json_array();
    bool good = array != NULL;
    for (size_t i = 0; good && i < result->threads && i < max; i++)
        good = kvr_json_append(array, json_integer(result->cpus[i]));
    return kvr_json_made(array, good);
}

static json_t *flags(const struct kvr_result *result)
{
    json_t *array = json_array();
    bool good = array != NULL;
    for (size_t i = 0; good && i < KVR_MAX_FLAGS && result->flags[i][0]; i++)
        good = kvr_json_append(array, kvr_json_string(result->flags[i]));
    return kvr_json_made(array, good);
}

static json_t *unavailable(const struct kvr_result *result)
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (size_t i = 0; good && i < result->unavailable_count; i++)
        good = kvr_json_set_text_key(object, result->unavailable[i].what,
                            kvr_json_string(result->unavailable[i].why));
    return kvr_json_made(object, good);
}

/* An object that has a list of others, where there is any. */
struct list { const char *name; const struct kvr_field *fields; const void *items; size_t count; };

static json_t *object_with(const struct kvr_field *fields, const void *base,
                           const struct list *list, size_t item_bytes)
{
    json_t *object = object_of(fields, base);
    bool good = object != NULL;
    if (good && list->count)
        good = kvr_json_set(object, list->name,
                            array_of(list->fields, list->items, list->count, item_bytes));
    return kvr_json_made(object, good);
}

static json_t *verdict(const struct kvr_verdict_record *v)
{
    const struct list list = {"witnesses", kvr_witness_fields, v->witnesses, v->witness_count};
    return object_with(kvr_verdict_fields, v, &list, sizeof *v->witnesses);
}

static json_t *counter(const struct kvr_counter_record *c)
{
    const struct list list = {"threads", kvr_counter_thread_fields, c->threads, c->thread_count};
    return object_with(kvr_counter_fields, c, &list, sizeof *c->threads);
}

/* By name; a name that a file gave twice keeps its last. */
static json_t *counters(const struct kvr_result *result)
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (size_t i = 0; good && i < result->counter_count; i++)
        good = kvr_json_set_text_key(object, result->counters[i].name,
                            counter(&result->counters[i]));
    return kvr_json_made(object, good);
}

static bool put_measured(json_t *object, const struct kvr_result *result)
{
    bool good = kvr_json_put(object, kvr_result_fields, result) &&
                kvr_json_set(object, "cpus", cpus(result)) &&
                kvr_json_set(object, "flags", flags(result)) &&
                kvr_json_set(object, "rounds", rounds(result));
    if (good && result->op[0])
        good = kvr_json_set(object, result->op, object_of(kvr_op_fields, &result->result));
    if (good && result->verdict.side[0])
        good = kvr_json_set(object, "verdict", verdict(&result->verdict));
    if (good && result->counter_count)
        good = kvr_json_set(object, "counters", counters(result));
    return good;
}

/* What was asked for: a row that was refused before its shape was complete has only a part of it,
 * so a zero is an absent value here. */
static bool put_asked_for(json_t *object, const struct kvr_result *result)
{
    bool good = true;
    for (const struct kvr_field *f = kvr_result_fields; good && f->name; f++) {
        struct kvr_field one[] = {*f, KVR_FIELD_END};
        one->flags |= KVR_FIELD_OMIT_ZERO;
        if (f->flags & KVR_FIELD_IDENTIFIES)
            good = kvr_json_put(object, one, result);
    }
    return good;
}

json_t *kvr_json_result(const struct kvr_result *result)
{
    json_t *object = json_object();
    bool good = object && (result->measured ? put_measured(object, result)
                                            : put_asked_for(object, result));
    if (good)
        drop_unavailable_counts(object, result);
    good = good && kvr_json_set(object, "unavailable", unavailable(result));
    return kvr_json_made(object, good);
}
