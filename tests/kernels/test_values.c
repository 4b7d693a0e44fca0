/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Products with the values of this host against double: any d, tokens around the groups and
 * blocks, every look-ahead and number of streams, several segments of which the last ends at a
 * guard page; weights end at one too; padding rows are NaN. Over a fold as over its repetition.
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
#include "kernels/formats.h"
#include "kernels/half_value.h"
#include "kernels/steps.h"
#include "problem.h"
#include "src/machine/isa.h"

enum { SEGMENTS = 3, GAP_BYTES = 192, CANARY_FLOATS = 16 };

static const uint32_t head_dims[] = {16, 32, 64, 80, 96, 128, 144, 256};
static const uint32_t token_counts[] = {1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 64, 65, 100, 129, 577};
static const struct { uint32_t segments, bytes; } aheads[] = {
    {0, 0}, {1, 0}, {8, 0}, {0, 64}, {0, 2048}, {0, 65536}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct problem {
    const struct kvr_values_step *step;
    struct kvr_shape shape;
    struct guarded values, weights;
    size_t segment_bytes;
    struct kvr_segments segments;
    float *w;
};

static const uint32_t order[SEGMENTS] = {1, 2, 0};

static int is_q8(const struct kvr_values_step *step)
{
    return step->format == &kvr_format_values_q8;
}

static int serves(const struct kvr_values_step *step, uint32_t d)
{
    return !is_q8(step) || d % 32 == 0;
}

/* By the layout in formats.h: scales of any sign from 2^-10 to 1/2; those of rows that are not
 * tokens' are NaN. */
static void fill_scales(unsigned char *block, uint32_t d, int64_t left, uint64_t *random)
{
    for (uint32_t g = 0; g < d / 32; g++)
        for (uint32_t r = 0; r < 16; r++) {
            uint64_t x = guarded_random(random);
            uint16_t half = (uint16_t)((x & 0x83ff) | (5 + (x >> 20) % 9) << 10);
            half = r < left ? half : 0x7e00;
            memcpy(block + (g * 16 + r) * sizeof half, &half, sizeof half);
        }
}

/* Random values, and padding that must not be used. */
static void fill_values(const struct kvr_values_step *step, const struct kvr_shape *shape,
                        uint32_t tokens, unsigned char *values, uint64_t *random)
{
    const size_t bytes = step->format->segment_bytes(shape, tokens);
    const size_t block = step->format->segment_bytes(shape, 16);
    const uint16_t nan = 0x7e00;
    fill_codes(step->format, shape, FILL_RANDOM, values, bytes, random);
    for (size_t at = (size_t)tokens * shape->head_dim * 2; at < bytes && !is_q8(step); at += 2)
        memcpy(values + at, &nan, sizeof nan);
    for (size_t b = 0; b < bytes / block && is_q8(step); b++)
        fill_scales(values + b * block, shape->head_dim, (int64_t)tokens - (int64_t)b * 16, random);
}

static double value_at(const struct kvr_values_step *step, const struct kvr_shape *shape,
                       const unsigned char *values, uint32_t t, uint32_t c)
{
    uint16_t half;
    if (is_q8(step))
        return kvr_values_q8_at(shape, values, t, c);
    memcpy(&half, values + ((size_t)t * shape->head_dim + c) * sizeof half, sizeof half);
    return kvr_half_value(half);
}

static void make(struct problem *p)
{
    const uint32_t tokens = p->shape.tokens;
    uint64_t random = tokens * 1000 + p->shape.head_dim;
    p->segment_bytes = p->step->format->segment_bytes(&p->shape, tokens);
    size_t stride = p->segment_bytes + GAP_BYTES, bytes = stride * SEGMENTS - GAP_BYTES;
    p->values = guarded_map(bytes);
    p->weights = guarded_map(tokens * sizeof(float));
    p->w = (float *)p->weights.end - tokens;
    unsigned char *base = p->values.end - bytes;
    for (uint32_t s = 0; s < SEGMENTS; s++)
        fill_values(p->step, &p->shape, tokens, base + s * stride, &random);
    for (uint32_t t = 0; t < tokens; t++)
        p->w[t] = (float)(guarded_random(&random) % 1024) / 1024;
    p->segments = (struct kvr_segments){.base = base, .stride_bytes = stride, .order = order,
                                        .count = SEGMENTS, .tokens = tokens};
}

static void unmake(struct problem *p)
{
    guarded_unmap(&p->values);
    guarded_unmap(&p->weights);
}

static void check(const struct problem *p, uint32_t i, float rescale)
{
    const uint32_t d = p->shape.head_dim, tokens = p->shape.tokens;
    const unsigned char *rows = p->segments.base + p->segments.stride_bytes * order[i];
    float buffer[KVR_MAX_HEAD_DIM + 2 * CANARY_FLOATS] __attribute__((aligned(64)));
    float *output = buffer + CANARY_FLOATS;
    for (size_t c = 0; c < COUNT(buffer); c++)
        buffer[c] = 777;
    for (uint32_t c = 0; c < d; c++)
        output[c] = rescale == 0 ? NAN : (float)c - 20;
    p->step->values(&p->shape, &p->segments, i, p->w, rescale, output);
    for (uint32_t c = 0; c < d; c++) {
        double sum = rescale == 0 ? 0 : (double)rescale * ((double)c - 20), all = fabs(sum);
        for (uint32_t t = 0; t < tokens; t++) {
            double term = value_at(p->step, &p->shape, rows, t, c) * (double)p->w[t];
            sum += term;
            all += fabs(term);
        }
        if (!(fabs((double)output[c] - sum) <= (tokens + 4) * 0x1p-24 * all))
            fail_msg("%s@%s d%u n%u, look-ahead %u segments %u bytes, %u streams: channel %u "
                     "is %.9g, not %.9g",
                     p->step->format->name, p->step->isa_name, d, tokens,
                     p->segments.ahead_segments, p->segments.ahead_bytes, p->segments.streams, c,
                     (double)output[c], sum);
    }
    for (size_t c = 0; c < CANARY_FLOATS; c++)
        assert_true(buffer[c] == 777 && output[d + c] == 777);
}

static void test_values(void **state)
{
    for (size_t n = 0; n < COUNT(head_dims); n++) {
        for (size_t t = 0; t < COUNT(token_counts) && serves(*state, head_dims[n]); t++) {
            struct problem p = {.step = *state,
                                .shape = {.head_dim = head_dims[n], .tokens = token_counts[t]}};
            make(&p);
            for (size_t a = 0; a < COUNT(aheads); a++) {
                p.segments.ahead_segments = aheads[a].segments;
                p.segments.ahead_bytes = aheads[a].bytes;
                for (p.segments.streams = 0; p.segments.streams <= 4; p.segments.streams += 2)
                    for (uint32_t i = 0; i < SEGMENTS; i++)
                        check(&p, i, i == 0 ? 0 : 0.5f * (float)i);
            }
            unmake(&p);
        }
    }
}

/* A segment of which only the first blocks exist, right before a guard page. */
static void check_fold(const struct kvr_values_step *step, uint32_t d, uint32_t tokens,
                       uint32_t blocks)
{
    static const uint32_t first[] = {0};
    const struct kvr_shape shape = {.head_dim = d, .tokens = tokens};
    uint64_t random = blocks;
    size_t fold = blocks * step->format->segment_bytes(&shape, 16);
    size_t bytes = step->format->segment_bytes(&shape, tokens);
    struct guarded folded = guarded_map(fold);
    unsigned char *rows = folded.end - fold, *repeated = aligned_bytes(bytes);
    float *w = aligned_bytes(tokens * sizeof *w);
    fill_values(step, &shape, blocks * 16, rows, &random);
    for (size_t at = 0; at < bytes; at += fold)
        memcpy(repeated + at, rows, bytes - at < fold ? bytes - at : fold);
    for (uint32_t t = 0; t < tokens; t++)
        w[t] = 1 / (float)(t + 1);
    for (size_t a = 0; a < COUNT(aheads) && bytes > fold; a++) {
        for (uint32_t streams = 0; streams <= 4; streams += 2) {
            float expected[KVR_MAX_HEAD_DIM] __attribute__((aligned(64)));
            float output[KVR_MAX_HEAD_DIM] __attribute__((aligned(64)));
            struct kvr_segments s = {.base = repeated, .stride_bytes = bytes, .order = first,
                                     .count = 1, .tokens = tokens, .streams = streams,
                                     .ahead_segments = aheads[a].segments,
                                     .ahead_bytes = aheads[a].bytes};
            step->values(&shape, &s, 0, w, 0, expected);
            s.base = rows;
            s.fold_bytes = fold;
            step->values(&shape, &s, 0, w, 0, output);
            /* with streams the parts repeat shares of the fold: only the bounds are checked */
            if (streams == 0 && memcmp(output, expected, d * sizeof *output) != 0)
                fail_msg("%s@%s d%u n%u: other sums over a fold of %zu bytes", step->format->name,
                         step->isa_name, d, tokens, fold);
        }
    }
    guarded_unmap(&folded);
    free(repeated);
    free(w);
}

static void test_fold(void **state)
{
    static const uint32_t dims[] = {64, 80, 128}, tokens[] = {1, 64, 100, 577, 1000};
    static const uint32_t blocks[] = {1, 2, 3, 5, 7};
    for (size_t n = 0; n < COUNT(dims); n++)
        for (size_t t = 0; t < COUNT(tokens) && serves(*state, dims[n]); t++)
            for (size_t b = 0; b < COUNT(blocks); b++)
                check_fold(*state, dims[n], tokens[t], blocks[b]);
}

/* What the kernels are held against, by the layout's definition. */
static void layout_of_bytes(void **state)
{
    const struct kvr_shape shape = {.head_dim = 96};
    const size_t block = 128 + 16 * 96; /* three groups' scales are 96 bytes, two lines */
    const uint16_t half = 0x3800;       /* 1/2 */
    unsigned char codes[2 * (128 + 16 * 96)] = {0};
    (void)state;
    assert_int_equal(kvr_format_values_q8.segment_bytes(&shape, 1), block);
    assert_int_equal(kvr_format_values_q8.segment_bytes(&shape, 17), 2 * block);
    assert_int_equal(kvr_format_values_q8.segment_bytes(&(struct kvr_shape){.head_dim = 64}, 16),
                     16 * 2 * 34); /* q8_0's */
    memcpy(codes + block + (2 * 16 + 3) * sizeof half, &half, sizeof half);
    codes[block + 128 + 3 * 96 + 65] = 0x81;
    assert_true(kvr_values_q8_at(&shape, codes, 19, 65) == -63.5);
    assert_true(kvr_values_q8_at(&shape, codes, 19, 63) == 0);
}

int main(void)
{
    static struct CMUnitTest tests[30] = {cmocka_unit_test(layout_of_bytes)};
    static char names[30][64];
    struct kvr_isa_info isa;
    size_t count, used = 1;
    const struct kvr_values_step *const *steps = kvr_values_steps(&count);
    kvr_isa_detect(&isa);
    for (size_t i = 0; i < 2 * count && used < COUNT(tests); i++) {
        const struct kvr_values_step *step = steps[i / 2];
        if (step->isa & ~isa.usable)
            continue;
        snprintf(names[used], sizeof names[used], "%s of %s@%s", i % 2 ? "fold" : "values",
                 step->format->name, step->isa_name);
        tests[used] = (struct CMUnitTest){.name = names[used],
                                          .test_func = i % 2 ? test_fold : test_values,
                                          .initial_state = (void *)(uintptr_t)step};
        used++;
    }
    return _cmocka_run_group_tests("values", tests, used, NULL, NULL);
}
