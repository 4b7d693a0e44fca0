/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What SQuat and RVQ claim of themselves. SQuat's figures are those of a whole system, which no
 * run here is: its rows tell what the keys alone can contribute. Cases are found by the name of
 * their codec; a result without one says so.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "claims_rows.h"

static const char squat_paper[] = "arXiv 2503.24358", rvq_paper[] = "arXiv 2410.15704";

static void state(struct kvr_claim *claim, const char *source, const char *id, const char *type,
                  const char *text, const char *claimed, const char *unit)
{
    kvr_claim_state(claim, id, type, text, claimed, unit);
    snprintf(claim->source, sizeof claim->source, "%s", source);
}

/* `where`: "" or what else is needed of the case. */
static void put_absent(struct kvr_claim *claim, const char *codec, const char *where)
{
    kvr_claim_found(claim, KVR_CLAIM_UNMEASURED,
                    "It needs a case of %s%s: no such row in this result. To measure it where "
                    "this kvroof has a kernel of it (kvroof list kernels): kvroof run -k fp16,%s",
                    codec, where, codec);
}

/* How a key of the codec is stored: any case that says it. NULL: none. */
static const struct kvr_result *stored(const struct kvr_run_record *record, const char *codec)
{
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (r->measured && !strcmp(r->codec, codec) && r->key_bytes > 0 && r->head_dim)
            return r;
    }
    return NULL;
}

static double fp16_bytes(const struct kvr_result *r)
{
    return 2. * r->head_dim;
}

/* What share of the whole has to shrink (or to be sped up) by `part` for the whole to do so by
 * `whole`, in percent; above 100: no share is enough. */
static double share_needed(double whole, double part)
{
    return part > 1 ? 100 * (1 - 1 / whole) / (1 - 1 / part) : INFINITY;
}

static void share_text(double whole, double part, char *text, size_t bytes)
{
    double share = share_needed(whole, part);
    if (share <= 100)
        snprintf(text, bytes, "%.2f needs %.0f %%", whole, share);
    else
        snprintf(text, bytes, "%.2f is out of its reach", whole);
}

void kvr_claim_squat_memory(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    static const double least = 2.17, most = 2.82;
    const struct kvr_result *r = stored(record, "squat2");
    char shares[2][40];
    state(claim, squat_paper, "squat-peak-memory", "arithmetic",
          "SQuat at 2 bits lowers peak memory 2.17 to 2.82 times", "2.17 to 2.82", "times less");
    if (!r) {
        put_absent(claim, "squat2", "");
        return;
    }
    double keys = fp16_bytes(r) / r->key_bytes;
    double all = 2 * fp16_bytes(r) / (r->key_bytes + fp16_bytes(r));
    share_text(least, keys, shares[0], sizeof shares[0]);
    share_text(most, keys, shares[1], sizeof shares[1]);
    kvr_claim_measured(claim, "keys: x%.2f", keys);
    kvr_claim_found(claim, KVR_CLAIM_ELSEWHERE,
                    "Most favourable: a key takes %.3g bytes instead of FP16's %.0f at d %u, x%.2f "
                    "less, and so does the whole cache if values are coded like keys; with FP16 "
                    "values it shrinks x%.2f. Finding: peak memory is a figure of a whole system: "
                    "weights, activations and the latest keys in FP16 are in it, and in no result "
                    "here. Of the share of the peak that is FP16 keys and values, all coded so, "
                    "%s, %s.",
                    r->key_bytes, fp16_bytes(r), r->head_dim, keys, all, shares[0], shares[1]);
}

/* SQuat's scan from DRAM that speaks best for it, and FP16's beside it. */
static const struct kvr_result *squat_case(const struct kvr_run_record *record, const char *op,
                                           const struct kvr_result **fp16)
{
    const struct kvr_result *best = NULL;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        const struct kvr_result *dense =
            kvr_claim_is_codec(r, "squat2", NULL) && !strcmp(r->op, op)
                ? kvr_claim_beside(record, r, "fp16", NULL) : NULL;
        if (!dense || !kvr_claim_nearer(r, best))
            continue;
        best = r;
        *fp16 = dense;
    }
    return best;
}

void kvr_claim_squat_throughput(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    static const double least = 2.45, most = 3.60;
    const struct kvr_result *fp16 = NULL, *whole_fp16 = NULL;
    const struct kvr_result *scan = squat_case(record, "scan", &fp16);
    const struct kvr_result *whole = squat_case(record, "attention", &whole_fp16);
    char flags[KVR_CLAIM_FLAGS_BYTES], fp16_flags[KVR_CLAIM_FLAGS_BYTES], shares[2][40];
    char attention[100] = "";
    state(claim, squat_paper, "squat-throughput", "timing",
          "SQuat at 2 bits raises throughput 2.45 to 3.60 times", "2.45 to 3.60", "times more");
    if (!scan) {
        put_absent(claim, "squat2", " from DRAM beside FP16");
        return;
    }
    double speedup = 1 / kvr_claim_time_ratio(scan, fp16);
    share_text(least, speedup, shares[0], sizeof shares[0]);
    share_text(most, speedup, shares[1], sizeof shares[1]);
    if (whole)
        snprintf(attention, sizeof attention, " (with softmax and FP16 values: x%.2f)",
                 1 / kvr_claim_time_ratio(whole, whole_fp16));
    kvr_claim_measured(claim, "scan of keys: x%.2f", speedup);
    kvr_claim_found(claim, KVR_CLAIM_ELSEWHERE,
                    "Most favourable: the scan of its keys is x%.2f as fast as FP16's%s (%u "
                    "tokens, %u thread%s%s%s), and smaller keys let more sequences share a step. "
                    "Finding: throughput is a figure of a whole system, whose weights, values and "
                    "batches no result here has. What this scan alone can contribute depends on "
                    "the share of a step that FP16's scan takes: %s, %s.",
                    speedup, attention, scan->tokens, scan->threads, scan->threads == 1 ? "" : "s",
                    kvr_claim_flags_of(scan, "", flags),
                    kvr_claim_flags_of(fp16, "FP16 ", fp16_flags), shares[0], shares[1]);
}

void kvr_claim_rvq_compression(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    /* The published codebook of a layer: 8 residuals of 2048 entries of 32 channels, in FP16. */
    static const double claimed = 5.5, codebook_bytes = 8. * 2048 * 32 * 2;
    const struct kvr_result *r = stored(record, "rvq");
    state(claim, rvq_paper, "rvq-compression", "arithmetic",
          "residual codes compress keys 5.5 times against FP16", "5.5", "times smaller");
    if (!r) {
        put_absent(claim, "rvq", "");
        return;
    }
    double ratio = fp16_bytes(r) / r->key_bytes, saved = fp16_bytes(r) - r->key_bytes;
    kvr_claim_measured(claim, "%.2f at d %u", ratio, r->head_dim);
    kvr_claim_found(claim, ratio >= KVR_CLAIM_REACHED * claimed ? KVR_CLAIM_YES : KVR_CLAIM_NO,
                    "Most favourable: codes and scale of a key are %.3g bytes at d %u, beside "
                    "FP16's %.0f: x%.2f. Finding: so in physical bytes of the keys. A layer also "
                    "stores its codebook, %.0f KiB in FP16, so that it takes %.0f keys (tokens "
                    "times KV heads) before anything is saved; and the published code decodes "
                    "keys into an FP16 cache, which saves no memory while it runs.",
                    r->key_bytes, r->head_dim, fp16_bytes(r), ratio, codebook_bytes / 1024,
                    ceil(codebook_bytes / saved));
}
