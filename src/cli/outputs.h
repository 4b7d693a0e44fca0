/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a run's results go. Every output is opened and tried before anything is measured.
 */
#ifndef KVR_OUTPUTS_H
#define KVR_OUTPUTS_H

#include <stdio.h>

#include "../report/writers.h"
#include "../study/plan.h"

#define KVR_STEP_SUMMARY_HELP "append the Markdown to the file that GITHUB_STEP_SUMMARY names"

struct kvr_sink {
    enum kvr_output_format format;
    bool append;
    char path[1100], temporary[1120]; /* temporary "": written in place */
    FILE *file;                       /* NULL once closed */
    size_t written;                   /* results that a JSONL file has */
};

struct kvr_sinks {
    struct kvr_sink items[KVR_MAX_OUTPUTS + 2];
    size_t count;
    bool default_file; /* the first is results/TIMESTAMP-HOST.json */
    /* Writes what a table is to be, instead of kvr_write; NULL: kvr_write does. 0 or -errno. */
    int (*table)(const struct kvr_run_record *record, FILE *out);
};

/* "FORMAT:FILE" as an option has it. 0 or -EINVAL with a clause that continues a sentence starting
 * with the text. */
int kvr_output_parse(const char *text, struct kvr_output *output, char *why, size_t why_bytes);
/* The Markdown that --step-summary appends to the file that $GITHUB_STEP_SUMMARY names; -ENOENT:
 * it names none. */
int kvr_output_step_summary(struct kvr_output *output);
extern const char kvr_no_step_summary[]; /* the sentence for it */
/* Two outputs of one path, or stdout although --format has it: -EINVAL with a sentence. */
int kvr_outputs_check(const struct kvr_output *outputs, size_t count, bool stdout_taken, char *why,
                      size_t why_bytes);

/* A device such as /dev/full takes the open and refuses the data: tries one harmless byte on what
 * is a device and no terminal. 0 or -errno. */
int kvr_output_probe(FILE *file);

/* One sink by itself, whose path names a file. Opens it: a regular file, but JSONL and what is
 * appended to, in a file beside it. 0 or -errno. */
int kvr_sink_open(struct kvr_sink *sink);
/* Closes it; the file beside it takes the place of the path unless rc, or the closing, is an error.
 * That, or 0. */
int kvr_sink_close(struct kvr_sink *sink, int rc);
/* Closes it and removes the file beside it. */
void kvr_sink_abandon(struct kvr_sink *sink);

/* Opens all outputs, and stdout unless one of them is it; without any, results/TIMESTAMP-HOST.json.
 * A JSON file gets the partial record at once, in a file beside it that replaces it at the end: a
 * full disk shows here, and an earlier result is kept until then. 0 or -errno with a sentence. */
int kvr_sinks_open(struct kvr_sinks *sinks, const struct kvr_options *options,
                   const struct kvr_run_record *record, char *error, size_t error_bytes);

/* Opens these outputs and nothing else, in the same way. */
int kvr_sinks_open_only(struct kvr_sinks *sinks, const struct kvr_output *outputs, size_t count,
                        const struct kvr_run_record *record, char *error, size_t error_bytes);

/* kvr_sinks_open without that default file. */
int kvr_sinks_open_listed(struct kvr_sinks *sinks, const struct kvr_options *options,
                          const struct kvr_run_record *record, char *error, size_t error_bytes);

/* JSONL sinks: the results that they do not have yet. 0 or -errno. */
int kvr_sinks_append(struct kvr_sinks *sinks, const struct kvr_run_record *record);

/* Writes the final record to all and closes them. Returns the first error with a sentence, but
 * writes what it can. */
int kvr_sinks_finish(struct kvr_sinks *sinks, const struct kvr_run_record *record,
                     const struct kvr_output_style *style, char *error, size_t error_bytes);

/* Closes without writing; temporary files are removed. */
void kvr_sinks_abandon(struct kvr_sinks *sinks);

#endif
