/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every kernel of kernels.inc that this host can run, as a suspect: shapes and token counts around
 * every block and vector width, extreme and random codes, every kind of look-ahead, several
 * segments in random order. The last segment and half of the score buffers end at a page that must
 * not be touched; the others lie between canaries. Argument --quick: fewer cases, for sanitizers.
 */
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
#include "kernels/ahead.h"
#include "problem.h"
#include "src/machine/isa.h"

enum { SEGMENTS = 5, MAX_TOKENS = 1000, CANARY_FLOATS = 32, GAP_BYTES = 192 };

static const uint32_t token_counts[] = {1,  2,  3,   7,   8,   9,   15,  16,  17,  31,  32,  33,
                                        47, 48, 63,  64,  65,  127, 128, 129, 200, 512, 1000};
static const uint32_t head_dims[] = {16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 240, 256};
static const uint32_t odd_head_dims[] = {8, 24, 72, 120}; /* affine layouts only */
static const uint32_t table_counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 31, 32, 64};
static const struct { uint32_t segments, bytes; } aheads[] = {
    {0, 0}, {1, 0}, {2, 0}, {8, 0}, {0, 64}, {0, 256}, {0, 2048}, {0, 65536}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int quick;

/* One problem: a kernel, a shape, codes of SEGMENTS segments, a prepared query. */
struct problem {
    const struct kvr_kernel *kernel;
    struct kvr_shape shape;
    enum fill fill;
    uint64_t seed;
    size_t segment_bytes;
    uint32_t order[SEGMENTS];
    struct kvr_segments segments;
    struct guarded codes, scores;
    double *references; /* [SEGMENTS][tokens], of slots */
    double allowed[SEGMENTS];
    void *prepared;
};

static void problem_free(struct problem *p)
{
    guarded_unmap(&p->codes);
    guarded_unmap(&p->scores);
    free(p->references);
    free(p->prepared);
}

/* Slots end to end with gaps; the last one ends at the guard page. */
static void problem_make(struct problem *p)
{
    const struct kvr_format *format = p->kernel->format;
    uint32_t tokens = p->shape.tokens;
    uint64_t random = p->seed;
    p->segment_bytes = format->segment_bytes(&p->shape, tokens);
    assert_int_equal(p->segment_bytes % KVR_LINE_BYTES, 0);
    size_t stride = p->segment_bytes + GAP_BYTES;
    size_t bytes = stride * SEGMENTS - GAP_BYTES;
    p->codes = guarded_map(bytes);
    p->scores = guarded_map((tokens + 2 * CANARY_FLOATS + 16) * sizeof(float));
    p->prepared = aligned_bytes(format->prepared_bytes(&p->shape));
    p->references = aligned_bytes(SEGMENTS * tokens * sizeof *p->references);
    for (uint32_t i = 0; i < SEGMENTS; i++)
        p->order[i] = i;
    for (uint32_t i = SEGMENTS - 1; i > 0; i--) {
        uint32_t j = (uint32_t)(guarded_random(&random) % (i + 1)), t = p->order[i];
        p->order[i] = p->order[j];
        p->order[j] = t;
    }
    p->segments = (struct kvr_segments){.base = p->codes.end - bytes, .stride_bytes = stride,
                                        .order = p->order, .count = SEGMENTS, .tokens = tokens};
    fill_prepared(format, &p->shape, p->fill, p->prepared, &random);
    for (uint32_t slot = 0; slot < SEGMENTS; slot++) {
        unsigned char *codes = p->codes.end - bytes + slot * stride;
        fill_codes(format, &p->shape, p->fill, codes, p->segment_bytes, &random);
        format->reference(&p->shape, tokens, codes, side_of(format), p->prepared,
                          p->references + (size_t)slot * tokens);
        p->allowed[slot] = allowed_difference(format, &p->shape, tokens, codes, p->prepared);
    }
}

static const char *describe(const struct problem *p)
{
    static char text[320];
    const struct kvr_kernel *k = p->kernel;
    snprintf(text, sizeof text,
             "%s.%s@%s d%u m%u K%u n%u, codes %s, look-ahead %u segments %u bytes, seed %llu",
             k->format->name, k->variant, k->isa_name, p->shape.head_dim, p->shape.tables,
             p->shape.entries, p->segments.tokens, fill_names[p->fill],
             p->segments.ahead_segments, p->segments.ahead_bytes, (unsigned long long)p->seed);
    return text;
}

static uint32_t canary(size_t i)
{
    return 0x7fc0beefU + (uint32_t)(i % 16); /* a NaN: a score that is left alone is wrong too */
}

static void check_canaries(const struct problem *p, const float *from, const float *to,
                           const char *where)
{
    for (const float *f = from; f < to; f++) {
        uint32_t bits;
        memcpy(&bits, f, sizeof bits);
        if (bits != canary((size_t)(f - (float *)p->scores.first)))
            fail_msg("%s: wrote %s its scores", describe(p), where);
    }
}

static void check_scores(const struct problem *p, uint32_t i, const float *scores)
{
    uint32_t tokens = p->segments.tokens, slot = p->order[i];
    const double *references = p->references + (size_t)slot * tokens;
    int exact = p->kernel->format->tolerance == 0;
    for (uint32_t k = 0; k < tokens; k++) {
        int right = exact ? scores[k] == (float)references[k]
                          : fabs((double)scores[k] - references[k]) <= p->allowed[slot];
        if (!right)
            fail_msg("%s: key %u of segment %u scored %.9g, reference %.9g, allowed +- %.3g",
                     describe(p), k, i, (double)scores[k], references[k], p->allowed[slot]);
    }
}

/* Scores all segments; odd ones into an aligned buffer between canaries, even ones up to the guard
 * page (canaries before it, and an address that is only float-aligned). */
static void run(struct problem *p)
{
    uint32_t tokens = p->segments.tokens;
    float *first = (float *)p->scores.first, *end = (float *)p->scores.end;
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        float *scores = i % 2 ? first + CANARY_FLOATS : end - tokens;
        for (float *f = first; f < end; f++) {
            uint32_t bits = canary((size_t)(f - first));
            memcpy(f, &bits, sizeof bits);
        }
        p->kernel->score(&p->shape, &p->segments, i, side_of(p->kernel->format), p->prepared,
                         scores);
        check_scores(p, i, scores);
        check_canaries(p, first, scores, "before");
        check_canaries(p, scores + tokens, end, "after");
    }
}

