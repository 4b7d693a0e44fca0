/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Made-up records for the tests of predictions, with numbers that are easy by hand.
 */
#ifndef KVR_TEST_PREDICTING_H
#define KVR_TEST_PREDICTING_H

#include "src/study/predict.h"

void near(double found, double by_hand); /* fails the test unless they are equal but for rounding */

/* A scan of int4.fused@avx512vnni, d 64, 512 tokens, with its times in ns a key. */
struct kvr_result *add(struct kvr_run_record *record, const char *level, uint32_t threads, double t,
                       double m, double c);
void add_roof(struct kvr_run_record *record, const char *type, const char *level, uint32_t threads,
              uint64_t bytes, double gb_per_s);
/* type: "load", or with a dtype "shuffle.two". */
void add_rate(struct kvr_run_record *record, const char *type, const char *isa, double gop_per_s);

/* Two phases one after the other: prepare T 8, M 4, C 4 (no overlap), scan T 5, M 5, C 2 (all). */
void set_serial(struct kvr_result *result, const char *op, const char *variant);

/* Twice the clock of `make`, three times the loads, four times the bandwidth of one core. */
extern const struct kvr_other_machine faster;

/* 3 GHz; DRAM 20 GB/s (16 and, two threads, 24 for its list), L2 160; 6 loads a ns. */
void make(struct kvr_run_record *record);

#endif
