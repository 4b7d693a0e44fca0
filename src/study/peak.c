/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peak.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

double kvr_peak_of(const struct kvr_run_record *record)
{
    for (size_t i = 0; i < record->ceiling_count; i++)
        if (!strcmp(record->ceilings[i].type, "peak"))
            return record->ceilings[i].value;
    return NAN;
}

/* A ladder's point counts at the largest working set only: a smaller one of level DRAM may still
 * lie in a cache in part. */
static bool is_dram_read(const struct kvr_run_record *record, const struct kvr_ceiling *c)
{
    if (strcmp(c->kind, "bandwidth") || strcmp(c->level, "DRAM"))
        return false;
    if (!strcmp(c->type, "read-family"))
        return true;
    bool largest = !strcmp(c->type, "read");
    for (size_t i = 0; i < record->ceiling_count && largest; i++)
        largest = strcmp(record->ceilings[i].type, "read") != 0 ||
                  record->ceilings[i].working_set_bytes <= c->working_set_bytes;
    return largest;
}

static const struct kvr_ceiling *best_dram_read(const struct kvr_run_record *record)
{
    const struct kvr_ceiling *best = NULL;
    for (size_t i = 0; i < record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &record->ceilings[i];
        if (is_dram_read(record, c) && (!best || c->value > best->value))
            best = c;
    }
    return best;
}

static void add_ceiling(struct kvr_run_record *record, double gb_per_s, const char *method)
{
    struct kvr_ceiling c;
    if (!isnan(kvr_peak_of(record)))
        return;
    kvr_ceiling_init(&c);
    snprintf(c.id, sizeof c.id, "peak/DRAM");
    snprintf(c.kind, sizeof c.kind, "bandwidth");
    snprintf(c.type, sizeof c.type, "peak");
    snprintf(c.level, sizeof c.level, "DRAM");
    snprintf(c.unit, sizeof c.unit, "GB/s");
    snprintf(c.method, sizeof c.method, "%.159s", method);
    c.value = gb_per_s;
    kvr_record_add_ceiling(record, &c);
}

void kvr_peak_compare(struct kvr_run_record *record, double by_user_gb_per_s)
{
    const struct kvr_memory_peak *firmware = &record->machine.memory_peak;
    bool given = by_user_gb_per_s > 0;
    double peak = given ? by_user_gb_per_s : firmware->gb_per_s;
    const char *at_most = !given && firmware->upper_bound ? "at most " : "";
    if (!(peak > 0))
        return;
    if (given) {
        struct kvr_check *told = kvr_check_add(&record->checks, "memory-peak", KVR_CHECK_OK,
                                               "%.1f GB/s in theory, for all memory, as "
                                               "--peak-gb-per-s says%s%.100s",
                                               peak, firmware->text[0] ? "; " : "", firmware->text);
        snprintf(told->value, sizeof told->value, "%.1f", peak);
    }
    add_ceiling(record, peak, given ? "as --peak-gb-per-s says" : firmware->text);
    const struct kvr_ceiling *best = best_dram_read(record);
    if (!best)
        return;
    double percent = 100 * best->value / peak;
    bool possible = percent <= 100;
    struct kvr_check *check = kvr_check_add(
        &record->checks, "peak-percent", possible ? KVR_CHECK_INFO : KVR_CHECK_WARN,
        "the best DRAM read, %.1f GB/s with %u thread%s, is %.0f %% of the %s%.1f GB/s that the "
        "memory has %s%s",
        best->value, best->threads, best->threads == 1 ? "" : "s", percent, at_most, peak,
        given ? "by --peak-gb-per-s" : "by firmware",
        possible ? "" : ": more than all of it, so one of the two is wrong");
    snprintf(check->value, sizeof check->value, "%.1f", percent);
    if (!possible)
        snprintf(check->fix, sizeof check->fix, "%s",
                 given ? "compare the option with the data sheet"
                       : "give the data sheet's figure with --peak-gb-per-s");
}
