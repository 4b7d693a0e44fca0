/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The rows that this run's results decide. Of several results that could, the one most favourable
 * to the claim is taken: from DRAM, on one thread, at the length nearest the paper's 512, and of
 * two as near the longer one.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "claims_rows.h"

static const double paper_tokens = 512;

static bool counts(const struct kvr_result *r)
{
    return r->measured && !strcmp(r->level, "DRAM") && !kvr_result_flagged(r, "mismatch") &&
           r->result.ns_per_key > 0;
}

static bool is_codec(const struct kvr_result *r, const char *codec, const char *variant)
{
    return counts(r) && !strcmp(r->codec, codec) && (!variant || !strcmp(r->variant, variant));
}

/* True if `a` speaks better for a claim about 512 tokens than `b`, which may be NULL. */
static bool nearer(const struct kvr_result *a, const struct kvr_result *b)
{
    if (!b)
        return true;
    if (a->threads != b->threads)
        return a->threads < b->threads;
    double of_a = fabs(log2(a->tokens / paper_tokens)), of_b = fabs(log2(b->tokens / paper_tokens));
    if (of_a != of_b)
        return of_a < of_b;
    if (a->tokens != b->tokens)
        return a->tokens > b->tokens;
    return a->result.ns_per_key < b->result.ns_per_key;
}

/* The same keys under the same conditions, in another format. */
static const struct kvr_result *beside(const struct kvr_run_record *record,
                                       const struct kvr_result *like, const char *codec,
                                       const char *variant)
{
    const struct kvr_result *best = NULL;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (is_codec(r, codec, variant) && !strcmp(r->op, like->op) &&
            !strcmp(r->layout, like->layout) && !strcmp(r->pages, like->pages) &&
            r->head_dim == like->head_dim && r->tokens == like->tokens &&
            r->threads == like->threads && r->evict_bytes == like->evict_bytes &&
            (!best || r->result.ns_per_key < best->result.ns_per_key))
            best = r;
    }
    return best;
}

/* Time of `a` over that of `b`; of pairs within rounds where both are known against FP16. */
static double time_ratio(const struct kvr_result *a, const struct kvr_result *b)
{
    if (!strcmp(b->codec, "fp16") && a->result.speedup_vs_fp16 > 0)
        return 1 / a->result.speedup_vs_fp16;
    return a->result.ns_per_key / b->result.ns_per_key;
}

/* ---- bandwidth ---- */

/* LOOKAT-4's storage: the claim's own ratio, whatever d. */
static bool claims_shape(const struct kvr_result *r)
{
    return r->entries == kvr_paper_shape.entries && r->subspaces &&
           r->head_dim / r->subspaces == kvr_paper_shape.head_dim / kvr_paper_shape.tables;
}

/* LOOKAT beside FP16 in `op`; for a step with a codebook that must be read again. */
static const struct kvr_result *lookat_pair(const struct kvr_run_record *record, const char *op,
                                            const struct kvr_result **fp16)
{
    const struct kvr_result *best = NULL;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (!is_codec(r, "lookat", NULL) || strcmp(r->op, op) || !claims_shape(r) ||
            !strcmp(r->codebook_residency, "warm") || r->batch > 1 || !(r->traffic.mem_read > 0))
            continue;
        const struct kvr_result *dense = beside(record, r, "fp16", NULL);
        if (!dense || !(dense->traffic.mem_read > 0) || !nearer(r, best))
            continue;
        best = r;
        *fp16 = dense;
    }
    return best;
}

