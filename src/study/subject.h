/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A case made ready to be measured: verified kernel, its best look-ahead, its list (T) and its
 * fold (C), and the samples planned.
 */
#ifndef KVR_SUBJECT_H
#define KVR_SUBJECT_H

#include "session.h"
#include "verdict.h"

enum { KVR_MAX_WAITING = 4, KVR_MAX_SENSITIVE = 20 };

/* What is tried of each kernel: how far ahead, in how many streams. */
enum { KVR_MOST_TUNINGS = 32 };
extern const struct kvr_tuning_choice kvr_tuning_choices[];
extern const size_t kvr_tuning_choice_count;
/* "0:5.31 s1:4.02 b512:4.4 s2x4:3.9": ns a key of the first `count` of them. */
void kvr_tuning_text(const double *ns, size_t count, char *text, size_t room);

struct kvr_op;

struct kvr_subject {
    struct kvr_op *op; /* owned; NULL: a scan, which t and c are all of */
    const struct kvr_kernel *kernel;
    struct kvr_shape shape;
    void *prepared; /* owned */
    struct kvr_scan t, c;
    struct kvr_lists fold;  /* owned */
    uint32_t *fold_cursors; /* owned */
    struct kvr_sample_request t_request, c_request;
    struct kvr_tuning tuning;
    struct kvr_witness_value witnesses[KVR_MAX_WAITING]; /* of waiting, those looked for */
    size_t witness_count;
    bool no_time_for_witness; /* one would have decided the bound */
    bool no_time_for_deep;
    char m_cause[24]; /* what the memory's own time goes to; "": not looked for or nothing found */
    struct kvr_witness_record sensitivities[KVR_MAX_SENSITIVE]; /* --deep: stored, no vote */
    size_t sensitivity_count;
    bool c_unstable;
    struct kvr_tally tallies[KVR_PHASES]; /* of T's samples: 0; where T is a sum, of each phase */
    double c_half_ratio; /* C at half the fold over C at the fold; NAN: not measurable */
};

struct kvr_subject_request {
    const struct kvr_kernel *const *candidates;
    size_t candidate_count;
    const struct kvr_material *material;
    const struct kvr_shape *shape;
    const struct kvr_lists *lists; /* T's, in the arena half */
    uint32_t *cursors;             /* of that half */
    struct kvr_score_buffers *buffers;
    struct kvr_between between; /* passes of T */
    const char *level;
    const struct kvr_tuning *tuning;    /* known from an equal list; NULL: to be found */
};

/* Verifies every candidate on the pool's blocks and on first and last segment of the list, takes
 * the fastest of them, tunes its look-ahead, folds it. 0; -EDOM with a sentence when a candidate
 * gives wrong scores (it is not timed); -ENOMEM; -EINTR. */
int kvr_subject_prepare(struct kvr_session *session, const struct kvr_subject_request *request,
                        struct kvr_subject *subject, char *error, size_t error_bytes);
void kvr_subject_free(struct kvr_subject *subject);

/* Bytes of codes that C keeps in L1: min(L1/2, 7/8 L1 - tables - score tile), at least one
 * block. */
uint64_t kvr_fold_bytes(uint64_t l1_bytes, const struct kvr_format *format,
                        const struct kvr_shape *shape, uint32_t score_tile_floats);

#endif
