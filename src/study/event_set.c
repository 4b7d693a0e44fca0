/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * As in profile.c: libcyaml checks the structure, every value is taken as text and parsed here.
 */
#include "event_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/kernel.h"
#include "event_pmus.h"
#include "values.h"
#include "yaml_file.h"

struct yaml_event { char *event, *pmu, *config, *config1, *unit, *scale, *meaning; };
struct yaml_events { char *group; struct yaml_event *events; unsigned event_count; };
struct yaml_machine { char *vendor, *family; char **models; unsigned model_count; };
struct yaml_set {
    char *source;
    struct yaml_machine *machines;
    unsigned machine_count;
    struct yaml_events *groups;
    unsigned group_count;
};

enum { MAX_EVENTS = 64, MAX_MACHINES = 16, MAX_MODELS = 32 };

#define TEXT(type, member, more, bytes)                                                            \
    CYAML_FIELD_STRING_PTR(#member, CYAML_FLAG_POINTER | (more), struct type, member, 1, bytes)

static const cyaml_schema_field_t event_fields[] = {
    TEXT(yaml_event, event, 0, 17), TEXT(yaml_event, pmu, 0, 29), TEXT(yaml_event, config, 0, 18),
    TEXT(yaml_event, config1, CYAML_FLAG_OPTIONAL, 18),
    TEXT(yaml_event, unit, CYAML_FLAG_OPTIONAL, 15),
    TEXT(yaml_event, scale, CYAML_FLAG_OPTIONAL, 40), TEXT(yaml_event, meaning, 0, 159),
    CYAML_FIELD_END};
static const cyaml_schema_value_t event_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_event, event_fields)};

static const cyaml_schema_field_t group_fields[] = {
    TEXT(yaml_events, group, 0, 15),
    CYAML_FIELD_SEQUENCE_COUNT("events", CYAML_FLAG_POINTER, struct yaml_events, events,
                               event_count, &event_schema, 1, MAX_EVENTS),
    CYAML_FIELD_END};
static const cyaml_schema_value_t group_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_events, group_fields)};

static const cyaml_schema_value_t model_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 13)};
static const cyaml_schema_field_t machine_fields[] = {
    TEXT(yaml_machine, vendor, 0, 15), TEXT(yaml_machine, family, CYAML_FLAG_OPTIONAL, 6),
    CYAML_FIELD_SEQUENCE_COUNT("models", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                               struct yaml_machine, models, model_count, &model_schema, 1,
                               MAX_MODELS),
    CYAML_FIELD_END};
static const cyaml_schema_value_t machine_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_machine, machine_fields)};

static const cyaml_schema_field_t set_fields[] = {
    TEXT(yaml_set, source, 0, 199),
    CYAML_FIELD_SEQUENCE_COUNT("machines", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                               struct yaml_set, machines, machine_count, &machine_schema, 1,
                               MAX_MACHINES),
    CYAML_FIELD_SEQUENCE_COUNT("groups", CYAML_FLAG_POINTER, struct yaml_set, groups, group_count,
                               &group_schema, 1, KVR_MAX_EVENT_GROUPS),
    CYAML_FIELD_END};
static const cyaml_schema_value_t set_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_set, set_fields)};

static const char *const units[] = {"bytes", "flops", "joules", "ns", NULL};

/* A number in C's notation, decimal or hexadecimal; *end is what follows. */
static int parse_code(const char *text, uint64_t *value, const char **end)
{
    char *stop = NULL;
    errno = 0;
    *value = strtoull(text, &stop, 0);
    *end = stop;
    return errno || stop == text || *text < '0' || *text > '9' ? -EINVAL : 0;
}

static int code(const struct yaml_source *source, const char *key, unsigned nth, const char *text,
                uint64_t *value)
{
    const char *end;
    if (parse_code(text, value, &end) || *end)
        return kvr_yaml_bad(source, key, nth, text, "is no number; give one such as 0x3c");
    return 0;
}

