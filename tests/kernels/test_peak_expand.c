/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The readers that write: each line of a segment is loaded once and prefetched for as the list
 * says, out_bytes are written in order and nothing else, and what is written last is the segment's
 * sum. The members of this host next to pages that must not be touched; their body once more with
 * loads, prefetches and stores that are written down.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guarded.h"
#include "kernels/peak.h"
#include "src/machine/isa.h"

enum { MAX_COUNT = 4, MAX_LINES = 90, STRIDE_BYTES = MAX_LINES * 64 + 128, MAX_OUT_LINES = 400 };

static const struct {
    uint32_t segments, bytes;
} aheads[] = {{0, 0}, {1, 0}, {2, 0}, {9, 0}, {0, 64}, {0, 320}, {0, 2048}, {0, 1 << 16}};

/* Output lines for input lines: int4, int8, groups, the same, fewer, none. */
static const struct {
    size_t out, in;
} ratios[] = {{4, 1}, {2, 1}, {128, 36}, {1, 1}, {1, 3}, {0, 1}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- the body, watched ---- */

static struct {
    unsigned char memory[MAX_COUNT * STRIDE_BYTES] __attribute__((aligned(64)));
    unsigned char out[MAX_OUT_LINES * 64] __attribute__((aligned(64)));
    const unsigned char *loaded[MAX_LINES], *prefetched[MAX_LINES];
    size_t loads, prefetches, stores;
    size_t in_lines, out_lines;
} seen;

struct line {
    unsigned char bytes[64];
};

static struct line watch_load(const unsigned char *p)
{
    assert_true(seen.loads < MAX_LINES);
    seen.loaded[seen.loads++] = p;
    return (struct line){{0}};
}

static void watch_prefetch(const unsigned char *p)
{
    assert_true(seen.prefetches < MAX_LINES);
    seen.prefetched[seen.prefetches++] = p;
}

static void watch_store(const struct line *p, struct line x)
{
    (void)x;
    assert_ptr_equal(p, seen.out + 64 * seen.stores);
    seen.stores++;
    /* never before its loads: out line n is of input up to n * in / out */
    assert_true(seen.stores * seen.in_lines <= seen.loads * seen.out_lines);
}

#define EXPAND_VECTOR struct line
#define EXPAND_ZERO ((struct line){{0}})
#define EXPAND_LOAD(p) watch_load(p)
#define EXPAND_ADD(a, b) ((void)(b), (a))
#define EXPAND_HIDE(v) (void)(v)
#define EXPAND_PREFETCH(p) watch_prefetch(p)
#include "kernels/peak/expand_body.inc"

extern const struct kvr_peak_expand watched;
EXPAND_DEFINE(watched, "watched", "none", 0, 512, 0, watch_store)

static const unsigned char *target(const struct kvr_segments *s, uint32_t i, size_t offset,
                                   size_t bytes)
{
    size_t at = offset + s->ahead_bytes, place = i + s->ahead_segments + at / bytes;
    return s->base + s->stride_bytes * s->order[place % s->count] + at % bytes;
}

static void check_watched(const struct kvr_segments *s, size_t lines, size_t out_lines)
{
    const int ahead = s->ahead_segments || s->ahead_bytes;
    for (uint32_t i = 0; i < s->count; i++) {
        seen.loads = seen.prefetches = seen.stores = 0;
        seen.in_lines = lines;
        seen.out_lines = out_lines;
        watched.run(s, i, lines * 64, seen.out, out_lines * 64);
        assert_int_equal(seen.loads, lines);
        assert_int_equal(seen.prefetches, ahead ? lines : 0);
        assert_int_equal(seen.stores, out_lines);
        for (size_t l = 0; l < lines; l++) {
            assert_ptr_equal(seen.loaded[l], kvr_segment(s, i) + l * 64);
            if (ahead)
                assert_ptr_equal(seen.prefetched[l], target(s, i, l * 64, lines * 64));
        }
    }
}

static void lines_are_loaded_and_prefetched_once(void **state)
{
    static const uint32_t order[MAX_COUNT] = {2, 0, 3, 1};
    static const size_t sizes[] = {1, 2, 3, 4, 5, 15, 16, 17, 33, 64, 90};
    (void)state;
    for (size_t n = 0; n < COUNT(sizes); n++) {
        for (size_t a = 0; a < COUNT(aheads); a++) {
            struct kvr_segments s = {.base = seen.memory, .stride_bytes = STRIDE_BYTES,
                                     .order = order, .count = MAX_COUNT,
                                     .ahead_segments = aheads[a].segments,
                                     .ahead_bytes = aheads[a].bytes};
            for (size_t r = 0; r < COUNT(ratios); r++)
                check_watched(&s, sizes[n], sizes[n] * ratios[r].out / ratios[r].in);
        }
    }
}

/* ---- the members ---- */

static uint64_t sum_of(const unsigned char *bytes, size_t size)
{
    uint64_t sum = 0, word;
    for (size_t o = 0; o < size; o += sizeof word) {
        memcpy(&word, bytes + o, sizeof word);
        sum += word;
    }
    return sum;
}

static void check_member(const struct kvr_peak_expand *e, const struct kvr_segments *s,
                         size_t bytes, struct guarded *out, size_t out_bytes)
{
    const size_t width = e->width_bits / 8;
    for (uint32_t i = 0; i < s->count; i++) {
        memset(out->first, 0xa5, (size_t)(out->end - out->first));
        e->run(s, i, bytes, out->end - out_bytes, out_bytes);
        __sync_synchronize();
        for (unsigned char *p = out->first; p < out->end - out_bytes; p++)
            assert_int_equal(*p, 0xa5);
        size_t untouched = 0;
        for (size_t at = 0; at < out_bytes; at += 8)
            untouched += sum_of(out->end - out_bytes + at, 8) == 0xa5a5a5a5a5a5a5a5U;
        if (untouched)
            fail_msg("%s: %zu of %zu bytes not written", e->name, untouched * 8, out_bytes);
        if (out_bytes && sum_of(out->end - width, width) != sum_of(kvr_segment(s, i), bytes))
            fail_msg("%s: %zu bytes, segment %u: not the sum of the segment", e->name, bytes, i);
    }
}

static void check_expand(const struct kvr_peak_expand *e)
{
    static const uint32_t order[MAX_COUNT] = {3, 1, 0, 2};
    static const size_t sizes[] = {1, 2, 3, 5, 16, 31, 90};
    struct guarded in = guarded_map(MAX_COUNT * STRIDE_BYTES);
    struct guarded out = guarded_map(MAX_OUT_LINES * 64);
    uint64_t random = 5;
    for (unsigned char *p = in.first; p < in.end; p += sizeof random) {
        uint64_t word = guarded_random(&random);
        memcpy(p, &word, sizeof word);
    }
    for (size_t n = 0; n < COUNT(sizes); n++) {
        for (size_t a = 0; a < COUNT(aheads); a++) {
            size_t bytes = sizes[n] * 64, stride = bytes + 192;
            struct kvr_segments s = {.base = in.end - (MAX_COUNT * stride - 192),
                                     .stride_bytes = stride, .order = order, .count = MAX_COUNT,
                                     .ahead_segments = aheads[a].segments,
                                     .ahead_bytes = aheads[a].bytes};
            for (size_t r = 0; r < COUNT(ratios); r++)
                check_member(e, &s, bytes, &out, sizes[n] * ratios[r].out / ratios[r].in * 64);
        }
    }
    guarded_unmap(&in);
    guarded_unmap(&out);
}

static void members_read_and_write(void **state)
{
    struct kvr_isa_info isa;
    size_t count, tested = 0;
    const struct kvr_peak_expand *const *expands = kvr_peak_expands(&count);
    (void)state;
    kvr_isa_detect(&isa);
    for (size_t n = 0; n < count; n++) {
        if (expands[n]->isa & ~isa.usable) {
            print_message("%s: not on this host\n", expands[n]->name);
            continue;
        }
        check_expand(expands[n]);
        tested++;
    }
    assert_true(tested >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_loaded_and_prefetched_once),
        cmocka_unit_test(members_read_and_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
