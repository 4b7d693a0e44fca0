/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Heads that end in a residual, as an arena is filled with them: every head has float16 keys of its
 * own behind its groups, kernels score all of them, and a wrong score there is found.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/formats.h"
#include "src/data/keyset.h"
#include "src/machine/isa.h"
#include "src/study/lists.h"
#include "src/study/material.h"
#include "src/study/verify.h"

enum { D = 64, HEADS = 5 };

static struct kvr_isa_info isa;
static struct kvr_keyset set;

struct place {
    struct kvr_material material;
    struct kvr_shape shape;
    struct kvr_lists lists;
    unsigned char *arena;
    void *prepared;
};

static void place_open(struct place *p, const char *codec, uint32_t tokens, uint32_t residual,
                       uint32_t part)
{
    const struct kvr_squat_settings squat = {0};
    *p = (struct place){.shape = {.head_dim = D, .tokens = tokens, .heads = HEADS, .queries = 1,
                                  .group = 32, .residual = residual}};
    assert_int_equal(kvr_material_make(kvr_codec_find(codec), &p->shape, &set, &squat, 1,
                                       &p->material), 0);
    const struct kvr_format *format = p->material.codec->formats[0];
    struct kvr_lists_request r = {.format = format, .shape = &p->shape, .heads = HEADS,
                                  .part_tokens = part, .threads = 1, .paged = part < tokens,
                                  .seed = 3};
    assert_int_equal(kvr_lists_build(&r, &p->lists), 0);
    const uint64_t bytes = kvr_lists_memory_bytes(&p->lists);
    const uint32_t keys = kvr_residual_keys(format, &p->shape, tokens);
    const struct kvr_residuals residuals = {
        .head_bytes = p->lists.head_bytes, .keys = keys,
        .coded_bytes = format->segment_bytes(&p->shape, tokens - keys)};
    p->arena = aligned_alloc(64, bytes);
    assert_non_null(p->arena);
    memset(p->arena, 0xff, bytes); /* NaN, wherever nothing is put */
    assert_int_equal(kvr_material_fill_heads(&p->material, p->arena, HEADS, &residuals), 0);
    p->prepared = kvr_material_prepare(&p->material, format);
}

static void place_close(struct place *p)
{
    kvr_lists_free(&p->lists);
    kvr_material_free(&p->material);
    free(p->arena);
    free(p->prepared);
}

/* Is it a key of the set as float16? */
static bool is_a_key(const float *key)
{
    for (size_t t = 0; t < set.tokens; t++) {
        size_t c = 0;
        while (c < D && kvr_half_to_float(kvr_float_to_half(set.keys[t * D + c])) == key[c])
            c++;
        if (c == D)
            return true;
    }
    return false;
}

/* The last segment of each head, by the list: its residual is of keys, and not the other's. */
static void check_residuals(const struct place *p, uint32_t keys)
{
    const struct kvr_lists *l = &p->lists;
    float *last = calloc(l->tokens * D, sizeof *last), *before = calloc(keys * D, sizeof *before);
    for (uint32_t i = l->parts - 1; i < l->counts[0]; i += l->parts) {
        const uint32_t tokens = kvr_lists_tokens_at(l, i);
        const float *residual = last + (tokens - keys) * D;
        p->material.codec->decode(&p->shape, p->material.side,
                                  p->arena + l->stride_bytes * l->orders[0][i], tokens, last);
        for (uint32_t k = 0; k < keys; k++)
            assert_true(is_a_key(residual + k * D));
        assert_memory_not_equal(residual, before, keys * D * sizeof *before);
        memcpy(before, residual, keys * D * sizeof *before);
    }
    free(last);
    free(before);
}

static const struct kvr_kernel *honest;

static void last_score_too_large(const struct kvr_shape *shape, const struct kvr_segments *segments,
                                 uint32_t i, const void *side, const void *prepared, float *scores)
{
    honest->score(shape, segments, i, side, prepared, scores);
    scores[segments->tokens - 1] += .25F;
}

/* All segments by every kernel; and by one that is wrong in the residual's last key. */
static size_t check_scores(const struct place *p)
{
    const struct kvr_lists *l = &p->lists;
    const struct kvr_kernel *const *kernels;
    size_t count, tested = 0;
    char error[400] = "";
    kernels = kvr_kernels(&count);
    for (size_t k = 0; k < count; k++) {
        if (kernels[k]->format != p->material.codec->formats[0] || kernels[k]->isa & ~isa.usable)
            continue;
        struct kvr_kernel wrong = *kernels[k];
        honest = kernels[k];
        wrong.score = last_score_too_large;
        for (uint32_t i = 0; i < l->counts[0]; i++) {
            const unsigned char *codes = p->arena + l->stride_bytes * l->orders[0][i];
            const uint32_t tokens = kvr_lists_tokens_at(l, i);
            if (kvr_verify_scores(kernels[k], &p->shape, tokens, codes, p->material.side,
                                  p->prepared, error, sizeof error))
                fail_msg("segment %u: %s", i, error);
            assert_int_equal(kvr_verify_scores(&wrong, &p->shape, tokens, codes, p->material.side,
                                               p->prepared, error, sizeof error), -EDOM);
        }
        tested++;
    }
    return tested;
}

static void heads_end_in_keys_of_their_own(void **state)
{
    static const struct { uint32_t tokens, residual, part, keys; } cases[] = {
        {100, 0, 100, 4}, {100, 0, 32, 4}, {127, 0, 64, 31}, {20, 0, 20, 20},
        {300, 128, 300, 44}, {300, 128, 128, 44}, {255, 128, 128, 127}, {300, 96, 96, 12},
        {100, 256, 100, 100}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t c = 0; c < 3; c++) {
            struct place p;
            place_open(&p, (const char *[]){"kivi2", "squat4", "asymkv1"}[c], cases[i].tokens,
                       cases[i].residual, cases[i].part);
            check_residuals(&p, cases[i].keys);
            assert_true(check_scores(&p) > 0);
            place_close(&p);
        }
    }
}

static int load(void **state)
{
    const struct kvr_keyset_paths built_in = {0};
    char error[512] = "";
    (void)state;
    kvr_isa_detect(&isa);
    if (!kvr_keyset_load(&built_in, D, &set, error, sizeof error))
        return 0;
    print_error("%s\n", error);
    return -1;
}

static int unload(void **state)
{
    (void)state;
    kvr_keyset_free(&set);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(heads_end_in_keys_of_their_own)};
    return cmocka_run_group_tests(tests, load, unload);
}
