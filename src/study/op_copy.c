/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The op of a materialised case: dequantise (prepare), then scan the copy, as two passes.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/formats.h"
#include "../codec/codec.h"
#include "op.h"

#define TRY_S 2e-3
enum { CORE_KEYS = 128, TRIES = 2, CHECKSUM_SEGMENTS = 16 };

static double try(struct kvr_session *s, struct kvr_copy *copy)
{
    struct kvr_sample_request request = kvr_copy_request(copy);
    struct kvr_sample sample;
    kvr_sample_plan(s->sampler, &request, TRY_S);
    kvr_sample_take(s->sampler, &request, &sample);
    return sample.robust_ns / ((double)sample.segments * kvr_lists_segment_keys(copy->codes));
}

/* The fastest step, kind of store and look-ahead for these lists. */
static int choose_step(struct kvr_session *s, const struct kvr_format *format,
                       struct kvr_copy *copy)
{
    size_t count;
    const struct kvr_dequantise_step *const *steps = kvr_dequantise_steps(&count);
    struct kvr_copy best = *copy;
    double best_ns = INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (steps[i]->format != format || (steps[i]->isa & ~s->machine->isa.usable))
            continue;
        copy->step = steps[i];
        for (int way = 0; way < 4 && !kvr_session_stopped(s); way++) {
            copy->non_temporal = way & 1;
            copy->ahead_segments = way & 2 ? 2 : 0;
            double ns = INFINITY;
            for (int t = 0; t < TRIES; t++)
                ns = fmin(ns, try(s, copy));
            if (ns < best_ns) {
                best_ns = ns;
                best = *copy;
            }
        }
    }
    *copy = best;
    return kvr_session_stopped(s) ? -EINTR : best.step ? 0 : -ENODEV;
}

/* M: the best writers over the same addresses, regular and past the caches. */
static void choose_writers(struct kvr_session *s, const struct kvr_copy *like,
                           struct kvr_phase_run *phase)
{
    size_t count;
    const struct kvr_peak_expand *const *writers = kvr_peak_expands(&count);
    double ns[KVR_MAX_WRITERS];
    for (size_t i = 0; i < count; i++) {
        if (writers[i]->isa & ~s->machine->isa.usable)
            continue;
        for (uint32_t ahead = 0; ahead <= 2; ahead += 2) {
            struct kvr_copy x = *like;
            x.step = NULL;
            x.writer = writers[i];
            x.ahead_segments = ahead;
            double took = try(s, &x);
            size_t at = phase->writer_count;
            while (at && took < ns[at - 1])
                at--;
            if (at == KVR_MAX_WRITERS)
                continue;
            size_t moved = phase->writer_count < KVR_MAX_WRITERS ? phase->writer_count++
                                                                 : KVR_MAX_WRITERS - 1;
            for (; moved > at; moved--) {
                phase->writers[moved] = phase->writers[moved - 1];
                ns[moved] = ns[moved - 1];
            }
            phase->writers[at] = x;
            ns[at] = took;
        }
    }
}

/* The copy of the first and last segment, bit by bit, against the codec's own decoding. */
static int verify_copy(const struct kvr_op_request *r, const struct kvr_copy *copy, char *error,
                       size_t error_bytes)
{
    const struct kvr_material *m = r->coded;
    const struct kvr_segments *codes = &copy->codes->segments[0], *keys = &copy->copy->segments[0];
    uint32_t d = m->shape.head_dim, n = copy->codes->tokens;
    float *decoded = malloc((size_t)n * d * sizeof *decoded);
    int rc = decoded ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < 2 && !rc; i++) {
        uint32_t at = codes->order[i ? codes->count - 1 : 0];
        const unsigned char *copied = keys->base + keys->stride_bytes * at;
        m->codec->decode(&m->shape, m->side, codes->base + codes->stride_bytes * at, n, decoded);
        for (size_t k = 0; k < (size_t)n * d && !rc; k++) {
            uint16_t half, expected = kvr_float_to_half(decoded[k]);
            memcpy(&half, copied + k * sizeof half, sizeof half);
            /* -0 and 0 are the same key */
            if (half != expected && ((half | expected) & 0x7fff)) {
                snprintf(error, error_bytes, "element %zu of the float16 copy is %g, not %g", k,
                         (double)kvr_half_to_float(half), (double)kvr_half_to_float(expected));
                rc = -EDOM;
            }
        }
    }
    free(decoded);
    return rc;
}

/* So many that codes and copy fill at most half of L1; whole blocks. */
static uint32_t core_keys(const struct kvr_session *s, const struct kvr_format *format,
                          const struct kvr_shape *shape)
{
    uint32_t block = format->block_keys, keys = CORE_KEYS / block * block;
    while (keys > block && format->segment_bytes(shape, keys) +
                                   kvr_format_dense_f16.segment_bytes(shape, keys) >
                               s->l1_bytes / 2)
        keys -= block;
    return keys > block ? keys : block;
}

