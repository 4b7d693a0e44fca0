/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `fidelity` found, in the terms of the schema kvroof.fidelity/1, and its writers.
 *
 * Absence: a double that does not exist is NAN, a string "". Writers leave it out.
 */
#ifndef KVR_REPORT_FIDELITY_H
#define KVR_REPORT_FIDELITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "writers.h"

/* Of one row of attention (one query) against the exact one; see src/fidelity/metrics.h. */
enum kvr_metric {
    KVR_COS,          /* cosine of the outputs */
    KVR_COS_CENTERED, /* the same after uniform attention's output is taken from both */
    KVR_REL_L2,       /* |difference of the outputs| / |exact output| */
    KVR_KL,           /* KL divergence from the exact weights, nats */
    KVR_RHO,          /* Spearman's rank correlation of the weights */
    KVR_TOP1,
    KVR_TOP5,
    KVR_TOP10,        /* overlap of the k largest weights, a fraction of k */
    KVR_MASS10,       /* exact weight on the approximation's ten largest */
    KVR_METRICS
};
extern const char *const kvr_metric_names[KVR_METRICS]; /* JSON keys: "cos", "kl_nats", ... */
bool kvr_metric_rises(enum kvr_metric metric);          /* true: larger is closer */

enum { KVR_FIDELITY_ALL = -1 };

struct kvr_fidelity_row {
    int32_t layer, head;         /* KVR_FIDELITY_ALL, or index; head is a query head */
    const char *text;            /* "all", or a file's name; not owned: strings of the record */
    const char *codec;           /* or "uniform", "shuffled", "random", "values.q8" */
    uint32_t subspaces, entries; /* 0: the codec has none */
    char table[16];              /* "f32", "u8"; "" for codecs without tables */
    char encoder[48];            /* its settings: "r20/lambda0.001/block16"; "" if it has none */
    const char *calibration;     /* label of the calibration set; "" if it has none */
    bool before_rope;            /* coded before rotation, rotated after decoding */
    bool rope_pairs, leaking;
    uint32_t tokens, skip_sinks, seeds;
    double bytes_per_key, key_squared_error; /* NAN for controls */
    /* Over all queries, heads, texts and seeds of the row: mean, standard deviation, and the value
     * that 5 % of the queries do not reach (metrics that rise) or exceed (the others). */
    double mean[KVR_METRICS], std[KVR_METRICS], tail[KVR_METRICS];
    double worst_head[KVR_METRICS];  /* mean of the head that is worst by this metric */
    double seed_spread[KVR_METRICS]; /* largest - smallest mean over seeds; NAN for one seed */
    double skill, worst_skill;       /* (cos - cos of uniform) / (1 - cos of uniform) */
};

struct kvr_fidelity_absent {
    char name[64], why[240];
};

struct kvr_fidelity_record {
    uint32_t tokens, first_query; /* the largest of several lengths */
    uint32_t head_dim, seeds;     /* 0: not told, by files of older versions */
    char **files, **calibration_files; /* owned */
    size_t file_count, calibration_file_count;
    size_t calibration_keys; /* per layer and head, of the largest set; 0: none */
    char **names;            /* owned: what rows point to */
    size_t name_count;
    struct kvr_fidelity_row *rows;
    size_t row_count;
    struct kvr_fidelity_absent *absent; /* codecs that cannot code these keys */
    size_t absent_count;
    double training_s, duration_s;
};

void kvr_fidelity_free(struct kvr_fidelity_record *record);

/* Table columns, for the commands that print them. */
enum { KVR_FIDELITY_COLUMNS = 18 };
/* Whether a record's tables have the column: those of the spread over seeds need several. */
bool kvr_fidelity_shows(const struct kvr_fidelity_record *record, size_t column);
const char *kvr_fidelity_heading(size_t column);
/* The text of one cell; "" for nothing. Call with the numeric locale of text.h. */
void kvr_fidelity_cell(const struct kvr_fidelity_row *row, size_t column, char *text, size_t bytes);

/* json, csv or md: rows as they are. 0, -EINVAL for another format, -errno of the write. */
int kvr_write_fidelity(FILE *out, enum kvr_output_format format,
                       const struct kvr_fidelity_record *record);

/* Reads a run's result (see kvr_read_result) or kvroof.fidelity/1: fidelity->row_count is 0 in the
 * first case, and the run's record empty in the second. Errors as there. */
int kvr_read_either(const char *path, struct kvr_run_record *run,
                    struct kvr_fidelity_record *fidelity, char *error, size_t error_bytes);

#endif
