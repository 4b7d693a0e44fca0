/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The look-ahead of an ISA's preparing steps (KERNEL_SOURCE, compiled in with the prefetch builtin
 * replaced by a log; STEP_OF names its steps): every line of the codebook ahead once while a
 * codebook is read, no other, the same bytes as without; none without one or with other K.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/steps.h"
#include "problem.h"
#include "src/machine/isa.h"

enum { LINE = 64, MOST_LINES = 256 * 256 * 4 / LINE, QUERIES = KVR_PREPARE_GROUP };

static const unsigned char *watched; /* the codebook ahead */
static unsigned seen[MOST_LINES];
static size_t strangers; /* prefetches of anything else */

static void watch_prefetch(const void *line)
{
    const uintptr_t offset = (uintptr_t)line - (uintptr_t)watched;
    if (watched && offset % LINE == 0 && offset / LINE < MOST_LINES)
        seen[offset / LINE]++;
    else
        strangers++;
}

#define __builtin_prefetch(line, write, locality) watch_prefetch(line)
#include KERNEL_SOURCE

#define STEPS(lookup)                                                                              \
    &STEP_OF(lookup##_f32, f32), &STEP_OF(lookup##_f32, f16), &STEP_OF(lookup##_u8, f32),          \
        &STEP_OF(lookup##_u8, f16)
static const struct kvr_prepare_step *const steps[] = {STEPS(lookup), STEPS(lookup4)};

struct work {
    struct kvr_shape shape;
    unsigned char *codebook, *prepared, *plain;
    float *queries;
    size_t codebook_bytes, prepared_bytes; /* the second of one query, in whole lines */
};

static void fill(struct work *w, const struct kvr_prepare_step *step, uint32_t m, uint32_t entries)
{
    const int half = step->codebook == KVR_CODEBOOK_F16;
    const size_t values = (size_t)64 * entries;
    w->shape = (struct kvr_shape){.head_dim = 64, .tables = m, .entries = entries};
    w->codebook_bytes = values * (half ? 2 : 4);
    w->prepared_bytes = (step->format->prepared_bytes(&w->shape) + LINE - 1) / LINE * LINE;
    w->codebook = aligned_bytes(w->codebook_bytes);
    w->prepared = aligned_bytes(QUERIES * w->prepared_bytes);
    w->plain = aligned_bytes(QUERIES * w->prepared_bytes);
    w->queries = aligned_bytes(QUERIES * 64 * sizeof *w->queries);
    memset(w->prepared, 0, QUERIES * w->prepared_bytes);
    memset(w->plain, 0, QUERIES * w->prepared_bytes);
    for (size_t i = 0; i < values; i++) {
        const float value = (float)(i * 7919 % 61) / 16;
        const uint16_t bits = (uint16_t)(0x3c00 + i * 7919 % 61);
        if (half)
            memcpy(w->codebook + i * sizeof bits, &bits, sizeof bits);
        else
            memcpy(w->codebook + i * sizeof value, &value, sizeof value);
    }
    for (int i = 0; i < QUERIES * 64; i++)
        w->queries[i] = (float)(i * 31 % 17) - 8;
}

/* One query, or QUERIES at once. */
static void prepare(const struct work *w, const struct kvr_prepare_step *step, int group,
                    unsigned char *prepared)
{
    if (group)
        step->prepare_group(&w->shape, w->codebook, watched, w->queries, prepared,
                            w->prepared_bytes);
    else
        step->prepare(&w->shape, w->codebook, watched, w->queries, prepared);
}

/* `wanted`: prefetches of each line of the codebook ahead. */
static void check(const struct kvr_prepare_step *step, uint32_t m, uint32_t entries, int group)
{
    struct work w;
    fill(&w, step, m, entries);
    const unsigned wanted = entries == 256;
    unsigned char *other = aligned_bytes(w.codebook_bytes); /* never read: only its address */
    strangers = 0;
    watched = NULL;
    prepare(&w, step, group, w.plain);
    assert_int_equal(strangers, 0);
    memset(seen, 0, sizeof seen);
    watched = other;
    prepare(&w, step, group, w.prepared);
    assert_int_equal(strangers, 0);
    for (size_t line = 0; line < MOST_LINES; line++)
        if (seen[line] != (line < w.codebook_bytes / LINE ? wanted : 0))
            fail_msg("%s@%s, codebook %d, m%u K%u: line %zu is prefetched %u times",
                     step->format->name, step->isa_name, (int)step->codebook, m, entries, line,
                     seen[line]);
    assert_memory_equal(w.prepared, w.plain, QUERIES * w.prepared_bytes);
    free(other);
    free(w.codebook);
    free(w.prepared);
    free(w.plain);
    free(w.queries);
}

static void test_lines(void **state)
{
    static const uint32_t tables[] = {1, 4, 16, 64}, entries[] = {256, 16, 100};
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        for (size_t n = 0; n < 4 * 3; n++) {
            check(steps[i], tables[n % 4], entries[n / 4], 0);
            if (steps[i]->prepare_group)
                check(steps[i], tables[n % 4], entries[n / 4], 1);
        }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines)};
    struct kvr_isa_info isa;
    kvr_isa_detect(&isa);
    if (steps[0]->isa & ~isa.usable) {
        printf("this host cannot run %s\n", steps[0]->isa_name);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
