/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Preparing steps of this host against the definitions in kernel.h, in double: every d and m, other
 * K, extreme queries; codebook and query end at guard pages, the prepared query lies between
 * canaries. Tables of bytes also against the codec's. Of codebooks LOOKAT's alone: test_books.c
 * and test_residual.c.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guarded.h"
#include "kernels/additive.h"
#include "kernels/formats.h"
#include "kernels/steps.h"
#include "problem.h"
#include "src/codec/codebook.h"
#include "src/codec/codec.h"
#include "src/machine/isa.h"

enum { CANARY_BYTES = 256, CANARY = 0xa5, MAX_ENTRIES = 256 };
/* ZERO and ONE: all equal tables; LARGE: sums near 1e30; SMALL: a step that would be subnormal */
enum query { RANDOM, ZERO, ONE, LARGE, SMALL, QUERIES };

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct problem {
    const struct kvr_prepare_step *step;
    struct kvr_shape shape;
    enum query kind;
    float *natural; /* [m][K][d/m], as packed: of float16 the rounded values */
    float query[KVR_MAX_HEAD_DIM];
    unsigned char *prepared;
    size_t prepared_bytes;
    float scale;
};

static float signed_unit(uint64_t *random)
{
    return (float)((double)(guarded_random(random) & 0xffffff) / 0x7fffff - 1);
}

static void fill_query(struct problem *p, uint64_t *random)
{
    static const float factors[QUERIES] = {1, 0, 0, 1e30f, 1e-38f};
    for (uint32_t c = 0; c < p->shape.head_dim; c++)
        p->query[c] = p->kind == ONE ? 1 : signed_unit(random) * factors[p->kind];
}

static const char *describe(const struct problem *p)
{
    static char text[160];
    snprintf(text, sizeof text, "%s@%s, codebook %d, d%u m%u K%u, query %d", p->step->format->name,
             p->step->isa_name, (int)p->step->codebook, p->shape.head_dim, p->shape.tables,
             p->shape.entries, (int)p->kind);
    return text;
}

/* Runs the step: query and codebook end at guard pages (or begin at one, where they must be
 * aligned and are no whole lines), output between canaries. */
static void run(struct problem *p)
{
    const struct kvr_prepare_step *step = p->step;
    struct guarded query = guarded_map(p->shape.head_dim * sizeof(float)), book = {0};
    size_t book_bytes = kvr_codebook_bytes(&p->shape, step->book, step->codebook);
    const void *codebook = &p->scale;
    float *at = (float *)query.end - p->shape.head_dim;
    memcpy(at, p->query, p->shape.head_dim * sizeof *at);
    if (step->codebook != KVR_CODEBOOK_NONE) {
        book = guarded_map(book_bytes);
        unsigned char *packed = book.end - (book_bytes + 63) / 64 * 64;
        assert_int_equal(kvr_codebook_pack(&p->shape, step->book, p->natural, step->codebook,
                                           packed), 0);
        codebook = packed;
    }
    p->prepared_bytes = step->format->prepared_bytes(&p->shape);
    unsigned char *around = aligned_bytes(p->prepared_bytes + 2 * CANARY_BYTES);
    memset(around, CANARY, p->prepared_bytes + 2 * CANARY_BYTES);
    p->prepared = around + CANARY_BYTES;
    step->prepare(&p->shape, codebook, NULL, at, p->prepared);
    for (size_t i = 0; i < CANARY_BYTES; i++)
        if (around[i] != CANARY || p->prepared[p->prepared_bytes + i] != CANARY)
            fail_msg("%s: wrote outside the prepared query", describe(p));
    guarded_unmap(&query);
    if (book.map)
        guarded_unmap(&book);
}

static void done(struct problem *p)
{
    free(p->prepared - CANARY_BYTES);
    p->prepared = NULL;
}

/* <q_i, C_i[c]> / sqrt(d) and the sum of its terms' magnitudes. */
static double entry(const struct problem *p, uint32_t i, uint32_t c, double *magnitude)
{
    const uint32_t d = p->shape.head_dim, dim = d / p->shape.tables;
    const float *centroid = p->natural + ((size_t)i * p->shape.entries + c) * dim;
    double sum = 0, all = 0;
    for (uint32_t j = 0; j < dim; j++) {
        double term = (double)p->query[i * dim + j] * (double)centroid[j];
        sum += term;
        all += fabs(term);
    }
    *magnitude = all / sqrt(d);
    return sum / sqrt(d);
}