/* ---- machines ---- */

/* "0x55" or "0x30-0x7f". */
static int model_range(const struct yaml_source *source, const char *text, uint64_t *first,
                       uint64_t *last)
{
    const char *end;
    int status = parse_code(text, first, &end);
    *last = *first;
    if (!status && *end == '-')
        status = parse_code(end + 1, last, &end);
    if (status || *end || *last < *first)
        return kvr_yaml_bad(source, "models", 0, text,
                            "is no model; give a number or a range such as 0x30-0x7f");
    return 0;
}

/* Arm's CPUs have numbers only: implementer and part are in family and model. */
static const char *vendor_of(const struct kvr_isa_info *isa)
{
    return *isa->vendor ? isa->vendor : isa->usable & KVR_ISA_NEON ? "arm64" : "";
}

static int fit_machine(const struct yaml_source *source, const struct yaml_machine *yaml,
                       unsigned family_nth, const struct kvr_isa_info *isa,
                       enum kvr_event_fit *fit)
{
    uint64_t family = 0, first, last;
    bool model_fits = yaml->model_count == 0;
    int status = 0;
    if (yaml->family)
        status = code(source, "family", family_nth, yaml->family, &family);
    for (unsigned i = 0; !status && i < yaml->model_count; i++) {
        status = model_range(source, yaml->models[i], &first, &last);
        model_fits |= !status && isa->model >= first && isa->model <= last;
    }
    if (status)
        return status;
    bool fits = !strcmp(yaml->vendor, vendor_of(isa)) && model_fits &&
                (!yaml->family || family == isa->family);
    *fit = !fits ? KVR_FITS_NOT : yaml->model_count ? KVR_FITS_MODEL
         : yaml->family ? KVR_FITS_FAMILY : KVR_FITS_VENDOR;
    return 0;
}

static int fit_set(const struct yaml_source *source, const struct yaml_set *yaml,
                   const struct kvr_isa_info *isa, enum kvr_event_fit *best)
{
    unsigned families = 0;
    *best = yaml->machine_count ? KVR_FITS_NOT : KVR_FITS_ALL;
    for (unsigned i = 0; i < yaml->machine_count; i++) {
        enum kvr_event_fit fit;
        int status = fit_machine(source, &yaml->machines[i], families, isa, &fit);
        if (status)
            return status;
        *best = fit > *best ? fit : *best;
        families += yaml->machines[i].family != NULL;
    }
    return 0;
}

/* ---- events ---- */

/* Places of keys that may be left out, for messages. */
struct places { unsigned event, config1, unit, scale; };

static int convert_event(const struct yaml_source *source, const struct yaml_event *yaml,
                         const struct places *at, struct kvr_event *event)
{
    char why[200];
    *event = (struct kvr_event){.scale = 1};
    int status = code(source, "config", at->event, yaml->config, &event->config);
    if (!status && yaml->config1)
        status = code(source, "config1", at->config1, yaml->config1, &event->config1);
    if (!status && yaml->unit)
        status = kvr_yaml_word(source, "unit", at->unit, yaml->unit, units);
    if (!status && yaml->scale &&
        kvr_positive_parse(yaml->scale, &event->scale, why, sizeof why))
        status = kvr_yaml_bad(source, "scale", at->scale, yaml->scale, why);
    snprintf(event->name, sizeof event->name, "%s", yaml->event);
    snprintf(event->unit, sizeof event->unit, "%s", yaml->unit ? yaml->unit : "");
    snprintf(event->meaning, sizeof event->meaning, "%s", yaml->meaning);
    return status;
}

/* The event of each of its PMUs. */
static int add_event(const struct kvr_event *event, const struct kvr_pmus *pmus, bool family,
                     struct kvr_event_set *set)
{
    struct kvr_event *grown =
        reallocarray(set->events, set->count + pmus->count + 1, sizeof *set->events);
    if (!grown)
        return -ENOMEM;
    set->events = grown;
    for (size_t i = 0; i < pmus->count; i++) {
        struct kvr_event *to = &set->events[set->count++];
        *to = *event;
        to->type = pmus->types[i];
        if (family)
            snprintf(to->name, sizeof to->name, "%.17s@%.29s", event->name, pmus->names[i]);
    }
    return 0;
}

