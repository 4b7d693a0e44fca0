/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One score kernel or step (KERNEL_SOURCE, compiled in with its ISA's flags, the prefetch builtin
 * replaced by a log; KERNEL_KIND says what KERNEL_OBJECT is): with look-ahead it prefetches exactly
 * one line for every line it consumes, the one at the same offset further on; without, none.
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

#include "kernels/steps.h"
#include "problem.h"
#include "src/machine/isa.h"

#define SCORE 1
#define DEQUANTISE 2
#define VALUES 3
#define FORMAT KERNEL_OBJECT.format

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
#include KERNEL_SOURCE

/* `in`: the prepared query, or weights. `out`: scores, keys in float16, or a sum of values. */
static void consume(const struct kvr_shape *shape, const struct kvr_segments *s, uint32_t i,
                    const void *in, void *out)
{
#if KERNEL_KIND == SCORE
    KERNEL_OBJECT.score(shape, s, i, side_of(KERNEL_OBJECT.format), in, out);
#elif KERNEL_KIND == DEQUANTISE
    (void)in;
    KERNEL_OBJECT.dequantise(shape, s, i, 0.5f, out, (int)(i % 2));
#else
    KERNEL_OBJECT.values(shape, s, i, in, 0, out);
#endif
}

static const uint32_t order[SEGMENTS] = {2, 0, 3, 1};

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)*(const unsigned char *const *)a;
    uintptr_t y = (uintptr_t)*(const unsigned char *const *)b;
    return (x > y) - (x < y);
}

/* From the definition in kernel.h. */
static const unsigned char *target(const struct kvr_segments *s, uint32_t i, size_t offset,
                                   size_t segment_bytes)
{
    size_t at = offset + s->ahead_bytes;
    size_t place = i + s->ahead_segments + at / segment_bytes;
    return s->base + s->stride_bytes * order[place % SEGMENTS] + at % segment_bytes;
}

static void check_exact(const struct kvr_segments *s, uint32_t i, size_t segment_bytes)
{
    static const unsigned char *expected[MAX_LINES];
    size_t lines = segment_bytes / KVR_LINE_BYTES;
    assert_int_equal(seen.count, lines);
    for (size_t l = 0; l < lines; l++)
        expected[l] = target(s, i, l * KVR_LINE_BYTES, segment_bytes);
    qsort(expected, lines, sizeof *expected, by_address);
    qsort(seen.lines, lines, sizeof *seen.lines, by_address);
    assert_memory_equal(seen.lines, expected, lines * sizeof *expected);
}

static void check(struct kvr_shape shape, uint32_t tokens)
{
    const struct kvr_format *format = FORMAT;
    size_t bytes = format->segment_bytes(&shape, tokens);
    size_t block = format->segment_bytes(&shape, format->block_keys);
    /* whole blocks (0 to several segments on), then distances within a block (or within a segment
     * that is shorter), where a kernel may run on over a segment's end until its step ends */
    const size_t distances[] = {block, 2 * block, 5 * block, bytes, 3 * bytes + block, 64, 448};
    size_t step = bytes < block ? bytes : block;
    if (format->residual && tokens % format->block_keys)
        step = bytes; /* is no number of blocks, and a block may run on over its end */
    unsigned char *codes = aligned_bytes(SEGMENTS * bytes);
    size_t weight_bytes = tokens * sizeof(float);
    size_t in_bytes = KERNEL_KIND == VALUES ? 0 : format->prepared_bytes(&shape);
    void *in = aligned_bytes(in_bytes > weight_bytes ? in_bytes : weight_bytes);
    void *out = aligned_bytes(((size_t)tokens + 16) * shape.head_dim * sizeof(uint16_t));
    struct kvr_segments s = {.base = codes, .stride_bytes = bytes, .order = order,
                             .count = SEGMENTS, .tokens = tokens};
    assert_true(bytes / KVR_LINE_BYTES <= MAX_LINES);
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        s.ahead_bytes = s.ahead_segments = 0;
        seen.count = 0;
        consume(&shape, &s, i, in, out);
        assert_int_equal(seen.count, 0);
        for (s.ahead_segments = 1; s.ahead_segments <= 9; s.ahead_segments += 4) {
            seen.count = 0;
            consume(&shape, &s, i, in, out);
            check_exact(&s, i, bytes);
        }
        s.ahead_segments = 0;
        for (size_t d = 0; d < sizeof distances / sizeof *distances; d++) {
            s.ahead_bytes = (uint32_t)distances[d];
            seen.count = 0;
            consume(&shape, &s, i, in, out);
            if (distances[d] % step == 0)
                check_exact(&s, i, bytes);
            else
                assert_int_equal(seen.count, bytes / KVR_LINE_BYTES);
        }
    }
    free(codes);
    free(in);
    free(out);
}

static void test_prefetches(void **state)
{
    static const uint32_t tokens[] = {1, 5, 16, 50, 64, 200, 512, 577};
    static const uint32_t sizes[] = {1, 2, 3, 4, 5, 8, 11, 16};
    const int lookup = is_lookup(FORMAT);
    uint32_t group = is_grouped(FORMAT) || FORMAT == &kvr_format_values_q8 ? 32 : 0;
    (void)state;
    for (size_t t = 0; t < sizeof tokens / sizeof *tokens; t++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            uint32_t d = 16 * sizes[i], m = lookup ? sizes[i] : 0;
            if ((group && d % group) || (FORMAT->entries == 16 && m % 2))
                continue;
            check((struct kvr_shape){.head_dim = d, .group = group, .tokens = tokens[t], .heads = 1,
                                     .queries = 1, .tables = m, .entries = FORMAT->entries},
                  tokens[t]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_prefetches)};
    struct kvr_isa_info isa;
    kvr_isa_detect(&isa);
    if (KERNEL_OBJECT.isa & ~isa.usable) {
        printf("this host cannot run %s\n", KERNEL_OBJECT.isa_name);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