static void check_f32(const struct problem *p)
{
    const float *tables = (const float *)(const void *)p->prepared;
    const double relative = (p->shape.head_dim / p->shape.tables + 4) * 0x1p-24;
    for (uint32_t i = 0; i < p->shape.tables; i++) {
        for (uint32_t c = 0; c < p->shape.entries; c++) {
            double magnitude, expected = entry(p, i, c, &magnitude);
            double is = (double)tables[(size_t)i * p->shape.entries + c];
            if (!(fabs(is - expected) <= relative * magnitude + 1e-44))
                fail_msg("%s: table %u entry %u is %.9g, not %.9g", describe(p), i, c, is,
                         expected);
        }
    }
}

static void check_u8(const struct problem *p)
{
    const struct kvr_prepared_lookup_u8 *u8 = (const void *)p->prepared;
    const uint32_t entries = p->shape.entries;
    double bias = 0, width = 0, all = 0, lows[KVR_MAX_TABLES];
    for (uint32_t i = 0; i < p->shape.tables; i++) {
        double low = INFINITY, high = -INFINITY, most = 0;
        for (uint32_t c = 0; c < entries; c++) {
            double magnitude, value = entry(p, i, c, &magnitude);
            low = fmin(low, value);
            high = fmax(high, value);
            most = fmax(most, magnitude);
        }
        lows[i] = low;
        bias += low;
        width = fmax(width, high - low);
        all += most;
    }
    double step = (double)u8->step, near = 1e-5 * all + 1e-44;
    assert_true(fabs((double)u8->bias - bias) <= near);
    if (width / 255 < (double)FLT_MIN * 0.999)
        assert_true(step == 0);
    else
        assert_true(fabs(step - width / 255) <= near);
    for (size_t i = 0; i < sizeof u8->pad; i++)
        assert_int_equal(u8->pad[i], 0);
    for (uint32_t i = 0; i < p->shape.tables; i++) {
        for (uint32_t c = 0; c < entries; c++) {
            double magnitude, steps = step > 0 ? (entry(p, i, c, &magnitude) - lows[i]) / step : 0;
            /* half a step by rounding, and what float tables differ by */
            double is = u8->tables[(size_t)i * entries + c];
            if (!(fabs(is - steps) <= 0.51 + (step > 0 ? near / step : 0)))
                fail_msg("%s: byte %u of table %u is %g, not %.4f", describe(p), c, i, is, steps);
        }
    }
}

/* float32 codebooks: the codec's own tables, at most one step off. */
static void check_codec(const struct problem *p)
{
    const struct kvr_codec *lookat = kvr_codec_find("lookat");
    struct kvr_prepared_lookup_u8 *theirs = aligned_bytes(p->prepared_bytes);
    const struct kvr_prepared_lookup_u8 *ours = (const void *)p->prepared;
    lookat->prepare(&p->shape, p->step->format, p->natural, p->query, theirs);
    assert_true(fabsf(ours->step - theirs->step) <= 1e-5f * theirs->step);
    for (size_t i = 0; i < (size_t)p->shape.tables * p->shape.entries; i++)
        if (abs(ours->tables[i] - theirs->tables[i]) > 1)
            fail_msg("%s: byte %zu is %d, the codec's %d", describe(p), i, ours->tables[i],
                     theirs->tables[i]);
    free(theirs);
}