void kvr_claim_bandwidth(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    const struct kvr_result *step_fp16 = NULL, *scan_fp16 = NULL;
    const struct kvr_result *step = lookat_pair(record, "step", &step_fp16);
    const struct kvr_result *scan = lookat_pair(record, "scan", &scan_fp16);
    struct kvr_claim_shape s = kvr_paper_shape, twice;
    double claimed = kvr_claim_hot_bytes_ratio(&s), hot, cold, speed = NAN;
    const struct kvr_result *r = step ? step : scan;
    char how[120], time[64] = "";
    if (r)
        s = (struct kvr_claim_shape){r->head_dim, r->subspaces, r->entries, r->tokens};
    hot = scan ? scan_fp16->traffic.mem_read / scan->traffic.mem_read
               : kvr_claim_hot_bytes_ratio(&s);
    cold = kvr_claim_cold_bytes_ratio(&s);
    if (step) {
        cold = step_fp16->traffic.mem_read / step->traffic.mem_read;
        speed = 1 / time_ratio(step, step_fp16);
        snprintf(how, sizeof how, "of this run's traffic in cold steps");
    } else {
        snprintf(how, sizeof how, "by arithmetic%s",
                 scan ? ", as this run measured no cold step (-k fp16,lookat --op step)" : "");
    }
    twice = s;
    twice.tokens = 2 * s.tokens;
    if (!isnan(speed))
        snprintf(time, sizeof time, ", and x%.3g in time", speed);
    bool hot_holds = hot >= KVR_CLAIM_REACHED * claimed;
    bool cold_holds = cold >= KVR_CLAIM_REACHED * claimed;
    kvr_claim_state(claim, "bandwidth-32x-at-512", step ? "timing" : "arithmetic",
                    "32 times less key bandwidth at 512 tokens", "32", "times fewer bytes");
    kvr_claim_measured(claim, "%.2f cold, %.1f hot", cold, hot);
    kvr_claim_found(
        claim,
        cold_holds  ? KVR_CLAIM_YES
        : hot_holds ? KVR_CLAIM_PARTLY
                    : KVR_CLAIM_NO,
        "Most favourable: with a codebook that stays in a cache, or that many sequences share, "
        "codes alone are read: x%.1f (%s). Finding: a head's codebook is K d values, %.0f KiB in "
        "FP16 at any m; read from memory it leaves x%.2f at L = %.0f (%s)%s; by arithmetic x%.2f "
        "at %.0f, x%.0f for ever longer contexts. Arithmetic and timing: decided by %s.",
        hot, scan ? "this run's scan" : "by arithmetic", 2 * s.entries * s.head_dim / 1024, cold,
        s.tokens, how, time, kvr_claim_cold_bytes_ratio(&twice), twice.tokens,
        kvr_claim_hot_bytes_ratio(&s), step ? "this run's traffic" : "arithmetic");
}

/* ---- dequantising ---- */

static double memory_bytes(const struct kvr_result *r)
{
    const double parts[] = {r->traffic.mem_read, r->traffic.mem_write, r->traffic.mem_allocate};
    double sum = 0;
    for (size_t i = 0; i < 3; i++)
        sum += parts[i] > 0 ? parts[i] : 0;
    return sum > 0 ? sum : NAN;
}

/* The baselines of the paper, INT8 before INT4, materialised and beside FP16. */
static const struct kvr_result *materialised(const struct kvr_run_record *record,
                                             const struct kvr_result **fp16)
{
    static const char *const codecs[] = {"int8", "int4"};
    const struct kvr_result *best = NULL;
    for (size_t c = 0; c < 2 && !best; c++)
        for (size_t i = 0; i < record->result_count; i++) {
            const struct kvr_result *r = &record->results[i];
            const struct kvr_result *dense = is_codec(r, codecs[c], "materialised")
                                                 ? beside(record, r, "fp16", NULL)
                                                 : NULL;
            if (!dense || isnan(memory_bytes(r) / memory_bytes(dense)) || !nearer(r, best))
                continue;
            best = r;
            *fp16 = dense;
        }
    return best;
}

void kvr_claim_dequantising(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    const struct kvr_result *fp16 = NULL, *copy = materialised(record, &fp16);
    kvr_claim_state(claim, "dequantising-moves-fp16", "timing",
                    "dequantising INT8 or INT4 keys takes the bandwidth of FP16 keys", "1",
                    "of FP16's bytes");
    if (!copy) {
        kvr_claim_found(claim, KVR_CLAIM_UNMEASURED,
                        "It depends on the kernel: true where keys are written back as FP16 before "
                        "use (materialised), not where they are unpacked in registers (fused). To "
                        "measure both from memory: kvroof run -k "
                        "fp16.fused,int8.fused,int8.materialised");
        return;
    }
    const struct kvr_result *fused = beside(record, copy, copy->codec, "fused");
    double of_copy = memory_bytes(copy) / memory_bytes(fp16);
    double of_fused = fused ? memory_bytes(fused) / memory_bytes(fp16)
                            : copy->key_bytes / (2 * copy->head_dim);
    bool copy_holds = of_copy >= KVR_CLAIM_REACHED, fused_holds = of_fused >= KVR_CLAIM_REACHED;
    char time[64] = "not timed in this run; its bytes follow from the format";
    if (fused)
        snprintf(time, sizeof time, "x%.2f of its time", time_ratio(fused, fp16));
    kvr_claim_measured(claim, "%.2f copied, %.2f fused", of_copy, of_fused);
    kvr_claim_found(claim,
                    copy_holds && fused_holds   ? KVR_CLAIM_YES
                    : copy_holds || fused_holds ? KVR_CLAIM_PARTLY
                                                : KVR_CLAIM_NO,
                    "Most favourable: a kernel that materialises FP16 keys (%s, %s, %u tokens, %u "
                    "thread%s) moves x%.2f of FP16's bytes, read, written and allocated, in x%.2f "
                    "of its time. Finding: a fused kernel of the same keys, which unpacks them in "
                    "registers, moves x%.2f (%s). So it is a property of the kernel, not of the "
                    "format.",
                    copy->codec, copy->op, copy->tokens, copy->threads,
                    copy->threads == 1 ? "" : "s", of_copy, time_ratio(copy, fp16), of_fused, time);
}

