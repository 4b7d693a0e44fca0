/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The memory alone: kvroof's readers, copies and triads, and plain loops. Unit: lines of 64 bytes
 * that are read or written, as STREAM counts them (no reading of what is about to be written).
 */
#include "probe.h"

#include <stdio.h>
#include <string.h>

#include "../../kernels/peak.h"
#include "../../src/machine/isa.h"
#include "plain.h"

enum { READ_BYTES = 512 << 10, MOVE_BYTES = 256 << 10, CACHE_BYTES = 30 << 10, LIST = 1 << 16 };

struct reading {
    struct kvr_segments segments;
    const struct kvr_peak *reader;
    size_t segment_bytes;
    uint64_t sum;
};

struct moving {
    const struct kvr_peak_stream *stream; /* NULL: a plain loop */
    char *array[3];                       /* written, read, read */
    uint32_t reads;
    size_t segment_bytes;
};

static void read_run(void *state, uint32_t segment)
{
    struct reading *reading = state;
    reading->sum += reading->reader->read(&reading->segments, segment, reading->segment_bytes);
}

static void move_run(void *state, uint32_t segment)
{
    const struct moving *moving = state;
    size_t at = segment * moving->segment_bytes, count = moving->segment_bytes / sizeof(double);
    void *out = moving->array[0] + at, *a = moving->array[1] + at, *b = moving->array[2] + at;
    if (moving->stream)
        moving->stream->run(out, a, b, moving->segment_bytes, 1);
    else if (moving->reads == 1)
        plain_copy(out, a, count);
    else
        plain_triad(out, a, b, count);
}

/* Tries every reader and distance on one place, keeps the best. */
static bool best_reader(struct peers_work *work, uint64_t usable, char *note, size_t note_bytes)
{
    static const uint32_t ahead[] = {0, 256, 512, 1024, 2048};
    struct reading *reading = work->state, best = {0};
    double best_ns = 0;
    size_t count;
    const struct kvr_peak *const *peaks = kvr_peaks(&count);
    for (size_t i = 0; i < count; i++) {
        if (peaks[i]->kind != KVR_PEAK_READ || peaks[i]->isa & ~usable)
            continue;
        for (size_t k = 0; k < sizeof ahead / sizeof *ahead; k++) {
            reading->reader = peaks[i];
            reading->segments.ahead_bytes = ahead[k];
            double ns = peers_trial(work);
            if (best_ns == 0 || ns < best_ns)
                best = *reading, best_ns = ns;
        }
    }
    if (!best.reader)
        return false;
    *reading = best;
    snprintf(note, note_bytes, "%s+%uB", best.reader->name, best.segments.ahead_bytes);
    return true;
}

static bool sums_right(const struct reading *reading)
{
    const uint64_t *words = (const uint64_t *)(const void *)reading->segments.base;
    uint64_t sum = 0;
    for (size_t i = 0; i < reading->segment_bytes / sizeof *words; i++)
        sum += words[i];
    return reading->reader->read(&reading->segments, 0, reading->segment_bytes) == sum;
}

static bool open_read(uint64_t usable, struct peers_entry *entry)
{
    static uint32_t order[LIST];
    static struct reading cache, dram;
    char cached[64], streamed[64];
    uint32_t segments = (uint32_t)(entry->dram_bytes / READ_BYTES);
    unsigned char *arena = peers_arena(entry->dram_bytes);
    if (!arena || segments == 0 || segments > LIST)
        return peers_absent(entry, "no memory for %zu bytes", entry->dram_bytes);
    for (size_t i = 0; i < entry->dram_bytes; i++)
        arena[i] = (unsigned char)(i * 37 + i / 251);
    for (uint32_t i = 0; i < segments; i++)
        order[i] = i;
    dram = (struct reading){.segment_bytes = READ_BYTES,
        .segments = {.base = arena, .stride_bytes = READ_BYTES, .order = order, .count = segments}};
    cache = dram;
    cache.segment_bytes = CACHE_BYTES;
    cache.segments.count = 1;
    entry->cache = (struct peers_work){read_run, &cache, 1, CACHE_BYTES / 64.0, 0};
    entry->dram = (struct peers_work){read_run, &dram, segments, READ_BYTES / 64.0, 0};
    if (!best_reader(&entry->cache, usable, cached, sizeof cached) ||
        !best_reader(&entry->dram, usable, streamed, sizeof streamed))
        return peers_absent(entry, "no reader for this host");
    if (!sums_right(&cache) || !sums_right(&dram))
        return peers_absent(entry, "a reader's sum is wrong");
    snprintf(entry->note, sizeof entry->note, "cache %s; DRAM %s", cached, streamed);
    return true;
}

