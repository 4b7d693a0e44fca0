/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The machine's ceilings as tables: memory by level, caches as told and as found, the ladder, core
 * resources, and the checks that bear on them.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../report/text.h"
#include "../study/peak.h"
#include "../study/session.h"
#include "bench.h"
#include "list_rows.h"
#include "style.h"

enum { MAX_LADDERS = 6, LADDER_COLUMNS = 1 + 2 * MAX_LADDERS };

static const char *const levels[] = {"L1", "L2", "L3", "DRAM"};
#define LEVELS (sizeof levels / sizeof *levels)

static bool is(const struct kvr_ceiling *c, const char *type, const char *level, uint32_t threads)
{
    return !strcmp(c->type, type) && !strcmp(c->level, level) && c->threads == threads;
}

/* The best of its kind; families of other layouts belong to the cases that they were chosen for. */
static const struct kvr_ceiling *find(const struct kvr_run_record *record, const char *type,
                                      const char *level, uint32_t threads)
{
    const struct kvr_ceiling *best = NULL;
    for (size_t i = 0; i < record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &record->ceilings[i];
        if (is(c, type, level, threads) && !strcmp(c->layout, "contiguous") &&
            (!best || c->value > best->value))
            best = c;
    }
    return best;
}

/* Thread counts of the bandwidths, in the order of the record. */
static size_t thread_counts(const struct kvr_run_record *record, uint32_t *threads, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &record->ceilings[i];
        bool seen = !c->threads || !strcmp(c->kind, "rate");
        for (size_t j = 0; j < n; j++)
            seen |= threads[j] == c->threads;
        if (!seen && n < max)
            threads[n++] = c->threads;
    }
    return n;
}

static void add_value(struct kvr_rows *rows, const struct kvr_ceiling *c)
{
    if (c)
        kvr_rows_add(rows, "%.4g", c->value);
    else
        kvr_rows_add(rows, "%s", "");
}

static void add_size(struct kvr_rows *rows, uint64_t bytes)
{
    if (bytes)
        kvr_rows_add(rows, "%" PRIu64, bytes);
    else
        kvr_rows_add(rows, "%s", "");
}

static int finish(struct kvr_rows *rows, FILE *out, const char *title)
{
    int rc = 0;
    if (rows->cell_count) {
        fprintf(out, "%s\n", title);
        rc = kvr_rows_table(rows, out);
        fputc('\n', out);
    }
    kvr_rows_free(rows);
    return rc;
}

static void add_level(struct kvr_rows *rows, const struct kvr_run_record *record, const char *level,
                      uint32_t threads, double peak)
{
    const struct kvr_ceiling *load = find(record, "read-family", level, threads);
    const struct kvr_ceiling *copy = find(record, "copy", level, threads);
    const struct kvr_ceiling *triad = find(record, "triad", level, threads);
    const struct kvr_ceiling *latency = find(record, "latency", level, threads);
    if (!load && !copy && !triad && !latency)
        return;
    const struct kvr_ceiling *any = load ? load : copy ? copy : triad ? triad : latency;
    kvr_rows_add(rows, "%s", level);
    kvr_rows_add(rows, "%u", threads);
    add_size(rows, any->working_set_bytes);
    add_value(rows, load);
    add_value(rows, copy);
    add_value(rows, triad);
    add_value(rows, latency);
    if (!isnan(peak) && load && !strcmp(level, "DRAM"))
        kvr_rows_add(rows, "%.0f", 100 * load->value / peak);
    else if (!isnan(peak))
        kvr_rows_add(rows, "%s", "");
    kvr_rows_add(rows, "%s", load && load->family_count ? load->family[0].name : "");
}

