/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `run --prove`: every sample of the run is taken under the proof of bypass, and what was found
 * becomes the check `bypass` of the record.
 */
#ifndef KVR_PROVE_H
#define KVR_PROVE_H

#include "session.h"

/* Starts the proof of a session that has no team yet. 0, or -errno with a sentence (this system
 * lets nothing catch system calls). */
int kvr_prove_open(struct kvr_session *session, char *error, size_t error_bytes);

/* What the proof does to times: the same samples with and without it, in pairs. 0 or -ENOMEM. */
int kvr_prove_cost(struct kvr_session *session);

/* A flag of every case in whose rounds the kernel was entered. */
extern const char kvr_flag_entered[];

/* The check, from what the proof has counted; `unknown` without --prove. */
void kvr_prove_conclude(const struct kvr_session *session);

/* The check's text, as a sentence of what was counted. */
void kvr_prove_text(const struct kvr_bypass_counts *counts, char *text, size_t bytes);

#endif
