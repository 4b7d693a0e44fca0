/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "times.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

const struct kvr_result *kvr_find_case(const struct kvr_run_record *record, const char *name)
{
    for (size_t i = 0; record && i < record->result_count; i++)
        if (!strcmp(record->results[i].name, name))
            return &record->results[i];
    return NULL;
}

/* The median over the rounds of one process of what lies at `offset` in a round. */
static size_t collect(const struct kvr_result *r, uint32_t process, size_t offset, double *values)
{
    size_t n = 0;
    for (size_t i = 0; i < r->round_count; i++) {
        double value;
        memcpy(&value, (const char *)&r->rounds[i] + offset, sizeof value);
        if (r->rounds[i].process == process && !r->rounds[i].invalid && value > 0)
            values[n++] = value;
    }
    return n;
}

double kvr_process_time(const struct kvr_run_record *record, uint32_t process, const char *name)
{
    const struct kvr_result *r = kvr_find_case(record, name);
    double *values = r ? malloc((r->round_count + 1) * sizeof *values) : NULL;
    if (!values)
        return NAN;
    size_t n = collect(r, process, offsetof(struct kvr_round, t_ns), values);
    double median = kvr_process_median(values, n);
    free(values);
    return n ? log(median) : NAN;
}

double kvr_process_sentinel(const struct kvr_run_record *record, uint32_t process,
                            const char *name)
{
    const struct kvr_result *own = kvr_find_case(record, name);
    size_t most = 0, n = 0;
    for (size_t i = 0; own && i < record->result_count; i++)
        most += record->results[i].round_count;
    double *values = own ? malloc((most + 1) * sizeof *values) : NULL;
    const size_t offset = offsetof(struct kvr_round, sentinel_ns);
    if (!values)
        return NAN;
    bool has = collect(own, process, offset, values) > 0;
    for (size_t i = 0; has && i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (r->threads == own->threads && !strcmp(r->mem, own->mem) &&
            !strcmp(r->pages, own->pages))
            n += collect(r, process, offset, values + n);
    }
    double median = kvr_process_median(values, n);
    free(values);
    return n ? log(median) : NAN;
}
