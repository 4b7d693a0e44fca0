/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The steps from codes to float16 keys, as suspects: every value is the float (code - zero) * scale
 * as the codecs' float16 rounds it, bit for bit, from regular and non-temporal stores, with every
 * look-ahead and over a fold. Codes and keys end at a page that must not be touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guarded.h"
#include "kernels/steps.h"
#include "problem.h"
#include "src/codec/codec.h"
#include "src/machine/isa.h"

enum { SEGMENTS = 3, CANARY = 0x7ead };

static const uint32_t head_dims[] = {16, 32, 48, 64, 80, 96, 128, 144, 160, 256};
static const uint32_t token_counts[] = {1, 15, 16, 17, 33, 100, 256};
static const struct { uint32_t segments, bytes; } aheads[] = {{0, 0}, {1, 0}, {0, 64}, {0, 4096}};
static const float scales[] = {1.0f, 0.0123f, 0x1.234568p-24f, 0x1p-126f, 0, 511.75f, 1e6f};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* From the layouts in kernel.h. */
static uint16_t expected_half(const struct kvr_format *format, uint32_t d,
                              const unsigned char *codes, uint32_t key, uint32_t channel,
                              float scale)
{
    const unsigned char *block = codes + key / 16 * format->segment_bytes(
                                     &(struct kvr_shape){.head_dim = d}, 16);
    key %= 16;
    if (format == &kvr_format_affine8) {
        int code = block[channel / 4 * 64 + key * 4 + channel % 4];
        return kvr_float_to_half((float)(code - 128) * scale);
    }
    if (format == &kvr_format_affine4g) {
        uint16_t half;
        memcpy(&half, block + (channel / 32 * 16 + key) * 2, sizeof half);
        scale = kvr_half_to_float(half);
        block += (d / 32 * 32 + 63) / 64 * 64;
    }
    int byte = block[channel / 8 * 64 + key * 4 + channel % 8 / 2];
    return kvr_float_to_half((float)((byte >> channel % 2 * 4 & 15) - 8) * scale);
}

struct problem {
    const struct kvr_dequantise_step *step;
    struct kvr_shape shape;
    uint32_t tokens;
    float scale;
    size_t segment_bytes, fold_bytes; /* fold_bytes: 0 or what exists of each segment */
    struct guarded codes, keys;
    struct kvr_segments segments;
};

static const uint32_t order[SEGMENTS] = {1, 2, 0};

static void check_segment(struct problem *p, uint32_t i, int non_temporal)
{
    const struct kvr_format *format = p->step->format;
    const uint32_t d = p->shape.head_dim, rows = (p->tokens + 15) / 16 * 16;
    const uint32_t fold_keys = p->fold_bytes ? 32 : rows;
    const unsigned char *codes = p->segments.base + order[i] * p->segments.stride_bytes;
    uint16_t *first = (uint16_t *)(void *)p->keys.first, *end = (uint16_t *)(void *)p->keys.end;
    uint16_t *keys = end - (size_t)rows * d;
    for (uint16_t *k = first; k < end; k++)
        *k = CANARY;
    p->step->dequantise(&p->shape, &p->segments, i, p->scale, keys, non_temporal);
    __sync_synchronize(); /* non-temporal stores: this thread sees its own */
    for (uint16_t *k = first; k < keys; k++)
        if (*k != CANARY)
            fail_msg("%s@%s: wrote before its keys", format->name, p->step->isa_name);
    for (uint32_t k = 0; k < rows; k++) {
        for (uint32_t c = 0; c < d; c++) {
            uint16_t want = expected_half(format, d, codes, k % fold_keys, c, p->scale);
            if (keys[(size_t)k * d + c] != want)
                fail_msg("%s@%s d%u n%u scale %g, look-ahead %u segments %u bytes, "
                         "non-temporal %d, fold %zu: key %u channel %u is %#x, not %#x",
                         format->name, p->step->isa_name, d, p->tokens, (double)p->scale,
                         p->segments.ahead_segments, p->segments.ahead_bytes, non_temporal,
                         p->fold_bytes, k, c, keys[(size_t)k * d + c], want);
        }
    }
}

