/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The rows that this run's results decide. Of several results that could, the one most favourable
 * to the claim is taken: from DRAM, on one thread, at the length nearest the paper's 512, and of
 * two as near the longer one.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alike.h"
#include "claims_rows.h"

static const double paper_tokens = 512;

static bool counts(const struct kvr_result *r)
{
    return r->measured && !strcmp(r->level, "DRAM") && !kvr_result_flagged(r, "mismatch") &&
           r->result.ns_per_key > 0;
}

bool kvr_claim_is_codec(const struct kvr_result *r, const char *codec, const char *variant)
{
    return counts(r) && !strcmp(r->codec, codec) && (!variant || !strcmp(r->variant, variant));
}

bool kvr_claim_nearer(const struct kvr_result *a, const struct kvr_result *b)
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

const struct kvr_result *kvr_claim_beside(const struct kvr_run_record *record,
                                          const struct kvr_result *like, const char *codec,
                                          const char *variant)
{
    unsigned but = KVR_BUT_KERNEL | (strcmp(like->codec, codec) ? KVR_BUT_FORMAT : 0);
    const struct kvr_result *best = NULL;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (kvr_claim_is_codec(r, codec, variant) && kvr_alike(r, like, but) &&
            (!best || r->result.ns_per_key < best->result.ns_per_key))
            best = r;
    }
    return best;
}

enum { FLAGS_BYTES = KVR_CLAIM_FLAGS_BYTES };

const char *kvr_claim_flags_of(const struct kvr_result *r, const char *who, char text[FLAGS_BYTES])
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; r && i < KVR_MAX_FLAGS && r->flags[i][0]; i++) {
        size_t left = 0, room = FLAGS_BYTES - sizeof ", 12 more";
        for (size_t j = i; j < KVR_MAX_FLAGS && r->flags[j][0]; j++)
            left++;
        if (used + strlen(who) + sizeof "; flagged " + strlen(r->flags[i]) > room) {
            snprintf(text + used, FLAGS_BYTES - used, ", %zu more", left);
            break;
        }
        used += (size_t)snprintf(text + used, FLAGS_BYTES - used, i ? ", %s%s" : "; %sflagged %s",
                                 i ? "" : who, r->flags[i]);
    }
    return text;
}

double kvr_claim_time_ratio(const struct kvr_result *a, const struct kvr_result *b)
{
    if (!strcmp(b->codec, "fp16") && a->result.speedup_vs_fp16 > 0)
        return 1 / a->result.speedup_vs_fp16;
    return a->result.ns_per_key / b->result.ns_per_key;
}

/* Said only where this run holds two kernels of one format that differ in it. */
static const char of_kernel[] = " So it is a property of the kernel, not of the format.";

/* ---- bandwidth ---- */

/* LOOKAT-4's storage: the claim's own ratio, whatever d. */
static bool claims_shape(const struct kvr_result *r)
{
    return r->entries == kvr_paper_shape.entries && r->subspaces &&
           r->head_dim / r->subspaces == kvr_paper_shape.head_dim / kvr_paper_shape.tables;
}

/* LOOKAT beside FP16 in `op`; for a step with a codebook that must be read again, in FP16 as by
 * default. `like`: NULL, or the case that it may differ from in its op alone. */
static const struct kvr_result *lookat_pair(const struct kvr_run_record *record, const char *op,
                                            const struct kvr_result *like,
                                            const struct kvr_result **fp16)
{
    const struct kvr_result *best = NULL;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (!kvr_claim_is_codec(r, "lookat", NULL) || strcmp(r->op, op) || !claims_shape(r) ||
            !strcmp(r->codebook_residency, "warm") || !strcmp(r->codebook, "f32") ||
            r->batch > 1 || !(r->traffic.mem_read > 0))
            continue;
        const struct kvr_result *dense = kvr_claim_beside(record, r, "fp16", NULL);
        if (!dense || !(dense->traffic.mem_read > 0) || !kvr_claim_nearer(r, best) ||
            (like && !kvr_alike(r, like, KVR_BUT_OP)))
            continue;
        best = r;
        *fp16 = dense;
    }
    return best;
}

/* How a ratio of bytes was found: of this run's cases of an op, or by arithmetic. */
static void bytes_text(const struct kvr_result *r, const struct kvr_result *fp16,
                       const char *arithmetic, char *text, size_t bytes)
{
    char flags[FLAGS_BYTES], fp16_flags[FLAGS_BYTES];
    if (r)
        snprintf(text, bytes, "this run's %s, computed from the layouts%s%s", r->op,
                 kvr_claim_flags_of(r, "", flags), kvr_claim_flags_of(fp16, "FP16 ", fp16_flags));
    else
        snprintf(text, bytes, "%s", arithmetic);
}

