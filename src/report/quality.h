/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Closeness beside speed: the rows of a fidelity result and the cases of runs, joined by codec and
 * shape.
 */
#ifndef KVR_QUALITY_H
#define KVR_QUALITY_H

#include "fidelity.h"
#include "record.h"

/* Gives every measured case the row of its codec, table and shape: the one over all layers, heads
 * and texts, at the largest length, all keys coded as stored. Records and cases then point into
 * `fidelity`, which has to live as long. 0; -EINVAL with a sentence in error: nothing is shared,
 * another head dimension, several calibration sets. */
int kvr_quality_attach(const struct kvr_fidelity_record *fidelity, struct kvr_run_record *records,
                       size_t count, char *error, size_t error_bytes);
/* The codecs, "kivi2, lookat/m4/K16", whose cases have a time and found no row; "" if there are
 * none. */
void kvr_quality_missing_text(const struct kvr_run_record *records, size_t count, char *text,
                              size_t bytes);

/* The row of attention that looks at nothing, over the same queries: the floor. Not NULL once
 * kvr_quality_attach succeeded. */
const struct kvr_fidelity_row *kvr_quality_floor(const struct kvr_fidelity_record *fidelity);
/* What the figures are of: files, tokens, queries, seeds. */
void kvr_quality_source_text(const struct kvr_fidelity_record *fidelity, char *text, size_t bytes);

#endif
