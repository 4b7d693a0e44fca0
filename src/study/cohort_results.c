/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../codec/codebook.h"
#include "arena.h"
#include "balance.h"
#include "cohort_work.h"
#include "op.h"
#include "prove.h"
#include "resources.h"
#include "threads.h"
#include "traffic.h"
#include "verdict.h"

/* Both ends of what the residual costs: all keys coded just now, and a key before. */
static void set_key_bytes(const struct kvr_case *c, struct kvr_result *result)
{
    const struct kvr_format *format = c->codec->formats[0];
    struct kvr_shape shape = c->shape;
    const uint32_t whole = kvr_whole_keys(format, &shape);
    result->key_bytes = c->codec->key_bytes(&shape);
    if (!format->residual)
        return;
    result->residual = whole;
    shape.tokens = (shape.tokens + whole - 1) / whole * whole;
    result->key_bytes_after_flush = c->codec->key_bytes(&shape);
    shape.tokens--;
    result->key_bytes_before_flush = c->codec->key_bytes(&shape);
}

static void identify(const struct kvr_session *s, const struct kvr_cohort_work *w,
                     const struct kvr_case *c, const struct kvr_kernel *kernel,
                     struct kvr_result *result)
{
    kvr_result_init(result);
    kvr_case_name(c, kernel ? kernel->isa_name : NULL, w->working_set_bytes, result->name,
                  sizeof result->name);
    snprintf(result->codec, sizeof result->codec, "%s", c->codec->name);
    snprintf(result->variant, sizeof result->variant, "%s", c->variant);
    snprintf(result->isa, sizeof result->isa, "%s", kernel ? kernel->isa_name : "");
    snprintf(result->op, sizeof result->op, "%s", c->op);
    snprintf(result->level, sizeof result->level, "%s", w->level);
    snprintf(result->layout, sizeof result->layout, "%s", c->layout);
    snprintf(result->pages, sizeof result->pages, "%s", kvr_pages_name(c->pages));
    result->head_dim = c->shape.head_dim;
    result->tokens = c->shape.tokens;
    result->group_queries = c->shape.queries > 1 ? c->shape.queries : 1;
    result->batch = c->batch > 1 ? c->batch : 1;
    if (c->codebook != KVR_CODEBOOK_NONE || c->codebook_warm) { /* what a scan reads is float16 */
        snprintf(result->codebook, sizeof result->codebook, "%s",
                 c->codebook == KVR_CODEBOOK_F32 ? "f32" : "f16");
        result->codebook_heads = c->codebook_warm ? 0 : kvr_case_book_heads(c);
        snprintf(result->codebook_residency, sizeof result->codebook_residency, "%s",
                 c->codebook_warm ? "warm" : "cold");
    }
    if (kvr_case_has_values(c))
        snprintf(result->value_format, sizeof result->value_format, "%s",
                 kvr_case_values(c)->name);
    kvr_encoder_text(c->codec, &c->shape, &s->options->squat, result->encoder,
                     sizeof result->encoder);
    result->evict_bytes = w->evict_bytes;
    result->subspaces = c->shape.tables;
    result->entries = c->shape.entries;
    result->group = c->shape.group;
    result->threads = c->threads;
    for (unsigned t = 0; t < c->threads && t < 64; t++)
        result->cpus[t] = s->cpus[t];
    static const char *const policies[] = {"local", "node:%u", "interleave", "first-touch"};
    snprintf(result->mem, sizeof result->mem, policies[c->mem], c->mem_node);
    result->working_set_bytes = w->working_set_bytes;
    set_key_bytes(c, result);
}

void kvr_cohort_prove(struct kvr_session *s, struct kvr_cohort_work *w)
{
    char name[KVR_NAME_BYTES];
    const struct kvr_case *c = w->cohort->cases[0];
    if (!s->bypass)
        return;
    w->entries_before = kvr_bypass_entries(s->bypass);
    kvr_case_name(c, c->candidate_count == 1 ? c->candidates[0]->isa_name : NULL,
                  w->working_set_bytes, name, sizeof name);
    kvr_bypass_subject(s->bypass, name);
}

void kvr_cohort_unmeasured(struct kvr_session *s, const struct kvr_cohort_work *w,
                           const struct kvr_case *c, const char *what, const char *why)
{
    struct kvr_result result;
    identify(s, w, c, c->candidate_count == 1 ? c->candidates[0] : NULL, &result);
    kvr_result_unavailable(&result, what, "%s", why);
    kvr_record_add_result(s->record, &result);
}

static bool is_measured(const struct kvr_session *s, const struct kvr_cohort_work *w,
                        const char *name)
{
    char other[KVR_NAME_BYTES];
    for (size_t i = 0; i < s->record->result_count; i++)
        if (s->record->results[i].measured && !strcmp(s->record->results[i].name, name))
            return true;
    for (size_t i = 0; i < w->subject_count; i++) {
        kvr_case_name(w->cases[i], w->subjects[i].kernel->isa_name, w->working_set_bytes, other,
                      sizeof other);
        if (!strcmp(other, name))
            return true;
    }
    return false;
}

