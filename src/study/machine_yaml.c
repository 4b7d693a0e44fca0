/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * As in profile.c: libcyaml checks the structure, every value is taken as text and parsed here.
 */
#include "machine_yaml.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../data/places.h"
#include "plan.h"
#include "resources.h"
#include "values.h"
#include "yaml_file.h"

struct yaml_bandwidth { char *level, *threads, *gb_per_s, *source; };
struct yaml_rate { char *resource, *isa, *per_cycle, *gop_per_s, *source; };

struct yaml_machine {
    char *name, *clock_ghz, *clock_source, *cores;
    char **isas;
    unsigned isa_count;
    struct yaml_bandwidth *bandwidths;
    unsigned bandwidth_count;
    struct yaml_rate *rates;
    unsigned rate_count;
};

#define TEXT(type, member, more)                                                                   \
    CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER | (more), struct type, member, 1, 190)

static const cyaml_schema_field_t bandwidth_fields[] = {
    TEXT(yaml_bandwidth, level, 0), TEXT(yaml_bandwidth, threads, CYAML_FLAG_OPTIONAL),
    TEXT(yaml_bandwidth, gb_per_s, 0), TEXT(yaml_bandwidth, source, 0), CYAML_FIELD_END};
static const cyaml_schema_value_t bandwidth_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_bandwidth, bandwidth_fields)};

static const cyaml_schema_field_t rate_fields[] = {
    TEXT(yaml_rate, resource, 0), TEXT(yaml_rate, isa, 0),
    TEXT(yaml_rate, per_cycle, CYAML_FLAG_OPTIONAL),
    TEXT(yaml_rate, gop_per_s, CYAML_FLAG_OPTIONAL), TEXT(yaml_rate, source, 0), CYAML_FIELD_END};
static const cyaml_schema_value_t rate_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_rate, rate_fields)};

static const cyaml_schema_value_t isa_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 23)};

static const cyaml_schema_field_t machine_fields[] = {
    TEXT(yaml_machine, name, 0), TEXT(yaml_machine, clock_ghz, 0),
    TEXT(yaml_machine, clock_source, 0), TEXT(yaml_machine, cores, 0),
    CYAML_FIELD_SEQUENCE_COUNT("isas", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                               struct yaml_machine, isas, isa_count, &isa_schema, 1,
                               KVR_MAX_ROOFS),
    CYAML_FIELD_SEQUENCE_COUNT("bandwidth", CYAML_FLAG_POINTER, struct yaml_machine, bandwidths,
                               bandwidth_count, &bandwidth_schema, 1, KVR_MAX_ROOFS),
    CYAML_FIELD_SEQUENCE_COUNT("rates", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                               struct yaml_machine, rates, rate_count, &rate_schema, 0,
                               KVR_MAX_ROOFS),
    CYAML_FIELD_END};
static const cyaml_schema_value_t machine_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_machine, machine_fields)};

static const char *const levels[] = {"L1", "L2", "L3", "DRAM", NULL};
static const char *const resources[] = {"load",   "store",   "shuffle", "valu",  "fma",
                                        "intdot", "convert", "gather",  "issue", NULL};

/* ---- values ---- */

/* A number from `least` to `most`. */
static int number(const struct yaml_source *source, const char *key, unsigned nth,
                  const char *text, double least, double most, double *value)
{
    char why[200];
    if (kvr_positive_parse(text, value, why, sizeof why))
        return kvr_yaml_bad(source, key, nth, text, why);
    if (*value < least || *value > most) {
        snprintf(why, sizeof why, "is not between %g and %g", least, most);
        return kvr_yaml_bad(source, key, nth, text, why);
    }
    return 0;
}

