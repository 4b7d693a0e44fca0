/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

enum { PLACE_BYTES = 96 };

/* ---- machine ---- */

static int read_features(const struct kvr_reader *reader, const json_t *cpu, const char *key,
                         uint64_t *bits)
{
    json_t *array = NULL, *item = NULL;
    size_t i;
    int rc = kvr_json_member(reader, "machine.cpu", cpu, key, JSON_ARRAY, &array);
    if (rc)
        return rc;
    json_array_foreach (array, i, item) {
        if (!json_is_string(item))
            return kvr_reader_fail(reader, "machine.cpu.%s holds something that is no string",
                                   key);
        for (unsigned b = 0; b < kvr_isa_bit_count(); b++)
            if (!strcmp(json_string_value(item), kvr_isa_bit_name(UINT64_C(1) << b)))
                *bits |= UINT64_C(1) << b;
    }
    return 0;
}

static int read_cpu(const struct kvr_reader *reader, const json_t *machine,
                    struct kvr_machine *to)
{
    json_t *cpu = NULL, *hypervisor = NULL;
    int rc = kvr_json_member(reader, "machine", machine, "cpu", JSON_OBJECT, &cpu);
    if (!rc)
        rc = kvr_json_member(reader, "machine", machine, "hypervisor", JSON_STRING, &hypervisor);
    if (!rc && cpu)
        rc = kvr_json_get(reader, "machine.cpu", cpu, kvr_cpu_fields, to);
    if (!rc && cpu)
        rc = read_features(reader, cpu, "features", &to->isa.usable);
    if (!rc && cpu)
        rc = read_features(reader, cpu, "hidden_features", &to->isa.hidden);
    if (rc || !hypervisor)
        return rc;
    const char *name = json_string_value(hypervisor);
    to->isa.hypervisor = strcmp(name, "none") != 0;
    if (to->isa.hypervisor && strcmp(name, "unknown"))
        kvr_utf8_copy(to->isa.hypervisor_name, sizeof to->isa.hypervisor_name, name);
    return 0;
}

/* An array of objects into a fixed array; *count receives their number. */
static int read_array(const struct kvr_reader *reader, const json_t *parent, const char *prefix,
                      const char *key, const struct kvr_field *fields, void *items,
                      size_t item_bytes, size_t max, size_t *count)
{
    json_t *array = NULL, *item = NULL;
    size_t i;
    int rc = kvr_json_member(reader, prefix, parent, key, JSON_ARRAY, &array);
    if (!rc && json_array_size(array) > max)
        rc = kvr_reader_fail(reader, "%s.%s has more than %zu entries", prefix, key, max);
    if (rc)
        return rc;
    json_array_foreach (array, i, item) {
        char where[PLACE_BYTES];
        snprintf(where, sizeof where, "%s.%s[%zu]", prefix, key, i);
        if (!json_is_object(item))
            return kvr_reader_fail(reader, "%s is not an object", where);
        rc = kvr_json_get(reader, where, item, fields, (char *)items + i * item_bytes);
        if (rc)
            return rc;
        *count = i + 1;
    }
    return 0;
}

static int read_distances(const struct kvr_reader *reader, const json_t *machine,
                          struct kvr_machine *to)
{
    json_t *nodes = json_object_get(machine, "numa"), *distances = NULL, *item = NULL;
    for (size_t n = 0; n < to->node_count; n++) {
        char where[PLACE_BYTES];
        size_t i;
        snprintf(where, sizeof where, "machine.numa[%zu]", n);
        int rc = kvr_json_member(reader, where, json_array_get(nodes, n), "distances",
                                 JSON_ARRAY, &distances);
        if (rc)
            return rc;
        json_array_foreach (distances, i, item) {
            json_int_t value = json_integer_value(item);
            if (!json_is_integer(item) || value < 0 || value > UINT32_MAX)
                return kvr_reader_fail(reader, "%s.distances[%zu] is not a distance", where, i);
            if (i < KVR_MAX_NODES)
                to->nodes[n].distances[i] = (uint32_t)value;
        }
    }
    return 0;
}

int kvr_json_read_machine(const struct kvr_reader *reader, const json_t *object,
                          struct kvr_run_record *record)
{
    struct kvr_machine *to = &record->machine;
    json_t *cgroup = NULL, *clock = NULL;
    int rc = kvr_json_get(reader, "machine", object, kvr_machine_fields, to);
    if (!rc)
        rc = read_cpu(reader, object, to);
    if (!rc)
        rc = read_array(reader, object, "machine", "caches", kvr_cache_fields, to->caches,
                        sizeof *to->caches, KVR_MAX_CACHES, &to->cache_count);
    if (!rc)
        rc = read_array(reader, object, "machine", "numa", kvr_node_fields, to->nodes,
                        sizeof *to->nodes, KVR_MAX_NODES, &to->node_count);
    if (!rc)
        rc = read_distances(reader, object, to);
    if (!rc)
        rc = read_array(reader, object, "machine", "cpus", kvr_place_fields, to->cpus,
                        sizeof *to->cpus, KVR_MAX_CPUS, &to->cpu_count);
    if (!rc)
        rc = kvr_json_member(reader, "machine", object, "cgroup", JSON_OBJECT, &cgroup);
    if (!rc && cgroup)
        rc = kvr_json_get(reader, "machine.cgroup", cgroup, kvr_cgroup_fields, to);
    clock = json_object_get(object, "clock_ghz");
    if (!rc && clock) {
        if (!json_is_number(clock) || json_number_value(clock) <= 0)
            return kvr_reader_fail(reader, "machine.clock_ghz is not a number above zero");
        record->clock_ghz = json_number_value(clock);
    }
    return rc;
}

