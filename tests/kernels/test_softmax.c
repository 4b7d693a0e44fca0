/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Online softmax steps of this host against exp in double: counts around every vector width, up to
 * a guard page and between canaries, extreme scores, tiles that together equal one.
 */
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
#include "kernels/steps.h"
#include "problem.h"
#include "src/machine/isa.h"

enum { MAX_COUNT = 5000, CANARY_FLOATS = 32 };

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const uint32_t counts[] = {1,  2,  3,  7,  8,  9,   15,  16,  17,  31,  32,
                                  33, 63, 64, 65, 79, 127, 128, 129, 577, 1000, MAX_COUNT};
/* FAR, FAR_BOTH: as large as scores of outlier channels; ONE_LOW: a key that is masked, with the
 * lowest float; ONE_HIGH: all but one are. */
enum fills {
    NEAR, WIDE, EQUAL, LOWEST, HIGHEST, BOTH, RISING, FAR, FAR_BOTH, ONE_LOW, ONE_HIGH, FILLS
};

static float score_of(enum fills fill, uint32_t i, uint32_t count, uint64_t *random)
{
    float unit = (float)((double)(guarded_random(random) & 0xffffff) / 0x7fffff - 1);
    switch (fill) {
    case NEAR:
        return unit * 8;
    case WIDE:
        return unit * 100;
    case EQUAL:
        return -3.25f;
    case LOWEST:
        return -FLT_MAX;
    case HIGHEST:
        return 3e38f;
    case BOTH:
        return i % 2 ? 3e38f : -3e38f;
    case FAR:
        return unit * 1e4f;
    case FAR_BOTH:
        return i % 2 ? 1e4f : -1e4f;
    case ONE_LOW:
        return i == count / 2 ? -FLT_MAX : unit * 8;
    case ONE_HIGH:
        return i == count / 2 ? unit * 8 : -FLT_MAX;
    default:
        return (float)i / (float)count * 90;
    }
}

/* weight = exp(x), x = score - maximum in float: see steps.h. */
static void check_weight(const char *isa, float weight, float score, float maximum)
{
    float x = score - maximum;
    double exact = exp((double)score - (double)maximum);
    int right;
    if (x == 0)
        right = weight == 1;
    else if (exact < (double)FLT_MIN * (1 - 1e-4))
        right = weight == 0 && !signbit(weight);
    else if (exact < (double)FLT_MIN * (1 + 1e-4)) /* at the border either */
        right = weight == 0 || fabs((double)weight - exact) < 1e-4 * exact;
    else
        right = fabs((double)weight - exp((double)x)) <= 4e-7 * exp((double)x) &&
                fabs((double)weight - exact) <= (4e-7 + 0x1p-24 * fabs((double)x)) * exact;
    if (!right)
        fail_msg("%s: weight of %.9g below %.9g is %.9g, not %.9g", isa, (double)score,
                 (double)maximum, (double)weight, exact);
}

static void check_count(const struct kvr_softmax_step *step, uint32_t count, enum fills fill)
{
    uint64_t random = count * FILLS + fill;
    struct guarded buffer = guarded_map((2 * count + CANARY_FLOATS) * sizeof(float));
    float *before = aligned_bytes(count * sizeof *before), *first = (float *)buffer.first;
    float *scores = (float *)buffer.end - count; /* up to the guard page, any alignment */
    struct kvr_softmax state = {.maximum = -INFINITY, .rescale = NAN};
    double sum = 0;
    float maximum = -INFINITY;
    for (float *f = first; f < scores; f++)
        *f = 12345;
    for (uint32_t i = 0; i < count; i++) {
        scores[i] = before[i] = score_of(fill, i, count, &random);
        maximum = fmaxf(maximum, before[i]);
    }
    step->softmax(scores, count, &state);
    assert_true(state.maximum == maximum);
    assert_true(state.rescale == 0);
    for (uint32_t i = 0; i < count; i++) {
        check_weight(step->isa_name, scores[i], before[i], maximum);
        sum += (double)scores[i];
    }
    /* of eight chains of additions at least */
    assert_true(fabs((double)state.sum - sum) <= (count / 8.0 + 8) * 0x1p-24 * sum);
    for (float *f = first; f < scores; f++)
        assert_true(*f == 12345);
    memcpy(first, before, count * sizeof *first); /* and with floats behind */
    first[count] = 54321;
    state = (struct kvr_softmax){.maximum = -INFINITY};
    step->softmax(first, count, &state);
    assert_memory_equal(first, scores, count * sizeof *first);
    assert_true(first[count] == 54321);
    guarded_unmap(&buffer);
    free(before);
}