static int convert_bandwidth(const struct yaml_source *source, const struct yaml_machine *yaml,
                             unsigned i, struct kvr_other_machine *machine)
{
    const struct yaml_bandwidth *from = &yaml->bandwidths[i];
    struct kvr_other_bandwidth *to = &machine->bandwidths[i];
    unsigned nth = 0; /* `threads` may be left out: one */
    uint64_t threads = 1;
    for (unsigned j = 0; j < i; j++)
        nth += yaml->bandwidths[j].threads != NULL;
    int status = kvr_yaml_word(source, "level", i, from->level, levels);
    if (!status)
        status = number(source, "gb_per_s", i, from->gb_per_s, .01, 1e6, &to->gb_per_s);
    if (!status && from->threads && !strcmp(from->threads, "all"))
        threads = KVR_ROOF_ALL_CORES;
    else if (!status && from->threads)
        status = kvr_yaml_count(source, "threads", nth, from->threads, 1, machine->cores, &threads);
    to->threads = (uint32_t)threads;
    snprintf(to->level, sizeof to->level, "%s", from->level);
    snprintf(to->source, sizeof to->source, "%s", from->source);
    for (unsigned j = 0; !status && j < i; j++)
        if (machine->bandwidths[j].threads == to->threads &&
            !strcmp(machine->bandwidths[j].level, to->level))
            status = kvr_yaml_bad(source, "level", i, "", "is described twice for these threads");
    return status;
}

static int convert_rate(const struct yaml_source *source, const struct yaml_machine *yaml,
                        unsigned i, struct kvr_other_machine *machine)
{
    const struct yaml_rate *from = &yaml->rates[i];
    struct kvr_other_rate *to = &machine->rates[i];
    unsigned per_cycle = 0, gop_per_s = 0;
    int status = kvr_yaml_word(source, "resource", i, from->resource, resources);
    for (unsigned j = 0; j < i; j++) {
        per_cycle += yaml->rates[j].per_cycle != NULL;
        gop_per_s += yaml->rates[j].gop_per_s != NULL;
    }
    if (!status && !from->per_cycle == !from->gop_per_s)
        return kvr_yaml_bad(source, "resource", i, from->resource,
                         "needs per_cycle or gop_per_s, and not both");
    if (!status && from->per_cycle) {
        status = number(source, "per_cycle", per_cycle, from->per_cycle, 1e-3, 64, &to->gop_per_s);
        to->gop_per_s *= machine->clock_ghz;
    } else if (!status) {
        status = number(source, "gop_per_s", gop_per_s, from->gop_per_s, 1e-3, 1e3,
                        &to->gop_per_s);
    }
    snprintf(to->resource, sizeof to->resource, "%s", from->resource);
    snprintf(to->isa, sizeof to->isa, "%.23s", from->isa);
    snprintf(to->source, sizeof to->source, "%s", from->source);
    return status;
}

static int convert(const struct yaml_source *source, const struct yaml_machine *yaml,
                   struct kvr_other_machine *machine)
{
    uint64_t cores = 0;
    int status = number(source, "clock_ghz", 0, yaml->clock_ghz, .1, 20, &machine->clock_ghz);
    if (!status)
        status = kvr_yaml_count(source, "cores", 0, yaml->cores, 1, 65536, &cores);
    machine->cores = (uint32_t)cores;
    snprintf(machine->name, sizeof machine->name, "%.127s", yaml->name);
    snprintf(machine->clock_source, sizeof machine->clock_source, "%s", yaml->clock_source);
    machine->isa_count = yaml->isa_count;
    machine->bandwidth_count = yaml->bandwidth_count;
    machine->rate_count = yaml->rate_count;
    for (unsigned i = 0; !status && i < yaml->isa_count; i++)
        snprintf(machine->isas[i], sizeof machine->isas[i], "%.23s", yaml->isas[i]);
    for (unsigned i = 0; !status && i < yaml->bandwidth_count; i++)
        status = convert_bandwidth(source, yaml, i, machine);
    for (unsigned i = 0; !status && i < yaml->rate_count; i++)
        status = convert_rate(source, yaml, i, machine);
    return status;
}

int kvr_other_machine_parse(const char *path, const char *text, size_t text_bytes,
                            struct kvr_other_machine *machine, char *error, size_t error_bytes)
{
    static const char *const keys[] = {"name",     "clock_ghz", "clock_source", "cores",
                                       "isas",     "bandwidth", "rates",        "level",
                                       "threads",  "gb_per_s",  "source",       "resource",
                                       "isa",      "per_cycle", "gop_per_s"};
    const struct yaml_source source = {path, text, text_bytes, error, error_bytes};
    cyaml_data_t *document = NULL;
    memset(machine, 0, sizeof *machine);
    int rc = kvr_yaml_load(&source, &machine_schema, keys, sizeof keys / sizeof *keys,
                           "a machine needs name, clock_ghz, cores, bandwidth", &document);
    if (!rc)
        rc = convert(&source, document, machine);
    kvr_yaml_free(&machine_schema, document);
    return rc;
}

