/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The claims ledger: what the paper of LOOKAT (arXiv 2601.10155) says, then what those of SQuat
 * and RVQ say; what arithmetic or this run says to it, and whether it holds. A claim is of one of
 * three types, and each is decided only where it can be: `arithmetic` follows from shapes,
 * `timing` from this run's results on this machine, `fidelity` from a model and a text, which a
 * timing run does not have. A kernel of ours that does not do what is claimed shows that this
 * kernel does not, never that none can; a stand-in model never falsifies a table about GPT-2.
 * Bytes of a case are computed from its layout, not counted, and a row that rests on them says so;
 * one that rests on a flagged case names the flags.
 */
#ifndef KVR_CLAIMS_H
#define KVR_CLAIMS_H

#include "../report/record.h"

enum { KVR_CLAIMS = 13 };

/* Replaces record->claims by all rows of the ledger, decided from record->results alone; so a
 * stored result gives the same rows again. 0 or -ENOMEM (then the claims are as before). */
int kvr_claims_decide(struct kvr_run_record *record);

/* ---- the arithmetic of the ledger; one head and one query; 1 MAC = 2 FLOP ---- */

struct kvr_claim_shape {
    double head_dim; /* d */
    double tables;   /* m: subspaces, one code byte each at K = 256 */
    double entries;  /* K */
    double tokens;   /* L */
};

/* Bytes of a key of `channels` codes of `bits` each. */
double kvr_claim_code_bytes(double bits, double channels);
/* MACs of the tables of one query: K centroids of d/m channels in each of m subspaces, K d. */
double kvr_claim_table_macs(const struct kvr_claim_shape *s);
/* MACs of dense FP16 over operations of LOOKAT: L d / (tables + L m additions). */
double kvr_claim_operations_ratio(const struct kvr_claim_shape *s);
/* The same if a table entry cost one MAC (m K in all) instead of d/m. */
double kvr_claim_operations_ratio_cheap(const struct kvr_claim_shape *s);
/* Tokens from which LOOKAT needs `times` fewer operations than dense: times K d / (d - times m);
 * INFINITY where no length does. times 1: the break-even. */
double kvr_claim_tokens_for(const struct kvr_claim_shape *s, double times);
/* FP16 key bytes over LOOKAT's, codes alone: 2 d / m. */
double kvr_claim_hot_bytes_ratio(const struct kvr_claim_shape *s);
/* Of a head's codebook in FP16, the default: K d values of 2 bytes, whatever m is. */
double kvr_claim_codebook_bytes(const struct kvr_claim_shape *s);
/* The same ratio where a head's codebook in FP16 must come from memory, too. */
double kvr_claim_cold_bytes_ratio(const struct kvr_claim_shape *s);
/* Whole KV cache, keys and values, FP16 over LOOKAT with FP16 values: (2d + 2d) / (m + 2d). */
double kvr_claim_kv_ratio(const struct kvr_claim_shape *s);
/* MACs of coding one new key: a distance to K centroids of d/m channels in m subspaces; as many as
 * the tables of a query take. */
double kvr_claim_encode_macs(const struct kvr_claim_shape *s);
/* The most that uniform attention over `tokens` keys can differ from any other, KL in nats:
 * KL(p || uniform) = ln L - H(p) <= ln L. */
double kvr_claim_uniform_kl_nats(double tokens);
/* The paper's bound on 1 - rho without its constant: d / (m K). */
double kvr_claim_bound_term(const struct kvr_claim_shape *s);

#endif
