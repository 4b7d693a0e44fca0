/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The readers' body, compiled with loads and prefetches that are written down: which lines it
 * reads, and that each is accompanied by one prefetch of the right line, or none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/peak.h"

enum { MAX_COUNT = 5, MAX_LINES = 100, STRIDE_BYTES = MAX_LINES * 64 + 128 };

/* The memory is only a range of addresses with zeros in it; what counts is the log. */
static struct {
    unsigned char memory[MAX_COUNT * STRIDE_BYTES] __attribute__((aligned(64)));
    unsigned loads[MAX_COUNT * STRIDE_BYTES / 64]; /* per line */
    const unsigned char *loaded[MAX_LINES], *prefetched[MAX_LINES];
    unsigned lines, prefetches, hints[KVR_HINT_NTA + 1];
} seen;

/* As wide as a line, so that the unrolled loop takes several lines of a stream at once, as the
 * widest reader does; what several loads a line add up to is seen in the readers' sums. */
struct line {
    unsigned char bytes[64];
};

static struct line watch_load(const unsigned char *p)
{
    const struct line nothing = {{0}};
    size_t offset = (size_t)(p - seen.memory);
    assert_true(offset % 64 == 0 && seen.lines < MAX_LINES);
    seen.loads[offset / 64]++;
    seen.loaded[seen.lines++] = p;
    return nothing;
}

static void watch_prefetch(const unsigned char *p, enum kvr_hint hint)
{
    assert_true(seen.prefetches < MAX_LINES);
    assert_int_equal(seen.lines, seen.prefetches); /* before the line's load */
    seen.prefetched[seen.prefetches++] = p;
    seen.hints[hint]++;
}

#define READ_VECTOR struct line
#define READ_ZERO ((struct line){{0}})
#define READ_LOAD(p) watch_load(p)
#define READ_ADD(a, b) ((void)(b), (a))
#define READ_SUM(v) ((v).bytes[0])
#define READ_HIDE(v) (void)(v)
#define READ_PREFETCH_T0(p) watch_prefetch((p), KVR_HINT_T0)
#define READ_PREFETCH_T1(p) watch_prefetch((p), KVR_HINT_T1)
#define READ_PREFETCH_NTA(p) watch_prefetch((p), KVR_HINT_NTA)
#define READ_NAME "watched"
#define READ_SYMBOL(suffix) watched_##suffix
#define READ_ISA_NAME "none"
#define READ_ISA 0
#define READ_BITS 512
#include "kernels/peak/read_body.inc"

static const struct kvr_peak *const readers[] = {&watched_x1,    &watched_x2,    &watched_x4,
                                                 &watched_x1nta, &watched_x2nta, &watched_x4nta,
                                                 &watched_x1t1};

/* What must be prefetched while the line at `offset` of segment i is read, from the definition. */
static const unsigned char *target(const struct kvr_peak *reader, const struct kvr_segments *s,
                                   uint32_t i, size_t offset, size_t bytes)
{
    size_t streams = bytes >= reader->streams * 256U ? reader->streams : 1;
    size_t part = bytes / streams / 64 * 64, stream = offset / part;
    if (s->ahead_segments)
        return s->base + s->stride_bytes * s->order[(i + s->ahead_segments) % s->count] + offset;
    if (stream == streams) { /* a line that the streams left over */
        part = bytes;
        stream = 0;
    }
    size_t ahead = offset - stream * part + s->ahead_bytes;
    return s->base + s->stride_bytes * s->order[(i + ahead / part) % s->count] + stream * part +
           ahead % part;
}

static void check_log(const struct kvr_peak *reader, const struct kvr_segments *s, uint32_t i,
                      size_t bytes)
{
    const unsigned char *segment = s->base + s->stride_bytes * s->order[i];
    int ahead = s->ahead_segments || s->ahead_bytes;
    for (size_t n = 0; n < sizeof seen.loads / sizeof *seen.loads; n++) {
        const unsigned char *p = seen.memory + 64 * n;
        unsigned want = p >= segment && p < segment + bytes;
        if (seen.loads[n] != want)
            fail_msg("%s: %zu bytes: line %zu read %u times", reader->name, bytes, n,
                     seen.loads[n]);
    }
    assert_int_equal(seen.lines, bytes / 64);
    assert_int_equal(seen.prefetches, ahead ? bytes / 64 : 0);
    assert_int_equal(seen.hints[reader->hint], seen.prefetches);
    for (unsigned n = 0; n < seen.prefetches; n++) {
        size_t offset = (size_t)(seen.loaded[n] - segment);
        const unsigned char *want = target(reader, s, i, offset, bytes);
        if (seen.prefetched[n] != want)
            fail_msg("%s: %zu bytes, segment %u of %u, ahead %u segments or %u bytes: with line "
                     "%zu, %td instead of %td",
                     reader->name, bytes, i, s->count, s->ahead_segments, s->ahead_bytes,
                     offset / 64, seen.prefetched[n] - seen.memory, want - seen.memory);
    }
}

static void every_line_once_and_its_target(void **state)
{
    static const uint32_t ahead_segments[] = {1, 2, 8, 77}, ahead_bytes[] = {0, 64, 256, 512,
                                                                            1088, 2048, 1 << 17};
    static const uint32_t orders[][MAX_COUNT] = {{0}, {1, 0}, {2, 0, 1}, {0}, {3, 0, 4, 2, 1}};
    static const uint32_t lines[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 18, 19, 31, 32, 64, 97};
    enum { SEGMENTS = sizeof ahead_segments / 4, BYTES = sizeof ahead_bytes / 4 };
    (void)state;
    for (size_t r = 0; r < sizeof readers / sizeof *readers; r++) {
        for (size_t l = 0; l < sizeof lines / sizeof *lines; l++) {
            for (int a = 0; a < SEGMENTS + BYTES; a++) {
                uint32_t count = a % 2 ? 5 : 1 + (uint32_t)l % 3;
                struct kvr_segments s = {.base = seen.memory, .stride_bytes = STRIDE_BYTES,
                                         .order = orders[count - 1], .count = count};
                s.ahead_segments = a < SEGMENTS ? ahead_segments[a] : 0;
                s.ahead_bytes = a < SEGMENTS ? 0 : ahead_bytes[a - SEGMENTS];
                for (uint32_t i = 0; i < count; i++) {
                    memset(&seen, 0, sizeof seen);
                    readers[r]->read(&s, i, lines[l] * 64);
                    check_log(readers[r], &s, i, lines[l] * 64);
                }
            }
        }
    }
}

/* Streams are read in step: the first lines read are the first ones of each part. */
static void streams_go_in_step(void **state)
{
    static const uint32_t order[1] = {0};
    const struct kvr_segments s = {.base = seen.memory, .order = order, .count = 1};
    (void)state;
    for (size_t r = 0; r < sizeof readers / sizeof *readers; r++) {
        size_t streams = readers[r]->streams, part = 64 * (90 / streams);
        memset(&seen, 0, sizeof seen);
        readers[r]->read(&s, 0, 64 * 90);
        for (size_t n = 0; n < streams * (part / 64); n++)
            assert_ptr_equal(seen.loaded[n], s.base + n % streams * part + n / streams * 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_once_and_its_target),
        cmocka_unit_test(streams_go_in_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