enum { MOST_SHIPPED = 64 };
static const char suffix[] = ".yaml";
static const char shipped_part[] = "profiles/machines";

static int is_yaml(const struct dirent *entry)
{
    size_t bytes = strlen(entry->d_name), end = sizeof suffix - 1;
    return bytes > end && *entry->d_name != '.' && !strcmp(entry->d_name + bytes - end, suffix);
}

/* There is no machine of this name: which there are. */
static int no_such_machine(const char *name, char *error, size_t error_bytes)
{
    struct kvr_places places;
    struct dirent **entries = NULL;
    const char *names[MOST_SHIPPED], *nearest = NULL;
    char list[200] = "";
    int found = 0;
    kvr_places(shipped_part, &places);
    for (size_t p = 0; p < places.count && found <= 0; p++)
        found = scandir(places.path[p], &entries, is_yaml, alphasort);
    size_t count = found < 0 ? 0 : (size_t)found, named = 0, used = 0;
    for (; named < count && named < MOST_SHIPPED; named++) {
        char *text = entries[named]->d_name;
        text[strlen(text) - (sizeof suffix - 1)] = '\0';
        names[named] = text;
        if (used < sizeof list)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", named ? ", " : "",
                                     text);
    }
    nearest = kvr_nearest(name, names, named);
    snprintf(error, error_bytes, "there is neither a file nor a shipped machine '%.60s'%s%s%s%s%s",
             name, nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "",
             *list ? " Shipped: " : "; none is shipped", list);
    for (size_t i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return -ENOENT;
}

int kvr_other_machine_load(const char *path, struct kvr_other_machine *machine, char *error,
                           size_t error_bytes)
{
    char *text = NULL, file[70], folder[KVR_PLACE_BYTES], shipped[KVR_PLACE_BYTES + sizeof file];
    size_t bytes = 0;
    bool is_name = !strpbrk(path, "/.");
    snprintf(file, sizeof file, "%.60s%s", path, suffix);
    if (is_name && kvr_place_with(file, NULL, shipped_part, folder, sizeof folder)) {
        snprintf(shipped, sizeof shipped, "%s/%s", folder, file);
        path = shipped;
    } else if (is_name && access(path, F_OK)) {
        return no_such_machine(path, error, error_bytes);
    }
    int status = kvr_yaml_read(path, &text, &bytes, error, error_bytes);
    if (!status)
        status = kvr_other_machine_parse(path, text, bytes, machine, error, error_bytes);
    free(text);
    return status;
}

/* ---- figures ---- */

double kvr_other_bandwidth(const struct kvr_other_machine *machine, const char *level,
                           uint32_t threads)
{
    double one = NAN, all = INFINITY, exact = NAN;
    for (size_t i = 0; i < machine->bandwidth_count; i++) {
        const struct kvr_other_bandwidth *b = &machine->bandwidths[i];
        if (strcmp(b->level, level))
            continue;
        if (b->threads == 1)
            one = b->gb_per_s;
        if (b->threads == KVR_ROOF_ALL_CORES)
            all = b->gb_per_s;
        bool whole = b->threads == KVR_ROOF_ALL_CORES && threads == machine->cores;
        if (b->threads == threads || whole)
            exact = b->gb_per_s;
    }
    if (!isnan(exact))
        return exact;
    return isnan(one) || threads > machine->cores ? NAN : fmin(threads * one, all);
}

double kvr_other_rate(const struct kvr_other_machine *machine, const char *resource,
                      const char *isa)
{
    const char *isas[3];
    size_t count = kvr_rate_isas(isa, resource, isas);
    for (size_t n = 0; n < count; n++)
        for (size_t i = 0; i < machine->rate_count; i++)
            if (!strcmp(machine->rates[i].resource, resource) &&
                !strcmp(machine->rates[i].isa, isas[n]))
                return machine->rates[i].gop_per_s;
    return NAN;
}