/* Every kind of look-ahead, by one stream and more. */
static void run_ahead(struct problem *p)
{
    for (size_t a = 0; a < COUNT(aheads); a += quick ? 3 : 1) {
        p->segments.ahead_segments = aheads[a].segments;
        p->segments.ahead_bytes = aheads[a].bytes;
        for (p->segments.streams = 0; p->segments.streams <= 4; p->segments.streams += 2)
            if (p->segments.streams < 4 || a % 2 == 0)
                run(p);
    }
    p->segments.ahead_segments = p->segments.ahead_bytes = p->segments.streams = 0;
}

static void check_shape(const struct kvr_kernel *kernel, struct kvr_shape shape)
{
    static uint64_t seed = 1;
    for (size_t t = 0; t < COUNT(token_counts); t += quick ? 3 : 1) {
        for (unsigned fill = 0; fill < FILL_COUNT; fill++) {
            struct problem p = {.kernel = kernel, .shape = shape, .fill = (enum fill)fill,
                                .seed = seed++};
            p.shape.tokens = token_counts[t];
            problem_make(&p);
            /* what a kernel prefetches, and how it walks then, does not depend on the codes */
            if (fill == FILL_RANDOM)
                run_ahead(&p);
            else
                run(&p);
            /* the shape's own token count must not matter: a head may be cut into segments */
            p.shape.tokens = MAX_TOKENS * 7;
            run(&p);
            problem_free(&p);
        }
    }
}