static int print_levels(const struct kvr_run_record *record, FILE *out)
{
    static const struct kvr_list_column with_peak[] = {
        {"level", KVR_LIST_TEXT},        {"threads", KVR_LIST_NUMBER},
        {"working set", KVR_LIST_BYTES}, {"load", KVR_LIST_NUMBER},
        {"copy", KVR_LIST_NUMBER},       {"triad", KVR_LIST_NUMBER},
        {"latency", KVR_LIST_NUMBER},    {"% of peak", KVR_LIST_NUMBER},
        {"best reader", KVR_LIST_TEXT}};
    static const struct kvr_list_column without[] = {
        {"level", KVR_LIST_TEXT},        {"threads", KVR_LIST_NUMBER},
        {"working set", KVR_LIST_BYTES}, {"load", KVR_LIST_NUMBER},
        {"copy", KVR_LIST_NUMBER},       {"triad", KVR_LIST_NUMBER},
        {"latency", KVR_LIST_NUMBER},    {"best reader", KVR_LIST_TEXT}};
    uint32_t threads[64];
    double peak = kvr_peak_of(record);
    size_t counts = thread_counts(record, threads, 64);
    struct kvr_rows rows = {.columns = isnan(peak) ? without : with_peak,
                            .column_count = isnan(peak) ? 8 : 9};
    for (size_t l = 0; l < LEVELS; l++)
        for (size_t t = 0; t < counts; t++)
            add_level(&rows, record, levels[l], threads[t], peak);
    bool any = rows.cell_count > 0;
    int rc = finish(&rows, out,
                    "Memory by level: load, copy, triad in GB/s (10^9 bytes a second, all threads "
                    "together), latency in ns");
    if (any)
        fputs("load: the best compute-free reader; copy: a = b; triad: a = b + s * c, as STREAM's "
              "(likwid-bench:\nstream); both count the bytes read and written by the program. "
              "latency: dependent loads of one thread.\n\n",
              out);
    return rc;
}

static const struct kvr_check *cache_check(const struct kvr_run_record *record, uint32_t level)
{
    char id[24];
    snprintf(id, sizeof id, "cache-l%u", level);
    for (size_t i = 0; i < record->checks.count; i++)
        if (!strcmp(record->checks.items[i].id, id))
            return &record->checks.items[i];
    return NULL;
}

static int print_caches(const struct kvr_run_record *record, FILE *out)
{
    static const struct kvr_list_column columns[] = {{"cache", KVR_LIST_TEXT},
                                                     {"reported", KVR_LIST_BYTES},
                                                     {"measured", KVR_LIST_BYTES},
                                                     {"used", KVR_LIST_BYTES},
                                                     {"shared by CPUs", KVR_LIST_NUMBER}};
    struct kvr_rows rows = {.columns = columns, .column_count = 5};
    for (uint32_t level = 1; level <= 3; level++) {
        const struct kvr_cache_level *cache = NULL;
        const struct kvr_check *check = cache_check(record, level);
        for (size_t i = 0; i < record->machine.cache_count && !cache; i++)
            if (record->machine.caches[i].level == level)
                cache = &record->machine.caches[i];
        uint64_t reported = cache ? cache->size_bytes : 0;
        uint64_t measured = kvr_measured_plateau(record, level);
        if (!check || (!reported && !measured))
            continue;
        kvr_rows_add(&rows, "L%u", level);
        add_size(&rows, reported);
        add_size(&rows, measured);
        add_size(&rows, kvr_cache_size_used(reported, measured));
        if (cache && cache->shared_by)
            kvr_rows_add(&rows, "%u", cache->shared_by);
        kvr_rows_end(&rows);
    }
    return finish(&rows, out,
                  "Caches as the system reports them, and where the load of one thread falls "
                  "(agreeing within a factor of 2: the reported size is used)");
}

