/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The rows that the paper's own statements and arithmetic decide, or that need a model. Only what
 * the paper states stands here as a number; whatever a formula gives is computed from the shape.
 */
#include <math.h>
#include <stdio.h>

#include "claims_rows.h"

static struct kvr_claim_shape with_tokens(double tokens)
{
    struct kvr_claim_shape shape = kvr_paper_shape;
    shape.tokens = tokens;
    return shape;
}

static struct kvr_claim_shape with_tables(double tables)
{
    struct kvr_claim_shape shape = kvr_paper_shape;
    shape.tables = tables;
    return shape;
}

void kvr_claim_key_bytes(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    static const double claimed[] = {16, 8}, bits[] = {8, 4};
    const struct kvr_claim_shape *s = &kvr_paper_shape;
    double bytes[2];
    bool right[2];
    (void)record;
    for (size_t i = 0; i < 2; i++) {
        bytes[i] = kvr_claim_code_bytes(bits[i], s->head_dim);
        right[i] = bytes[i] == claimed[i];
    }
    kvr_claim_state(claim, "key-bytes-int8-int4", "arithmetic",
                    "an INT8 key of 64 channels takes 16 bytes, an INT4 key 8", "16 and 8",
                    "bytes a key");
    kvr_claim_measured(claim, "%.0f and %.0f", bytes[0], bytes[1]);
    kvr_claim_found(
        claim, right[0] && right[1] ? KVR_CLAIM_YES : right[0] || right[1] ? KVR_CLAIM_PARTLY
                                                                           : KVR_CLAIM_NO,
        "Most favourable: a slip in a table of ratios, and to LOOKAT's own disadvantage: beside a "
        "real INT8 key of %.0f bytes its %.0f-byte codes are %.0f times smaller, not %.0f. "
        "Finding: 8 (4) bits times %.0f channels are %.0f (%.0f) bytes; the stated ones are "
        "%.0f-fold and %.0f-fold less.",
        bytes[0], s->tables, bytes[0] / s->tables, claimed[0] / s->tables, s->head_dim, bytes[0],
        bytes[1], bytes[0] / claimed[0], bytes[1] / claimed[1]);
}

void kvr_claim_rho(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    /* Both statements are the paper's: its abstract, and its tables for LOOKAT-4. */
    static const double claimed = .95, mean = .957, at_1024 = .928;
    (void)record;
    kvr_claim_state(claim, "rho-above-95", "arithmetic",
                    "rank correlation rho > 0.95, validated up to 1024 tokens", "> .95", "rho");
    bool all = mean > claimed && at_1024 > claimed, none = mean <= claimed && at_1024 <= claimed;
    kvr_claim_measured(claim, "%.3f in its own table", at_1024);
    kvr_claim_found(claim, all ? KVR_CLAIM_YES : none ? KVR_CLAIM_NO : KVR_CLAIM_PARTLY,
                    "Most favourable: the paper's own table for LOOKAT-4, over 128 to 512 tokens, "
                    "%s it with rho %.3f. Finding: its own table by length %s it: \"rho > %.2f\" "
                    "\"up to 1024 tokens\" stands beside rho %.3f at L = 1024. All figures are "
                    "the paper's; nothing is measured here, and nothing said about another model.",
                    mean > claimed ? "supports" : "contradicts", mean,
                    at_1024 > claimed ? "supports" : "contradicts", claimed, at_1024);
}

void kvr_claim_bound(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    static const double rho_2 = .959, rho_16 = .961; /* the paper's table */
    struct kvr_claim_shape least = with_tables(2), most = with_tables(16);
    double predicted = kvr_claim_bound_term(&least) / kvr_claim_bound_term(&most);
    double found = (1 - rho_2) / (1 - rho_16);
    (void)record;
    kvr_claim_state(claim, "rho-bound", "fidelity", "rho >= 1 - O(d / (m K))", "1 - O(d/(mK))",
                    "rho");
    kvr_claim_measured(claim, "1 - rho x%.2f, not x%.0f", found, predicted);
    kvr_claim_found(claim, KVR_CLAIM_ELSEWHERE,
                    "Most favourable: a lower bound with an unstated constant is met by any rho, "
                    "and the paper's table does not contradict it. Finding: it is uninformative: "
                    "from m = 2 to 16 its term falls %.0f-fold while 1 - rho of the table falls "
                    "%.2f-fold. Arithmetic says no more; kvroof fidelity does, of the keys that "
                    "it is given: held-out squared error must fall as m grows, or the k-means is "
                    "broken.",
                    predicted, found);
}

