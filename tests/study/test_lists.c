/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Segment lists: which segment of memory each place of a list names, for layouts, parts, pages,
 * heads in turns, what lies beside the keys, and codebooks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/formats.h"
#include "src/study/lists.h"

enum { D = 64, KEY_BYTES = 2 * D };

static unsigned char memory[1];

static struct kvr_lists_request request(const struct kvr_shape *shape, uint32_t part,
                                        uint64_t heads)
{
    return (struct kvr_lists_request){.base = memory,
                                      .bytes = heads * shape->tokens * KEY_BYTES,
                                      .format = &kvr_format_dense_f16,
                                      .shape = shape,
                                      .part_tokens = part,
                                      .threads = 1,
                                      .seed = 7};
}

/* Every segment of memory exactly once. */
static void check_permutation(const struct kvr_lists *lists, unsigned thread)
{
    uint32_t count = lists->counts[thread];
    unsigned char *seen = calloc(lists->heads * lists->parts, 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = lists->orders[thread][i];
        assert_true(at < lists->heads * lists->parts);
        assert_int_equal(seen[at]++, 0);
    }
    free(seen);
}

static void heads_in_turns(void **state)
{
    (void)state;
    const struct kvr_shape shape = {.head_dim = D, .tokens = 64, .queries = 1};
    struct kvr_lists_request r = request(&shape, 16, 5);
    struct kvr_lists lists;
    r.interleave = 2;
    assert_int_equal(kvr_lists_build(&r, &lists), 0);
    /* heads 0 and 1 part by part, then 2 and 3, then 4 alone */
    static const uint32_t expected[] = {0, 4, 1, 5,  2,  6,  3,  7,  8,  12,
                                        9, 13, 10, 14, 11, 15, 16, 17, 18, 19};
    assert_int_equal(lists.counts[0], 20);
    assert_memory_equal(lists.orders[0], expected, sizeof expected);
    kvr_lists_free(&lists);
}

static void pages_lie_anywhere(void **state)
{
    (void)state;
    const struct kvr_shape shape = {.head_dim = D, .tokens = 100, .queries = 1};
    struct kvr_lists_request r = request(&shape, 16, 9);
    struct kvr_lists lists;
    uint32_t in_place = 0;
    r.bytes = 9 * 7 * 16 * KEY_BYTES;
    r.paged = true;
    assert_int_equal(kvr_lists_build(&r, &lists), 0);
    assert_int_equal(lists.parts, 7); /* the last page of a head holds 4 keys */
    assert_int_equal(lists.last_tokens, 4);
    assert_true(lists.keys_per_segment == 100 / 7.);
    assert_int_equal(kvr_lists_keys(&lists), 900);
    check_permutation(&lists, 0);
    for (uint32_t i = 1; i < lists.counts[0]; i++)
        in_place += lists.orders[0][i] == lists.orders[0][i - 1] + 1;
    assert_true(in_place < 10); /* of 62 neighbours */
    kvr_lists_free(&lists);
}

/* Of a head whose parts do not divide it the last one is short, at its place in the list and in
 * what is read of it. */
static void the_last_part_is_as_long_as_it_is(void **state)
{
    (void)state;
    const struct kvr_shape shape = {.head_dim = D, .tokens = 100, .queries = 1};
    struct kvr_lists_request r = request(&shape, 64, 4);
    struct kvr_lists lists, rows;
    r.bytes = 4 * 2 * 64 * KEY_BYTES;
    assert_int_equal(kvr_lists_build(&r, &lists), 0);
    assert_int_equal(lists.parts, 2);
    assert_int_equal(kvr_lists_tokens_at(&lists, 0), 64);
    assert_int_equal(kvr_lists_tokens_at(&lists, 5), 36);
    assert_int_equal(kvr_lists_bytes_at(&lists, 4), 64 * KEY_BYTES);
    assert_int_equal(kvr_lists_bytes_at(&lists, 5), 48 * KEY_BYTES); /* blocks of 16 keys */
    assert_true(kvr_lists_head_bytes(&lists) == 112 * KEY_BYTES);
    assert_true(kvr_lists_segment_keys(&lists) == 50);
    assert_int_equal(kvr_lists_beside(&lists, memory, &kvr_format_dense_f16, &shape, &rows), 0);
    assert_int_equal(kvr_lists_bytes_at(&rows, 7), 48 * KEY_BYTES);
    kvr_lists_free(&rows);
    kvr_lists_free(&lists);
}