/* ---- the shift ---- */

struct shifts {
    size_t count, shifted, undecided;
    const struct kvr_result *farthest;  /* of those that shifted, the largest B */
    const struct kvr_result *fastest;   /* of the decided ones, against FP16 */
    const struct kvr_result *undecided_one;
};

static void count_shift(const struct kvr_result *r, struct shifts *n)
{
    n->count++;
    if (!r->verdict.shift_says[0]) {
        n->undecided++;
        n->undecided_one = n->undecided_one ? n->undecided_one : r;
        return;
    }
    if (!strcmp(r->verdict.shift_says, "shifted")) {
        n->shifted++;
        if (!n->farthest || r->verdict.balance > n->farthest->verdict.balance)
            n->farthest = r;
    }
    if (!n->fastest || r->result.speedup_vs_fp16 > n->fastest->result.speedup_vs_fp16)
        n->fastest = r;
}

static const char *reason(const struct kvr_result *r)
{
    for (size_t i = 0; i < r->unavailable_count; i++)
        if (!strcmp(r->unavailable[i].what, "shift"))
            return r->unavailable[i].why;
    return r->verdict.why[0] ? r->verdict.why : "its side is not known";
}

static void kernel_text(const struct kvr_result *r, char *text, size_t bytes)
{
    snprintf(text, bytes, "%s.%s@%s (%s, m %u, %u tokens, %u thread%s, B %.2f, x%.3g of FP16's "
             "speed)", r->codec, r->variant, r->isa, r->op, r->subspaces, r->tokens, r->threads,
             r->threads == 1 ? "" : "s", r->verdict.balance, r->result.speedup_vs_fp16);
}

static void decide_shift(const struct shifts *n, struct kvr_claim *claim)
{
    char farthest[160] = "", fastest[160] = "", open[200] = "";
    bool fastest_shifted = n->fastest && !strcmp(n->fastest->verdict.shift_says, "shifted");
    if (n->undecided)
        snprintf(open, sizeof open, " %zu undecided: %.140s.", n->undecided,
                 reason(n->undecided_one));
    if (n->fastest)
        kernel_text(n->fastest, fastest, sizeof fastest);
    if (n->farthest)
        kernel_text(n->farthest, farthest, sizeof farthest);
    kvr_claim_measured(claim, "%zu of %zu cases", n->shifted, n->count);
    if (!n->shifted && n->undecided)
        kvr_claim_found(claim, KVR_CLAIM_ELSEWHERE,
                        "Most favourable: nothing speaks against it. Finding: whether a case "
                        "became compute-bound is not decided in this run.%s A quieter machine or "
                        "more rounds may decide it.", open);
    else if (!n->shifted)
        kvr_claim_found(claim, KVR_CLAIM_NO,
                        "Most favourable: the core's share of the time may have grown (`moved`). "
                        "Finding: no kernel we built became compute-bound from memory here; the "
                        "fastest is %s. It is a property of the kernel, not of the format.",
                        fastest);
    else if (n->shifted == n->count)
        kvr_claim_found(claim, KVR_CLAIM_YES,
                        "Most favourable: every kernel of this run became compute-bound, the "
                        "farthest %s. Finding: so for these kernels on this machine; becoming "
                        "compute-bound is a cost, and a faster kernel would move back. It is a "
                        "property of the kernel, not of the format.", farthest);
    else
        kvr_claim_found(claim, KVR_CLAIM_PARTLY,
                        "Most favourable: %s became compute-bound. Finding: %s %s.%s So it is a "
                        "property of the kernel, not of the format.",
                        farthest,
                        fastest_shifted ? "so did the fastest that is decided,"
                                        : "the fastest that is decided did not:",
                        fastest, open);
}

void kvr_claim_shift(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    struct shifts n = {0};
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (is_codec(r, "lookat", NULL) && r->verdict.side[0])
            count_shift(r, &n);
    }
    kvr_claim_state(claim, "memory-to-compute-shift", "timing",
                    "lookup tables turn attention from memory-bound to compute-bound", "shifted",
                    "from memory");
    if (n.count)
        decide_shift(&n, claim);
    else
        kvr_claim_found(claim, KVR_CLAIM_UNMEASURED,
                        "No verdict on a LOOKAT kernel from DRAM is in this run, so whether it "
                        "becomes compute-bound is open. To decide it: kvroof run -k "
                        "fp16,'lookat*', with six rounds or more");
}
