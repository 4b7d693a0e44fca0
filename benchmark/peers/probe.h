/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the comparison with peers times in C: kvroof's own kernels and the libraries that are
 * reached by dlopen, all by the same loop, on the same keys and pages.
 */
#ifndef PEERS_PROBE_H
#define PEERS_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEERS_DIM = 64, PEERS_KEYS = 512, PEERS_QUERIES = 8, PEERS_SEGMENT = 4096, PEERS_WHY = 256 };

/* KV head 0 of the mini set and what is true of it, in double. */
struct peers_data {
    float *keys;        /* [PEERS_SEGMENT][PEERS_DIM]: the PEERS_KEYS keys again and again */
    float *values;      /* the same of the values */
    float *calibration; /* [calibration_count][PEERS_DIM] */
    size_t calibration_count;
    float *queries;     /* [PEERS_QUERIES][PEERS_DIM]: the last queries of the head */
    double scores[PEERS_QUERIES][PEERS_KEYS]; /* q.k, not divided by sqrt(d) */
    double output[PEERS_DIM];                 /* attention of query 0 over the PEERS_KEYS keys */
};

/* Something that can be timed: segment after segment, for ever. */
struct peers_work {
    void (*run)(void *state, uint32_t segment);
    void *state;       /* lives as long as the program */
    uint32_t segments;
    double units;      /* of one segment: keys, or lines of 64 bytes */
    uint32_t next;     /* where the last sample stopped */
};

struct peers_entry {
    struct peers_work cache, dram;
    size_t cache_keys, dram_bytes; /* in: the sizes asked for */
    double error;                  /* relative L2 of the scores, or of the output */
    double bytes_per_unit;
    char note[400];                /* what was chosen */
    char why[PEERS_WHY];           /* why it cannot be timed */
};

/* Bytes of zeros on 2 MiB pages where the system gives them; NULL: no memory. Never freed. */
void *peers_arena(size_t bytes);
/* Median ns per unit over the slices of one sample of about `ms` milliseconds. */
double peers_time(struct peers_work *work, double ms);
/* A short look, to choose by: the best of three samples, so that being interrupted in one does not
 * decide. */
double peers_trial(struct peers_work *work);
/* Relative L2 distance of scores * factor from truth. */
double peers_error(const float *scores, double factor, const double *truth, size_t count);
/* Notes the reason in entry->why; always false. */
bool peers_absent(struct peers_entry *entry, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Each prepares both places and the error for what `spec` names; false with entry->why. */
/* CODEC[:VARIANT[:m[:K]]][*QUERIES], or attention */
bool peers_open_kvroof(const struct peers_data *data, const char *spec, struct peers_entry *entry);
/* kvroof-read, kvroof-copy, kvroof-triad, plain-copy, plain-triad */
bool peers_open_memory(const char *spec, struct peers_entry *entry);
/* f16, bf16, q8_0, q4_0; libraries: the per-CPU ones to choose from */
bool peers_open_ggml(const struct peers_data *data, const char *spec, char **libraries, int count,
                     struct peers_entry *entry);
/* sgemv, sgemm */
bool peers_open_blas(const struct peers_data *data, const char *spec, struct peers_entry *entry);

#endif