void kvr_claim_bandwidth(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    const struct kvr_result *step_fp16 = NULL, *scan_fp16 = NULL;
    const struct kvr_result *step = lookat_pair(record, "step", NULL, &step_fp16);
    const struct kvr_result *scan = lookat_pair(record, "scan", step, &scan_fp16);
    struct kvr_claim_shape s = kvr_paper_shape, twice;
    double claimed = kvr_claim_hot_bytes_ratio(&s), hot, cold;
    const struct kvr_result *r = step ? step : scan;
    char hot_text[260], cold_text[260], time[64] = "";
    if (r)
        s = (struct kvr_claim_shape){r->head_dim, r->subspaces, r->entries, r->tokens};
    twice = s;
    twice.tokens = 2 * s.tokens;
    hot = scan ? scan_fp16->traffic.mem_read / scan->traffic.mem_read
               : kvr_claim_hot_bytes_ratio(&s);
    cold = step ? step_fp16->traffic.mem_read / step->traffic.mem_read
                : kvr_claim_cold_bytes_ratio(&s);
    bytes_text(scan, scan_fp16, "by arithmetic", hot_text, sizeof hot_text);
    bytes_text(step, step_fp16,
               scan ? "by arithmetic, as this run measured no cold step (-k fp16,lookat --op step)"
                    : "by arithmetic",
               cold_text, sizeof cold_text);
    if (step)
        snprintf(time, sizeof time, ", and x%.3g in time",
                 1 / kvr_claim_time_ratio(step, step_fp16));
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
        "codes alone are read: x%.1f (%s). Finding: a head's codebook is K d values, %.0f KiB at "
        "any m in FP16, the default; read from memory it leaves x%.2f at L = %.0f (%s)%s; by "
        "arithmetic x%.2f at %.0f, x%.0f for ever longer contexts. Decided by %s.",
        hot, hot_text, kvr_claim_codebook_bytes(&s) / 1024, cold, s.tokens, cold_text, time,
        kvr_claim_cold_bytes_ratio(&twice), twice.tokens, kvr_claim_hot_bytes_ratio(&s),
        step ? "bytes computed from the layouts, not counted" : "arithmetic");
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
            const struct kvr_result *dense = kvr_claim_is_codec(r, codecs[c], "materialised")
                                                 ? kvr_claim_beside(record, r, "fp16", NULL)
                                                 : NULL;
            if (!dense || isnan(memory_bytes(r) / memory_bytes(dense)) ||
                !kvr_claim_nearer(r, best))
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
                        "It needs a kernel that writes keys back as FP16 before use (materialised) "
                        "beside one that unpacks them in registers (fused), which this run does "
                        "not hold. To measure both from memory: kvroof run -k "
                        "fp16.fused,int8.fused,int8.materialised");
        return;
    }
    const struct kvr_result *fused = kvr_claim_beside(record, copy, copy->codec, "fused");
    double of_copy = memory_bytes(copy) / memory_bytes(fp16);
    double of_fused = fused ? memory_bytes(fused) / memory_bytes(fp16)
                            : copy->key_bytes / (2 * copy->head_dim);
    bool copy_holds = of_copy >= KVR_CLAIM_REACHED, fused_holds = of_fused >= KVR_CLAIM_REACHED;
    char flags[FLAGS_BYTES], fp16_flags[FLAGS_BYTES], fused_flags[FLAGS_BYTES];
    char time[128] = "not timed in this run";
    if (fused)
        snprintf(time, sizeof time, "x%.2f of its time%s", kvr_claim_time_ratio(fused, fp16),
                 kvr_claim_flags_of(fused, "", fused_flags));
    kvr_claim_measured(claim, "%.2f copied, %.2f fused", of_copy, of_fused);
    kvr_claim_found(claim,
                    copy_holds && fused_holds   ? KVR_CLAIM_YES
                    : copy_holds || fused_holds ? KVR_CLAIM_PARTLY
                                                : KVR_CLAIM_NO,
                    "Most favourable: a kernel that materialises FP16 keys (%s, %s, %u tokens, %u "
                    "thread%s%s%s) moves x%.2f of FP16's bytes, read, written and allocated, in "
                    "x%.2f of its time. Finding: a fused kernel of the same keys, which unpacks "
                    "them in registers, moves x%.2f (%s). Bytes are computed from the layouts, not "
                    "counted.%s",
                    copy->codec, copy->op, copy->tokens, copy->threads,
                    copy->threads == 1 ? "" : "s", kvr_claim_flags_of(copy, "", flags),
                    kvr_claim_flags_of(fp16, "FP16 ", fp16_flags), of_copy,
                    kvr_claim_time_ratio(copy, fp16), of_fused, time,
                    fused && copy_holds != fused_holds ? of_kernel : "");
}