void kvr_claim_kl(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    static const double claimed = 8.291, tokens = 1024;
    double uniform = kvr_claim_uniform_kl_nats(tokens);
    (void)record;
    kvr_claim_state(claim, "kl-above-uniform", "fidelity",
                    "LOOKAT-4 at 1024 tokens keeps attention close: KL 8.291", "8.291", "nats");
    kvr_claim_measured(claim, "uniform: at most %.2f", uniform);
    kvr_claim_found(claim, KVR_CLAIM_ELSEWHERE,
                    "Most favourable: the figure may be a sum, or not in nats, and says nothing "
                    "then. Finding: if it is the mean in nats per row, it is %s ln 1024 = %.2f, "
                    "the most that uniform attention, which looks at nothing, can score. "
                    "Arithmetic says no more; kvroof fidelity does, of the model and text that "
                    "it is given, beside uniform attention and shuffled keys; a stand-in model "
                    "says nothing about GPT-2.",
                    claimed > uniform ? "above" : "below", uniform);
}

void kvr_claim_operations(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    static const double claimed = 10;
    const struct kvr_claim_shape *s = &kvr_paper_shape;
    double ratio = kvr_claim_operations_ratio(s);
    (void)record;
    kvr_claim_state(claim, "ten-times-fewer-flops", "arithmetic",
                    "ten times fewer operations than dense FP16 at 512 tokens", "10",
                    "times fewer");
    kvr_claim_measured(claim, "%.2f", ratio);
    kvr_claim_found(
        claim, ratio >= KVR_CLAIM_REACHED * claimed ? KVR_CLAIM_YES : KVR_CLAIM_NO,
        "Most favourable: with tables that cost m K = %.0f MAC it is %.1f times, and the scan "
        "alone, tables given, is %.0f times. Finding: an entry of a table is a product of d/m "
        "channels, so the tables of a query take K d = %.0f MAC: %.2f times fewer operations at L "
        "= %.0f (d %.0f, m %.0f), as many as dense at L = %.0f, ten times fewer from L = %.0f on.",
        s->tables * s->entries, kvr_claim_operations_ratio_cheap(s), s->head_dim / s->tables,
        kvr_claim_table_macs(s), ratio, s->tokens, s->head_dim, s->tables,
        kvr_claim_tokens_for(s, 1), kvr_claim_tokens_for(s, claimed));
}

void kvr_claim_kv_cap(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    static const double claimed = 32;
    const struct kvr_claim_shape *s = &kvr_paper_shape;
    double keys = kvr_claim_hot_bytes_ratio(s), all = kvr_claim_kv_ratio(s);
    bool of_keys = keys >= KVR_CLAIM_REACHED * claimed, of_all = all >= KVR_CLAIM_REACHED * claimed;
    (void)record;
    kvr_claim_state(claim, "values-cap-saving", "arithmetic",
                    "32 times compression of the KV cache (LOOKAT-4)", "32", "times smaller");
    kvr_claim_measured(claim, "%.2f with values", all);
    kvr_claim_found(claim,
                    of_all ? KVR_CLAIM_YES : of_keys ? KVR_CLAIM_PARTLY : KVR_CLAIM_NO,
                    "Most favourable: of the keys, which are all that LOOKAT codes, it is %.0f "
                    "times (2d/m), and values can be coded by another method. Finding: with the "
                    "paper's FP16 values the whole cache shrinks (2d + 2d) / (m + 2d) = %.2f times "
                    "at d %.0f, m %.0f, and never 2 times.",
                    keys, all, s->head_dim, s->tables);
}

void kvr_claim_encoding(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    static const double negligible = .05, longest = 1024; /* of a dense scan; the paper's length */
    struct kvr_claim_shape s = with_tokens(longest);
    double macs = kvr_claim_encode_macs(&s), dense = s.tokens * s.head_dim;
    (void)record;
    kvr_claim_state(claim, "encoding-cost", "arithmetic",
                    "new keys are coded at no cost that would count", "no",
                    "MAC a key");
    kvr_claim_measured(claim, "%.0f", macs);
    kvr_claim_found(claim, macs <= negligible * dense ? KVR_CLAIM_YES : KVR_CLAIM_NO,
                    "Most favourable: a step codes one key a head, so its share fades with "
                    "context: at most %.0f %% of a dense scan from L = %.0f on. Finding: coding "
                    "takes K d = %.0f MAC a key and head, as much as a query's tables; at L = "
                    "%.0f, the longest of the paper, that is %.0f %% of a dense scan, and a prompt "
                    "pays it for every token. Arithmetic alone: no run times an encoder.",
                    100 * negligible, macs / negligible / s.head_dim, macs, s.tokens,
                    100 * macs / dense);
}
