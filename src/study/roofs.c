/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `roofs` measures beyond the ladder: copy, triad and latency per level, for each thread
 * count. Copy and triad count the bytes that the program asks for (STREAM's convention); what a
 * store allocates comes on top and is said in `method`.
 */
#include "roofs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "dram.h"

enum { CHUNK_BYTES = 16 << 10, TRIES = 5 };
/* An array of two chunks and less is one, which a call passes over until it has written this. */
enum { REPEAT_BYTES = 512 << 10 };

/* How much faster parts of the DRAM working set are read than the whole; the worst thread count. */
struct proof {
    double half, quarter; /* NAN: not measured */
    unsigned threads;
};

/* Chunk i of three arrays; a kvr_slice_fn's argument. Every thread has its own part of each. */
struct arrays {
    const struct kvr_peak_stream *stream;
    unsigned char *dst, *a, *b;
    uint32_t chunks; /* per thread */
    size_t chunk_bytes, passes;
};

static void stream_slice(void *argument, unsigned thread, uint32_t first, uint32_t count)
{
    const struct arrays *x = argument;
    uint32_t i = first;
    for (uint32_t n = 0; n < count; n++) {
        size_t at = ((size_t)thread * x->chunks + i) * x->chunk_bytes;
        x->stream->run((float *)(void *)(x->dst + at), (const float *)(const void *)(x->a + at),
                       (const float *)(const void *)(x->b + at), x->chunk_bytes, x->passes);
        if (++i == x->chunks)
            i = 0;
    }
}

static void chase_slice(void *argument, unsigned thread, uint32_t first, uint32_t count)
{
    const void **at = argument;
    (void)thread;
    (void)first;
    *at = (const void *)(uintptr_t)kvr_peak_chase(*at, (uint64_t)count * 256);
}

static void best_of(struct kvr_session *s, struct kvr_sample_request *request, double *ns,
                    uint64_t *segments)
{
    *ns = INFINITY;
    kvr_sample_plan(s->sampler, request, 6e-3);
    for (int i = 0; i < TRIES; i++) {
        struct kvr_sample sample;
        kvr_sample_take(s->sampler, request, &sample);
        if (sample.robust_ns < *ns) {
            *ns = sample.robust_ns;
            *segments = sample.segments;
        }
    }
}

static void add(struct kvr_session *s, const char *type, const char *level, const char *isa,
                uint64_t bytes, double value, const char *unit, const char *method)
{
    struct kvr_ceiling c;
    char size[24];
    kvr_ceiling_init(&c);
    kvr_size_text(bytes, size, sizeof size);
    snprintf(c.id, sizeof c.id, "%s/%s/%s/%ut", type, level, size, s->threads);
    snprintf(c.kind, sizeof c.kind, "%s", !strcmp(type, "latency") ? "latency" : "bandwidth");
    snprintf(c.type, sizeof c.type, "%s", type);
    snprintf(c.level, sizeof c.level, "%s", level);
    snprintf(c.layout, sizeof c.layout, "contiguous");
    snprintf(c.isa, sizeof c.isa, "%s", isa);
    snprintf(c.pages, sizeof c.pages, "%s", kvr_pages_name(s->reference.memory.pages));
    snprintf(c.unit, sizeof c.unit, "%s", unit);
    snprintf(c.method, sizeof c.method, "%s", method);
    c.threads = s->threads;
    c.working_set_bytes = bytes;
    c.value = value;
    kvr_record_add_ceiling(s->record, &c);
}

/* The best copy (reads 1) or triad (reads 2) of all widths and store kinds. */
static void measure_streams(struct kvr_session *s, const char *level, uint64_t bytes,
                            uint32_t reads)
{
    size_t count;
    const struct kvr_peak_stream *const *streams = kvr_peak_streams(&count);
    uint32_t counts[KVR_MAX_THREADS], cursors[KVR_MAX_THREADS];
    double best = 0;
    const struct kvr_peak_stream *winner = NULL;
    uint64_t array_bytes = bytes / (reads + 1) / s->threads;
    bool small = array_bytes <= 2 * CHUNK_BYTES;
    size_t chunk = small ? array_bytes / KVR_STREAM_FOLD_BYTES * KVR_STREAM_FOLD_BYTES
                         : CHUNK_BYTES;
    if (!chunk)
        return;
    uint64_t part = array_bytes / chunk * chunk * s->threads; /* bytes of one array */
    struct arrays x = {.dst = s->subject.memory.base,
                       .a = s->reference.memory.base,
                       .chunks = (uint32_t)(array_bytes / chunk),
                       .chunk_bytes = chunk,
                       .passes = small ? REPEAT_BYTES / chunk : 1};
    /* Three different offsets in a page: a load behind a store to its own offset would wait for it,
     * whatever their pages (4 KiB aliasing). */
    x.dst += 1024;
    x.b = x.a + (part + 4095) / 4096 * 4096 + 2048;
    s->subject.filled = s->reference.filled = (struct kvr_material){0};
    char method[160];
    if (kvr_half_share(s, &s->subject, 0, part, method, sizeof method) ||
        kvr_half_share(s, &s->reference, 0, part, method, sizeof method) ||
        kvr_half_share(s, &s->reference, (uint64_t)(x.b - x.a), part, method, sizeof method))
        return;
    for (size_t i = 0; i < count && !kvr_session_stopped(s); i++) {
        double ns;
        uint64_t segments = 0;
        if (streams[i]->reads != reads || (streams[i]->isa & ~s->machine->isa.usable))
            continue;
        for (unsigned t = 0; t < s->threads; t++) {
            counts[t] = x.chunks;
            cursors[t] = 0;
        }
        x.stream = streams[i];
        struct kvr_sample_request request = {
            .run = stream_slice, .argument = &x, .list_counts = counts, .cursors = cursors};
        request.warm_segments = strcmp(level, "DRAM") ? x.chunks : 0;
        best_of(s, &request, &ns, &segments);
        double gb_per_s = (double)segments * (double)(chunk * x.passes) * (reads + 1) / ns;
        if (gb_per_s > best) {
            best = gb_per_s;
            winner = streams[i];
        }
    }
    if (!winner || kvr_session_stopped(s)) /* the best of some is not the best */
        return;
    snprintf(method, sizeof method, "%s; %u reads + 1 write counted%s", winner->name, reads,
             winner->non_temporal ? ", stores past the caches"
                                  : ", allocation by stores not counted");
    add(s, reads == 1 ? "copy" : "triad", level, "", bytes, best, "GB/s", method);
}

/* Reads a memory once: what a chain left in the caches is gone after it, and a chain that then
 * moves on for a few milliseconds meets no line that it has met before. */
static void flush_caches(const struct kvr_memory *memory)
{
    uint64_t sum = 0;
    for (size_t at = 0; at < memory->bytes; at += KVR_LINE_BYTES)
        sum += memory->base[at];
    __asm__ volatile("" : : "r"(sum));
}

double kvr_roofs_chase_ns(struct kvr_session *s, unsigned char *base, uint64_t bytes,
                          const struct kvr_memory *flush)
{
    uint64_t lines = bytes / KVR_LINE_BYTES, random = 1, segments = 1;
    uint32_t *order = malloc(lines * sizeof *order), count = 1024, cursor = 0;
    const void *at = base;
    double ns;
    if (!order)
        return NAN;
    kvr_chain_link(base, (uint32_t)lines, order, &random);
    free(order);
    struct kvr_sample_request request = {
        .run = chase_slice, .argument = &at, .list_counts = &count, .cursors = &cursor};
    if (flush)
        flush_caches(flush);
    else
        request.warm_segments = (uint32_t)(lines / 256 + 1);
    best_of(s, &request, &ns, &segments);
    return ns / ((double)segments * 256);
}

void kvr_roofs_latency(struct kvr_session *s, const char *level, uint64_t bytes)
{
    struct kvr_half *half = &s->subject;
    char why[240];
    bytes = bytes > KVR_MOST_CHAIN_BYTES ? KVR_MOST_CHAIN_BYTES : bytes;
    bytes = (bytes > half->memory.bytes ? half->memory.bytes : bytes) / KVR_LINE_BYTES *
            KVR_LINE_BYTES;
    half->filled = (struct kvr_material){0};
    if (kvr_half_share(s, half, 0, bytes, why, sizeof why))
        return;
    double ns = kvr_roofs_chase_ns(s, half->memory.base, bytes,
                                   strcmp(level, "DRAM") ? NULL : &s->reference.memory);
    if (!isnan(ns))
        add(s, "latency", level, "", bytes, ns, "ns",
            "dependent loads of one thread, the others idle, over a random cycle of all lines");
}

/* A cache that holds a part of the working set makes a half and a quarter of it faster. */
static void prove_dram(struct kvr_session *s, struct kvr_scan *scan,
                       const struct kvr_family *family, struct proof *proof)
{
    kvr_scan_set_member(scan, &family->best[0]);
    double half = 1 / kvr_dram_part_ratio(s, scan, 2);
    double quarter = 1 / kvr_dram_part_ratio(s, scan, 4);
    double worst = fmax(fabs(half - 1), fabs(quarter - 1));
    if (!(worst <= fmax(fabs(proof->half - 1), fabs(proof->quarter - 1))))
        *proof = (struct proof){.half = half, .quarter = quarter, .threads = s->threads};
}

static void check_proof(struct kvr_session *s, const struct proof *proof)
{
    if (isnan(proof->half)) {
        kvr_check_add(&s->record->checks, "dram-proven", KVR_CHECK_UNKNOWN,
                      "the arena of %.0f MiB lies in a cache: DRAM was not measured; raise "
                      "--max-mem",
                      (double)s->reference.memory.bytes / 1048576);
        return;
    }
    bool proven = fabs(proof->half - 1) <= .03 && fabs(proof->quarter - 1) <= .03;
    struct kvr_check *check = kvr_check_add(
        &s->record->checks, "dram-proven", proven ? KVR_CHECK_OK : KVR_CHECK_WARN,
        "a half and a quarter of the largest working set read at %.3f and %.3f of its speed, with "
        "%u thread%s, where they differ most%s",
        proof->half, proof->quarter, proof->threads, proof->threads == 1 ? "" : "s",
        proven ? ": DRAM" : ": a cache, or a neighbour, still has a part in it");
    snprintf(check->value, sizeof check->value, "%.4f %.4f", proof->half, proof->quarter);
    if (!proven)
        snprintf(check->fix, sizeof check->fix,
                 "measure again on a quiet machine, or raise "
                 "--max-mem");
}

/* The read family of a level: the ceiling that kernels are held against. */
static int measure_family(struct kvr_session *s, const char *level, uint64_t bytes,
                          struct proof *proof)
{
    struct kvr_lists lists;
    struct kvr_score_buffers buffers;
    uint32_t cursors[KVR_MAX_THREADS] = {0};
    int rc = -ERANGE;
    if (!strcmp(level, "L1"))
        rc = kvr_half_repeated(s, &s->reference, bytes, &lists);
    if (rc == -ERANGE)
        rc = kvr_half_ladder(s, &s->reference, bytes, &lists);
    if (rc)
        return rc;
    rc = kvr_score_buffers_new(s->threads, 64, &buffers);
    struct kvr_scan scan = {.lists = &lists, .buffers = &buffers, .cursors = cursors};
    const struct kvr_family *family =
        rc ? NULL : kvr_session_family(s, &scan, level, "contiguous", bytes);
    if (!rc && !family)
        rc = kvr_session_stopped(s) ? -EINTR : -ENOMEM;
    if (!rc && !strcmp(level, "DRAM"))
        prove_dram(s, &scan, family, proof);
    kvr_score_buffers_free(&buffers);
    kvr_lists_free(&lists);
    return rc;
}

bool kvr_roofs_has(const struct kvr_session *s, const char *type, const char *level)
{
    for (size_t i = 0; i < s->record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &s->record->ceilings[i];
        if (!strcmp(c->type, type) && c->threads == s->threads &&
            (!level || !strcmp(c->level, level)))
            return true;
    }
    return false;
}

/* Bytes to measure a level with; 0: this machine has none, or the arena does not hold it. */
static uint64_t level_bytes(struct kvr_session *s, const char *level)
{
    uint64_t bytes = kvr_session_level_bytes(s, level, s->threads);
    uint64_t most = s->reference.memory.bytes;
    if (!strcmp(level, "DRAM"))
        bytes = most;
    if (bytes > most) {
        char size[24], id[40];
        kvr_size_text(bytes, size, sizeof size);
        snprintf(id, sizeof id, "level-l%s", level + 1); /* only caches can be too large */
        struct kvr_check *c =
            kvr_check_add(&s->record->checks, id, KVR_CHECK_INFO,
                          "%s was not measured: half of it, %s, exceeds the arena", level, size);
        snprintf(c->fix, sizeof c->fix, "raise --max-mem");
        return 0;
    }
    return bytes && !strcmp(kvr_session_level(s, bytes, s->threads), level) ? bytes : 0;
}

static int measure_level(struct kvr_session *s, const char *level, struct proof *proof)
{
    uint64_t bytes = level_bytes(s, level);
    if (kvr_session_stopped(s))
        return -EINTR;
    int rc = bytes ? measure_family(s, level, bytes, proof) : 0;
    if (rc || !bytes)
        return rc;
    if (!kvr_roofs_has(s, "copy", level))
        measure_streams(s, level, bytes, 1);
    if (!kvr_roofs_has(s, "triad", level))
        measure_streams(s, level, bytes, 2);
    if (s->threads == 1 && !kvr_roofs_has(s, "latency", level) && !kvr_session_stopped(s))
        kvr_roofs_latency(s, level, bytes);
    return kvr_session_stopped(s) ? -EINTR : 0;
}

int kvr_roofs_levels(struct kvr_session *s, const unsigned *threads, size_t thread_counts)
{
    static const char *const levels[] = {"L1", "L2", "L3", "DRAM"};
    struct proof proof = {.half = NAN, .quarter = NAN};
    int rc = 0;
    for (size_t t = 0; t < thread_counts && !rc; t++) {
        rc = kvr_session_team(s, threads[t]);
        if (!rc && !kvr_roofs_has(s, "read", NULL))
            rc = kvr_session_ladder(s);
        for (size_t l = 0; l < 4 && !rc; l++)
            rc = measure_level(s, levels[l], &proof);
    }
    if (!rc)
        check_proof(s, &proof);
    return rc;
}

int kvr_roofs_measure(struct kvr_session *s, const unsigned *threads, size_t thread_counts)
{
    int rc = kvr_session_ceilings(s);
    return rc ? rc : kvr_roofs_levels(s, threads, thread_counts);
}
