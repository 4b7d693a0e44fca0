/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * usage: peers-probe KIND SPEC CACHE-KEYS DRAM-BYTES [LIBRARY...]
 * Prints one line, `ready` with tab-separated fields or `absent` with the reason. Then for each
 * line `cache MS` or `dram MS` of stdin one with the ns per unit of a sample.
 */
#include "probe.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "../../src/data/keyset.h"

enum { HUGE_BYTES = 2 << 20, MAX_SLICES = 4096, SLICE_NS = 100000 };

void *peers_arena(size_t bytes)
{
    size_t length = (bytes + 2 * HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES + HUGE_BYTES;
    char *start = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    char *aligned = start + (HUGE_BYTES - (uintptr_t)start % HUGE_BYTES) % HUGE_BYTES;
    madvise(aligned, length - HUGE_BYTES, MADV_HUGEPAGE); /* the share of huge pages is reported */
    return aligned;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double peers_time(struct peers_work *work, double ms)
{
    static double slices[MAX_SLICES];
    size_t count = 0;
    uint32_t burst = 1; /* segments between two looks at the clock */
    double begin = now_ns(), at = begin;
    while (count == 0 || (at < begin + 1e6 * ms && count < MAX_SLICES)) {
        for (uint32_t i = 0; i < burst; i++) {
            work->run(work->state, work->next);
            work->next = work->next + 1 < work->segments ? work->next + 1 : 0;
        }
        double end = now_ns();
        if (end - at < SLICE_NS && burst < 1u << 30)
            burst *= 2; /* too short to be timed well: not a slice */
        else
            slices[count++] = (end - at) / (burst * work->units);
        at = end;
    }
    qsort(slices, count, sizeof *slices, by_value);
    return (slices[(count - 1) / 2] + slices[count / 2]) / 2;
}

double peers_trial(struct peers_work *work)
{
    double best = INFINITY;
    for (int i = 0; i < 3; i++)
        best = fmin(best, peers_time(work, 3));
    return best;
}

double peers_error(const float *scores, double factor, const double *truth, size_t count)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        double off = scores[i] * factor - truth[i];
        difference += off * off;
        norm += truth[i] * truth[i];
    }
    return sqrt(difference / norm);
}

bool peers_absent(struct peers_entry *entry, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(entry->why, sizeof entry->why, format, args);
    va_end(args);
    return false;
}

static void reference(struct peers_data *data)
{
    double weights[PEERS_KEYS], maximum = -INFINITY, sum = 0;
    for (int q = 0; q < PEERS_QUERIES; q++) {
        for (int t = 0; t < PEERS_KEYS; t++) {
            double dot = 0;
            for (int c = 0; c < PEERS_DIM; c++)
                dot += (double)data->queries[q * PEERS_DIM + c] * data->keys[t * PEERS_DIM + c];
            data->scores[q][t] = dot;
        }
    }
    for (int t = 0; t < PEERS_KEYS; t++)
        maximum = fmax(maximum, data->scores[0][t]);
    for (int t = 0; t < PEERS_KEYS; t++) {
        weights[t] = exp((data->scores[0][t] - maximum) / sqrt(PEERS_DIM));
        sum += weights[t];
    }
    for (int c = 0; c < PEERS_DIM; c++) {
        data->output[c] = 0;
        for (int t = 0; t < PEERS_KEYS; t++)
            data->output[c] += weights[t] / sum * data->values[t * PEERS_DIM + c];
    }
}

static float *repeated(const float *rows)
{
    size_t bytes = PEERS_KEYS * PEERS_DIM * sizeof(float);
    float *all = malloc(PEERS_SEGMENT / PEERS_KEYS * bytes);
    for (size_t i = 0; all && i < PEERS_SEGMENT / PEERS_KEYS; i++)
        memcpy(all + i * PEERS_KEYS * PEERS_DIM, rows, bytes);
    return all;
}

static bool load(struct peers_data *data, char *why, size_t why_bytes)
{
    static struct kvr_keyset set; /* owns what data points to */
    if (kvr_keyset_load(&(struct kvr_keyset_paths){0}, PEERS_DIM, &set, why, why_bytes))
        return false;
    if (set.tokens < PEERS_KEYS || set.query_tokens < PEERS_QUERIES || !set.values ||
        !set.calibration) {
        snprintf(why, why_bytes, "the keys (%.180s) have not the mini set's shape", set.source);
        return false;
    }
    data->keys = repeated(set.keys);
    data->values = repeated(set.values);
    data->calibration = set.calibration;
    data->calibration_count = set.calibration_tokens;
    data->queries = set.queries + (set.query_tokens - PEERS_QUERIES) * PEERS_DIM;
    if (!data->keys || !data->values) {
        snprintf(why, why_bytes, "no memory for the keys");
        return false;
    }
    reference(data);
    return true;
}

static void serve(struct peers_entry *entry)
{
    char place[16];
    double ms;
    while (scanf("%15s %lf", place, &ms) == 2) {
        printf("%.9g\n", peers_time(strcmp(place, "dram") ? &entry->cache : &entry->dram, ms));
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static struct peers_data data;
    static struct peers_entry entry;
    if (argc < 5) {
        fprintf(stderr, "usage: peers-probe KIND SPEC CACHE-KEYS DRAM-BYTES [LIBRARY...]\n");
        return 2;
    }
    const char *kind = argv[1], *spec = argv[2];
    entry.cache_keys = strtoul(argv[3], NULL, 10);
    entry.dram_bytes = strtoul(argv[4], NULL, 10);
    bool ok = load(&data, entry.why, sizeof entry.why);
    if (ok && !strcmp(kind, "kvroof"))
        ok = peers_open_kvroof(&data, spec, &entry);
    else if (ok && !strcmp(kind, "memory"))
        ok = peers_open_memory(spec, &entry);
    else if (ok && !strcmp(kind, "ggml"))
        ok = peers_open_ggml(&data, spec, argv + 5, argc - 5, &entry);
    else if (ok && !strcmp(kind, "blas"))
        ok = peers_open_blas(&data, spec, &entry);
    else if (ok)
        ok = peers_absent(&entry, "no kind %s", kind);
    if (!ok) {
        printf("absent\t%s\n", entry.why);
        return 0;
    }
    printf("ready\terror=%.4g\tbytes=%.9g\tnote=%s\n", entry.error, entry.bytes_per_unit,
           entry.note);
    fflush(stdout);
    serve(&entry);
    return 0;
}