/* C: as many keys in short runs whose codes and copy both stay in L1. */
static int open_core(struct kvr_session *s, const struct kvr_op_request *r, struct kvr_op *op)
{
    const struct kvr_format *format = r->coded->codec->formats[0];
    struct kvr_shape shape = r->coded->shape;
    uint32_t keys = core_keys(s, format, &shape);
    keys = keys < r->codes->tokens ? keys : r->codes->tokens;
    size_t bytes = format->segment_bytes(&shape, keys);
    size_t copied = kvr_format_dense_f16.segment_bytes(&shape, keys);
    const struct kvr_lists run = {.tokens = keys, .parts = 1};
    int rc = kvr_lists_fold(r->codes->segments[0].base, format, &shape, &run, bytes, s->threads,
                            &op->core_codes);
    op->core_memory = aligned_alloc(4096, (copied * s->threads + 4095) / 4096 * 4096);
    if (!rc && !op->core_memory)
        rc = -ENOMEM;
    if (rc)
        return rc;
    memset(op->core_memory, 0, copied * s->threads);
    rc = kvr_lists_beside(&op->core_codes, op->core_memory, &kvr_format_dense_f16, &shape,
                          &op->core_copy);
    for (unsigned t = 0; t < s->threads && !rc; t++)
        op->core_copy.segments[t].base = op->core_memory + t * copied;
    op->dequantise_core = op->dequantise;
    op->dequantise_core.codes = &op->core_codes;
    op->dequantise_core.copy = &op->core_copy;
    op->dequantise_core.cursors = op->fold_cursors;
    op->dequantise_core.non_temporal = 0; /* the copy is folded into L1 */
    return rc;
}

static void plan_scan(const struct kvr_op_request *r, struct kvr_op *op)
{
    struct kvr_phase_run *scan = &op->phases[KVR_PHASE_SCAN];
    const struct kvr_subject *x = r->subject;
    scan->present = true;
    scan->t = x->t_request;
    scan->c = x->c_request;
    scan->t_keys = kvr_lists_segment_keys(r->keys);
    scan->c_keys = x->fold.tokens;
}

void kvr_op_restore_copy(struct kvr_op *op)
{
    uint32_t count = op->dequantise.codes->counts[0];
    if (op->dequantise.step)
        kvr_copy_slice(&op->dequantise, 0, 0, count < CHECKSUM_SEGMENTS ? count
                                                                        : CHECKSUM_SEGMENTS);
}

int kvr_op_build_copy(struct kvr_session *s, const struct kvr_op_request *r, struct kvr_op **made,
                      char *error, size_t error_bytes)
{
    struct kvr_op *op = *made = calloc(1, sizeof *op);
    if (!op)
        return -ENOMEM;
    struct kvr_phase_run *prepare = &op->phases[KVR_PHASE_PREPARE];
    const struct kvr_format *format = r->coded->codec->formats[0];
    op->fold_cursors = calloc(s->threads, sizeof *op->fold_cursors);
    if (!op->fold_cursors)
        return -ENOMEM;
    op->dequantise = (struct kvr_copy){.shape = r->coded->shape,
                                       .codes = r->codes,
                                       .copy = r->keys,
                                       .cursors = r->cursors};
    memcpy(&op->dequantise.scale, r->coded->side, sizeof op->dequantise.scale);
    int rc = choose_step(s, format, &op->dequantise);
    if (rc == -ENODEV)
        snprintf(error, error_bytes, "no kernel dequantises %s on this host", format->name);
    if (rc)
        return rc;
    /* Writers first: what they leave behind is no keys. */
    choose_writers(s, &op->dequantise, prepare);
    prepare->has_m = prepare->writer_count > 0;
    if (prepare->has_m) {
        prepare->m = kvr_copy_request(&prepare->writers[0]);
        kvr_sample_plan(s->sampler, &prepare->m, s->plan->min_time_s);
    }
    for (unsigned t = 0; t < s->threads; t++) /* all of it, so that the scan reads real keys */
        kvr_copy_slice(&op->dequantise, t, 0, r->codes->counts[t]);
    rc = verify_copy(r, &op->dequantise, error, error_bytes);
    if (!rc)
        rc = open_core(s, r, op);
    if (rc)
        return rc;
    prepare->present = true;
    prepare->t = kvr_copy_request(&op->dequantise);
    prepare->c = kvr_copy_request(&op->dequantise_core);
    prepare->t_keys = kvr_lists_segment_keys(r->codes);
    prepare->c_keys = op->core_codes.tokens;
    prepare->c.warm_segments = 2;
    kvr_sample_plan(s->sampler, &prepare->t, s->plan->min_time_s);
    kvr_sample_plan(s->sampler, &prepare->c, s->plan->min_time_s);
    plan_scan(r, op);
    op->whole_keys = kvr_lists_segment_keys(r->keys);
    return kvr_op_open_reader(s, r, op, KVR_PHASE_SCAN, r->keys, r->cursors);
}
