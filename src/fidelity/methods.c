/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "methods.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/additive.h"
#include "../../kernels/formats.h"
#include "../machine/isa.h"
#include "../study/select.h"

static int add_track(struct kvr_methods *m, size_t method, size_t book, uint64_t seed)
{
    struct kvr_track *tracks = realloc(m->tracks, (m->track_count + 1) * sizeof *tracks);
    if (!tracks)
        return -ENOMEM;
    m->tracks = tracks;
    tracks[m->track_count++] = (struct kvr_track){method, book, seed};
    return 0;
}

/* The first of `seeds` new books of a calibration set; KVR_NO_BOOK: memory. */
static size_t add_books(struct kvr_methods *m, size_t set, uint32_t seeds)
{
    struct kvr_book *books = realloc(m->books, (m->book_count + seeds) * sizeof *books);
    if (!books)
        return KVR_NO_BOOK;
    m->books = books;
    for (uint32_t s = 0; s < seeds; s++) {
        books[m->book_count + s] = (struct kvr_book){.set = set, .seed = s + 1};
        books[m->book_count + s].sides = calloc(m->head_count, sizeof *books->sides);
        if (!books[m->book_count + s].sides) {
            m->book_count += s;
            return KVR_NO_BOOK;
        }
    }
    m->book_count += seeds;
    return m->book_count - seeds;
}

static int add_method(struct kvr_methods *m, const struct kvr_method *method, size_t book,
                      uint32_t seeds)
{
    struct kvr_method *methods = realloc(m->methods, (m->method_count + 1) * sizeof *methods);
    int status = 0;
    if (!methods)
        return -ENOMEM;
    m->methods = methods;
    methods[m->method_count] = *method;
    methods[m->method_count].first_track = m->track_count;
    methods[m->method_count].tracks = seeds;
    for (uint32_t s = 0; !status && s < seeds; s++)
        status = add_track(m, m->method_count, book == KVR_NO_BOOK ? book : book + s, s + 1);
    m->method_count++;
    return status;
}

static int add_controls(struct kvr_methods *m, const struct kvr_shape *shape)
{
    static const struct {
        const char *name;
        enum kvr_control control;
    } controls[] = {
        {"uniform", KVR_UNIFORM}, {"shuffled", KVR_SHUFFLED}, {"random", KVR_RANDOM},
        {"values.q8", KVR_VALUES_Q8}};
    int status = 0;
    for (size_t i = 0; !status && i < sizeof controls / sizeof *controls; i++) {
        struct kvr_method method = {.name = controls[i].name, .set = KVR_NO_BOOK};
        if (controls[i].control == KVR_VALUES_Q8 && kvr_codec_value_q8.refuses(shape))
            continue; /* no run has them either */
        method.coding.control = controls[i].control;
        status = add_method(m, &method, KVR_NO_BOOK, 1);
    }
    return status;
}

static bool has_tables(const struct kvr_codec *codec)
{
    return kvr_format_looks_up(codec->formats[0]);
}

/* A codec that rounds the query has the keys of another, and decoded keys say nothing of it. */
static bool rounds_query(const struct kvr_codec *codec)
{
    return codec->formats[0] == &kvr_format_affine8_q8 ||
           codec->formats[0] == &kvr_format_affine4_q8;
}

/* Scans of a codec that round the query, and so score the keys otherwise than the codec's first. */
static const struct {
    const char *codec;
    const struct kvr_format *format;
    const char *name;
} rounding_scans[] = {
    {"q8_0", &kvr_format_affine8g_q8, "q8_0.q8"}, {"q4_0", &kvr_format_affine4g_q8, "q4_0.q8"},
    {"kivi2", &kvr_format_channel2_q8, "kivi2.q8"}, {"kivi4", &kvr_format_channel4_q8, "kivi4.q8"},
    {"squat2", &kvr_format_channel2_q8, "squat2.q8"},
    {"squat4", &kvr_format_channel4_q8, "squat4.q8"},
    {"asymkv1", &kvr_format_channel1_q8, "asymkv1.q8"}};

/* A method's name; NULL: this scan of the same codes adds up what another does. */
static const char *name_of_scan(const struct kvr_codec *codec, const struct kvr_format *scan,
                                const struct kvr_shape *shape, bool before_rope)
{
    if (scan == &kvr_format_additive_rows)
        return NULL;
    if (scan == kvr_codec_layout(codec, shape) || (has_tables(codec) && !before_rope))
        return codec->name;
    for (size_t i = 0; i < sizeof rounding_scans / sizeof *rounding_scans && !before_rope; i++) {
        if (rounding_scans[i].format == scan && !strcmp(rounding_scans[i].codec, codec->name))
            return rounding_scans[i].name;
    }
    return NULL;
}

