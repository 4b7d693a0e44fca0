/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hand-made records and files for the tests of src/report. All figures are invented.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <stddef.h>
#include <stdio.h>

#include "../../src/report/plotdata.h"

/* A run as users see it: several formats and lengths from DRAM, one from L2, flags, a case that
 * was not measured, a ladder. */
void sample_run(struct kvr_run_record *record);

/* The same with what its cases do (operations), and rate ceilings. */
void sample_work(struct kvr_run_record *record);

/* Scans, steps and attentions of four kernels over three lengths, in the settings of the
 * decode-realism ladder; one flagged. */
void sample_ops(struct kvr_run_record *record);

/* A record in which every field of every struct differs from its default. */
void sample_everything(struct kvr_run_record *record);

/* The crossings of sample_run and of sample_everything. */
void sample_add_crossings(struct kvr_run_record *record);
void sample_fill_crossing(struct kvr_run_record *record);

/* A NUMA matrix, also in sample_everything. */
void sample_add_numa(struct kvr_run_record *record);

/* What a picture's data are; the caller frees. */
typedef int sample_data(FILE *out, const struct kvr_drawn *of);
char *sample_sheet(sample_data *data, const struct kvr_run_record *records, size_t count);

/* Owned text of a file; NULL if it cannot be read. *bytes may be NULL. */
char *sample_read(const char *path, size_t *bytes);
void sample_write(const char *path, const void *text, size_t bytes);

/* A new folder and the path of a result in it: the begin of the fixtures of tests with files. `new`
 * makes a zeroed fixture of so many bytes; `free` is their teardown. */
struct sample_place { char folder[256], result[300]; };
void *sample_place_new(size_t bytes);
int sample_place_free(void **state);
/* The record of `make` as a result file. */
void sample_write_result(const char *path, void (*make)(struct kvr_run_record *));

/* A new folder below $TMPDIR, and its removal with all that lies in it. */
void sample_folder(char *path, size_t bytes);
void sample_folder_remove(const char *path);

#endif
