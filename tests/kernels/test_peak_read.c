/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The readers of this host read each line of a segment once and nothing outside: the sum of the
 * segment is returned, with every size, look-ahead and order, and next to a page that must not be
 * touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "guarded.h"
#include "kernels/peak.h"
#include "src/machine/isa.h"

enum { MAX_BYTES = 9 * 1024, MAX_COUNT = 5, GAP_BYTES = 192, SEED = 20240 };

static const struct {
    uint32_t segments, bytes;
} aheads[] = {
    {0, 0},   {1, 0},   {2, 0},   {8, 0},    {1000, 0},  {0, 64},
    {0, 256}, {0, 512}, {0, 960}, {0, 2048}, {0, 16384}, {0, 1 << 20},
};

enum { AHEADS = sizeof aheads / sizeof *aheads };

static uint64_t sum_of(const unsigned char *bytes, size_t size)
{
    uint64_t sum = 0, word;
    for (size_t o = 0; o < size; o += sizeof word) {
        memcpy(&word, bytes + o, sizeof word);
        sum += word;
    }
    return sum;
}

/* Segments in the reverse or a scrambled order. */
static void set_order(uint32_t *order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = (count - 1 + 2 * i) % count;
    if (count % 2 == 0)
        for (uint32_t i = 0; i < count; i++)
            order[i] = count - 1 - i;
}

static void check_list(const struct kvr_peak *peak, const struct kvr_segments *s, size_t bytes)
{
    for (uint32_t i = 0; i < s->count; i++) {
        uint64_t got = peak->read(s, i, bytes);
        uint64_t want = sum_of(s->base + s->stride_bytes * s->order[i], bytes);
        if (got != want)
            fail_msg("%s: %zu bytes, segment %u of %u, ahead %u segments or %u bytes, seed %d",
                     peak->name, bytes, i, s->count, s->ahead_segments, s->ahead_bytes, SEED);
    }
}

/* Every look-ahead, at both ends of the mapping. */
static void check_size(const struct kvr_peak *peak, const struct guarded *g, size_t bytes,
                       uint32_t count)
{
    uint32_t order[MAX_COUNT];
    struct kvr_segments s = {.stride_bytes = bytes + GAP_BYTES, .order = order, .count = count};
    size_t list_bytes = s.stride_bytes * (count - 1) + bytes;
    set_order(order, count);
    for (int a = 0; a < AHEADS; a++) {
        s.ahead_segments = aheads[a].segments;
        s.ahead_bytes = aheads[a].bytes;
        s.base = g->first;
        check_list(peak, &s, bytes);
        s.base = g->end - list_bytes;
        check_list(peak, &s, bytes);
    }
}

/* Folds that begin and end at a page that must not be touched. */
static void check_folds(const struct kvr_peak *peak, const struct guarded *g)
{
    const uint32_t order[1] = {0};
    for (size_t fold = KVR_READ_FOLD_BYTES; fold <= MAX_BYTES; fold += KVR_READ_FOLD_BYTES) {
        unsigned char *const bases[] = {g->first, g->end - fold};
        for (size_t b = 0; b < 2; b++)
            for (size_t passes = 1; passes <= 5; passes++) {
                struct kvr_segments s = {.base = bases[b], .stride_bytes = fold, .order = order,
                                         .count = 1, .fold_bytes = fold};
                if (peak->read(&s, 0, passes * fold) != sum_of(bases[b], fold))
                    fail_msg("%s: a fold of %zu bytes, %zu passes, seed %d", peak->name, fold,
                             passes, SEED);
            }
    }
}

static void check_changes(const struct kvr_peak *peak, struct guarded *g, uint64_t *random)
{
    const uint32_t order[1] = {0};
    const size_t sizes[] = {64, 192, 1024, 2112, 4096 + 64, MAX_BYTES};
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        struct kvr_segments s = {.base = g->end - sizes[n], .order = order, .count = 1};
        s.ahead_bytes = n % 2 ? 512 : 0;
        uint64_t before = peak->read(&s, 0, sizes[n]);
        for (int sample = 0; sample < 32; sample++) {
            size_t at = guarded_random(random) % (sizes[n] / 64) * 64 + guarded_random(random) % 64;
            unsigned char *byte = g->end - sizes[n] + at;
            *byte ^= 0x5a;
            assert_int_not_equal(peak->read(&s, 0, sizes[n]), before);
            *byte ^= 0x5a;
        }
        assert_int_equal(peak->read(&s, 0, sizes[n]), before);
    }
}

static void check_reader(const struct kvr_peak *peak)
{
    uint64_t random = SEED;
    struct guarded g = guarded_map((size_t)MAX_COUNT * (MAX_BYTES + GAP_BYTES));
    for (unsigned char *p = g.first; p < g.end; p += sizeof random) {
        uint64_t word = guarded_random(&random);
        memcpy(p, &word, sizeof word);
    }
    for (size_t bytes = 64; bytes <= MAX_BYTES; bytes += 64)
        check_size(peak, &g, bytes, 1 + (uint32_t)(bytes / 64) % MAX_COUNT);
    for (uint32_t count = 1; count <= MAX_COUNT; count++) {
        check_size(peak, &g, 1024, count);
        check_size(peak, &g, 4096, count);
    }
    check_folds(peak, &g);
    check_changes(peak, &g, &random);
    guarded_unmap(&g);
}

static void readers_sum_their_segment(void **state)
{
    struct kvr_isa_info isa;
    size_t count;
    const struct kvr_peak *const *peaks = kvr_peaks(&count);
    int readers = 0;
    (void)state;
    kvr_isa_detect(&isa);
    for (size_t n = 0; n < count; n++) {
        if (peaks[n]->kind != KVR_PEAK_READ)
            continue;
        if (peaks[n]->isa & ~isa.usable) {
            print_message("%s: not on this host\n", peaks[n]->name);
            continue;
        }
        check_reader(peaks[n]);
        readers++;
    }
    assert_true(readers >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(readers_sum_their_segment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
