/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A record in the formats of other programs. Only for src/report; kvr_write dispatches to these.
 */
#ifndef KVR_EXPORT_H
#define KVR_EXPORT_H

#include <jansson.h>
#include <stdio.h>

#include "junit.h"
#include "record.h"

/* ---- JSON: a new value that the caller owns, or NULL (out of memory). Cases that were not
 * measured are left out. ---- */

/* Google Benchmark: a repetition is a round, an iteration the keys of one head. */
json_t *kvr_json_gbench(const struct kvr_run_record *record);
/* github-action-benchmark: keys per second, where bigger is better, or ns a key. */
json_t *kvr_json_gha(const struct kvr_run_record *record, bool bigger);
/* Bencher Metric Format. */
json_t *kvr_json_bmf(const struct kvr_run_record *record);

/* ---- text, with the numeric locale set (text.h); 0 or -ENOMEM ---- */

/* OpenMetrics, which the Prometheus text format's readers take, too. */
int kvr_put_openmetrics(FILE *out, const struct kvr_run_record *record);
/* JUnit of one run: a score that differs from its reference has failed, what was not measured is
 * skipped. */
int kvr_put_junit(FILE *out, const struct kvr_run_record *record);

/* True if the case has a time to tell. */
bool kvr_is_exported(const struct kvr_result *result);
/* What one line says of a measured case: time, rate, roof, verdict, flags. */
void kvr_case_sentence(const struct kvr_result *result, char *text, size_t bytes);

#endif