/* ---- results ---- */

static int read_rounds(const struct kvr_reader *reader, const char *where, const json_t *object,
                       struct kvr_result *result)
{
    json_t *array = NULL, *item = NULL;
    size_t i;
    int rc = kvr_json_member(reader, where, object, "rounds", JSON_ARRAY, &array);
    if (rc)
        return rc;
    if (!array)
        return kvr_reader_fail(reader, "%s.rounds is missing", where);
    if (!json_array_size(array))
        return 0;
    result->rounds = calloc(json_array_size(array), sizeof *result->rounds);
    if (!result->rounds)
        return -ENOMEM;
    json_array_foreach (array, i, item) {
        struct kvr_round *round = &result->rounds[i];
        char place[PLACE_BYTES];
        snprintf(place, sizeof place, "%s.rounds[%zu]", where, i);
        if (!json_is_object(item))
            return kvr_reader_fail(reader, "%s is not an object", place);
        kvr_fields_clear(kvr_round_fields, round);
        rc = kvr_json_get(reader, place, item, kvr_round_fields, round);
        if (rc)
            return rc;
        if (!isfinite(round->t_ns) && !round->invalid)
            return kvr_reader_fail(reader, "%s.t_ns is missing", place);
        result->round_count = i + 1;
    }
    return 0;
}

static int read_flags(const struct kvr_reader *reader, const char *where, const json_t *object,
                      struct kvr_result *result)
{
    json_t *array = NULL, *item = NULL;
    size_t i;
    int rc = kvr_json_member(reader, where, object, "flags", JSON_ARRAY, &array);
    if (rc)
        return rc;
    json_array_foreach (array, i, item) {
        if (!json_is_string(item))
            return kvr_reader_fail(reader, "%s.flags[%zu] is not a string", where, i);
        kvr_result_flag(result, json_string_value(item));
    }
    return 0;
}

static int read_cpus(const struct kvr_reader *reader, const char *where, const json_t *object,
                     struct kvr_result *result)
{
    json_t *array = NULL, *item = NULL;
    size_t i, max = sizeof result->cpus / sizeof *result->cpus;
    int rc = kvr_json_member(reader, where, object, "cpus", JSON_ARRAY, &array);
    if (rc)
        return rc;
    json_array_foreach (array, i, item) {
        json_int_t value = json_integer_value(item);
        if (!json_is_integer(item) || value < 0 || value > UINT32_MAX)
            return kvr_reader_fail(reader, "%s.cpus[%zu] is not a CPU number", where, i);
        if (i < max)
            result->cpus[i] = (uint32_t)value;
    }
    return 0;
}

static int read_unavailable(const struct kvr_reader *reader, const char *where,
                            const json_t *object, struct kvr_result *result)
{
    json_t *map = NULL, *why = NULL;
    const char *what;
    int rc = kvr_json_member(reader, where, object, "unavailable", JSON_OBJECT, &map);
    if (rc)
        return rc;
    json_object_foreach (map, what, why) {
        if (!json_is_string(why))
            return kvr_reader_fail(reader, "%s.unavailable: a reason is not a string", where);
        if (result->unavailable_count == KVR_MAX_UNAVAILABLE)
            return 0;
        struct kvr_unavailable *u = &result->unavailable[result->unavailable_count++];
        kvr_utf8_copy(u->what, sizeof u->what, what);
        kvr_utf8_copy(u->why, sizeof u->why, json_string_value(why));
    }
    return 0;
}

static int read_op(const struct kvr_reader *reader, const char *where, const json_t *object,
                   struct kvr_result *result)
{
    char place[PLACE_BYTES];
    json_t *summary = NULL;
    if (strcmp(result->op, "scan") && strcmp(result->op, "step") &&
        strcmp(result->op, "attention"))
        return kvr_reader_fail(reader, "%s.op is not scan, step or attention", where);
    int rc = kvr_json_member(reader, where, object, result->op, JSON_OBJECT, &summary);
    if (rc)
        return rc;
    if (!summary)
        return kvr_reader_fail(reader, "%s.%s is missing, but op says %s", where, result->op,
                               result->op);
    snprintf(place, sizeof place, "%s.%s", where, result->op);
    return kvr_json_get(reader, place, summary, kvr_op_fields, &result->result);
}

