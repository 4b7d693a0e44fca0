/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/formats.h"

/* Queries that share the KV head of the codes: the last ones of as many query heads. */
static float *make_queries(const struct kvr_op_request *r, uint32_t queries)
{
    const struct kvr_keyset *set = r->keyset;
    uint32_t d = set->head_dim;
    float *q = calloc((size_t)queries * d, sizeof *q);
    for (uint32_t i = 0; q && i < queries; i++) {
        const float *from = r->material->query;
        if (set->queries)
            from = set->queries +
                   ((size_t)(i % set->query_heads) * set->query_tokens + set->query_tokens - 1 -
                    i / set->query_heads % set->query_tokens) * d;
        memcpy(q + (size_t)i * d, from, d * sizeof *q);
    }
    return q;
}

static int open_lists(struct kvr_session *s, const struct kvr_op_request *r, struct kvr_op *op)
{
    const struct kvr_subject *x = r->subject;
    const struct kvr_segments *fold = &x->fold.segments[0];
    size_t fold_bytes = fold->fold_bytes ? fold->fold_bytes : x->fold.segment_bytes *
                                                              (size_t)x->fold.counts[0];
    int rc = kvr_lists_fold(r->keys->segments[0].base, x->kernel->format, &x->shape,
                            r->keys, fold_bytes, s->threads, &op->fold_keys);
    if (!rc && r->rows) {
        struct kvr_shape dense = {.head_dim = x->shape.head_dim, .queries = 1};
        const struct kvr_format *format = kvr_case_values(r->c)->formats[0];
        uint64_t bytes = kvr_fold_bytes(s->l1_bytes, format, &dense, r->keys->tokens);
        rc = kvr_lists_fold(r->rows->segments[0].base, format, &dense, r->keys, bytes, s->threads,
                            &op->fold_rows);
    }
    if (!rc && r->codebooks)
        rc = kvr_lists_codebooks(r->keys, r->codebooks->segments[0].base,
                                 r->codebooks->segment_bytes, kvr_case_book_heads(r->c), true, 1,
                                 &op->one_codebook);
    op->fold_cursors = calloc(s->threads, sizeof *op->fold_cursors);
    op->rows_cursors = calloc(s->threads, sizeof *op->rows_cursors);
    op->codebook_cursors = calloc(s->threads, sizeof *op->codebook_cursors);
    if (!op->fold_cursors || !op->rows_cursors || !op->codebook_cursors)
        rc = rc ? rc : -ENOMEM;
    return rc;
}

static struct kvr_heads heads_of(const struct kvr_op_request *r, struct kvr_op *op)
{
    const struct kvr_subject *x = r->subject;
    return (struct kvr_heads){.shape = x->shape,
                              .batch = kvr_case_book_heads(r->c),
                              .kernel = x->kernel,
                              .side = r->material->side,
                              .query = op->queries,
                              .scale = r->material->side,
                              .keys = r->keys,
                              .codebooks = r->codebooks,
                              .value_rows = r->rows,
                              .keys_tuning = {x->t.ahead_segments, x->t.ahead_bytes, x->t.streams},
                              .values_tuning = {0, 0, 1},
                              .buffers = &op->buffers,
                              .cursors = r->cursors,
                              .between = r->between};
}

/* By the codec, so that a phase can run before anything else did. */
static void prepare_once(const struct kvr_op_request *r, struct kvr_op *op)
{
    const struct kvr_subject *x = r->subject;
    for (unsigned t = 0; t < op->buffers.threads; t++)
        for (uint32_t q = 0; q < op->buffers.queries; q++)
            r->material->codec->prepare(&x->shape, x->kernel->format, r->material->side,
                                        op->queries + (size_t)q * x->shape.head_dim,
                                        op->buffers.prepared[t] + q * op->buffers.prepared_bytes);
}

/* Every phase alone (T) and from the core's caches (C). */
static void split_phases(const struct kvr_op_request *r, struct kvr_op *op,
                         const struct kvr_heads *heads)
{
    unsigned run = KVR_RUN_SCAN | (kvr_op_prepares(r) ? KVR_RUN_PREPARE : 0) |
                   (r->rows ? KVR_RUN_SOFTMAX | KVR_RUN_VALUES : 0);
    for (int p = 0; p < KVR_PHASES; p++) {
        op->phases[p].present = run >> p & 1;
        op->alone[p] = op->core[p] = *heads;
        op->alone[p].run = op->core[p].run = 1u << p;
        op->core[p].between.run = NULL;
    }
    op->core[KVR_PHASE_PREPARE].codebooks = r->codebooks ? &op->one_codebook : NULL;
    op->core[KVR_PHASE_SCAN].keys = &op->fold_keys;
    op->core[KVR_PHASE_SCAN].cursors = op->fold_cursors;
    op->core[KVR_PHASE_VALUES].keys = op->core[KVR_PHASE_VALUES].value_rows = &op->fold_rows;
    op->core[KVR_PHASE_VALUES].cursors = op->rows_cursors;
    op->whole_heads = *heads;
    op->whole_heads.run = run;
    op->has_whole = true;
}

int kvr_op_open_reader(struct kvr_session *s, const struct kvr_op_request *r, struct kvr_op *op,
                       enum kvr_phase p, const struct kvr_lists *lists, uint32_t *cursors)
{
    struct kvr_phase_run *phase = &op->phases[p];
    char layout[16];
    phase->has_m = true;
    phase->read = (struct kvr_scan){.lists = lists,
                                    .buffers = r->subject->t.buffers,
                                    .cursors = cursors,
                                    .between = r->between};
    snprintf(layout, sizeof layout, "%s", r->layout);
    if (p == KVR_PHASE_PREPARE) /* a family of its own: random runs of a codebook's size */
        snprintf(layout, sizeof layout, "codebooks%s", r->c->codebook_warm ? "-1" : "");
    phase->family = kvr_session_family(s, &phase->read, r->level, layout, r->working_set_bytes);
    if (!phase->family)
        return kvr_session_stopped(s) ? -EINTR : -ENOMEM;
    kvr_scan_set_member(&phase->read, &phase->family->best[0]);
    phase->m = kvr_scan_request(&phase->read);
    if (strcmp(r->level, "DRAM"))
        phase->m.warm_segments = lists->counts[0];
    kvr_sample_plan(s->sampler, &phase->m, s->plan->min_time_s);
    return 0;
}

