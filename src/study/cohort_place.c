/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a cohort's keys, codebooks and values lie, in which order, and what is read between passes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/formats.h"
#include "arena.h"
#include "cohort_work.h"

uint64_t kvr_cohort_seed(const struct kvr_session *s, const struct kvr_cohort *cohort)
{
    return s->options->seed * 1000003u + cohort->position;
}

/* Fills a half with the heads of `lists`, unless it already holds these bytes. 0 or -ENOMEM. */
static int fill(struct kvr_half *half, const struct kvr_material *material,
                const struct kvr_lists *lists, const struct kvr_shape *shape)
{
    const struct kvr_format *format = kvr_codec_layout(material->codec, shape);
    const uint64_t bytes = kvr_lists_memory_bytes(lists);
    const uint32_t keys = kvr_residual_keys(format, shape, shape->tokens);
    struct kvr_residuals residuals = {.keys = keys};
    if (keys) {
        residuals.head_bytes = lists->head_bytes;
        residuals.coded_bytes = format->segment_bytes(shape, shape->tokens - keys);
    }
    if (kvr_material_same(&half->filled, material) && half->filled_bytes >= bytes &&
        !memcmp(&half->residuals, &residuals, sizeof residuals))
        return 0;
    half->filled = (struct kvr_material){.codec = material->codec, .shape = material->shape};
    half->residuals = residuals;
    half->filled_bytes = bytes;
    if (keys)
        return kvr_material_fill_heads(material, half->memory.base, lists->heads, &residuals);
    kvr_material_fill(material, half->memory.base, bytes);
    return 0;
}

bool kvr_case_has_values(const struct kvr_case *c)
{
    return !strcmp(c->op, "attention");
}

/* Keys of a segment. A page, or: what a buffer of at most a quarter of L2 holds scores for; where
 * several queries share the keys, what a quarter of L1 holds of the codes, so that only the first
 * query waits for them. The parts of a head are as equal as whole blocks allow. */
static uint32_t part_tokens(const struct kvr_session *s, const struct kvr_case *c,
                            const struct kvr_format *format, uint32_t tokens)
{
    enum { STEP = 64 }; /* whole blocks of every format */
    uint32_t step = STEP; /* and of keys that leave no residual */
    while (step % kvr_whole_keys(format, &c->shape))
        step += STEP;
    uint64_t most = s->l2_bytes ? s->l2_bytes / 4 / sizeof(float) : 32768;
    if (c->page_tokens)
        return c->page_tokens;
    if (c->shape.queries > 1) {
        size_t key_bytes = format->segment_bytes(&c->shape, step) / step;
        most = s->l1_bytes / 4 / (key_bytes ? key_bytes : 1);
    }
    most = most < step ? step : most / step * step;
    if (tokens <= most)
        return tokens;
    uint64_t parts = (tokens + most - 1) / most;
    return (uint32_t)((tokens + parts * step - 1) / (parts * step) * step);
}

/* Bytes that a head streams beside its codes. */
static uint64_t more_head_bytes(const struct kvr_case *c, const struct kvr_material *material,
                                uint32_t part)
{
    uint32_t parts = (c->shape.tokens + part - 1) / part;
    uint64_t bytes = 0;
    if (kvr_case_has_values(c))
        bytes += parts * kvr_case_values(c)->formats[0]->segment_bytes(&c->shape, part);
    if (kvr_case_materialises(c) && material->codec == c->codec)
        bytes += parts * kvr_format_dense_f16.segment_bytes(&c->shape, part);
    if (material->codec == c->codec && !c->codebook_warm)
        bytes += kvr_case_codebook_bytes(c) / kvr_case_book_heads(c);
    return bytes;
}

/* Bytes of a half for lists of codes: where it is to be filled, less what lies beside them at pages
 * of its own: a warm codebook, which no head counts, the one of a thread's last, partial batch, and
 * the rests of two pages. */
static uint64_t list_bytes(const struct kvr_cohort_work *w, const struct kvr_half *half)
{
    enum { RESTS = 2 * 4096 };
    const struct kvr_case *c = w->cohort->cases[0];
    const uint64_t beside = kvr_case_more_codebook_bytes(c);
    if (!beside && !kvr_case_has_values(c) && !kvr_case_materialises(c) &&
        c->codebook == KVR_CODEBOOK_NONE)
        return w->working_set_bytes;
    uint64_t room = half->memory.bytes - beside - RESTS;
    return w->working_set_bytes < room ? w->working_set_bytes : room;
}