/* One codec and shape with one calibration set: a method for each type of table or query. */
static int add_coding(const struct kvr_job *job, const struct kvr_codec *codec,
                      const struct kvr_shape *shape, size_t set, bool before_rope)
{
    bool trained = codec->calibrated;
    uint32_t seeds = trained ? job->request->seeds : 1;
    size_t book = KVR_NO_BOOK;
    int status = 0;
    if (set != KVR_NO_BOOK) {
        book = add_books(job->methods, set, seeds);
        if (book == KVR_NO_BOOK)
            return -ENOMEM;
    }
    for (size_t f = 0; !status && codec->formats[f]; f++) {
        struct kvr_method method = {.set = set};
        method.name = name_of_scan(codec, codec->formats[f], shape, before_rope);
        if (!method.name || (shape->entries && codec->formats[f]->entries &&
                             codec->formats[f]->entries != shape->entries))
            continue;
        method.coding = (struct kvr_coding){.codec = codec, .format = codec->formats[f],
                                            .shape = *shape, .before_rope = before_rope,
                                            .squat = job->request->squat,
                                            .rope_pairs = has_tables(codec) &&
                                                          job->request->rope_pairs};
        status = add_method(job->methods, &method, book, seeds);
    }
    return status;
}

static int leave_out(const struct kvr_job *job, const struct kvr_codec *codec, const char *why)
{
    struct kvr_fidelity_record *r = job->record;
    struct kvr_fidelity_absent *absent = realloc(r->absent, (r->absent_count + 1) * sizeof *absent);
    if (!absent)
        return -ENOMEM;
    r->absent = absent;
    snprintf(absent[r->absent_count].name, sizeof absent->name, "%s", codec->name);
    snprintf(absent[r->absent_count++].why, sizeof absent->why, "%s", why);
    return 0;
}

static int refuse(const struct kvr_job *job, const struct kvr_codec *codec, const char *why)
{
    if (!job->request->ordered)
        return leave_out(job, codec, why);
    snprintf(job->error, job->error_bytes, "--codec %s: %s", codec->name, why);
    return -EINVAL;
}

static int add_shape(const struct kvr_job *job, const struct kvr_codec *codec,
                     const struct kvr_shape *shape)
{
    const char *why = codec->refuses ? codec->refuses(shape) : NULL;
    /* a codec that looks at queries would need those before rotation, too */
    bool rotates = job->inputs->texts[0].before_rope.values && !rounds_query(codec) &&
                   !codec->train_queries;
    size_t sets = codec->calibrated && job->inputs->set_count ? job->inputs->set_count : 1;
    int status = 0;
    if (why)
        return refuse(job, codec, why);
    if (codec->refuses_settings &&
        (why = codec->refuses_settings(shape, &job->request->squat))) {
        snprintf(job->error, job->error_bytes, "--codec %s: %s", codec->name, why);
        return -EINVAL; /* only the command line has such settings */
    }
    for (int before = 0; before <= rotates; before++) {
        for (size_t s = 0; !status && s < sets; s++)
            status = add_coding(job, codec, shape,
                                codec->calibrated && job->inputs->set_count ? s : KVR_NO_BOOK,
                                before);
    }
    return status;
}

static int add_codec(const struct kvr_job *job, const struct kvr_codec *codec)
{
    const struct kvr_fidelity_request *r = job->request;
    struct kvr_shape shape = {.head_dim = (uint32_t)job->inputs->head_dim, .heads = 1, .queries = 1,
                              .group = codec->group,
                              .vector_bytes = job->methods->vector_bytes,
                              .residual = codec->formats[0]->residual ? r->kivi_residual : 0};
    int status = 0;
    if (codec->slow_training && !r->codecs_named)
        return leave_out(job, codec, "training takes long; name it with --codec");
    kvr_codec_set_tables(codec, &shape);
    if (!has_tables(codec) || codec->set_tables)
        return add_shape(job, codec, &shape);
    for (size_t m = 0; m < r->subspace_count; m++) {
        for (size_t k = 0; !status && k < r->entry_count; k++) {
            shape.tables = r->subspaces[m];
            shape.entries = r->entries[k];
            status = add_shape(job, codec, &shape);
        }
    }
    return status;
}

int kvr_methods_make(const struct kvr_job *job)
{
    struct kvr_methods *methods = job->methods;
    struct kvr_isa_info isa;
    kvr_isa_detect(&isa);
    *methods = (struct kvr_methods){.head_count = job->inputs->layers * job->inputs->kv_heads,
                                    .vector_bytes = kvr_wide_bytes(isa.usable)};
    const struct kvr_shape shape = {.head_dim = (uint32_t)job->inputs->head_dim};
    int status = add_controls(methods, &shape);
    for (size_t i = 0; !status && i < job->request->codec_count; i++)
        status = add_codec(job, job->request->codecs[i]);
    for (size_t i = 0; i < methods->track_count; i++) { /* now that methods no longer move */
        const struct kvr_track *track = &methods->tracks[i];
        if (track->book != KVR_NO_BOOK)
            methods->books[track->book].coding = &methods->methods[track->method].coding;
    }
    return status;
}

void kvr_methods_free(struct kvr_methods *m)
{
    for (size_t b = 0; b < m->book_count; b++) {
        for (size_t h = 0; h < m->head_count; h++)
            free(m->books[b].sides[h]);
        free(m->books[b].sides);
    }
    free(m->books);
    free(m->methods);
    free(m->tracks);
    *m = (struct kvr_methods){0};
}
