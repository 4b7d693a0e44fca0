/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The FP16 reference of a cohort: its kernel and look-ahead, found once for one kind of list.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cohort_work.h"
#include "op.h"

/* Candidates of the FP16 reference when no case of the plan says which. */
static size_t fp16_candidates(const struct kvr_session *s, const struct kvr_kernel **candidates)
{
    size_t count, n = 0;
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    const struct kvr_format *format = kvr_codec_find("fp16")->formats[0];
    for (size_t i = 0; i < count && n < 8; i++)
        if (kernels[i]->format == format && !(kernels[i]->isa & ~s->machine->isa.usable))
            candidates[n++] = kernels[i];
    return n;
}

/* Where the choice for lists like this cohort's is kept; NULL: not made yet. */
struct kvr_reference_choice *kvr_cohort_known_reference(struct kvr_session *s,
                                                        const struct kvr_cohort_work *w)
{
    const struct kvr_case *c = w->cohort->cases[0];
    for (size_t i = 0; i < s->reference_count; i++) {
        struct kvr_reference_choice *r = &s->references[i];
        if (r->head_dim == c->shape.head_dim && r->tokens == c->shape.tokens &&
            r->threads == s->threads && r->working_set_bytes == w->working_set_bytes &&
            r->segment_bytes == w->reference_lists.segment_bytes &&
            r->heads == w->reference_lists.heads && r->evict_bytes == w->evict_bytes &&
            !strcmp(r->level, w->level) && !strcmp(r->layout, c->layout))
            return r;
    }
    return NULL;
}

static void remember_reference(struct kvr_session *s, const struct kvr_cohort_work *w)
{
    const struct kvr_case *c = w->cohort->cases[0];
    if (s->reference_count == KVR_MAX_REFERENCES)
        s->reference_count = 0; /* kept to save time: forget and choose again */
    struct kvr_reference_choice *r = &s->references[s->reference_count++];
    *r = (struct kvr_reference_choice){.kernel = w->fp16.kernel,
                                       .head_dim = c->shape.head_dim,
                                       .tokens = c->shape.tokens,
                                       .threads = s->threads,
                                       .working_set_bytes = w->working_set_bytes,
                                       .evict_bytes = w->evict_bytes,
                                       .segment_bytes = w->reference_lists.segment_bytes,
                                       .heads = w->reference_lists.heads,
                                       .tuning = w->fp16.tuning,
                                       .dram_ratio = NAN};
    snprintf(r->layout, sizeof r->layout, "%s", c->layout);
    snprintf(r->level, sizeof r->level, "%s", w->level);
}

int kvr_cohort_prepare_reference(struct kvr_session *s, struct kvr_cohort_work *w)
{
    const struct kvr_kernel *all[8];
    struct kvr_shape shape = w->reference.shape;
    shape.tokens = w->cohort->cases[0]->shape.tokens;
    struct kvr_subject_request request = {.candidates = all,
                                          .candidate_count = fp16_candidates(s, all),
                                          .material = &w->reference,
                                          .shape = &shape,
                                          .lists = &w->reference_lists,
                                          .cursors = w->reference_cursors,
                                          .buffers = &w->buffers,
                                          .between = w->reference_evict.between,
                                          .level = w->level};
    struct kvr_reference_choice *known = kvr_cohort_known_reference(s, w);
    if (w->is_reference) {
        request.candidates = w->cohort->cases[0]->candidates;
        request.candidate_count = w->cohort->cases[0]->candidate_count;
    } else if (known) {
        request.candidates = &known->kernel;
        request.candidate_count = 1;
        request.tuning = &known->tuning;
    }
    shape.queries = w->cohort->cases[0]->shape.queries;
    int rc = kvr_subject_prepare(s, &request, &w->fp16, w->why, sizeof w->why);
    if (!rc)
        rc = kvr_cohort_make_op(s, w, w->cohort->cases[0], &w->fp16, true);
    /* `--isa` may have kept the fastest kernel from an FP16 case: that is no reference. */
    if (!rc && !known && (!w->is_reference || request.candidate_count > 1))
        remember_reference(s, w);
    return rc;
}

int kvr_cohort_make_op(struct kvr_session *s, struct kvr_cohort_work *w, const struct kvr_case *c,
                       struct kvr_subject *subject, bool reference)
{
    struct kvr_case own = *c;
    const struct kvr_beside *beside = reference ? &w->reference_beside : &w->subject_beside;
    const struct kvr_evict *evict = reference ? &w->reference_evict : &w->subject_evict;
    struct kvr_op_request request = {
        .c = &own,
        .subject = subject,
        .material = reference ? &w->reference : &w->subject,
        .keyset = w->keys,
        .keys = reference ? &w->reference_lists : &w->subject_lists,
        .codebooks = beside->has_codebooks ? &beside->codebooks : NULL,
        .rows = beside->has_rows ? &beside->rows : NULL,
        .cursors = reference ? w->reference_cursors : w->subject_cursors,
        .level = w->level,
        .layout = c->layout,
        .working_set_bytes = w->working_set_bytes,
        .between = evict->between};
    if (!reference && kvr_case_materialises(c)) {
        request.material = &w->reference;
        request.keys = &w->copy_lists;
        request.codes = &w->subject_lists;
        request.coded = &w->subject;
        return kvr_op_build_copy(s, &request, &subject->op, w->why, sizeof w->why);
    }
    if (kvr_case_is_one_pass(c) || kvr_case_materialises(c))
        return 0;
    if (reference)
        own.codebook = KVR_CODEBOOK_NONE;
    return kvr_op_build(s, &request, &subject->op, w->why, sizeof w->why);
}
