/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/study only: the rows of the claims ledger, one function each.
 */
#ifndef KVR_CLAIMS_ROWS_H
#define KVR_CLAIMS_ROWS_H

#include "claims.h"

#define KVR_CLAIM_YES "yes"
#define KVR_CLAIM_NO "no"
#define KVR_CLAIM_PARTLY "partly"
#define KVR_CLAIM_ELSEWHERE "not decidable here"
#define KVR_CLAIM_UNMEASURED "not measured"

/* A figure this close to the claimed one counts as reaching it: padding, order lists. */
#define KVR_CLAIM_REACHED .9

/* The paper's setting: GPT-2's heads, its main configuration, its longest cost example. */
extern const struct kvr_claim_shape kvr_paper_shape;

/* Fills one zeroed row; the id, claim, type and source too. */
typedef void kvr_claim_row(const struct kvr_run_record *record, struct kvr_claim *claim);

kvr_claim_row kvr_claim_key_bytes, kvr_claim_rho, kvr_claim_bound, kvr_claim_kl,
    kvr_claim_operations, kvr_claim_kv_cap, kvr_claim_encoding; /* claims_paper.c */
kvr_claim_row kvr_claim_bandwidth, kvr_claim_dequantising, kvr_claim_shift; /* claims_run.c */
kvr_claim_row kvr_claim_squat_memory, kvr_claim_squat_throughput,
    kvr_claim_rvq_compression; /* claims_systems.c */

/* ---- cases of a run, for the rows that one decides (claims_run.c) ---- */

/* Measured from DRAM, with the right scores; of any variant where that is NULL. */
bool kvr_claim_is_codec(const struct kvr_result *result, const char *codec, const char *variant);
/* True if `a` speaks better for a claim about 512 tokens than `b`, which may be NULL. */
bool kvr_claim_nearer(const struct kvr_result *a, const struct kvr_result *b);
/* The fastest like case in another format, or in the same one by another kernel; NULL: none. */
const struct kvr_result *kvr_claim_beside(const struct kvr_run_record *record,
                                          const struct kvr_result *like, const char *codec,
                                          const char *variant);
enum { KVR_CLAIM_FLAGS_BYTES = 80 };
/* What is said behind a case: "" or "; flagged noisy, leaking". `who`: "" or "FP16 ". Returns text;
 * what does not fit is counted. */
const char *kvr_claim_flags_of(const struct kvr_result *result, const char *who,
                               char text[KVR_CLAIM_FLAGS_BYTES]);
/* Time of `a` over that of `b`; of pairs within rounds where both are known against FP16. */
double kvr_claim_time_ratio(const struct kvr_result *a, const struct kvr_result *b);

/* What a row states; `holds`, `measured` and `why` follow from the finding. */
void kvr_claim_state(struct kvr_claim *claim, const char *id, const char *type, const char *text,
                     const char *claimed, const char *unit);
void kvr_claim_found(struct kvr_claim *claim, const char *holds, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* the text is `why` */
void kvr_claim_measured(struct kvr_claim *claim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
