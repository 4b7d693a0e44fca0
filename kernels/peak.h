/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The peak family: compute-free readers (M, the memory alone) and rate loops (one core resource
 * each). The machine's ceilings are measured with these and the same harness as every kernel.
 */
#ifndef KVR_PEAK_H
#define KVR_PEAK_H

#include "kernel.h"

enum kvr_peak_kind {
    KVR_PEAK_READ,  /* read: walks a segment list like a kernel, computes nothing */
    KVR_PEAK_RATE   /* rate: executes `operations` instructions of one resource per iteration */
};

/* Where a reader prefetches to: all caches, those behind L1 (what is wanted late would not stay in
 * it), or past them. */
enum kvr_hint { KVR_HINT_T0, KVR_HINT_T1, KVR_HINT_NTA };

struct kvr_peak {
    const char *name;     /* "read512x2", "read256x1nta", "read256x1t1", "fma.f32" */
    const char *isa_name;
    enum kvr_peak_kind kind;
    uint64_t isa;
    uint32_t width_bits, streams;
    enum kvr_hint hint;
    const char *resource; /* rates: "fma", "load", ... ; readers: "read" */
    uint32_t operations;  /* rates: instructions of the resource per iteration */
    uint32_t flops;       /* rates: floating-point operations per iteration; 0: none */
    /* Readers: reads every line of segment i (segment_bytes, a multiple of 64) once and prefetches
     * as segments->ahead_* says. Returns a value that depends on the loads (keeps them alive): the
     * sum modulo 2^64 of the segment's 64-bit words. With k streams the segment is k parts of
     * equal, whole lines, read in step; each stream runs ahead of itself, into its own part of the
     * following segments. Segments below k * 256 bytes and the lines that k does not divide are
     * read with one stream. */
    uint64_t (*read)(const struct kvr_segments *, uint32_t i, size_t segment_bytes);
    /* Rates: `iterations` times the loop body; `scratch` is 4 KiB, 64-byte aligned, initialised to
     * zero by the caller. */
    uint64_t (*rate)(uint64_t iterations, void *scratch);
};

/* Copies and triads over plain arrays, for the write side of the memory: dst = a (copy) and
 * dst = a + KVR_TRIAD_FACTOR * b (triad; product and sum may be fused). */
enum { KVR_TRIAD_FACTOR = 3 };

struct kvr_peak_stream {
    const char *name; /* "copy512", "copy512nt", "triad256" */
    uint64_t isa;
    uint32_t width_bits;
    int non_temporal; /* stores past the caches, followed by a fence */
    uint32_t reads;   /* arrays read: 1 (copy) or 2 (triad); copies ignore b */
    /* Arrays are 64-byte aligned and do not overlap; bytes is any multiple of 4. */
    void (*run)(float *dst, const float *a, const float *b, size_t bytes);
};

/* All of them that were compiled in; *count receives their number. Const. */
const struct kvr_peak_stream *const *kvr_peak_streams(size_t *count);

/* The memory side of a kernel that writes what it makes of a segment: loads every line of segment i
 * once, prefetching as segments->ahead_* says, and stores out_bytes (a multiple of 64) of
 * meaningless lines at `out` (64-byte aligned) in address order, spread evenly between the loads.
 * Computes nothing but the sum that keeps the loads alive, which is also what it stores: the 64-bit
 * lanes of the last width_bits add up to the sum modulo 2^64 of the segment's 64-bit words. A fold
 * is not followed. non_temporal: the caller fences. */
struct kvr_peak_expand {
    const char *name, *isa_name; /* "expand512", "expand512nt" */
    uint64_t isa;
    uint32_t width_bits;
    int non_temporal;
    void (*run)(const struct kvr_segments *, uint32_t i, size_t segment_bytes, unsigned char *out,
                size_t out_bytes);
};
const struct kvr_peak_expand *const *kvr_peak_expands(size_t *count);

/* The dial: reads every line of segment i like a one-stream reader and executes 12 * twelves
 * instructions of one resource per KVR_DIAL_LINES lines. segment_bytes is a multiple of that many
 * lines. Its side is known by construction, so it tests the verdict and controls every run.
 * `scratch`: 64 readable, 64-byte aligned bytes for the load dial. */
enum { KVR_DIAL_LINES = 16, KVR_DIAL_TWELVE = 12 };

struct kvr_dial {
    const char *name, *isa_name, *resource;
    uint64_t isa;
    uint32_t width_bits;
    void (*run)(const struct kvr_segments *, uint32_t i, size_t segment_bytes, uint32_t twelves,
                const void *scratch);
};
const struct kvr_dial *const *kvr_dials(size_t *count);

/* Follows a chain of pointers: `steps` dependent loads from *start on. Returns the last pointer
 * read (start itself for 0 steps) as a number, so that the loads stay. */
uint64_t kvr_peak_chase(const void *const *start, uint64_t steps);

/* Four independent chains in step: `steps` loads of each. at[] moves on to the lines reached. */
void kvr_peak_chase4(const void *at[4], uint64_t steps);

/* Clock probes: n dependent instructions, nothing else in their way; the value returned depends on
 * all of them. The multiplication takes 3 cycles on every x86 core of the last 15 years; on Arm it
 * is a 64-bit multiply-add, whose latency depends on the core. The rotation takes 1 cycle. */
uint64_t kvr_imul_chain(uint64_t n);
uint64_t kvr_rol_chain(uint64_t n);

#endif