/* The same scores in tiles: each weight, brought to the last maximum, and the sum. */
static void check_tiles(const struct kvr_softmax_step *step, enum fills fill, uint32_t tile)
{
    enum { N = 1000 };
    static float before[N], scores[N];
    static double weights[N];
    uint64_t random = fill;
    double sum = 0;
    struct kvr_softmax state = {.maximum = -INFINITY};
    float maximum = -INFINITY;
    for (uint32_t i = 0; i < N; i++)
        before[i] = scores[i] = score_of(fill, i, N, &random);
    for (uint32_t at = 0; at < N; at += tile) {
        uint32_t count = N - at < tile ? N - at : tile;
        step->softmax(scores + at, 0, &state); /* nothing changes */
        assert_true(state.rescale == (at ? 1 : 0));
        step->softmax(scores + at, count, &state);
        for (uint32_t i = 0; i < at; i++)
            weights[i] *= (double)state.rescale;
        for (uint32_t i = at; i < at + count; i++)
            weights[i] = (double)scores[i];
    }
    for (uint32_t i = 0; i < N; i++)
        maximum = fmaxf(maximum, before[i]);
    assert_true(state.maximum == maximum);
    for (uint32_t i = 0; i < N; i++) {
        double exact = exp((double)before[i] - (double)maximum);
        /* every rise of the maximum rounds once more, at most 90 in all */
        assert_true(fabs(weights[i] - exact) <= 1e-4 * exact + 1e-37);
        sum += exact;
    }
    assert_true(fabs((double)state.sum - sum) <= 1e-5 * sum);
}

static void check_counts(const void *step)
{
    for (size_t c = 0; c < COUNT(counts); c++)
        for (unsigned fill = 0; fill < FILLS; fill++)
            check_count(step, counts[c], (enum fills)fill);
}

static void check_all_tiles(const void *step)
{
    static const uint32_t tiles[] = {1, 16, 64, 77, 500, 1000};
    for (size_t t = 0; t < COUNT(tiles); t++)
        for (unsigned fill = 0; fill < FILLS; fill++)
            check_tiles(step, (enum fills)fill, tiles[t]);
}

/* Every 97th float from -0 to -105. */
static void check_exp(const void *argument)
{
    enum { N = 255 };
    const struct kvr_softmax_step *step = argument;
    float scores[N + 1], x[N];
    uint32_t bits = 0x80000000u;
    float last = 0;
    while (last > -105) {
        struct kvr_softmax state = {.maximum = -INFINITY};
        for (int i = 0; i < N; i++, bits += 97) {
            if (bits < 0x80800000u)
                bits = 0x80800000u; /* no subnormal numbers */
            memcpy(&x[i], &bits, sizeof bits);
        }
        memcpy(scores, x, sizeof x);
        scores[N] = 0;
        step->softmax(scores, N + 1, &state);
        for (int i = 0; i < N; i++)
            check_weight(step->isa_name, scores[i], x[i], 0);
        last = x[N - 1];
        if (last > -0x1p-30f)
            bits += 1u << 20; /* all 1 */
    }
}

static void test_counts(void **state)
{
    with_and_without_denormals(check_counts, *state);
}

static void test_tiles(void **state)
{
    with_and_without_denormals(check_all_tiles, *state);
}

static void test_exp(void **state)
{
    with_and_without_denormals(check_exp, *state);
}

int main(void)
{
    static const struct { const char *name; CMUnitTestFunction function; } kinds[] = {
        {"counts", test_counts}, {"tiles", test_tiles}, {"exp", test_exp}};
    static struct CMUnitTest tests[30];
    static char names[30][64];
    struct kvr_isa_info isa;
    size_t count, used = 0;
    const struct kvr_softmax_step *const *steps = kvr_softmax_steps(&count);
    kvr_isa_detect(&isa);
    for (size_t i = 0; i < count * COUNT(kinds) && used < COUNT(tests); i++) {
        const struct kvr_softmax_step *step = steps[i / COUNT(kinds)];
        if (step->isa & ~isa.usable)
            continue;
        snprintf(names[used], sizeof names[used], "%s@%s", kinds[i % COUNT(kinds)].name,
                 step->isa_name);
        tests[used] = (struct CMUnitTest){.name = names[used],
                                          .test_func = kinds[i % COUNT(kinds)].function,
                                          .initial_state = (void *)(uintptr_t)step};
        used++;
    }
    return _cmocka_run_group_tests("softmax", tests, used, NULL, NULL);
}
