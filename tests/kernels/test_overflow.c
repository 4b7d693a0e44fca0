/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys beyond float16: every tiled kernel that this host can run, with scales that round some of a
 * tile's values to an infinity (from 65520 on) and leave others finite. A score is then what its
 * reference is: the same infinity, no number where infinities of both signs meet, or finite.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guarded.h"
#include "kernels/half.h"
#include "kernels/half_value.h"
#include "problem.h"
#include "src/machine/isa.h"

enum { TOKENS = 256, SCALES = 16 };

/* How many scores were of each kind. */
struct seen {
    unsigned finite, infinite, undefined;
};

static void compare(const struct kvr_kernel *kernel, uint32_t key, float found, double reference,
                    double allowed, struct seen *seen)
{
    int right;
    if (isnan(reference)) {
        right = isnan(found);
        seen->undefined++;
    } else if (isinf(reference)) {
        right = (double)found == reference;
        seen->infinite++;
    } else {
        right = fabs((double)found - reference) <= allowed;
        seen->finite++;
    }
    if (!right)
        fail_msg("%s.%s@%s: key %u scored %g, reference %g", kernel->format->name,
                 kernel->variant, kernel->isa_name, key, (double)found, reference);
}

/* Scales of the tensor or of all groups around those at which value 127 or 7 overflows. */
static void set_scale(const struct kvr_format *format, const struct kvr_shape *shape, double scale,
                      unsigned char *codes, struct kvr_prepared_rounded *p)
{
    const uint16_t half = kvr_round_half((float)scale);
    const size_t bytes = format->segment_bytes(shape, 16);
    p->scale = (float)scale;
    if (is_grouped(format))
        for (uint32_t block = 0; block < TOKENS / 16; block++)
            for (uint32_t i = 0; i < shape->head_dim / 32 * 16; i++)
                memcpy(codes + block * bytes + i * sizeof half, &half, sizeof half);
}

static void check_dim(const struct kvr_kernel *kernel, uint32_t head_dim, struct seen *seen)
{
    const struct kvr_format *format = kernel->format;
    const struct kvr_shape shape = {.head_dim = head_dim, .tokens = TOKENS, .heads = 1,
                                    .queries = 1, .group = is_grouped(format) ? 32 : 0};
    const size_t bytes = format->segment_bytes(&shape, TOKENS);
    const uint32_t order[1] = {0};
    unsigned char *codes = aligned_bytes(bytes);
    struct kvr_prepared_rounded *prepared = aligned_bytes(format->prepared_bytes(&shape));
    const struct kvr_segments segments = {.base = codes, .order = order, .count = 1,
                                          .tokens = TOKENS};
    uint64_t random = 7;
    for (int i = 0; i < SCALES; i++) {
        const double largest = format == &kvr_format_affine8_f16 ? 127 : 7;
        float scores[TOKENS];
        double references[TOKENS];
        fill_codes(format, &shape, FILL_RANDOM, codes, bytes, &random);
        fill_prepared(format, &shape, FILL_RANDOM, prepared, &random);
        set_scale(format, &shape, 65520 / largest * (0.8 + 0.05 * i), codes, prepared);
        for (uint32_t c = 0; c < head_dim; c++) /* a few channels: some keys stay finite */
            prepared->query[c] = c % 16 ? 0x1p-20f : 1;
        memset(codes + bytes / 2, 0x88, is_grouped(format) ? 0 : bytes / 2);
        format->reference(&shape, TOKENS, codes, NULL, prepared, references);
        kernel->score(&shape, &segments, 0, NULL, prepared, scores);
        for (uint32_t k = 0; k < TOKENS; k++)
            compare(kernel, k, scores[k], references[k], 64 * 0x1p-24 * 65536 * head_dim, seen);
    }
    free(codes);
    free(prepared);
}

static void tiled_kernels(void **state)
{
    struct kvr_isa_info isa;
    size_t count, tested = 0;
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    (void)state;
    kvr_isa_detect(&isa);
    for (size_t i = 0; i < count; i++) {
        struct seen seen = {0};
        if (strcmp(kernels[i]->variant, "tiled") || (kernels[i]->isa & ~isa.usable))
            continue;
        check_dim(kernels[i], 32, &seen);
        check_dim(kernels[i], 64, &seen);
        if (!seen.finite || !seen.infinite || !seen.undefined)
            fail_msg("%s: %u scores finite, %u infinite, %u undefined: not every kind is tested",
                     kernels[i]->format->name, seen.finite, seen.infinite, seen.undefined);
        tested++;
    }
    assert_true(tested >= 3); /* the scalar ones run everywhere */
}

static void infinities_widen(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x10000; half++) {
        const double value = kvr_half_value((uint16_t)half);
        if (!isnan(value) && (double)kvr_widen_half((uint16_t)half) != value)
            fail_msg("%04x is widened to %g, not %g", half,
                     (double)kvr_widen_half((uint16_t)half), value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(infinities_widen),
                                       cmocka_unit_test(tiled_kernels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