/* ---- the shift ---- */

struct shifts {
    size_t count, shifted, undecided, flagged;
    bool both_sides; /* two kernels of one format, else alike, lie on memory's and the core's */
    const struct kvr_result *farthest;  /* of those that shifted, the largest B */
    const struct kvr_result *fastest;   /* of the decided ones, against FP16 */
    const struct kvr_result *undecided_one;
};

static void count_shift(const struct kvr_result *r, struct shifts *n)
{
    n->count++;
    n->flagged += r->flags[0][0] != 0;
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

static bool has_verdict(const struct kvr_result *r)
{
    return kvr_claim_is_codec(r, "lookat", NULL) && r->verdict.side[0];
}

static bool on_both_sides(const struct kvr_run_record *record)
{
    for (size_t i = 0; i < record->result_count; i++)
        for (size_t j = 0; j < record->result_count; j++) {
            const struct kvr_result *a = &record->results[i], *b = &record->results[j];
            if (has_verdict(a) && has_verdict(b) && !strcmp(a->verdict.side, "memory") &&
                !strcmp(b->verdict.side, "core") && kvr_alike(a, b, KVR_BUT_KERNEL) &&
                !kvr_alike(a, b, 0))
                return true;
        }
    return false;
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
    char flags[FLAGS_BYTES];
    snprintf(text, bytes, "%s.%s@%s (%s, m %u, %u tokens, %u thread%s, B %.2f, x%.3g of FP16's "
             "speed%s)", r->codec, r->variant, r->isa, r->op, r->subspaces, r->tokens, r->threads,
             r->threads == 1 ? "" : "s", r->verdict.balance, r->result.speedup_vs_fp16,
             kvr_claim_flags_of(r, "", flags));
}

static void decide_shift(const struct shifts *n, struct kvr_claim *claim)
{
    char farthest[240] = "", fastest[240] = "", open[200] = "", flagged[40] = "";
    const char *so = n->both_sides ? of_kernel : "";
    bool fastest_shifted = n->fastest && !strcmp(n->fastest->verdict.shift_says, "shifted");
    if (n->undecided)
        snprintf(open, sizeof open, " %zu undecided: %.140s.", n->undecided,
                 reason(n->undecided_one));
    if (n->fastest)
        kernel_text(n->fastest, fastest, sizeof fastest);
    if (n->farthest)
        kernel_text(n->farthest, farthest, sizeof farthest);
    if (n->flagged)
        snprintf(flagged, sizeof flagged, ", %zu flagged", n->flagged);
    kvr_claim_measured(claim, "%zu of %zu cases%s", n->shifted, n->count, flagged);
    if (!n->shifted && n->undecided)
        kvr_claim_found(claim, KVR_CLAIM_ELSEWHERE,
                        "Most favourable: nothing speaks against it. Finding: whether a case "
                        "became compute-bound is not decided in this run.%s A quieter machine or "
                        "more rounds may decide it.", open);
    else if (!n->shifted)
        kvr_claim_found(claim, KVR_CLAIM_NO,
                        "Most favourable: the core's share of the time may have grown (`moved`). "
                        "Finding: no kernel we built became compute-bound from memory here; the "
                        "fastest is %s.%s", fastest, so);
    else if (n->shifted == n->count)
        kvr_claim_found(claim, KVR_CLAIM_YES,
                        "Most favourable: every kernel of this run became compute-bound, the "
                        "farthest %s. Finding: so for these kernels on this machine; becoming "
                        "compute-bound is a cost, and a faster kernel would move back.", farthest);
    else
        kvr_claim_found(claim, KVR_CLAIM_PARTLY,
                        "Most favourable: %s became compute-bound. Finding: %s %s.%s%s", farthest,
                        fastest_shifted ? "so did the fastest that is decided,"
                                        : "the fastest that is decided did not:",
                        fastest, open, so);
}

void kvr_claim_shift(const struct kvr_run_record *record, struct kvr_claim *claim)
{
    struct shifts n = {.both_sides = on_both_sides(record)};
    for (size_t i = 0; i < record->result_count; i++)
        if (has_verdict(&record->results[i]))
            count_shift(&record->results[i], &n);
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