bool kvr_cohort_measured_already(struct kvr_session *s, const struct kvr_cohort_work *w,
                                 const struct kvr_case *c, const struct kvr_kernel *kernel)
{
    struct kvr_result result;
    identify(s, w, c, kernel, &result);
    if (!is_measured(s, w, result.name))
        return false;
    identify(s, w, c, NULL, &result); /* whichever comes second, it is the choice that is none */
    kvr_result_unavailable(&result, "isa",
                           "the fastest kernel here is that of %s, which another name in --isa or "
                           "--kernel means too: measured once, as %s.%s@%s",
                           kernel->isa_name, c->codec->name, c->variant, kernel->isa_name);
    kvr_record_add_result(s->record, &result);
    return true;
}

static void judge(const struct kvr_session *s, const struct kvr_cohort_work *w,
                  const struct kvr_subject *subject, struct kvr_result *r)
{
    struct kvr_core_limit limit;
    struct kvr_verdict_input input = {.in_l1 = !strcmp(w->level, "L1"),
                                      .control_failed = s->controls_failed,
                                      .ceiling_bug = kvr_result_flagged(r, "ceiling-bug"),
                                      .ceiling_raised = kvr_result_flagged(r, "ceiling-raised"),
                                      .witnesses = subject->witnesses,
                                      .witness_count = subject->witness_count};
    if (subject->op && !subject->op->has_whole)
        input.no_witness_because = "no intervention is known for a copy and its scan";
    else if (subject->no_time_for_witness)
        input.no_witness_because = "the budget left no time";
    input.memory_cause = kvr_memory_cause(s->record, r);
    kvr_core_limit(s->record, subject->kernel, &subject->shape, &limit);
    input.core_limit_ns = limit.ns_per_key / s->threads; /* as C: wall time of the team */
    input.resource = limit.resource;
    kvr_verdict_record_fill(r, &input);
    kvr_core_limit_store(&limit, &r->verdict);
    if (subject->no_time_for_witness)
        kvr_result_unavailable(r, "witnesses",
                               "T exceeds C + M and the budget left no time to look for what it "
                               "waits for: raise --budget");
    if (subject->no_time_for_deep)
        kvr_result_unavailable(r, "sensitivities",
                               "--deep: the budget left no time for injected instructions: raise "
                               "--budget");
    for (size_t i = 0; i < subject->sensitivity_count; i++)
        if (r->verdict.side[0] && r->verdict.witness_count < KVR_MAX_WITNESSES)
            r->verdict.witnesses[r->verdict.witness_count++] = subject->sensitivities[i];
    snprintf(r->verdict.m_cause, sizeof r->verdict.m_cause, "%s", subject->m_cause);
}

/* Both what is timed and what it is held against: a half that lies elsewhere spoils the ratio. */
static void place(const struct kvr_session *s, const struct kvr_half *half, struct kvr_result *r)
{
    r->huge_fraction = half->huge_fraction;
    r->placed_fraction = half->placed_fraction < s->reference.placed_fraction
                             ? half->placed_fraction
                             : s->reference.placed_fraction;
    if (r->placed_fraction < 1)
        kvr_result_flag(r, "misplaced");
    if (kvr_half_pages_partial(half) || kvr_half_pages_partial(&s->reference))
        kvr_result_flag(r, "pages-partial");
}

/* The reader that was M in most rounds. */
static void name_reader(const struct kvr_family *family, const uint32_t *wins, struct kvr_result *r)
{
    size_t most = 0;
    for (size_t i = 1; i < family->best_count; i++)
        if (wins[i] > wins[most])
            most = i;
    kvr_member_name(&family->best[most], r->m_member, sizeof r->m_member);
}

static void count(const struct kvr_session *s, const struct kvr_subject *subject,
                  struct kvr_result *r)
{
    const struct kvr_op *op = subject->op;
    const struct kvr_sample_request *first = op ? &op->whole : &subject->t_request;
    struct kvr_counted_part parts[KVR_PHASES];
    size_t n = 0;
    if (op && !op->has_whole) {
        for (int p = KVR_PHASES; p-- > 0;)
            if (op->phases[p].present) {
                first = &op->phases[p].t;
                parts[n++] = (struct kvr_counted_part){&subject->tallies[p], op->phases[p].t_keys};
            }
    } else {
        double keys = op ? op->whole_keys : kvr_lists_segment_keys(subject->t.lists);
        parts[n++] = (struct kvr_counted_part){&subject->tallies[0], keys};
    }
    const char *why = NULL;
    if (first->between && s->bypass)
        why = "readings between passes would enter the kernel, which --prove forbids: without it "
              "this case is counted";
    kvr_counting_store(s->counting, parts, why ? 0 : n, why, r);
}

