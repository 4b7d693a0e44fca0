/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/fidelity only: what is compared. A method is one row of a table (a codec, its shape,
 * table type, calibration set); each of its seeds is a track. Codebooks are trained once for all
 * tracks that differ in nothing but the table.
 */
#ifndef KVR_METHODS_H
#define KVR_METHODS_H

#include "fidelity.h"
#include "scorer.h"

#define KVR_NO_BOOK SIZE_MAX

struct kvr_method {
    const char *name; /* codec's or control's */
    struct kvr_coding coding; /* without side and seed */
    size_t set;       /* calibration set of the inputs, or KVR_NO_BOOK */
    size_t first_track, tracks;
};

struct kvr_track {
    size_t method, book; /* book: KVR_NO_BOOK for keys that train on themselves */
    uint64_t seed;
};

/* Codebooks of one coding for every layer and KV head. */
struct kvr_book {
    const struct kvr_coding *coding; /* of a method; any of those that share the book */
    size_t set;
    uint64_t seed;
    unsigned char **sides; /* owned, [layers * kv_heads] */
};

struct kvr_methods {
    struct kvr_method *methods;
    struct kvr_track *tracks;
    struct kvr_book *books;
    size_t method_count, track_count, book_count, head_count;
    uint32_t vector_bytes; /* of this host's loops (wide.h) */
};

/* What everything is done for and with; nothing is owned. */
struct kvr_job {
    const struct kvr_fidelity_request *request;
    const struct kvr_inputs *inputs;
    struct kvr_methods *methods;
    struct kvr_fidelity_record *record;
    char *error;
    size_t error_bytes;
};

/* Fills job->methods: controls and values of 8 bits first, then the request's codecs in their
 * order. Codecs that refuse the shape are added to record->absent, or, if the request orders them,
 * are -EINVAL with a sentence. -ENOMEM. Free with kvr_methods_free in any case. */
int kvr_methods_make(const struct kvr_job *job);
void kvr_methods_free(struct kvr_methods *methods);

/* Trains all books on the calibration keys without the first `skip` of each file. 0, -ENOMEM, or
 * -EINVAL with a sentence: fewer keys than entries. */
int kvr_books_train(const struct kvr_job *job, uint32_t skip);

#endif