static int plan_phases(struct kvr_session *s, const struct kvr_op_request *r, struct kvr_op *op)
{
    int rc = 0;
    bool cached = strcmp(r->level, "DRAM") != 0;
    for (int p = 0; p < KVR_PHASES; p++) {
        struct kvr_phase_run *phase = &op->phases[p];
        if (!phase->present)
            continue;
        phase->t = kvr_heads_request(&op->alone[p]);
        phase->c = kvr_heads_request(&op->core[p]);
        phase->t_keys = kvr_lists_segment_keys(op->alone[p].keys);
        phase->c_keys = kvr_lists_segment_keys(op->core[p].keys);
        if (cached)
            phase->t.warm_segments = r->keys->counts[0];
        phase->c.warm_segments = 2;
        kvr_sample_plan(s->sampler, &phase->t, s->plan->min_time_s);
        kvr_sample_plan(s->sampler, &phase->c, s->plan->min_time_s);
    }
    op->whole = kvr_heads_request(&op->whole_heads);
    op->whole_keys = kvr_lists_segment_keys(r->keys);
    if (cached)
        op->whole.warm_segments = r->keys->counts[0];
    kvr_sample_plan(s->sampler, &op->whole, s->plan->min_time_s);
    rc = kvr_op_open_reader(s, r, op, KVR_PHASE_SCAN, r->keys, r->cursors);
    if (!rc && r->codebooks && op->phases[KVR_PHASE_PREPARE].present)
        rc = kvr_op_open_reader(s, r, op, KVR_PHASE_PREPARE, r->codebooks, op->codebook_cursors);
    if (!rc && r->rows)
        rc = kvr_op_open_reader(s, r, op, KVR_PHASE_VALUES, r->rows, r->cursors);
    return rc;
}

int kvr_op_build(struct kvr_session *s, const struct kvr_op_request *r, struct kvr_op **made,
                 char *error, size_t error_bytes)
{
    struct kvr_op *op = calloc(1, sizeof *op);
    const struct kvr_subject *x = r->subject;
    uint32_t queries = x->shape.queries ? x->shape.queries : 1;
    int rc = op ? 0 : -ENOMEM;
    *made = op;
    if (!rc)
        rc = kvr_head_buffers_new(s->threads, queries, r->keys->tokens,
                                  x->kernel->format->prepared_bytes(&x->shape), &op->buffers);
    if (!rc && !(op->queries = make_queries(r, queries)))
        rc = -ENOMEM;
    if (!rc)
        rc = open_lists(s, r, op);
    if (rc)
        return rc;
    struct kvr_heads heads = heads_of(r, op);
    prepare_once(r, op);
    rc = kvr_op_choose_steps(s, r, op, &heads, error, error_bytes);
    if (rc)
        return rc;
    split_phases(r, op, &heads);
    rc = kvr_heads_verify(&op->whole_heads, 0, error, error_bytes);
    uint32_t last = r->keys->counts[0] / r->keys->parts - 1;
    if (!rc)
        rc = kvr_heads_verify(&op->whole_heads, last, error, error_bytes);
    if (!rc)
        rc = plan_phases(s, r, op);
    if (!rc && kvr_session_stopped(s))
        rc = -EINTR;
    return rc;
}

void kvr_op_free(struct kvr_op *op)
{
    if (!op)
        return;
    kvr_head_buffers_free(&op->buffers);
    kvr_lists_free(&op->fold_keys);
    kvr_lists_free(&op->fold_rows);
    kvr_lists_free(&op->one_codebook);
    free(op->fold_cursors);
    free(op->rows_cursors);
    free(op->codebook_cursors);
    kvr_lists_free(&op->core_codes);
    kvr_lists_free(&op->core_copy);
    free(op->core_memory);
    free(op->queries);
    free(op);
}

size_t kvr_phase_m_count(const struct kvr_phase_run *phase)
{
    return !phase->has_m          ? 0
           : phase->writer_count ? phase->writer_count
                                 : phase->family->best_count;
}

/* Segments of the keys' list for which one codebook stands. */
static uint32_t keys_per_codebook(const struct kvr_op *op)
{
    return op->whole_heads.keys->parts * op->whole_heads.batch;
}

void kvr_op_m_begin(struct kvr_op *op, enum kvr_phase phase)
{
    const struct kvr_lists *codebooks = op->whole_heads.codebooks;
    if (phase != KVR_PHASE_PREPARE || !codebooks)
        return;
    for (unsigned t = 0; t < codebooks->threads; t++)
        op->codebook_cursors[t] = op->whole_heads.cursors[t] / keys_per_codebook(op)
                                  % codebooks->counts[t];
}

void kvr_op_m_end(struct kvr_op *op, enum kvr_phase phase)
{
    const struct kvr_lists *codebooks = op->whole_heads.codebooks;
    if (phase != KVR_PHASE_PREPARE || !codebooks)
        return;
    for (unsigned t = 0; t < codebooks->threads; t++)
        op->whole_heads.cursors[t] = op->codebook_cursors[t] * keys_per_codebook(op)
                                     % op->whole_heads.keys->counts[t];
}
