/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files and folders of the tests of src/report.
 */
#include "sample.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/report/writers.h"

char *sample_sheet(sample_data *data, const struct kvr_run_record *records, size_t count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(data(out, &(struct kvr_drawn){records, count, NULL}), 0);
    fclose(out);
    return text;
}

char *sample_read(const char *path, size_t *bytes)
{
    FILE *in = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0;
    if (!in)
        return NULL;
    FILE *out = open_memstream(&text, &size);
    for (int c = getc(in); out && c != EOF; c = getc(in))
        putc(c, out);
    fclose(in);
    if (out)
        fclose(out);
    if (bytes)
        *bytes = size;
    return text;
}

void sample_write(const char *path, const void *text, size_t bytes)
{
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(text, 1, bytes, out) != bytes || fclose(out))
        perror(path);
}

void sample_folder(char *path, size_t bytes)
{
    const char *parent = getenv("TMPDIR");
    snprintf(path, bytes, "%s/kvroof-report-XXXXXX", parent ? parent : P_tmpdir);
    if (!mkdtemp(path))
        perror(path);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

void sample_folder_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void *sample_place_new(size_t bytes)
{
    struct sample_place *place = calloc(1, bytes);
    if (!place)
        abort();
    sample_folder(place->folder, sizeof place->folder);
    snprintf(place->result, sizeof place->result, "%s/result.json", place->folder);
    return place;
}

int sample_place_free(void **state)
{
    struct sample_place *place = *state;
    sample_folder_remove(place->folder);
    free(place);
    return 0;
}

void sample_write_result(const char *path, void (*make)(struct kvr_run_record *))
{
    struct kvr_run_record record;
    FILE *out = fopen(path, "w");
    make(&record);
    if (!out || kvr_write(out, KVR_OUT_JSON, &record, NULL) || fclose(out))
        perror(path);
    kvr_run_record_free(&record);
}
