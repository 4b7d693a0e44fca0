/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates stay in their scratch and do what their name says to it, copies and triads compute theirs
 * with tails, the chase follows its chain, the clock chains execute every step.
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

enum { SCRATCH_BYTES = 4096, MAX_FLOATS = 700, PAD_FLOATS = 32, CHAIN = 37 };

static uint64_t usable(void)
{
    struct kvr_isa_info isa;
    kvr_isa_detect(&isa);
    return isa.usable;
}

static void list_is_complete(void **state)
{
    size_t count;
    const struct kvr_peak *const *peaks = kvr_peaks(&count);
    (void)state;
    for (size_t n = 0; n < count; n++) {
        const struct kvr_peak *p = peaks[n];
        assert_non_null(p->name);
        assert_non_null(p->isa_name);
        assert_non_null(p->resource);
        if (p->kind == KVR_PEAK_READ) {
            assert_true(p->read && !p->rate && p->streams && p->width_bits);
        } else {
            assert_true(p->rate && !p->read && p->operations);
            assert_true(strcmp(p->resource, "fma") != 0 || p->flops >= 2 * p->operations);
        }
        for (size_t other = 0; other < n; other++)
            assert_true(strcmp(p->name, peaks[other]->name) != 0 ||
                        strcmp(p->isa_name, peaks[other]->isa_name) != 0);
    }
}

/* Two operations for every product that one instruction makes: as many as the register has lanes of
 * the type. Types below single precision have rates of their own, which need their own feature. */
static void multiply_adds_count_their_lanes(void **state)
{
    static const struct {
        const char *name;
        uint32_t bits;
        uint64_t isa;
    } types[] = {
        {"fma.f32", 32, 0}, {"fma.f16", 16, KVR_ISA_FP16}, {"fma.bf16", 16, KVR_ISA_BF16}};
    size_t count, known = 0, all = 0;
    const struct kvr_peak *const *peaks = kvr_peaks(&count);
    (void)state;
    for (size_t n = 0; n < count; n++) {
        all += strcmp(peaks[n]->resource, "fma") == 0;
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            if (strcmp(peaks[n]->name, types[t].name) != 0)
                continue;
            known++;
            assert_int_equal(peaks[n]->flops,
                             peaks[n]->operations * 2 * peaks[n]->width_bits / types[t].bits);
            assert_int_equal(peaks[n]->isa & types[t].isa, types[t].isa);
            assert_int_equal(peaks[n]->isa & ~types[t].isa & (KVR_ISA_FP16 | KVR_ISA_BF16), 0);
        }
    }
    assert_true(all > 0);
    assert_int_equal(known, all);
}

/* Scratch ends at a page that must not be touched, and begins at one: any other access faults. */
static void check_rate(const struct kvr_peak *peak)
{
    static const uint64_t iterations[] = {0, 1, 2, 100};
    struct guarded g = guarded_map(SCRATCH_BYTES);
    unsigned char *const ends[] = {g.first, g.end - SCRATCH_BYTES};
    for (size_t e = 0; e < 2; e++) {
        for (size_t n = 0; n < 4; n++) {
            memset(g.first, 0x3c, (size_t)(g.end - g.first));
            peak->rate(iterations[n], ends[e]);
            size_t changed = 0;
            for (unsigned char *p = g.first; p < g.end; p++)
                changed += *p != 0x3c;
            if (strcmp(peak->resource, "store") == 0 && iterations[n])
                assert_in_range(changed, peak->width_bits / 8, SCRATCH_BYTES);
            else
                assert_int_equal(changed, 0);
        }
        memset(g.first, 0, (size_t)(g.end - g.first));
        peak->rate(3, ends[e]);
    }
    guarded_unmap(&g);
}

static void rates_stay_in_their_scratch(void **state)
{
    size_t count;
    const struct kvr_peak *const *peaks = kvr_peaks(&count);
    uint64_t isa = usable();
    int rates = 0;
    (void)state;
    for (size_t n = 0; n < count; n++) {
        if (peaks[n]->kind != KVR_PEAK_RATE)
            continue;
        if (peaks[n]->isa & ~isa) {
            print_message("%s@%s: not on this host\n", peaks[n]->name, peaks[n]->isa_name);
            continue;
        }
        check_rate(peaks[n]);
        rates++;
    }
    assert_true(rates >= 5);
}

