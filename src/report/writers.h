/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Writers and the reader of result files. None of them computes a figure; jansson stays behind
 * this folder.
 */
#ifndef KVR_WRITERS_H
#define KVR_WRITERS_H

#include <stdio.h>

#include "record.h"

enum kvr_output_format { KVR_OUT_TABLE, KVR_OUT_JSON, KVR_OUT_JSONL, KVR_OUT_CSV, KVR_OUT_MD };

struct kvr_output_style {
    bool color;
    int width; /* columns of the terminal; 0: unlimited */
    bool evidence; /* table: what each verdict rests on, below it */
    double step_ms; /* table: the decoding step that cases are fitted into; 0: 10 */
};

/* 0 or -EINVAL. */
int kvr_output_format_parse(const char *text, enum kvr_output_format *format);
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

/* Reads kvroof.result/1 (JSON, or the JSONL of a killed run). 0, -errno, or -EINVAL with a
 * sentence in error (file, line where known, what is wrong, other schema version). */
int kvr_read_result(const char *path, struct kvr_run_record *record, char *error,
                    size_t error_bytes);

#endif
