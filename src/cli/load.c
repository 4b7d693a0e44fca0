/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "../report/writers.h"
#include "../study/claims.h"
#include "../study/crossings.h"
#include "cli.h"

int kvr_load_results(const char *const *paths, size_t count, struct kvr_run_record **records)
{
    char error[512];
    size_t loaded = 0;
    int code = KVR_EXIT_OK;
    *records = calloc(count, sizeof **records);
    if (!*records)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    while (loaded < count && !code) {
        if (kvr_read_result(paths[loaded], &(*records)[loaded], error, sizeof error))
            code = kvr_fail(KVR_EXIT_USAGE, "%s", error);
        else
            loaded++;
    }
    if (code) {
        kvr_free_results(*records, loaded);
        *records = NULL;
    }
    return code;
}

bool kvr_same_file(const char *one, const char *other)
{
    struct stat a, b;
    return !stat(one, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

void kvr_free_results(struct kvr_run_record *records, size_t count)
{
    for (size_t i = 0; records && i < count; i++)
        kvr_run_record_free(&records[i]);
    free(records);
}

void kvr_add_conclusions(struct kvr_run_record *record)
{
    bool any = false;
    for (size_t i = 0; i < record->result_count; i++)
        any |= record->results[i].measured;
    if (any && !record->claim_count)
        kvr_claims_decide(record);
    if (any && !record->crossing_count)
        kvr_crossings_find(record);
}