/* The arrays end at the guard page, up to the alignment; behind dst lies a canary. */
static void check_stream(const struct kvr_peak_stream *stream, size_t floats, size_t passes)
{
    size_t bytes = floats * sizeof(float), padded = (bytes + 63) / 64 * 64;
    struct guarded g[3];
    float *x[3];
    for (int n = 0; n < 3; n++) {
        g[n] = guarded_map(MAX_FLOATS * sizeof(float));
        x[n] = (float *)(void *)(g[n].end - padded);
    }
    for (size_t i = 0; i < padded / sizeof(float); i++) {
        x[0][i] = -1.0F;
        x[1][i] = (float)(i % 1000);
        x[2][i] = (float)(i % 77) + 0.5F;
    }
    stream->run(x[0], x[1], stream->reads == 2 ? x[2] : NULL, bytes, passes);
    for (size_t i = 0; i < padded / sizeof(float); i++) {
        float want = -1.0F; /* small multiples of 1/2: exact, fused or not */
        if (i < floats)
            want = stream->reads == 2 ? x[1][i] + (float)KVR_TRIAD_FACTOR * x[2][i] : x[1][i];
        if (x[0][i] != want)
            fail_msg("%s: %zu floats: [%zu] is %g, not %g", stream->name, floats, i,
                     (double)x[0][i], (double)want);
        assert_true(x[1][i] == (float)(i % 1000));
    }
    for (int n = 0; n < 3; n++)
        guarded_unmap(&g[n]);
}

static void streams_compute_with_tails(void **state)
{
    size_t count;
    const struct kvr_peak_stream *const *streams = kvr_peak_streams(&count);
    uint64_t isa = usable();
    (void)state;
    assert_true(count >= 2);
    for (size_t n = 0; n < count; n++) {
        assert_true(streams[n]->reads == 1 || streams[n]->reads == 2);
        if (streams[n]->isa & ~isa) {
            print_message("%s: not on this host\n", streams[n]->name);
            continue;
        }
        for (size_t floats = 0; floats <= 200; floats++)
            check_stream(streams[n], floats, 1);
        check_stream(streams[n], MAX_FLOATS, 1);
        for (size_t fold = 0; fold <= MAX_FLOATS * sizeof(float); fold += KVR_STREAM_FOLD_BYTES)
            for (size_t passes = 2; passes <= 4; passes++)
                check_stream(streams[n], fold / sizeof(float), passes);
    }
}

static void chase_follows_its_chain(void **state)
{
    const void *cells[CHAIN];
    (void)state;
    for (size_t i = 0; i < CHAIN; i++)
        cells[i] = &cells[(i + 11) % CHAIN];
    for (uint64_t steps = 0; steps <= 2 * CHAIN; steps++) {
        uint64_t want = (uint64_t)(uintptr_t)&cells[(5 + 11 * steps) % CHAIN];
        assert_int_equal(kvr_peak_chase(&cells[5], steps), want);
    }
}

static void clock_chains_execute_every_step(void **state)
{
    uint64_t power = 3;
    (void)state;
    for (uint64_t n = 0; n <= 300; n++) {
        unsigned by = (unsigned)(7 * n % 64);
        uint64_t rotated = by ? (uint64_t)3 << by | (uint64_t)3 >> (64 - by) : 3;
        assert_int_equal(kvr_imul_chain(n), power);
        assert_int_equal(kvr_rol_chain(n), rotated);
        power *= 5;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_is_complete),
        cmocka_unit_test(multiply_adds_count_their_lanes),
        cmocka_unit_test(rates_stay_in_their_scratch),
        cmocka_unit_test(streams_compute_with_tails),
        cmocka_unit_test(chase_follows_its_chain),
        cmocka_unit_test(clock_chains_execute_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
