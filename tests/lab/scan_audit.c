/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The program that is audited: one score kernel over a known buffer of keys, once, between two
 * stamps of the clock. An observer from outside (a plugin of QEMU, or a debugger) counts how often
 * each byte of the keys is read between audit_begin and audit_end, and what else happens there.
 * usage: scan_audit --list             kernels that can run here, one a line
 *        scan_audit KERNEL MODE        plain, ahead (prefetching), streams; or a fault to be found:
 *                                      reread (one key byte again), skip (the last segment),
 *                                      syscall
 *        scan_audit --list-readers     readers that can run here
 *        scan_audit READER MODE        plain, ahead, fold (PASSES times over one segment)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../kernels/peak.h"
#include "../../src/machine/isa.h"
#include "../../src/measure/clock.h"
#include "../kernels/problem.h"

enum { SEGMENTS = 3, TOKENS = 128, RESIDUAL_KEYS = 20, READER_BYTES = 4096, PASSES = 3 };

static volatile unsigned char sink;

/* The keys are [first, last]: the observer learns both from these two reads, and starts. */
void audit_begin(const unsigned char *first, const unsigned char *last);
void audit_end(void);

__attribute__((noinline)) void audit_begin(const unsigned char *first, const unsigned char *last)
{
    (void)*(const volatile unsigned char *)first;
    (void)*(const volatile unsigned char *)last;
}

__attribute__((noinline)) void audit_end(void)
{
    __asm__ volatile("" ::: "memory");
}

static void kernel_name(const struct kvr_kernel *kernel, char *name, size_t name_bytes)
{
    snprintf(name, name_bytes, "%s.%s@%s", kernel->format->name, kernel->variant,
             kernel->isa_name);
}

static const struct kvr_kernel *find_kernel(const char *wanted, uint64_t usable, int list)
{
    size_t count;
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    for (size_t i = 0; i < count; i++) {
        char name[96];
        kernel_name(kernels[i], name, sizeof name);
        if (kernels[i]->isa & ~usable)
            continue;
        if (list)
            puts(name);
        else if (strcmp(name, wanted) == 0)
            return kernels[i];
    }
    return NULL;
}

static struct kvr_shape shape_of(const struct kvr_format *format)
{
    struct kvr_shape shape = {.head_dim = 64, .tokens = TOKENS, .heads = 1, .queries = 1};
    if (is_lookup(format)) {
        shape.tables = format->entries == 2048 ? 16 : 4; /* those of d = 64 */
        shape.entries = format->entries;
    }
    if (is_grouped(format))
        shape.group = 32;
    return shape;
}

/* With keys in the residual where there is one. */
static void scan(const struct kvr_kernel *kernel, const char *mode)
{
    static const uint32_t order[SEGMENTS] = {2, 0, 1};
    struct kvr_shape shape = shape_of(kernel->format);
    const uint32_t tokens = TOKENS + (kernel->format->residual ? RESIDUAL_KEYS : 0);
    size_t stride = kernel->format->segment_bytes(&shape, tokens);
    unsigned char *keys = aligned_bytes(SEGMENTS * stride);
    const void *side = side_of(kernel->format);
    void *prepared = aligned_bytes(kernel->format->prepared_bytes(&shape));
    float *scores = aligned_bytes(tokens * sizeof *scores);
    uint64_t random = 1;
    fill_codes(kernel->format, &shape, FILL_RANDOM, keys, SEGMENTS * stride, &random);
    fill_prepared(kernel->format, &shape, FILL_RANDOM, prepared, &random);
    struct kvr_segments segments = {.base = keys, .stride_bytes = stride, .order = order,
                                    .count = SEGMENTS, .tokens = tokens,
                                    .ahead_segments = strcmp(mode, "ahead") == 0,
                                    .streams = strcmp(mode, "streams") == 0 ? 2 : 1};
    uint32_t count = strcmp(mode, "skip") == 0 ? SEGMENTS - 1 : SEGMENTS;
    int reread = strcmp(mode, "reread") == 0, leave = strcmp(mode, "syscall") == 0;
    struct kvr_clock clock;
    kvr_clock_real(&clock, 1);

    audit_begin(keys, keys + SEGMENTS * stride - 1);
    uint64_t begin = clock.now(clock.state);
    for (uint32_t i = 0; i < count; i++)
        kernel->score(&shape, &segments, i, side, prepared, scores);
    if (reread)
        sink = *(volatile unsigned char *)(keys + stride);
    if (leave)
        syscall(SYS_getppid);
    uint64_t end = clock.now(clock.state);
    audit_end();

    if (end < begin) /* the stamps are used, so they are taken */
        puts("the clock went backwards");
    free(scores);
    free(prepared);
    free(keys);
}

static const struct kvr_peak *find_reader(const char *wanted, uint64_t usable, int list)
{
    size_t count;
    const struct kvr_peak *const *peaks = kvr_peaks(&count);
    for (size_t i = 0; i < count; i++) {
        if (peaks[i]->kind != KVR_PEAK_READ || (peaks[i]->isa & ~usable))
            continue;
        if (list)
            printf("%s@%s\n", peaks[i]->name, peaks[i]->isa_name);
        else if (strncmp(peaks[i]->name, wanted, strcspn(wanted, "@")) == 0 &&
                 strlen(peaks[i]->name) == strcspn(wanted, "@"))
            return peaks[i];
    }
    return NULL;
}

static void read_all(const struct kvr_peak *reader, const char *mode)
{
    static const uint32_t order[SEGMENTS] = {2, 0, 1};
    int fold = strcmp(mode, "fold") == 0;
    size_t segments = fold ? 1 : SEGMENTS, bytes = fold ? PASSES * READER_BYTES : READER_BYTES;
    unsigned char *keys = aligned_bytes(segments * READER_BYTES);
    struct kvr_segments list = {.base = keys, .stride_bytes = READER_BYTES,
                                .order = fold ? order + 1 : order, .count = (uint32_t)segments,
                                .ahead_segments = strcmp(mode, "ahead") == 0,
                                .fold_bytes = fold ? READER_BYTES : 0};
    uint64_t sum = 0;
    audit_begin(keys, keys + segments * READER_BYTES - 1);
    for (uint32_t i = 0; i < segments; i++)
        sum += reader->read(&list, i, bytes);
    audit_end();
    sink = (unsigned char)sum;
    free(keys);
}

int main(int argc, char **argv)
{
    struct kvr_isa_info isa;
    kvr_isa_detect(&isa);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        find_kernel("", isa.usable, 1);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--list-readers") == 0) {
        find_reader("", isa.usable, 1);
        return 0;
    }
    const struct kvr_peak *reader = argc == 3 ? find_reader(argv[1], isa.usable, 0) : NULL;
    if (reader) {
        read_all(reader, argv[2]);
        return 0;
    }
    const struct kvr_kernel *kernel = argc == 3 ? find_kernel(argv[1], isa.usable, 0) : NULL;
    if (!kernel) {
        fprintf(stderr, "scan_audit: --list, --list-readers, or NAME MODE of what can run here\n");
        return 2;
    }
    scan(kernel, argv[2]);
    return 0;
}
