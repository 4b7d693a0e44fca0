/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"

const char *const kvr_phase_names[KVR_PHASES] = {"prepare", "scan", "softmax", "values"};

void kvr_result_init(struct kvr_result *result)
{
    memset(result, 0, sizeof *result);
    kvr_fields_clear(kvr_result_fields, result);
    kvr_fields_clear(kvr_op_fields, &result->result);
    kvr_fields_clear(kvr_verdict_fields, &result->verdict);
    for (size_t i = 0; i < KVR_MAX_WITNESSES; i++)
        kvr_fields_clear(kvr_witness_fields, &result->verdict.witnesses[i]);
}

void kvr_ceiling_init(struct kvr_ceiling *ceiling)
{
    memset(ceiling, 0, sizeof *ceiling);
    kvr_fields_clear(kvr_ceiling_fields, ceiling);
}

void kvr_numa_cell_init(struct kvr_numa_cell *cell)
{
    memset(cell, 0, sizeof *cell);
    kvr_fields_clear(kvr_numa_cell_fields, cell);
}

void kvr_crossing_init(struct kvr_crossing *crossing)
{
    memset(crossing, 0, sizeof *crossing);
    kvr_fields_clear(kvr_crossing_fields, crossing);
}

void kvr_run_record_init(struct kvr_run_record *record)
{
    memset(record, 0, sizeof *record);
    kvr_fields_clear(kvr_record_fields, record);
    record->clock_ghz = NAN;
}

static void free_strings(char **strings)
{
    for (char **s = strings; s && *s; s++)
        free(*s);
    free(strings);
}

void kvr_run_record_free(struct kvr_run_record *record)
{
    free_strings(record->command);
    free_strings(record->tags);
    free(record->profile_json);
    kvr_checks_free(&record->checks);
    for (size_t i = 0; i < record->ceiling_count; i++)
        free(record->ceilings[i].family);
    for (size_t i = 0; i < record->result_count; i++) {
        free(record->results[i].rounds);
        kvr_result_free_counters(&record->results[i]);
    }
    free(record->ceilings);
    free(record->results);
    free(record->claims);
    free(record->crossings);
    free(record->numa_matrix);
    kvr_run_record_init(record);
}

/* Makes room for one more of `count` items: the capacity is the next power of two, so it need not
 * be stored. Returns the array, or NULL with the old one untouched. */
static void *grow(void *items, size_t count, size_t item_bytes)
{
    if (count & (count - 1))
        return items;
    size_t capacity = count ? 2 * count : 1;
    return realloc(items, capacity * item_bytes);
}

struct kvr_result *kvr_record_add_result(struct kvr_run_record *record,
                                         const struct kvr_result *result)
{
    struct kvr_result *items = grow(record->results, record->result_count, sizeof *items);
    if (!items)
        return NULL;
    record->results = items;
    items[record->result_count] = *result;
    return &items[record->result_count++];
}

struct kvr_ceiling *kvr_record_add_ceiling(struct kvr_run_record *record,
                                           const struct kvr_ceiling *ceiling)
{
    struct kvr_ceiling *items = grow(record->ceilings, record->ceiling_count, sizeof *items);
    if (!items)
        return NULL;
    record->ceilings = items;
    items[record->ceiling_count] = *ceiling;
    return &items[record->ceiling_count++];
}

struct kvr_crossing *kvr_record_add_crossing(struct kvr_run_record *record,
                                             const struct kvr_crossing *crossing)
{
    struct kvr_crossing *items = grow(record->crossings, record->crossing_count, sizeof *items);
    if (!items)
        return NULL;
    record->crossings = items;
    items[record->crossing_count] = *crossing;
    return &items[record->crossing_count++];
}

struct kvr_numa_cell *kvr_record_add_numa_cell(struct kvr_run_record *record,
                                               const struct kvr_numa_cell *cell)
{
    struct kvr_numa_cell *items =
        grow(record->numa_matrix, record->numa_cell_count, sizeof *items);
    if (!items)
        return NULL;
    record->numa_matrix = items;
    items[record->numa_cell_count] = *cell;
    return &items[record->numa_cell_count++];
}

struct kvr_counter_record *kvr_result_add_counter(struct kvr_result *result, const char *name)
{
    struct kvr_counter_record *items =
        grow(result->counters, result->counter_count, sizeof *items);
    if (!items)
        return NULL;
    result->counters = items;
    struct kvr_counter_record *c = &items[result->counter_count++];
    memset(c, 0, sizeof *c);
    kvr_fields_clear(kvr_counter_fields, c);
    snprintf(c->name, sizeof c->name, "%s", name);
    return c;
}

struct kvr_counter_thread *kvr_counter_add_thread(struct kvr_counter_record *counter,
                                                  uint32_t thread)
{
    struct kvr_counter_thread *items =
        grow(counter->threads, counter->thread_count, sizeof *items);
    if (!items)
        return NULL;
    counter->threads = items;
    struct kvr_counter_thread *t = &items[counter->thread_count++];
    memset(t, 0, sizeof *t);
    kvr_fields_clear(kvr_counter_thread_fields, t);
    t->thread = thread;
    return t;
}

void kvr_result_free_counters(struct kvr_result *result)
{
    for (size_t i = 0; i < result->counter_count; i++)
        free(result->counters[i].threads);
    free(result->counters);
    result->counters = NULL;
    result->counter_count = 0;
}

const struct kvr_counter_record *kvr_result_counter(const struct kvr_result *result,
                                                    const char *name)
{
    for (size_t i = 0; i < result->counter_count; i++)
        if (!strcmp(result->counters[i].name, name))
            return &result->counters[i];
    return NULL;
}

bool kvr_result_flagged(const struct kvr_result *result, const char *flag)
{
    for (size_t i = 0; i < KVR_MAX_FLAGS && result->flags[i][0]; i++)
        if (!strcmp(result->flags[i], flag))
            return true;
    return false;
}

void kvr_result_flag(struct kvr_result *result, const char *flag)
{
    if (!*flag || kvr_result_flagged(result, flag))
        return;
    for (size_t i = 0; i < KVR_MAX_FLAGS; i++) {
        if (result->flags[i][0])
            continue;
        snprintf(result->flags[i], sizeof result->flags[i], "%s", flag);
        return;
    }
}

const char *kvr_result_why(const struct kvr_result *result, const char *what)
{
    for (size_t i = 0; i < result->unavailable_count; i++)
        if (!strcmp(result->unavailable[i].what, what))
            return result->unavailable[i].why;
    return NULL;
}

void kvr_result_unavailable(struct kvr_result *result, const char *what, const char *why, ...)
{
    size_t i = 0;
    while (i < result->unavailable_count && strcmp(result->unavailable[i].what, what))
        i++;
    if (i == KVR_MAX_UNAVAILABLE)
        return;
    struct kvr_unavailable *u = &result->unavailable[i];
    snprintf(u->what, sizeof u->what, "%s", what);
    va_list arguments;
    va_start(arguments, why);
    vsnprintf(u->why, sizeof u->why, why, arguments);
    va_end(arguments);
    if (i == result->unavailable_count)
        result->unavailable_count++;
}

void kvr_result_available(struct kvr_result *result, const char *what)
{
    struct kvr_unavailable *list = result->unavailable;
    size_t i = 0;
    while (i < result->unavailable_count && strcmp(list[i].what, what))
        i++;
    if (i == result->unavailable_count)
        return;
    result->unavailable_count--;
    memmove(&list[i], &list[i + 1], (result->unavailable_count - i) * sizeof *list);
}