/* The look-ahead that the values' step took, and what each one tried took. */
static void note_values(const struct kvr_op *op, struct kvr_tuning *tuning)
{
    tuning->values_ahead_segments = op->whole_heads.values_tuning.ahead_segments;
    tuning->values_ahead_bytes = op->whole_heads.values_tuning.ahead_bytes;
    tuning->values_streams = op->whole_heads.values_tuning.streams;
    memcpy(tuning->values_alternatives, op->values_alternatives,
           sizeof tuning->values_alternatives);
}

static void add_result(struct kvr_session *s, const struct kvr_cohort_work *w,
                       const struct kvr_case *c, const struct kvr_subject *subject,
                       const struct kvr_family *family, const struct kvr_lists *lists,
                       const struct kvr_half *half, size_t index, uint32_t rounds)
{
    struct kvr_result r;
    identify(s, w, c, subject->kernel, &r);
    r.measured = r.verified = true;
    r.heads = (uint32_t)lists->heads;
    r.tuning = subject->tuning;
    if (subject->op) {
        r.tuning.ahead_codebooks = subject->op->whole_heads.ahead_codebooks;
        memcpy(r.tuning.codebook_alternatives, subject->op->codebook_alternatives,
               sizeof r.tuning.codebook_alternatives);
        if (kvr_case_has_values(c))
            note_values(subject->op, &r.tuning);
    }
    subject->kernel->format->cost(&subject->shape, &r.cost);
    r.cost.converts *= kvr_converting_share(subject->kernel, subject->shape.queries);
    const bool copied = kvr_case_materialises(c);
    const struct kvr_traffic_request request = {
        .c = c,
        .kernel = subject->kernel,
        .level = w->level,
        .keys = lists,
        .beside = w->is_reference ? &w->reference_beside : &w->subject_beside,
        .copy = copied ? &w->copy_lists : NULL,
        .copy_past_caches = copied && subject->op->dequantise.non_temporal,
        .l1_bytes = s->l1_bytes};
    kvr_traffic_count(&request, &r.traffic);
    if (copied)
        r.cost.written_bytes = kvr_lists_head_bytes(&w->copy_lists);
    if (c->codebook != KVR_CODEBOOK_NONE)
        r.prepare_flops =
            2 * kvr_codebook_multiplies(&c->shape, c->codec->book) * c->shape.queries;
    place(s, half, &r);
    snprintf(r.table, sizeof r.table, "%s",
             !c->shape.tables                              ? ""
             : strstr(subject->kernel->format->name, "u8") ? "u8"
                                                           : "f32");
    if (copied)
        kvr_op_restore_copy(subject->op);
    snprintf(r.checksum, sizeof r.checksum, "%016llx",
             (unsigned long long)kvr_scan_checksum(&subject->t));
    if (!subject->op) /* phases have readers of their own, each */
        name_reader(family, w->m_wins, &r);
    snprintf(r.result.basis, sizeof r.result.basis, "%s",
             c->shape.heads ? "equal-tokens" : "equal-bytes");
    r.rounds = malloc(w->rounds_done * sizeof *r.rounds);
    if (!r.rounds)
        return;
    memcpy(r.rounds, w->rounds + index * rounds, w->rounds_done * sizeof *r.rounds);
    r.round_count = w->rounds_done;
    if (isnan(kvr_sentinel_of_rounds(&r)))
        kvr_result_unavailable(&r, "sentinel_ns", "%s", kvr_no_sentinel);
    if (subject->c_unstable)
        kvr_result_flag(&r, "c-unstable");
    if (s->shared_from && r.threads >= s->shared_from)
        kvr_result_flag(&r, "shared-core");
    if (fabs(w->dram_ratio - 1) > .03)
        kvr_result_flag(&r, "dram-unproven");
    if (s->bypass && kvr_bypass_entries(s->bypass) > w->entries_before)
        kvr_result_flag(&r, kvr_flag_entered);
    if (w->keys->leaking && c->codec->calibrated)
        kvr_result_flag(&r, "leaking");
    kvr_balance(&r, kvr_peak_flops(s->record, r.threads));
    count(s, subject, &r);
    judge(s, w, subject, &r);
    kvr_counting_witness(&r);
    kvr_record_add_result(s->record, &r);
}

void kvr_cohort_add_results(struct kvr_session *s, const struct kvr_cohort_work *w, uint32_t rounds)
{
    if (w->is_reference) {
        add_result(s, w, w->cohort->cases[0], &w->fp16, w->stage.reference_family,
                   &w->reference_lists, &s->reference, 0, rounds);
        return;
    }
    for (size_t i = 0; i < w->subject_count; i++)
        add_result(s, w, w->cases[i], &w->subjects[i], w->stage.subject_family, &w->subject_lists,
                   &s->subject, i, rounds);
}

int kvr_cohort_none(const struct kvr_run_record *record, char *error, size_t error_bytes)
{
    const struct kvr_result *first = NULL;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (kvr_result_why(r, "budget"))
            return -ETIME;
        if (!first && r->unavailable_count)
            first = r;
    }
    if (first)
        snprintf(error, error_bytes, "no case could be measured: %s: %s", first->name,
                 first->unavailable[0].why);
    return -ENODEV;
}