static int read_witnesses(const struct kvr_reader *reader, const char *where, json_t *array,
                          struct kvr_verdict_record *verdict)
{
    json_t *item = NULL;
    size_t i;
    json_array_foreach (array, i, item) {
        char place[PLACE_BYTES + 48];
        if (verdict->witness_count == KVR_MAX_WITNESSES)
            return 0;
        struct kvr_witness_record *w = &verdict->witnesses[verdict->witness_count++];
        snprintf(place, sizeof place, "%s.witnesses[%zu]", where, i);
        if (!json_is_object(item))
            return kvr_reader_fail(reader, "%s is not an object", place);
        int rc = kvr_json_get(reader, place, item, kvr_witness_fields, w);
        if (rc)
            return rc;
    }
    return 0;
}

static int read_counter_threads(const struct kvr_reader *reader, const char *where,
                                const json_t *object, struct kvr_counter_record *counter)
{
    json_t *array = NULL, *item = NULL;
    size_t i;
    int rc = kvr_json_member(reader, where, object, "threads", JSON_ARRAY, &array);
    json_array_foreach (array, i, item) {
        struct kvr_counter_thread *t = rc ? NULL : kvr_counter_add_thread(counter, 0);
        char place[PLACE_BYTES + 32];
        snprintf(place, sizeof place, "%s.threads[%zu]", where, i);
        if (!rc && !json_is_object(item))
            rc = kvr_reader_fail(reader, "%s is not an object", place);
        if (!rc)
            rc = t ? kvr_json_get(reader, place, item, kvr_counter_thread_fields, t) : -ENOMEM;
    }
    return rc;
}

static int read_counters(const struct kvr_reader *reader, const char *where, const json_t *object,
                         struct kvr_result *result)
{
    char place[PLACE_BYTES];
    json_t *map = NULL, *item = NULL;
    const char *name;
    int rc = kvr_json_member(reader, where, object, "counters", JSON_OBJECT, &map);
    if (rc)
        return rc;
    snprintf(place, sizeof place, "%s.counters", where);
    json_object_foreach (map, name, item) {
        char clean[sizeof result->counters->name];
        kvr_utf8_copy(clean, sizeof clean, name);
        if (!json_is_object(item))
            return kvr_reader_fail(reader, "%s: one of them is not an object", place);
        struct kvr_counter_record *c = kvr_result_add_counter(result, clean);
        rc = c ? kvr_json_get(reader, place, item, kvr_counter_fields, c) : -ENOMEM;
        if (!rc)
            rc = read_counter_threads(reader, place, item, c);
        if (rc)
            return rc;
    }
    return 0;
}

static int read_measured(const struct kvr_reader *reader, const char *where,
                         const json_t *object, struct kvr_result *result)
{
    char place[PLACE_BYTES];
    json_t *verdict = NULL, *witnesses = NULL;
    for (const struct kvr_field *f = kvr_result_fields; f->name; f++)
        if (f->flags & KVR_FIELD_MEASURED && !json_object_get(object, f->name))
            return kvr_reader_fail(reader, "%s.%s is missing", where, f->name);
    int rc = read_op(reader, where, object, result);
    if (!rc)
        rc = read_rounds(reader, where, object, result);
    if (!rc)
        rc = read_counters(reader, where, object, result);
    if (!rc)
        rc = kvr_json_member(reader, where, object, "verdict", JSON_OBJECT, &verdict);
    if (rc || !verdict)
        return rc;
    snprintf(place, sizeof place, "%s.verdict", where);
    rc = kvr_json_get(reader, place, verdict, kvr_verdict_fields, &result->verdict);
    if (!rc)
        rc = kvr_json_member(reader, place, verdict, "witnesses", JSON_ARRAY, &witnesses);
    return rc ? rc : read_witnesses(reader, place, witnesses, &result->verdict);
}

int kvr_json_read_result(const struct kvr_reader *reader, const char *where, const json_t *object,
                         struct kvr_run_record *record)
{
    struct kvr_result result;
    kvr_result_init(&result);
    if (!json_is_object(object))
        return kvr_reader_fail(reader, "%s is not an object", where);
    int rc = kvr_json_get(reader, where, object, kvr_result_fields, &result);
    if (!rc)
        rc = read_flags(reader, where, object, &result);
    if (!rc)
        rc = read_cpus(reader, where, object, &result);
    if (!rc)
        rc = read_unavailable(reader, where, object, &result);
    /* A row that was not measured has neither rounds nor a summary. */
    result.measured = json_object_get(object, "rounds") || json_object_get(object, "scan") ||
                      json_object_get(object, "step") || json_object_get(object, "attention");
    if (!rc && result.measured)
        rc = read_measured(reader, where, object, &result);
    if (!rc && !kvr_record_add_result(record, &result))
        rc = -ENOMEM;
    if (rc) {
        free(result.rounds);
        kvr_result_free_counters(&result);
    }
    return rc;
}