static void check_problem(struct problem *p, enum fill fill)
{
    const struct kvr_format *format = p->step->format;
    uint64_t random = 1 + p->tokens;
    p->segment_bytes = format->segment_bytes(&p->shape, p->tokens);
    size_t there = p->fold_bytes ? p->fold_bytes : p->segment_bytes;
    size_t stride = there + 192, bytes = stride * SEGMENTS - 192;
    p->codes = guarded_map(bytes);
    p->keys = guarded_map(((size_t)p->tokens + 16) * p->shape.head_dim * sizeof(uint16_t));
    p->segments = (struct kvr_segments){.base = p->codes.end - bytes, .stride_bytes = stride,
                                        .order = order, .count = SEGMENTS, .tokens = p->tokens,
                                        .fold_bytes = p->fold_bytes};
    for (uint32_t slot = 0; slot < SEGMENTS; slot++)
        fill_codes(format, &p->shape, fill, p->codes.end - bytes + slot * stride, there, &random);
    for (size_t a = 0; a < COUNT(aheads); a++) {
        p->segments.ahead_segments = aheads[a].segments;
        p->segments.ahead_bytes = aheads[a].bytes;
        for (uint32_t i = 0; i < SEGMENTS; i++)
            check_segment(p, i, (int)(a + i) % 2);
        check_segment(p, 0, (int)(a + 1) % 2);
    }
    guarded_unmap(&p->codes);
    guarded_unmap(&p->keys);
}

static void check_step(const void *argument)
{
    const struct kvr_dequantise_step *step = argument;
    const uint32_t group = is_grouped(step->format) ? 32 : 0;
    for (size_t n = 0; n < COUNT(head_dims); n++) {
        if (group && head_dims[n] % group)
            continue;
        for (size_t t = 0; t < COUNT(token_counts); t++) {
            struct problem p = {.step = step, .tokens = token_counts[t],
                                .shape = {.head_dim = head_dims[n], .group = group}};
            for (size_t s = 0; s < (group || t % 3 ? 1 : COUNT(scales)); s++) {
                p.scale = scales[s];
                check_problem(&p, FILL_RANDOM);
            }
            p.scale = scales[0];
            for (unsigned fill = 0; fill < FILL_COUNT; fill++)
                check_problem(&p, (enum fill)fill);
            p.fold_bytes = 2 * step->format->segment_bytes(&p.shape, 16);
            if (p.tokens > 32)
                check_problem(&p, FILL_RANDOM);
        }
    }
}

static void every_step(void **state)
{
    struct kvr_isa_info isa;
    size_t count, tested = 0;
    const struct kvr_dequantise_step *const *steps = kvr_dequantise_steps(&count);
    (void)state;
    kvr_isa_detect(&isa);
    for (size_t i = 0; i < count; i++) {
        if (steps[i]->isa & ~isa.usable) {
            print_message("%s@%s: not on this host\n", steps[i]->format->name,
                          steps[i]->isa_name);
            continue;
        }
        with_and_without_denormals(check_step, steps[i]);
        tested++;
    }
    assert_true(tested >= 3);
}

static void the_list(void **state)
{
    static const struct kvr_format *const formats[] = {&kvr_format_affine8, &kvr_format_affine4,
                                                       &kvr_format_affine4g};
    size_t count;
    const struct kvr_dequantise_step *const *steps = kvr_dequantise_steps(&count);
    (void)state;
    for (size_t f = 0; f < COUNT(formats); f++) {
        size_t scalar = 0;
        for (size_t i = 0; i < count; i++)
            scalar += steps[i]->format == formats[f] && steps[i]->isa == 0;
        assert_int_equal(scalar, 1); /* on every machine */
    }
    for (size_t i = 0; i < count; i++)
        assert_int_equal(steps[i]->isa == 0, strcmp(steps[i]->isa_name, "scalar") == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_step), cmocka_unit_test(the_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