static void more_than_keys_leaves_fewer_heads(void **state)
{
    (void)state;
    const struct kvr_shape shape = {.head_dim = D, .tokens = 64, .queries = 1};
    struct kvr_lists_request r = request(&shape, 64, 10);
    struct kvr_lists lists;
    r.more_head_bytes = (uint64_t)64 * KEY_BYTES; /* as much again: values */
    assert_int_equal(kvr_lists_build(&r, &lists), 0);
    assert_int_equal(lists.heads, 5);
    kvr_lists_free(&lists);
}

static void beside_the_keys(void **state)
{
    (void)state;
    const struct kvr_shape shape = {.head_dim = D, .tokens = 64, .queries = 1};
    struct kvr_lists_request r = request(&shape, 32, 6);
    struct kvr_lists keys, rows;
    r.threads = 2;
    r.shuffled = true;
    assert_int_equal(kvr_lists_build(&r, &keys), 0);
    const struct kvr_shape wide = {.head_dim = 2 * D, .queries = 1};
    assert_int_equal(kvr_lists_beside(&keys, memory + 1, &kvr_format_dense_f16, &wide, &rows), 0);
    for (unsigned t = 0; t < 2; t++) {
        assert_int_equal(rows.counts[t], keys.counts[t]);
        assert_memory_equal(rows.orders[t], keys.orders[t], rows.counts[t] * sizeof(uint32_t));
        assert_int_equal(rows.segments[t].stride_bytes, 32 * 2 * KEY_BYTES);
        assert_ptr_equal(rows.segments[t].base, memory + 1);
    }
    kvr_lists_free(&rows);
    kvr_lists_free(&keys);
}

static void codebooks_for_batches(void **state)
{
    (void)state;
    const struct kvr_shape shape = {.head_dim = D, .tokens = 64, .queries = 1};
    struct kvr_lists_request r = request(&shape, 32, 12);
    struct kvr_lists keys, books;
    r.threads = 2;
    assert_int_equal(kvr_lists_build(&r, &keys), 0);
    /* 6 heads a thread, 4 share a codebook: 2 each, and no two threads share one */
    assert_int_equal(kvr_lists_codebooks(&keys, memory, 4096, 4, false, 3, &books), 0);
    assert_int_equal(books.heads, 4);
    assert_true(books.keys_per_segment == 256);
    unsigned seen = 0;
    for (unsigned t = 0; t < 2; t++)
        for (uint32_t i = 0; i < books.counts[t]; i++) {
            assert_int_equal(books.orders[t][i] / 2, t);
            seen |= 1u << books.orders[t][i];
        }
    assert_int_equal(seen, 15);
    kvr_lists_free(&books);
    assert_int_equal(kvr_lists_codebooks(&keys, memory, 4096, 1, true, 3, &books), 0);
    for (uint32_t i = 0; i < books.counts[1]; i++)
        assert_int_equal(books.orders[1][i], 0); /* one hot codebook */
    kvr_lists_free(&books);
    kvr_lists_free(&keys);
}

/* Keys in float16 behind the groups make a head's last page the largest: 3 pages of a group, 768
 * bytes at 2 bits, and 4 keys in 64 lines. Heads lie close; places count in the greatest common
 * divisor; only a head's last page has a residual. */
static void a_residual_makes_the_last_page_the_largest(void **state)
{
    (void)state;
    enum { GROUP = 768, LINES = 4096, HEAD = 3 * GROUP + LINES, UNIT = 256, HEADS = 50 };
    const struct kvr_shape shape = {.head_dim = D, .tokens = 100, .queries = 1, .group = 32};
    struct kvr_lists_request r = request(&shape, 32, 0);
    struct kvr_lists lists, rows;
    uint8_t seen[HEADS * HEAD / UNIT] = {0};
    r.format = &kvr_format_channel2;
    r.bytes = HEADS * HEAD + UNIT;
    r.paged = true;
    assert_int_equal(kvr_lists_build(&r, &lists), 0);
    assert_int_equal(lists.heads, HEADS);
    assert_int_equal(lists.head_bytes, HEAD);
    assert_int_equal(lists.segments[0].stride_bytes, UNIT);
    assert_int_equal(kvr_lists_memory_bytes(&lists), HEADS * HEAD);
    assert_true(kvr_lists_head_bytes(&lists) == HEAD && kvr_lists_mean_bytes(&lists) == HEAD / 4.);
    const struct kvr_shape dense = {.head_dim = D, .queries = 1};
    assert_int_equal(kvr_lists_beside(&lists, memory, &kvr_format_dense_f16, &dense, &rows), 0);
    uint32_t in_place = 0;
    for (uint32_t i = 0; i < lists.counts[0]; i++) {
        const uint32_t place = lists.orders[0][i], head = place / (HEAD / UNIT);
        const uint32_t part = place % (HEAD / UNIT) / (GROUP / UNIT);
        assert_int_equal(seen[place]++, 0);
        assert_int_equal(place % (HEAD / UNIT) % (GROUP / UNIT), 0);
        assert_int_equal(part == 3, i % 4 == 3);
        assert_int_equal(kvr_lists_bytes_at(&lists, i), i % 4 == 3 ? LINES : GROUP);
        assert_int_equal(kvr_lists_tokens_at(&lists, i), i % 4 == 3 ? 4 : 32);
        assert_int_equal(rows.orders[0][i], 4 * head + part); /* rows have pages of one size */
        in_place += i && place == lists.orders[0][i - 1] + GROUP / UNIT;
    }
    assert_true(in_place < 20);
    kvr_lists_free(&rows);
    kvr_lists_free(&lists);
}