static void check_tables(const struct kvr_prepare_step *step, uint32_t d, uint32_t m, uint32_t k)
{
    uint64_t random = 1000 * d + 10 * m + k;
    struct problem p = {.step = step, .shape = {.head_dim = d, .tokens = 64, .heads = 1,
                                                .queries = 1, .tables = m, .entries = k}};
    size_t values = (size_t)k * d;
    p.natural = aligned_bytes(values * sizeof *p.natural);
    for (size_t i = 0; i < values; i++) {
        float value = signed_unit(&random) * 4;
        if (step->codebook == KVR_CODEBOOK_F16)
            value = kvr_half_to_float(kvr_float_to_half(i % 7 ? value : value * 1e-6f));
        p.natural[i] = value;
    }
    for (p.kind = RANDOM; p.kind < QUERIES; p.kind++) {
        fill_query(&p, &random);
        run(&p);
        const int floats =
            step->format == &kvr_format_lookup_f32 || step->format == &kvr_format_lookup4_f32;
        if (floats)
            check_f32(&p);
        else
            check_u8(&p);
        if (!floats && k == step->format->entries && p.kind == RANDOM)
            check_codec(&p);
        done(&p);
    }
    free(p.natural);
}

/* A prepared query of the dense and affine formats: floats behind codes that must be equal. The
 * last float is one of the query's, an offset sum of them, or a scale that must be equal. */
enum last { OF_QUERY, OFFSET, SCALE };

static const struct prepared {
    const struct kvr_format *format;
    const char *codec;
    size_t codes_bytes;
    enum last last;
} all_prepared[] = {
    {&kvr_format_dense_f16, "fp16", 0, OF_QUERY},
    {&kvr_format_dense_bf16, "bf16", 0, OF_QUERY},
    {&kvr_format_affine8, "int8", 0, OFFSET},
    {&kvr_format_affine4, "int4", 0, OFFSET},
    {&kvr_format_affine8g, "q8_0", 0, OF_QUERY},
    {&kvr_format_affine4g, "int4g32", 0, OF_QUERY},
    {&kvr_format_channel1, "asymkv1", 0, OF_QUERY},
    {&kvr_format_channel2, "kivi2", 0, OF_QUERY},
    {&kvr_format_channel4, "kivi4", 0, OF_QUERY},
    {&kvr_format_channel1_q8, "asymkv1", 0, OF_QUERY},
    {&kvr_format_channel2_q8, "kivi2", 0, OF_QUERY},
    {&kvr_format_channel4_q8, "kivi4", 0, OF_QUERY},
    {&kvr_format_affine8_f16, "int8", 0, SCALE},
    {&kvr_format_affine4_f16, "int4", 0, SCALE},
    {&kvr_format_affine4g_f16, "int4g32", 0, SCALE},
    {&kvr_format_affine8_q8, "int8q8", offsetof(struct kvr_prepared_affine_q8, scale), OF_QUERY},
    {&kvr_format_affine4_q8, "int4q8", offsetof(struct kvr_prepared_affine_q8, scale), OF_QUERY},
    {&kvr_format_affine8g_q8, "q8_0", offsetof(struct kvr_prepared_group_q8, steps), OF_QUERY},
    {&kvr_format_affine4g_q8, "q4_0", offsetof(struct kvr_prepared_group_q8, steps), OF_QUERY},
};

static void check_floats(const struct problem *p, const struct prepared *of,
                         const unsigned char *theirs)
{
    double sum = 0; /* of the query's magnitudes: an offset sum is off by no more */
    for (size_t at = of->codes_bytes; at < p->prepared_bytes; at += sizeof(float)) {
        float is, expected;
        memcpy(&is, p->prepared + at, sizeof is);
        memcpy(&expected, theirs + at, sizeof expected);
        const int last = at + sizeof is == p->prepared_bytes;
        double magnitude = fabs((double)expected), relative = 0x1p-22;
        sum += magnitude;
        if (last && of->last == OFFSET)
            magnitude = 128 * sum;
        else if (last && of->last == SCALE)
            relative = 0;
        if (!(fabs((double)is - (double)expected) <= relative * magnitude + 1e-44))
            fail_msg("%s: float at byte %zu is %.9g, the codec's %.9g", describe(p), at,
                     (double)is, (double)expected);
    }
}

