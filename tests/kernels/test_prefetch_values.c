/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One kernel of the product with the values (STEP_SOURCE, compiled in with its ISA's flags, the
 * prefetch builtin replaced by a log): with look-ahead one prefetch for every line of the segment,
 * at the same offset further on; without, none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "problem.h"
#include "src/machine/isa.h"

enum { MAX_LINES = 1 << 14, SEGMENTS = 4 };

static struct {
    const unsigned char *lines[MAX_LINES];
    size_t count;
} seen;

static void watch_prefetch(const void *line)
{
    if (seen.count < MAX_LINES)
        seen.lines[seen.count] = line;
    seen.count++;
}

#define __builtin_prefetch(line, write, locality) watch_prefetch(line)
#include STEP_SOURCE

static const uint32_t order[SEGMENTS] = {2, 0, 3, 1};

/* Each line of the target range once: `seen` is a permutation of what the definition says. */
static void check_exact(const struct kvr_segments *s, uint32_t i, size_t segment_bytes)
{
    static unsigned char times[SEGMENTS * MAX_LINES];
    size_t lines = segment_bytes / KVR_LINE_BYTES;
    memset(times, 0, sizeof times);
    assert_int_equal(seen.count, lines);
    for (size_t l = 0; l < lines; l++)
        times[(size_t)(seen.lines[l] - s->base) / KVR_LINE_BYTES]++;
    for (size_t l = 0; l < lines; l++) {
        size_t at = l * KVR_LINE_BYTES + s->ahead_bytes;
        size_t place = i + s->ahead_segments + at / segment_bytes;
        size_t target = s->stride_bytes * order[place % SEGMENTS] + at % segment_bytes;
        assert_int_equal(times[target / KVR_LINE_BYTES], 1);
    }
}

static void check(uint32_t d, uint32_t tokens)
{
    const struct kvr_values_step *step = &STEP_OBJECT;
    const struct kvr_shape shape = {.head_dim = d, .tokens = tokens};
    size_t bytes = kvr_format_dense_f16.segment_bytes(&shape, tokens);
    size_t block = kvr_format_dense_f16.segment_bytes(&shape, 1);
    const size_t distances[] = {block, 2 * block, bytes, 3 * bytes + block};
    unsigned char *values = aligned_bytes(SEGMENTS * bytes);
    float *weights = aligned_bytes(tokens * sizeof *weights);
    float *output = aligned_bytes(d * sizeof *output);
    struct kvr_segments s = {.base = values, .stride_bytes = bytes, .order = order,
                             .count = SEGMENTS, .tokens = tokens};
    assert_true(bytes / KVR_LINE_BYTES <= MAX_LINES);
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        s.ahead_bytes = s.ahead_segments = 0;
        seen.count = 0;
        step->values(&shape, &s, i, weights, 0, output);
        assert_int_equal(seen.count, 0);
        for (s.ahead_segments = 1; s.ahead_segments <= 9; s.ahead_segments += 4) {
            seen.count = 0;
            step->values(&shape, &s, i, weights, 0, output);
            check_exact(&s, i, bytes);
        }
        s.ahead_segments = 0;
        for (size_t a = 0; a < sizeof distances / sizeof *distances; a++) {
            s.ahead_bytes = (uint32_t)distances[a];
            seen.count = 0;
            step->values(&shape, &s, i, weights, 0, output);
            check_exact(&s, i, bytes);
        }
        s.ahead_bytes = 64; /* may run on over a segment's end until the step ends */
        seen.count = 0;
        step->values(&shape, &s, i, weights, 0, output);
        assert_int_equal(seen.count, bytes / KVR_LINE_BYTES);
    }
    free(values);
    free(weights);
    free(output);
}

static void test_prefetches(void **state)
{
    static const uint32_t tokens[] = {1, 16, 50, 64, 200, 512};
    (void)state;
    for (size_t t = 0; t < sizeof tokens / sizeof *tokens; t++)
        for (uint32_t d = 16; d <= KVR_MAX_HEAD_DIM; d += d < 128 ? 16 : 64)
            check(d, tokens[t]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_prefetches)};
    struct kvr_isa_info isa;
    kvr_isa_detect(&isa);
    if (STEP_OBJECT.isa & ~isa.usable) {
        printf("this host cannot run %s\n", STEP_OBJECT.isa_name);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