static void check_lookup(const struct kvr_kernel *kernel)
{
    static const struct {
        uint32_t entries, multiple;
    } counts[] = {{256, 1}, {16, 2}, {2048, 8}};
    for (size_t i = 0; i < COUNT(table_counts); i++) {
        for (size_t j = 0; j < COUNT(counts); j++) {
            const struct kvr_shape shape = {.head_dim = table_counts[i], .heads = 1, .queries = 1,
                                            .tables = table_counts[i],
                                            .entries = counts[j].entries};
            if (kvr_kernel_serves(kernel, &shape) && shape.tables % counts[j].multiple == 0)
                check_shape(kernel, shape);
        }
    }
}

static void check_rows(const struct kvr_kernel *kernel)
{
    const uint32_t group = is_grouped(kernel->format) ? 32 : 0;
    for (size_t i = 0; i < COUNT(head_dims); i++)
        if (!group || head_dims[i] % group == 0)
            check_shape(kernel, (struct kvr_shape){.head_dim = head_dims[i], .heads = 1,
                                                   .queries = 1, .group = group});
    int nibbles = kernel->format == &kvr_format_affine4 || kernel->format == &kvr_format_affine4_q8;
    for (size_t i = 0; i < COUNT(odd_head_dims) && nibbles; i++)
        check_shape(kernel,
                    (struct kvr_shape){.head_dim = odd_head_dims[i], .heads = 1, .queries = 1});
}

/* A cmocka test of one kernel, its initial state. */
static void test_kernel(void **state)
{
    const struct kvr_kernel *kernel = *state;
    if (is_lookup(kernel->format))
        check_lookup(kernel);
    else
        check_rows(kernel);
}

#ifdef BODIES_OF_AVXVNNI
/* AVX-VNNI's vpdpbusd is that of AVX512_VNNI at 256 bits by another encoding: the same kernels,
 * compiled for the latter, run on the many hosts that have it alone. */
extern const struct kvr_kernel body_affine8_q8, body_affine4_q8, body_affine8g_q8,
    body_affine4g_q8, body_channel1_q8, body_channel2_q8, body_channel4_q8;
static const struct kvr_kernel *const bodies[] = {&body_affine8_q8, &body_affine4_q8,
                                                  &body_affine8g_q8, &body_affine4g_q8,
                                                  &body_channel1_q8, &body_channel2_q8,
                                                  &body_channel4_q8};

static const struct kvr_kernel *const *kernels_of_test(size_t *count)
{
    *count = COUNT(bodies);
    return bodies;
}

static uint64_t isa_of(const struct kvr_kernel *kernel)
{
    return (kernel->isa & ~(uint64_t)KVR_ISA_AVXVNNI) | KVR_ISA_AVX512 | KVR_ISA_VNNI;
}
#else
static const struct kvr_kernel *const *kernels_of_test(size_t *count)
{
    return kvr_kernels(count);
}

static uint64_t isa_of(const struct kvr_kernel *kernel)
{
    return kernel->isa;
}
#endif

int main(int argc, char **argv)
{
    struct kvr_isa_info isa;
    struct CMUnitTest tests[128];
    static char names[128][96];
    size_t count, usable = 0;
    const struct kvr_kernel *const *kernels = kernels_of_test(&count);
    quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    kvr_isa_detect(&isa);
    if (count > COUNT(tests))
        abort();
    for (size_t i = 0; i < count; i++) {
        const struct kvr_kernel *k = kernels[i];
        snprintf(names[usable], sizeof names[usable], "%s.%s@%s", k->format->name, k->variant,
                 k->isa_name);
        if ((isa_of(k) & ~isa.usable) != 0) {
            printf("# %s: not usable on this host, not tested\n", names[usable]);
            continue;
        }
        tests[usable] = (struct CMUnitTest){.name = names[usable], .test_func = test_kernel,
                                            .initial_state = (void *)(uintptr_t)k};
        usable++;
    }
    if (usable == 0) {
        printf("no kernel can run on this host\n");
        return 77;
    }
    return _cmocka_run_group_tests("kernels", tests, usable, NULL, NULL);
}
