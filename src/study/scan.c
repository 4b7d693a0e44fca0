/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int kvr_score_buffers_new(unsigned threads, uint32_t floats, struct kvr_score_buffers *b)
{
    *b = (struct kvr_score_buffers){.threads = threads, .floats = floats};
    b->scores = calloc(threads, sizeof *b->scores);
    b->checksums = aligned_alloc(64, threads * sizeof *b->checksums);
    if (!b->scores || !b->checksums)
        goto fail;
    memset(b->checksums, 0, threads * sizeof *b->checksums);
    size_t bytes = ((size_t)floats * sizeof(float) + 4095) / 4096 * 4096;
    for (unsigned t = 0; t < threads; t++) {
        b->scores[t] = aligned_alloc(4096, bytes);
        if (!b->scores[t])
            goto fail;
        memset(b->scores[t], 0, bytes);
    }
    return 0;
fail:
    kvr_score_buffers_free(b);
    return -ENOMEM;
}

void kvr_score_buffers_free(struct kvr_score_buffers *b)
{
    for (unsigned t = 0; b->scores && t < b->threads; t++)
        free(b->scores[t]);
    free(b->scores);
    free(b->checksums);
    *b = (struct kvr_score_buffers){0};
}

/* FNV-1a over 64-bit words: cheap beside a slice of a millisecond, and it keeps the scores alive.
 */
static uint64_t checksum(uint64_t hash, const float *scores, uint32_t count)
{
    for (uint32_t i = 0; i + 2 <= count; i += 2) {
        uint64_t word;
        memcpy(&word, scores + i, sizeof word);
        hash = (hash ^ word) * 0x100000001b3u;
    }
    return hash;
}

static void kernel_slice(const struct kvr_scan *scan, unsigned thread, uint32_t first,
                         uint32_t count)
{
    struct kvr_segments segments = scan->lists->segments[thread];
    segments.ahead_segments = scan->ahead_segments;
    segments.ahead_bytes = scan->ahead_bytes;
    segments.streams = scan->streams;
    float *scores = scan->buffers->scores[thread];
    kvr_score_fn *score = scan->kernel->score;
    const struct kvr_query_group same = {scan->prepared, scores, 0, 0};
    uint32_t i = first;
    for (uint32_t n = 0; n < count; n++) {
        segments.tokens = kvr_lists_tokens_at(scan->lists, i);
        if (scan->queries > 1)
            kvr_score_queries(scan->kernel, &scan->shape, &segments, i, scan->side, same,
                              scan->queries);
        else
            score(&scan->shape, &segments, i, scan->side, scan->prepared, scores);
        if (++i == segments.count)
            i = 0;
    }
    uint64_t *sum = &scan->buffers->checksums[thread][0];
    *sum = checksum(*sum, scores, segments.tokens);
}

static void reader_slice(const struct kvr_scan *scan, unsigned thread, uint32_t first,
                         uint32_t count)
{
    struct kvr_segments segments = scan->lists->segments[thread];
    segments.ahead_segments = scan->ahead_segments;
    segments.ahead_bytes = scan->ahead_bytes;
    uint64_t sum = 0;
    uint32_t i = first;
    for (uint32_t n = 0; n < count; n++) {
        sum ^= scan->reader->read(&segments, i, kvr_lists_bytes_at(scan->lists, i));
        if (++i == segments.count)
            i = 0;
    }
    scan->buffers->checksums[thread][1] ^= sum;
}

static void dial_slice(const struct kvr_scan *scan, unsigned thread, uint32_t first,
                       uint32_t count)
{
    struct kvr_segments segments = scan->lists->segments[thread];
    segments.ahead_segments = scan->ahead_segments;
    segments.ahead_bytes = scan->ahead_bytes;
    uint32_t i = first;
    for (uint32_t n = 0; n < count; n++) {
        scan->dial->run(&segments, i, scan->lists->segment_bytes, scan->twelves,
                        scan->buffers->scores[thread]);
        if (++i == segments.count)
            i = 0;
    }
}

void kvr_scan_slice(void *argument, unsigned thread, uint32_t first, uint32_t count)
{
    const struct kvr_scan *scan = argument;
    if (scan->kernel)
        kernel_slice(scan, thread, first, count);
    else if (scan->dial)
        dial_slice(scan, thread, first, count);
    else if (scan->reader)
        reader_slice(scan, thread, first, count);
}

static void scan_name(const void *argument, char *text, size_t bytes)
{
    const struct kvr_scan *scan = argument;
    if (scan->kernel)
        snprintf(text, bytes, "%s@%s", scan->kernel->format->name, scan->kernel->isa_name);
    else if (scan->dial || scan->reader)
        snprintf(text, bytes, "%s %s", scan->dial ? "dial" : "reader",
                 scan->dial ? scan->dial->name : scan->reader->name);
    else
        snprintf(text, bytes, "an empty loop");
}

struct kvr_sample_request kvr_scan_request(struct kvr_scan *scan)
{
    return (struct kvr_sample_request){.run = kvr_scan_slice,
                                       .argument = scan,
                                       .list_counts = scan->lists->counts,
                                       .cursors = scan->cursors,
                                       .name = scan_name,
                                       .between = scan->between.run,
                                       .between_context = scan->between.context};
}

double kvr_scan_ns_per_key(const struct kvr_scan *scan, const struct kvr_sample *sample,
                           double sample_ns)
{
    return sample_ns / ((double)sample->segments * kvr_lists_segment_keys(scan->lists));
}

uint64_t kvr_scan_checksum(const struct kvr_scan *scan)
{
    enum { SEGMENTS = 16 };
    const struct kvr_segments *segments = &scan->lists->segments[0];
    float *scores = scan->buffers->scores[0];
    uint64_t sum = 0;
    for (uint32_t i = 0; i < SEGMENTS && i < segments->count; i++) {
        scan->kernel->score(&scan->shape, segments, i, scan->side, scan->prepared, scores);
        sum = checksum(sum, scores, segments->tokens);
    }
    return sum;
}
