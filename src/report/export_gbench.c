/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Google Benchmark's JSON. Its compare.py needs a cpu_time in every row and loses its mean over all
 * rows to one with an error, so a case that was not measured has no row.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "export.h"
#include "json.h"
#include "table.h"

static bool set_text(json_t *object, const char *key, const char *text)
{
    return !*text || kvr_json_set(object, key, kvr_json_string(text));
}

static json_t *caches(const struct kvr_machine *machine)
{
    json_t *array = json_array();
    bool good = array != NULL;
    for (size_t i = 0; good && i < machine->cache_count; i++) {
        const struct kvr_cache_level *c = &machine->caches[i];
        good = kvr_json_append(array, json_pack("{s:s, s:i, s:I, s:i}", "type",
                                                c->level == 1 ? "Data" : "Unified", "level",
                                                (int)c->level, "size", (json_int_t)c->size_bytes,
                                                "num_sharing", (int)c->shared_by));
    }
    return kvr_json_made(array, good);
}

static size_t unmeasured(const struct kvr_run_record *record)
{
    size_t n = 0;
    for (size_t i = 0; i < record->result_count; i++)
        n += !kvr_is_exported(&record->results[i]);
    return n;
}

static json_t *context(const struct kvr_run_record *record)
{
    const struct kvr_machine *m = &record->machine;
    json_t *o = json_object();
    bool good =
        o && set_text(o, "date", record->started) && set_text(o, "host_name", m->hostname) &&
        set_text(o, "executable",
                 record->command && record->command[0] ? record->command[0] : "kvroof") &&
        kvr_json_set(o, "num_cpus", json_integer((json_int_t)m->cpu_count)) &&
        (!isfinite(record->clock_ghz) ||
         kvr_json_set(o, "mhz_per_cpu", json_integer(lround(1000 * record->clock_ghz)))) &&
        (!*m->governor || kvr_json_set(o, "cpu_scaling_enabled",
                                       json_boolean(strcmp(m->governor, "performance") != 0))) &&
        kvr_json_set(o, "caches", caches(m)) &&
        set_text(o, "kv_version", record->version) && set_text(o, "kv_git", record->git) &&
        set_text(o, "kv_cpu", m->isa.name) && set_text(o, "kv_fingerprint", m->fingerprint) &&
        set_text(o, "kv_label", record->label) &&
        set_text(o, "kv_iteration", "the keys of one head, over all threads") &&
        set_text(o, "kv_cpu_time", "real_time of each thread: they are pinned and never wait") &&
        kvr_json_set(o, "kv_complete", json_boolean(record->complete)) &&
        kvr_json_set(o, "kv_unmeasured", json_integer((json_int_t)unmeasured(record)));
    return kvr_json_made(o, good);
}

/* What every row of a case begins with. */
static json_t *row_of(const struct kvr_result *r, size_t family, const char *name,
                      const char *run_type)
{
    char flags[KVR_MAX_FLAGS * sizeof r->flags[0]];
    json_t *row = json_object();
    kvr_flags_text(r, " ", flags, sizeof flags);
    bool good = row && set_text(row, "name", name) &&
                kvr_json_set(row, "family_index", json_integer((json_int_t)family)) &&
                kvr_json_set(row, "per_family_instance_index", json_integer(0)) &&
                set_text(row, "run_name", r->name) && set_text(row, "run_type", run_type) &&
                kvr_json_set(row, "repetitions", json_integer((json_int_t)r->round_count)) &&
                kvr_json_set(row, "threads", json_integer(r->threads)) &&
                set_text(row, "label", flags);
    return kvr_json_made(row, good);
}

/* The keys of an iteration. A file that says 0 is told by the key. */
static uint32_t head_keys(const struct kvr_result *r)
{
    return r->tokens ? r->tokens : 1;
}

static bool set_times(json_t *row, const struct kvr_result *r, double ns_per_key)
{
    double ns = ns_per_key * head_keys(r);
    return kvr_json_set(row, "real_time", json_real(ns)) &&
           kvr_json_set(row, "cpu_time", json_real(ns * r->threads)) &&
           kvr_json_set(row, "time_unit", json_string("ns"));
}