/* Dense and affine: the codecs' prepared queries, which have tests of their own. */
static void check_query(const struct kvr_prepare_step *step, uint32_t d)
{
    const struct prepared *of = all_prepared;
    while (of->format != step->format)
        of++;
    const struct kvr_codec *codec = kvr_codec_find(of->codec);
    uint64_t random = d;
    struct problem p = {.step = step, .scale = 0.0173f,
                        .shape = {.head_dim = d, .tokens = 64, .heads = 1, .queries = 1,
                                  .group = codec->group}};
    if (codec->refuses(&p.shape))
        return; /* no whole groups */
    for (p.kind = RANDOM; p.kind < QUERIES; p.kind++) {
        fill_query(&p, &random);
        run(&p);
        unsigned char *theirs = aligned_bytes(p.prepared_bytes);
        codec->prepare(&p.shape, step->format, &p.scale, p.query, theirs);
        if (memcmp(p.prepared, theirs, of->codes_bytes) != 0)
            fail_msg("%s: other codes than the codec's", describe(&p));
        check_floats(&p, of, theirs);
        free(theirs);
        done(&p);
    }
}

/* Whatever a codec is attended with, a step prepares on any machine: from its side, or, of every
 * codec that is calibrated, from a codebook of either type, unless the scan reads that. */
static void test_all_formats(void **state)
{
    size_t count;
    const struct kvr_prepare_step *const *steps = kvr_prepare_steps(&count);
    const struct kvr_codec *const *codecs = kvr_codecs();
    (void)state;
    for (size_t c = 0; codecs[c]; c++) {
        for (const struct kvr_format *const *f = codecs[c]->formats; *f; f++) {
            unsigned seen = 0;
            for (size_t i = 0; i < count; i++)
                if (steps[i]->format == *f && steps[i]->book == kvr_codec_book(codecs[c], *f) &&
                    !steps[i]->isa)
                    seen |= 1u << steps[i]->codebook;
            if (seen != (codecs[c]->calibrated && *f != &kvr_format_additive_rows
                             ? 1u << KVR_CODEBOOK_F32 | 1u << KVR_CODEBOOK_F16
                             : 1u << KVR_CODEBOOK_NONE))
                fail_msg("%s of %s: steps for the codebooks %#x", (*f)->name, codecs[c]->name,
                         seen);
        }
    }
}

static void test_step(void **state)
{
    static const uint32_t dims[] = {16, 64, 80, 96, 128, 256}, tables[] = {1, 2, 4, 8, 16, 64};
    static const uint32_t entries[] = {16, 100, 1, 255};
    const struct kvr_prepare_step *step = *state;
    for (size_t i = 0; i < COUNT(dims); i++) {
        if (step->codebook == KVR_CODEBOOK_NONE)
            check_query(step, dims[i]);
        for (size_t j = 0; j < COUNT(tables) && step->codebook != KVR_CODEBOOK_NONE; j++)
            if (dims[i] % tables[j] == 0)
                check_tables(step, dims[i], tables[j], MAX_ENTRIES);
        for (size_t k = 0; k < COUNT(entries) && step->codebook != KVR_CODEBOOK_NONE; k++)
            check_tables(step, dims[i], 4, entries[k]);
    }
}

int main(void)
{
    static struct CMUnitTest tests[128] = {
        {.name = "all formats", .test_func = test_all_formats},
    };
    static char names[128][96];
    struct kvr_isa_info isa;
    size_t count, used = 1;
    const struct kvr_prepare_step *const *steps = kvr_prepare_steps(&count);
    kvr_isa_detect(&isa);
    for (size_t i = 0; i < count; i++) {
        if (used == COUNT(tests))
            abort();
        if ((steps[i]->book != KVR_BOOK_SUBSPACES && steps[i]->book != KVR_BOOK_NONE) ||
            steps[i]->format == &kvr_format_additive_rows)
            continue; /* test_books.c, test_residual.c */
        snprintf(names[used], sizeof names[used], "%s@%s, codebook %d", steps[i]->format->name,
                 steps[i]->isa_name, (int)steps[i]->codebook);
        if (steps[i]->isa & ~isa.usable) {
            printf("# %s: not usable on this host, not tested\n", names[used]);
            continue;
        }
        tests[used] = (struct CMUnitTest){.name = names[used], .test_func = test_step,
                                          .initial_state = (void *)(uintptr_t)steps[i]};
        used++;
    }
    return _cmocka_run_group_tests("prepare", tests, used, NULL, NULL);
}