struct kvr_lists_request kvr_cohort_lists(const struct kvr_session *s,
                                          const struct kvr_cohort_work *w,
                                          const struct kvr_half *half,
                                          const struct kvr_material *material,
                                          const struct kvr_shape *shape)
{
    const struct kvr_case *c = w->cohort->cases[0];
    const struct kvr_format *format = kvr_codec_layout(material->codec, shape);
    uint32_t part = part_tokens(s, c, format, shape->tokens);
    return (struct kvr_lists_request){.base = half->memory.base,
                                      .bytes = list_bytes(w, half),
                                      .format = format,
                                      .shape = shape,
                                      .part_tokens = part,
                                      .heads = c->shape.heads,
                                      .more_head_bytes = more_head_bytes(c, material, part),
                                      .threads = s->threads,
                                      .shuffled = strcmp(c->layout, "contiguous") != 0,
                                      .paged = c->page_tokens > 0,
                                      .seed = kvr_cohort_seed(s, w->cohort)};
}

static int build_lists(struct kvr_session *s, struct kvr_cohort_work *w, struct kvr_half *half,
                       const struct kvr_material *material, struct kvr_lists *lists)
{
    struct kvr_shape shape = material->shape;
    shape.tokens = w->cohort->cases[0]->shape.tokens;
    struct kvr_lists_request request = kvr_cohort_lists(s, w, half, material, &shape);
    int rc = kvr_lists_build(&request, lists);
    if (rc == -ERANGE) {
        char size[24];
        kvr_size_text(w->working_set_bytes, size, sizeof size);
        snprintf(w->why, sizeof w->why, "one head of %u tokens per thread does not fit %s",
                 shape.tokens, size);
    }
    uint64_t bytes = rc ? 0 : kvr_lists_memory_bytes(lists);
    if (!rc && bytes > half->memory.bytes) {
        snprintf(w->why, sizeof w->why, "needs %.0f MiB of keys, the arena half has %.0f MiB",
                 (double)bytes / 1048576, (double)half->memory.bytes / 1048576);
        rc = -ERANGE;
    }
    if (!rc)
        rc = kvr_half_share(s, half, 0, bytes, w->why, sizeof w->why);
    if (!rc)
        rc = fill(half, material, lists, &shape);
    return rc;
}

/* *to borrows what the session keeps. */
static int borrow(struct kvr_session *s, const struct kvr_codec *codec,
                  const struct kvr_shape *shape, const struct kvr_cohort_work *w, bool values,
                  struct kvr_material *to)
{
    int rc = 0;
    const struct kvr_material *m = kvr_session_material(s, codec, shape, w->keys, values, &rc);
    if (m)
        *to = *m;
    to->codec = codec; /* another codec of the same bytes prepares queries its own way */
    return rc;
}

int kvr_cohort_materials(struct kvr_session *s, struct kvr_cohort_work *w)
{
    const struct kvr_case *c = w->cohort->cases[0];
    const struct kvr_codec *fp16 = kvr_codec_find("fp16");
    struct kvr_shape dense = {.head_dim = c->shape.head_dim, .queries = c->shape.queries};
    w->keys = kvr_session_keys(s, c->shape.head_dim, w->why, sizeof w->why);
    if (!w->keys)
        return -EINVAL;
    w->is_reference = !strcmp(c->codec->name, "fp16");
    const struct kvr_codec *coded = fp16;
    const char *what = "keys";
    int rc = borrow(s, fp16, &dense, w, false, &w->reference);
    if (!rc && !w->is_reference) {
        coded = c->codec;
        rc = borrow(s, coded, &c->shape, w, false, &w->subject);
    }
    if (!rc && kvr_case_has_values(c)) {
        coded = kvr_case_values(c);
        what = "values";
        rc = borrow(s, coded, &dense, w, true, &w->values);
    }
    if (rc == -EINVAL)
        snprintf(w->why, sizeof w->why, "codec %s could not be trained on these keys",
                 c->codec->name);
    if (rc == -ERANGE)
        snprintf(w->why, sizeof w->why, "%s cannot hold these %s: one of them, or a scale of them, "
                 "is beyond the largest float16, 65504; scale them down", coded->name,
                 what);
    return rc;
}

/* ---- eviction ---- */

/* Reads the other half of the arena: whatever the caches held of this one is gone. */
static void evict(void *context, unsigned thread)
{
    const struct kvr_evict *e = context;
    uint64_t share = e->bytes / e->threads, sum = 0;
    const unsigned char *p = e->base + thread * share;
    for (uint64_t at = 0; at < share; at += KVR_LINE_BYTES)
        sum += p[at];
    __asm__ volatile("" : : "r"(sum));
}

