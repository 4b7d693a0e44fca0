/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writers and the reader of result files. None of them computes a figure; jansson stays behind
 * this folder.
 */
#ifndef KVR_WRITERS_H
#define KVR_WRITERS_H

#include <stdio.h>

#include "record.h"

enum kvr_output_format {
    KVR_OUT_TABLE, KVR_OUT_JSON, KVR_OUT_JSONL, KVR_OUT_CSV, KVR_OUT_MD,
    /* Of other programs: Google Benchmark, github-action-benchmark (two arrays), Bencher. */
    KVR_OUT_GBENCH, KVR_OUT_GHA_BIGGER, KVR_OUT_GHA_SMALLER, KVR_OUT_BMF, KVR_OUT_OPENMETRICS,
    KVR_OUT_JUNIT, KVR_OUT_FORMATS
};
/* Their names, NULL-terminated, and of those the ones that a person reads or kvroof itself. */
extern const char *const kvr_output_names[];
extern const char *const kvr_own_output_names[];

struct kvr_output_style {
    bool color;
    int width; /* columns of the terminal; 0: unlimited */
    bool evidence; /* table: what each verdict rests on, below it */
    double step_ms; /* table: the decoding step that cases are fitted into; 0: 10 */
};

/* 0 or -EINVAL. */
int kvr_output_format_parse(const char *text, enum kvr_output_format *format);
/* table, json, csv or md: what commands print that write no cases of a run. */
bool kvr_output_is_common(enum kvr_output_format format);
/* True if a record without a case that has a time says nothing in this format: the programs that
 * read rows of cases take a file without any for an error, or for a pass. */
bool kvr_output_needs_cases(enum kvr_output_format format);
bool kvr_has_cases(const struct kvr_run_record *record);
/* The first case of which those formats would hold a time or rate that is not finite, as a file
 * may say of 1e308 ns a key; NULL: none. */
const struct kvr_result *kvr_not_finite(const struct kvr_run_record *record);
/* Writes the whole record. 0 or -errno of the write (-EPIPE, -ENOSPC, ...). */
int kvr_write(FILE *out, enum kvr_output_format format, const struct kvr_run_record *record,
              const struct kvr_output_style *style);
/* JSONL, case by case: a header line (everything but results), then a line per result, flushed. */
int kvr_write_jsonl_header(FILE *out, const struct kvr_run_record *record);
int kvr_write_jsonl_result(FILE *out, const struct kvr_result *result);
/* The header again, with what only the end knows: complete, ceilings, all checks. A killed run has
 * none, and stays incomplete. */
int kvr_write_jsonl_trailer(FILE *out, const struct kvr_run_record *record);
/* The plain sentences that end the table. */
int kvr_write_summary(FILE *out, const struct kvr_run_record *record);

/* Reads kvroof.result/1 (JSON, or the JSONL of a killed run). 0 or -errno with a sentence in error:
 * -EINVAL (file, line where known, what is wrong, other schema version), -ENOMSG: by its schema it
 * is something else than a result. */
int kvr_read_result(const char *path, struct kvr_run_record *record, char *error,
                    size_t error_bytes);

#endif
