/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An op of several phases made ready to be measured: the whole of it over its list, and every phase
 * by itself over the same list (T), its memory alone (M) and its core alone (C). See MEASURING's
 * model: E = sum of max(C_p, M_p), S = sum of C_p + M_p.
 */
#ifndef KVR_OP_H
#define KVR_OP_H

#include <string.h>

#include "copy.h"
#include "heads.h"
#include "session.h"
#include "subject.h"

struct kvr_phase_run {
    bool present;
    struct kvr_sample_request t, c;
    double t_keys, c_keys; /* keys a segment stands for */
    /* Memory alone: the best readers of the phase's own addresses. has_m false: the phase touches
     * no memory but what stays in the core's caches. */
    bool has_m;
    struct kvr_scan read;
    const struct kvr_family *family;
    struct kvr_copy writers[KVR_MAX_WRITERS]; /* instead of readers, where the phase writes */
    size_t writer_count;
    struct kvr_sample_request m;
};

/* How many ways M is measured in a round. */
size_t kvr_phase_m_count(const struct kvr_phase_run *phase);

struct kvr_op {
    struct kvr_phase_run phases[KVR_PHASES];
    bool has_whole; /* false: T is the sum of the phases' */
    struct kvr_sample_request whole;
    double whole_keys;
    struct kvr_heads whole_heads, alone[KVR_PHASES], core[KVR_PHASES];
    struct kvr_head_buffers buffers;                    /* owned, as all below */
    struct kvr_lists fold_keys, fold_rows, one_codebook;
    uint32_t *fold_cursors, *rows_cursors, *codebook_cursors;
    float *queries;                                     /* [queries][head_dim] */
    /* ns a key by look-ahead, see struct kvr_tuning; "": none */
    char codebook_alternatives[64], values_alternatives[320];
    /* Of a materialised case. */
    struct kvr_copy dequantise, dequantise_core;
    struct kvr_lists core_codes, core_copy;
    unsigned char *core_memory;
};

/* What a case's op lies on. Borrowed; the lists stay where they are while the op lives. */
struct kvr_op_request {
    const struct kvr_case *c;
    const struct kvr_subject *subject; /* kernel, tuning and fold are chosen */
    const struct kvr_material *material;
    const struct kvr_keyset *keyset;
    const struct kvr_lists *keys, *codebooks, *rows; /* NULL: none */
    /* Materialised: keys is the list of the copy, these are what it is made from; else NULL. */
    const struct kvr_lists *codes;
    const struct kvr_material *coded;
    uint32_t *cursors;
    const char *level, *layout;
    uint64_t working_set_bytes;
    struct kvr_between between;
};

/* Chooses the steps' ISA by trying, tunes the values' look-ahead, verifies a head against double,
 * plans the samples. 0; -EDOM with a sentence (wrong result: not timed); -ENOMEM; -EINTR; -ENODEV
 * with a sentence when a step has no kernel here. *made is owned by the caller. */
int kvr_op_build(struct kvr_session *session, const struct kvr_op_request *request,
                 struct kvr_op **made, char *error, size_t error_bytes);
/* The same for a materialised case: two passes, no whole. */
int kvr_op_build_copy(struct kvr_session *session, const struct kvr_op_request *request,
                      struct kvr_op **made, char *error, size_t error_bytes);
void kvr_op_free(struct kvr_op *op);
/* M's writers leave sums in place of a materialised copy: makes its first segments keys again, so
 * that their scores are the same whatever was measured. Nothing for other ops. */
void kvr_op_restore_copy(struct kvr_op *op);

/* Inside op*.c. A scan has its queries prepared before it, once; everything else in each head. */
static inline bool kvr_op_prepares(const struct kvr_op_request *request)
{
    return strcmp(request->c->op, "scan") != 0;
}
/* Steps for this format and codebook, the fastest that this host has, and their look-ahead, for
 * `heads`. 0, or -ENODEV with a sentence. */
int kvr_op_choose_steps(struct kvr_session *session, const struct kvr_op_request *request,
                        struct kvr_op *op, struct kvr_heads *heads, char *error,
                        size_t error_bytes);
/* A phase's M over `lists`. 0 or -ENOMEM. */
int kvr_op_open_reader(struct kvr_session *session, const struct kvr_op_request *request,
                       struct kvr_op *op, enum kvr_phase phase, const struct kvr_lists *lists,
                       uint32_t *cursors);

/* Before and after a sample of a phase's M: codebooks have a list of their own, whose place follows
 * the keys' and moves them on, so that M never warms what T reads next. */
void kvr_op_m_begin(struct kvr_op *op, enum kvr_phase phase);
void kvr_op_m_end(struct kvr_op *op, enum kvr_phase phase);

#endif
