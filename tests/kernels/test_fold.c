/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Kernels over a fold: a segment of which only the first blocks exist, right before a guard page,
 * scores exactly as the same kernel scores a segment that repeats those blocks. With streams the
 * parts repeat shares of the fold, so there only the bounds are checked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guarded.h"
#include "problem.h"
#include "src/machine/isa.h"

static const uint32_t fold_blocks[] = {1, 2, 3, 5, 7};
static const uint32_t token_counts[] = {1, 64, 100, 577, 1000};
static const struct { uint32_t segments, bytes; } aheads[] = {{0, 0}, {2, 0}, {0, 64}, {0, 2048}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct fold {
    const struct kvr_kernel *kernel;
    struct kvr_shape shape;
    size_t fold_bytes, segment_bytes;
    unsigned char *repeated;
    struct guarded folded;
    void *prepared;
    float *expected, *scores;
};

static void make(struct fold *f, uint32_t blocks)
{
    const struct kvr_format *format = f->kernel->format;
    uint64_t random = 7 + blocks;
    f->fold_bytes = blocks * format->segment_bytes(&f->shape, format->block_keys);
    f->segment_bytes = format->segment_bytes(&f->shape, f->shape.tokens);
    f->folded = guarded_map(f->fold_bytes);
    f->repeated = aligned_bytes(f->segment_bytes);
    f->prepared = aligned_bytes(format->prepared_bytes(&f->shape));
    f->expected = aligned_bytes(f->shape.tokens * sizeof *f->expected);
    f->scores = aligned_bytes(f->shape.tokens * sizeof *f->scores);
    unsigned char *codes = f->folded.end - f->fold_bytes;
    fill_codes(format, &f->shape, FILL_RANDOM, codes, f->fold_bytes, &random);
    fill_prepared(format, &f->shape, FILL_RANDOM, f->prepared, &random);
    for (size_t at = 0; at < f->segment_bytes; at += f->fold_bytes) {
        size_t left = f->segment_bytes - at;
        memcpy(f->repeated + at, codes, left < f->fold_bytes ? left : f->fold_bytes);
    }
}

static void check(struct fold *f, uint32_t ahead_segments, uint32_t ahead_bytes, uint32_t streams)
{
    static const uint32_t order[] = {0};
    struct kvr_segments s = {.base = f->repeated,
                             .stride_bytes = f->segment_bytes,
                             .order = order,
                             .count = 1,
                             .tokens = f->shape.tokens,
                             .ahead_segments = ahead_segments,
                             .ahead_bytes = ahead_bytes,
                             .streams = streams};
    f->kernel->score(&f->shape, &s, 0, side_of(f->kernel->format), f->prepared, f->expected);
    s.base = f->folded.end - f->fold_bytes;
    s.fold_bytes = f->fold_bytes;
    f->kernel->score(&f->shape, &s, 0, side_of(f->kernel->format), f->prepared, f->scores);
    if (streams <= 1 &&
        memcmp(f->scores, f->expected, f->shape.tokens * sizeof *f->scores) != 0)
        fail_msg("%s.%s@%s d%u m%u n%u: other scores over a fold of %zu bytes, look-ahead %u "
                 "segments %u bytes",
                 f->kernel->format->name, f->kernel->variant, f->kernel->isa_name,
                 f->shape.head_dim, f->shape.tables, f->shape.tokens, f->fold_bytes,
                 ahead_segments, ahead_bytes);
}

static void check_shape(const struct kvr_kernel *kernel, struct kvr_shape shape)
{
    for (size_t t = 0; t < COUNT(token_counts); t++) {
        for (size_t b = 0; b < COUNT(fold_blocks); b++) {
            struct fold f = {.kernel = kernel, .shape = shape};
            f.shape.tokens = token_counts[t];
            make(&f, fold_blocks[b]);
            for (size_t a = 0; a < COUNT(aheads) && f.segment_bytes > f.fold_bytes; a++)
                for (uint32_t streams = 0; streams <= 4; streams += 2)
                    check(&f, aheads[a].segments, aheads[a].bytes, streams);
            guarded_unmap(&f.folded);
            free(f.repeated);
            free(f.prepared);
            free(f.expected);
            free(f.scores);
        }
    }
}

static void folds(void **state)
{
    static const uint32_t head_dims[] = {64, 80, 128, 256}, table_counts[] = {2, 4, 6, 16, 18};
    struct kvr_isa_info isa;
    size_t count, tested = 0;
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    (void)state;
    kvr_isa_detect(&isa);
    for (size_t i = 0; i < count; i++) {
        if (kernels[i]->isa & ~isa.usable)
            continue;
        bool lookup = is_lookup(kernels[i]->format);
        const bool eights = kernels[i]->format->entries == 2048; /* tables of a group */
        uint32_t group = is_grouped(kernels[i]->format) ? 32 : 0;
        for (size_t n = 0; n < (lookup ? COUNT(table_counts) : COUNT(head_dims)); n++)
            check_shape(kernels[i], (struct kvr_shape){.head_dim = lookup  ? 64
                                                                   : group ? 32 * (uint32_t)(n + 2)
                                                                           : head_dims[n],
                                                       .group = group,
                                                       .heads = 1,
                                                       .queries = 1,
                                                       .tables = eights   ? 8 * (uint32_t)(n + 1)
                                                                 : lookup ? table_counts[n]
                                                                          : 0,
                                                       .entries = kernels[i]->format->entries});
        tested++;
    }
    assert_true(tested > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(folds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