/* The fastest of kvroof's copies or triads on one place. */
static bool best_stream(struct peers_work *work, uint64_t usable, char *note, size_t note_bytes)
{
    struct moving *moving = work->state;
    const struct kvr_peak_stream *best = NULL;
    double best_ns = 0;
    size_t count;
    const struct kvr_peak_stream *const *streams = kvr_peak_streams(&count);
    for (size_t i = 0; i < count; i++) {
        if (streams[i]->isa & ~usable || streams[i]->reads != moving->reads)
            continue;
        moving->stream = streams[i];
        double ns = peers_trial(work);
        if (!best || ns < best_ns)
            best = streams[i], best_ns = ns;
    }
    moving->stream = best;
    snprintf(note, note_bytes, "%s", best ? best->name : "none");
    return best != NULL;
}

/* Of arrays of ones: kvroof's are of floats, the plain ones of doubles. */
static bool moves_right(const struct moving *moving)
{
    const float *out = (const void *)moving->array[0];
    const double *wide = (const void *)moving->array[0];
    double expected = moving->reads == 1 ? 1 : 4;
    size_t size = moving->stream ? sizeof *out : sizeof *wide;
    for (size_t i = 0; i < moving->segment_bytes / size; i++)
        if ((moving->stream ? (double)out[i] : wide[i]) != expected)
            return false;
    return true;
}

static bool fill(struct moving *moving, bool floats, size_t bytes)
{
    for (uint32_t k = 0; k <= moving->reads; k++) {
        moving->array[k] = peers_arena(bytes);
        if (!moving->array[k])
            return false;
        float *narrow = (void *)moving->array[k];
        double *wide = (void *)moving->array[k];
        for (size_t i = 0; i < bytes / sizeof *wide; i++) {
            if (floats)
                narrow[2 * i] = narrow[2 * i + 1] = k ? 1 : 0;
            else
                wide[i] = k ? 1 : 0;
        }
    }
    if (moving->reads == 1)
        moving->array[2] = moving->array[1];
    return true;
}

static bool open_move(uint64_t usable, bool plain, uint32_t reads, struct peers_entry *entry)
{
    static struct moving cache, dram;
    char cached[64] = "plain loop", streamed[64] = "plain loop";
    uint32_t arrays = reads + 1;
    uint32_t segments = (uint32_t)(entry->dram_bytes / arrays / MOVE_BYTES);
    dram = (struct moving){.reads = reads, .segment_bytes = MOVE_BYTES};
    if (segments == 0 || !fill(&dram, !plain, (size_t)segments * MOVE_BYTES))
        return peers_absent(entry, "no memory for %zu bytes", entry->dram_bytes);
    cache = dram;
    cache.segment_bytes = CACHE_BYTES / arrays / 64 * 64;
    double cache_lines = (double)cache.segment_bytes * arrays / 64;
    entry->cache = (struct peers_work){move_run, &cache, 1, cache_lines, 0};
    entry->dram = (struct peers_work){move_run, &dram, segments, MOVE_BYTES / 64.0 * arrays, 0};
    if (!plain && (!best_stream(&entry->cache, usable, cached, sizeof cached) ||
                   !best_stream(&entry->dram, usable, streamed, sizeof streamed)))
        return peers_absent(entry, "no copy or triad for this host");
    move_run(&dram, 0);
    if (!moves_right(&dram))
        return peers_absent(entry, "the array written is wrong");
    snprintf(entry->note, sizeof entry->note, "cache %s; DRAM %s", cached, streamed);
    return true;
}

bool peers_open_memory(const char *spec, struct peers_entry *entry)
{
    struct kvr_isa_info isa;
    kvr_isa_detect(&isa);
    entry->bytes_per_unit = 64;
    if (!strcmp(spec, "kvroof-read"))
        return open_read(isa.usable, entry);
    bool plain = !strncmp(spec, "plain-", 6);
    const char *move = strchr(spec, '-');
    if (!move || (strcmp(move, "-copy") && strcmp(move, "-triad")))
        return peers_absent(entry, "no memory test %s", spec);
    return open_move(isa.usable, plain, strcmp(move, "-copy") ? 2 : 1, entry);
}