/* The ladders side by side: a row per working set, two columns per thread count. */
static int print_ladder(const struct kvr_run_record *record, FILE *out)
{
    struct kvr_list_column columns[LADDER_COLUMNS] = {{"working set", KVR_LIST_BYTES}};
    char headings[MAX_LADDERS][24];
    uint32_t threads[MAX_LADDERS];
    size_t counts = thread_counts(record, threads, MAX_LADDERS);
    for (size_t t = 0; t < counts; t++) {
        snprintf(headings[t], sizeof headings[t], "%u thread%s", threads[t],
                 threads[t] == 1 ? "" : "s");
        columns[1 + 2 * t] = (struct kvr_list_column){headings[t], KVR_LIST_NUMBER};
        columns[2 + 2 * t] = (struct kvr_list_column){"level", KVR_LIST_TEXT};
    }
    struct kvr_rows rows = {.columns = columns, .column_count = 1 + 2 * counts};
    for (size_t i = 0; i < record->ceiling_count && counts; i++) {
        const struct kvr_ceiling *point = &record->ceilings[i];
        if (strcmp(point->type, "read") || point->threads != threads[0])
            continue;
        add_size(&rows, point->working_set_bytes);
        for (size_t t = 0; t < counts; t++) {
            const struct kvr_ceiling *c = NULL;
            for (size_t j = 0; j < record->ceiling_count; j++)
                if (!strcmp(record->ceilings[j].type, "read") &&
                    record->ceilings[j].threads == threads[t] &&
                    record->ceilings[j].working_set_bytes == point->working_set_bytes)
                    c = &record->ceilings[j];
            add_value(&rows, c);
            kvr_rows_add(&rows, "%s", c ? c->level : "");
        }
    }
    return finish(&rows, out, "Ladder: load in GB/s by the working set of all threads together");
}

static int print_rates(const struct kvr_run_record *record, FILE *out)
{
    static const struct kvr_list_column columns[] = {
        {"resource", KVR_LIST_TEXT}, {"kind", KVR_LIST_TEXT}, {"isa", KVR_LIST_TEXT},
        {"rate", KVR_LIST_NUMBER},   {"unit", KVR_LIST_TEXT}, {"how", KVR_LIST_TEXT}};
    struct kvr_rows rows = {.columns = columns, .column_count = 6};
    for (size_t i = 0; i < record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &record->ceilings[i];
        if (strcmp(c->kind, "rate"))
            continue;
        kvr_rows_add(&rows, "%s", c->type);
        kvr_rows_add(&rows, "%s", c->dtype);
        kvr_rows_add(&rows, "%s", c->isa);
        kvr_rows_add(&rows, "%.4g", c->value);
        kvr_rows_add(&rows, "%s", c->unit);
        kvr_rows_add(&rows, "%s", c->method);
    }
    return finish(&rows, out, "One core's resources: how many instructions of one kind a second");
}

static void print_check(const struct kvr_check *c, FILE *out)
{
    bool helps = c->status != KVR_CHECK_OK && c->fix[0];
    int terminal = out == stdout ? kvr_terminal_width() : 0;
    char text[sizeof c->text + sizeof c->fix + 32];
    snprintf(text, sizeof text, "%s: %s%s%s", kvr_check_status_name(c->status), c->text,
             helps ? "; " : "", helps ? c->fix : "");
    kvr_put_wrapped(out, text, terminal ? terminal : KVR_USUAL_WIDTH);
}

int kvr_roofs_print(const struct kvr_run_record *record, FILE *out)
{
    static const char *const shown[] = {
        "pages",    "placement", "memory-peak", "peak-percent", "clock-real",     "cache-l1",
        "cache-l2", "cache-l3",  "dram-proven", "level-l3",     "roofs-reused",   "numa-matrix",
        "numa-distances"};
    enum { SHOWN = sizeof shown / sizeof *shown };
    int rc = print_levels(record, out);
    if (!rc)
        rc = print_caches(record, out);
    if (!rc)
        rc = print_ladder(record, out);
    if (!rc)
        rc = print_rates(record, out);
    if (!rc)
        rc = kvr_numa_print(record, out);
    for (size_t s = 0; s < SHOWN && !rc; s++)
        for (size_t i = 0; i < record->checks.count; i++)
            if (!strcmp(record->checks.items[i].id, shown[s]))
                print_check(&record->checks.items[i], out);
    for (size_t i = 0; i < record->checks.count && !rc; i++) { /* and whatever else warns */
        size_t s = 0;
        while (s < SHOWN && strcmp(record->checks.items[i].id, shown[s]))
            s++;
        if (s == SHOWN && record->checks.items[i].status == KVR_CHECK_WARN)
            print_check(&record->checks.items[i], out);
    }
    errno = 0;
    if (!rc && (fflush(out) || ferror(out)))
        rc = errno ? -errno : -EIO;
    return rc;
}