static int convert_group(const struct yaml_source *source, const struct yaml_events *yaml,
                         const char *root, struct places *at, struct kvr_event_set *set)
{
    struct kvr_event_group *group = &set->groups[set->group_count++];
    snprintf(group->name, sizeof group->name, "%s", yaml->group);
    group->first = set->count;
    for (unsigned i = 0; i < yaml->event_count; i++) {
        const struct yaml_event *from = &yaml->events[i];
        struct kvr_event event;
        struct kvr_pmus pmus;
        int status = convert_event(source, from, at, &event);
        if (status)
            return status;
        kvr_pmus_find(root, from->pmu, &pmus);
        if (!pmus.count)
            snprintf(group->missing, sizeof group->missing, "%s", from->pmu);
        status = add_event(&event, &pmus, strchr(from->pmu, '*') != NULL, set);
        if (status)
            return status;
        at->event++;
        at->config1 += from->config1 != NULL;
        at->unit += from->unit != NULL;
        at->scale += from->scale != NULL;
    }
    group->count = set->count - group->first;
    return 0;
}

/* Whatever PMUs this system has, no name stands twice in the file. */
static int check_names(const struct yaml_source *source, const struct yaml_set *yaml)
{
    const char *names[KVR_MAX_EVENT_GROUPS * MAX_EVENTS];
    unsigned count = 0;
    for (unsigned g = 0; g < yaml->group_count; g++) {
        for (unsigned i = 0; i < yaml->groups[g].event_count; i++) {
            names[count] = yaml->groups[g].events[i].event;
            for (unsigned j = 0; j < count; j++)
                if (!strcmp(names[j], names[count]))
                    return kvr_yaml_bad(source, "event", count, names[count], "is there twice");
            count++;
        }
    }
    return 0;
}

static int convert(const struct yaml_source *source, const struct yaml_set *yaml,
                   const struct kvr_machine *machine, struct kvr_event_set *set,
                   enum kvr_event_fit *fit)
{
    struct places at = {.event = 0};
    snprintf(set->path, sizeof set->path, "%s", source->path);
    snprintf(set->source, sizeof set->source, "%s", yaml->source);
    int status = fit_set(source, yaml, &machine->isa, fit);
    if (!status)
        status = check_names(source, yaml);
    for (unsigned i = 0; !status && i < yaml->group_count; i++)
        status = convert_group(source, &yaml->groups[i], machine->root, &at, set);
    return status;
}

int kvr_event_set_parse(const char *path, const char *text, size_t text_bytes,
                        const struct kvr_machine *machine, struct kvr_event_set *set,
                        enum kvr_event_fit *fit, char *error, size_t error_bytes)
{
    static const char *const keys[] = {"source", "machines", "vendor",  "family", "models",
                                       "groups", "group",    "events",  "event",  "pmu",
                                       "config", "config1",  "unit",    "scale",  "meaning"};
    const struct yaml_source source = {path, text, text_bytes, error, error_bytes};
    cyaml_data_t *document = NULL;
    memset(set, 0, sizeof *set);
    int status = kvr_yaml_load(&source, &set_schema, keys, sizeof keys / sizeof *keys,
                               "an event file needs source and groups", &document);
    if (!status)
        status = convert(&source, document, machine, set, fit);
    kvr_yaml_free(&set_schema, document);
    if (status)
        kvr_event_set_free(set);
    if (status == -ENOMEM)
        snprintf(error, error_bytes, "%s: out of memory", path);
    return status;
}

void kvr_event_set_free(struct kvr_event_set *set)
{
    free(set->events);
    set->events = NULL;
    set->count = 0;
}