static bool add_repetition(json_t *rows, const struct kvr_result *r, size_t family, size_t index)
{
    const struct kvr_round *round = &r->rounds[index];
    json_t *row = row_of(r, family, r->name, "iteration");
    bool good = row &&
                kvr_json_set(row, "repetition_index", json_integer((json_int_t)index)) &&
                kvr_json_set(row, "iterations",
                             json_integer((json_int_t)(round->keys / head_keys(r)))) &&
                set_times(row, r, round->t_ns) &&
                kvr_json_set(row, "items_per_second", json_real(1e9 / round->t_ns)) &&
                kvr_json_set_finite(row, "bytes_per_second",
                                    r->result.gb_per_s * 1e9 * r->result.ns_per_key /
                                        round->t_ns) &&
                kvr_json_set_finite(row, "kv_ns_per_key", round->t_ns) &&
                kvr_json_set_finite(row, "kv_memory_ns_per_key", round->m_ns) &&
                kvr_json_set_finite(row, "kv_core_ns_per_key", round->c_ns) &&
                kvr_json_set_finite(row, "kv_fp16_ns_per_key", round->fp16_ns) &&
                kvr_json_set(row, "kv_process", json_integer(round->process));
    return kvr_json_append(rows, kvr_json_made(row, good));
}

static json_t *aggregate(const struct kvr_result *r, size_t family, const char *what,
                         const char *unit)
{
    char name[KVR_NAME_BYTES + 16];
    snprintf(name, sizeof name, "%s_%s", r->name, what);
    json_t *row = row_of(r, family, name, "aggregate");
    bool good = row && set_text(row, "aggregate_name", what) &&
                set_text(row, "aggregate_unit", unit) &&
                kvr_json_set(row, "iterations", json_integer((json_int_t)r->round_count));
    return kvr_json_made(row, good);
}

static bool add_median(json_t *rows, const struct kvr_result *r, size_t family)
{
    const struct kvr_op_result *o = &r->result;
    json_t *row = aggregate(r, family, "median", "time");
    bool good = row && set_times(row, r, o->ns_per_key) &&
                kvr_json_set(row, "items_per_second", json_real(1e9 / o->ns_per_key)) &&
                kvr_json_set_finite(row, "bytes_per_second", 1e9 * o->gb_per_s) &&
                kvr_json_set_finite(row, "kv_ns_per_key", o->ns_per_key) &&
                kvr_json_set_finite(row, "kv_ns_per_key_low", o->ci95[0]) &&
                kvr_json_set_finite(row, "kv_ns_per_key_high", o->ci95[1]) &&
                kvr_json_set_finite(row, "kv_speedup_vs_fp16", o->speedup_vs_fp16) &&
                kvr_json_set_finite(row, "kv_percent_of_roof", o->percent_of_roof);
    return kvr_json_append(rows, kvr_json_made(row, good));
}

/* A share, of both times alike. */
static bool add_variation(json_t *rows, const struct kvr_result *r, size_t family)
{
    json_t *row;
    if (!isfinite(r->result.cv))
        return true;
    row = aggregate(r, family, "cv", "percentage");
    bool good = row && kvr_json_set(row, "real_time", json_real(r->result.cv)) &&
                kvr_json_set(row, "cpu_time", json_real(r->result.cv)) &&
                kvr_json_set(row, "time_unit", json_string("ns"));
    return kvr_json_append(rows, kvr_json_made(row, good));
}

static bool add_case(json_t *rows, const struct kvr_result *r, size_t family)
{
    bool good = true;
    for (size_t i = 0; good && i < r->round_count; i++)
        if (!r->rounds[i].invalid && isfinite(r->rounds[i].t_ns))
            good = add_repetition(rows, r, family, i);
    return good && add_median(rows, r, family) && add_variation(rows, r, family);
}

json_t *kvr_json_gbench(const struct kvr_run_record *record)
{
    json_t *root = json_object(), *rows = json_array();
    bool good = root && rows && kvr_json_set(root, "context", context(record));
    size_t family = 0;
    for (size_t i = 0; good && i < record->result_count; i++)
        if (kvr_is_exported(&record->results[i]))
            good = add_case(rows, &record->results[i], family++);
    good = good && json_object_set(root, "benchmarks", rows) == 0;
    json_decref(rows);
    return kvr_json_made(root, good);
}