/* C's list has as many whole parts to one with a residual as a head has, all within the fold. */
static void a_fold_has_its_share_of_residuals(void **state)
{
    (void)state;
    const struct kvr_shape shape = {.head_dim = D, .tokens = 300, .queries = 1, .group = 32};
    struct kvr_lists_request r = request(&shape, 128, 3);
    struct kvr_lists lists, fold;
    r.format = &kvr_format_channel2;
    r.bytes = 3 * (300 * 24 + 4096);
    assert_int_equal(kvr_lists_build(&r, &lists), 0);
    for (unsigned cut = 0; cut < 2; cut++) { /* two parts of 3072 bytes fit, or none */
        const uint64_t fold_bytes = cut ? 2304 : 6144 + 768;
        assert_int_equal(kvr_lists_fold(memory, r.format, &shape, &lists, fold_bytes, 2, &fold), 0);
        for (unsigned t = 0; t < 2; t++) {
            assert_int_equal(fold.counts[t], 3);
            assert_int_equal(fold.segments[t].fold_bytes, fold_bytes);
            assert_int_equal(fold.orders[t][1], !cut);
            assert_int_equal(fold.orders[t][0] + fold.orders[t][2], 0);
        }
        assert_int_equal(kvr_lists_tokens_at(&fold, 2), 44);
        assert_int_equal(kvr_lists_bytes_at(&fold, 2), 768 + 4096);
        assert_true(kvr_lists_segment_keys(&fold) == 100);
        kvr_lists_free(&fold);
    }
    kvr_lists_free(&lists);
}

/* A plain list of one segment a thread becomes a fold of about a megabyte a call; no other does. */
static void a_small_set_is_repeated(void **state)
{
    struct kvr_lists lists;
    (void)state;
    assert_int_equal(kvr_lists_plain(memory, 12288, 6144, 2, &lists), 0);
    assert_true(kvr_lists_repeat(&lists));
    assert_int_equal(lists.segment_bytes, KVR_REPEAT_BYTES / 6144 * 6144);
    assert_int_equal(kvr_lists_keys(&lists), 2 * lists.segment_bytes / 64);
    for (unsigned t = 0; t < 2; t++) {
        const struct kvr_segments *s = &lists.segments[t];
        assert_int_equal(s->fold_bytes, 6144);
        assert_int_equal(s->stride_bytes * s->order[0], 6144 * t);
        assert_int_equal(kvr_lists_bytes_at(&lists, 0), lists.segment_bytes);
    }
    kvr_lists_free(&lists);
    static const struct {
        uint64_t bytes;
        size_t segment_bytes;
    } others[] = {{8192, 4096}, {6336, 6336}, {KVR_REPEAT_BYTES, KVR_REPEAT_BYTES}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size_t segment_bytes = others[i].segment_bytes;
        assert_int_equal(kvr_lists_plain(memory, others[i].bytes, segment_bytes, 1, &lists), 0);
        assert_false(kvr_lists_repeat(&lists));
        assert_int_equal(lists.segment_bytes, segment_bytes);
        assert_int_equal(lists.segments[0].fold_bytes, 0);
        kvr_lists_free(&lists);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_in_turns),
        cmocka_unit_test(pages_lie_anywhere),
        cmocka_unit_test(the_last_part_is_as_long_as_it_is),
        cmocka_unit_test(more_than_keys_leaves_fewer_heads),
        cmocka_unit_test(beside_the_keys),
        cmocka_unit_test(codebooks_for_batches),
        cmocka_unit_test(a_residual_makes_the_last_page_the_largest),
        cmocka_unit_test(a_fold_has_its_share_of_residuals),
        cmocka_unit_test(a_small_set_is_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