static void set_evict(const struct kvr_session *s, const struct kvr_half *other, uint64_t bytes,
                      struct kvr_evict *e)
{
    *e = (struct kvr_evict){.base = other->memory.base,
                            .bytes = bytes < other->memory.bytes ? bytes : other->memory.bytes,
                            .threads = s->threads};
    e->between = (struct kvr_between){bytes ? evict : NULL, e};
}

/* The float16 copy lies after the codes, segment by segment in their order. */
static int place_copy(struct kvr_session *s, struct kvr_cohort_work *w)
{
    const struct kvr_lists *codes = &w->subject_lists;
    uint64_t at = (kvr_lists_memory_bytes(codes) + 4095) / 4096 * 4096;
    size_t bytes = kvr_format_dense_f16.segment_bytes(&w->reference.shape, codes->tokens);
    if (at + (uint64_t)bytes * codes->parts * codes->heads > s->subject.memory.bytes) {
        snprintf(w->why, sizeof w->why, "codes and their float16 copy do not fit the arena half of "
                                        "%.0f MiB",
                 (double)s->subject.memory.bytes / 1048576);
        return -ERANGE;
    }
    int rc = kvr_half_share(s, &s->subject, at, (uint64_t)bytes * codes->parts * codes->heads,
                            w->why, sizeof w->why);
    if (rc)
        return rc;
    if (s->subject.filled_bytes > at)
        s->subject.filled_bytes = at;
    /* Keys until the first copy is made: the dense kernels are verified on what lies here. */
    kvr_material_fill(&w->reference, s->subject.memory.base + at,
                      (uint64_t)bytes * codes->parts * codes->heads);
    return kvr_lists_beside(codes, s->subject.memory.base + at, &kvr_format_dense_f16,
                            &w->reference.shape, &w->copy_lists);
}

/* What the case leaves of FP16's half is read by the sentinel: where that lies must follow from the
 * case, not from those before it. Then both halves are proved. */
static int settle(struct kvr_session *s, struct kvr_cohort_work *w)
{
    uint64_t used = s->reference.used_bytes;
    if (!s->reference.memory.by_touch)
        return 0;
    int rc = kvr_half_share(s, &s->reference, used, s->reference.memory.bytes - used, w->why,
                            sizeof w->why);
    s->reference.used_bytes = used;
    kvr_half_prove(s, &s->reference);
    if (!w->is_reference)
        kvr_half_prove(s, &s->subject);
    return rc;
}

int kvr_cohort_place(struct kvr_session *s, struct kvr_cohort_work *w)
{
    const struct kvr_case *c = w->cohort->cases[0];
    const struct kvr_material *values = kvr_case_has_values(c) ? &w->values : NULL;
    struct kvr_case fp16 = *c;
    fp16.codebook = KVR_CODEBOOK_NONE;
    int rc = build_lists(s, w, &s->reference, &w->reference, &w->reference_lists);
    if (!rc)
        rc = kvr_beside_place(s, &s->reference, &fp16, &w->reference, values, &w->reference_lists,
                              kvr_cohort_seed(s, w->cohort), &w->reference_beside, w->why,
                              sizeof w->why);
    if (!rc && !w->is_reference)
        rc = build_lists(s, w, &s->subject, &w->subject, &w->subject_lists);
    if (!rc && !w->is_reference)
        rc = kvr_beside_place(s, &s->subject, c, &w->subject, values, &w->subject_lists,
                              kvr_cohort_seed(s, w->cohort), &w->subject_beside, w->why,
                              sizeof w->why);
    if (!rc && kvr_case_materialises(c))
        rc = place_copy(s, w);
    if (!rc)
        rc = settle(s, w);
    if (rc)
        return rc;
    set_evict(s, &s->subject, w->evict_bytes, &w->reference_evict);
    set_evict(s, &s->reference, w->evict_bytes, &w->subject_evict);
    uint32_t floats = w->reference_lists.tokens;
    if (w->subject_lists.tokens > floats)
        floats = w->subject_lists.tokens;
    rc = kvr_score_buffers_new(s->threads, (floats + 63) / 64 * 64, &w->buffers);
    w->reference_cursors = calloc(s->threads, sizeof *w->reference_cursors);
    w->subject_cursors = calloc(s->threads, sizeof *w->subject_cursors);
    return rc || !w->reference_cursors || !w->subject_cursors ? -ENOMEM : 0;
}
