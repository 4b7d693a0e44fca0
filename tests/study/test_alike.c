/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether two results are of the same case: every field that tells cases apart counts, unless it is
 * what the comparison is about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "src/study/alike.h"

#define TEXT(member, but) {offsetof(struct kvr_result, member), true, but}
#define NUMBER(member, but) {offsetof(struct kvr_result, member), false, but}

static const struct {
    size_t offset;
    bool text;
    unsigned but; /* any of these lets it differ */
} fields[] = {
    TEXT(codec, KVR_BUT_FORMAT),
    TEXT(variant, KVR_BUT_KERNEL),
    TEXT(isa, KVR_BUT_KERNEL),
    TEXT(table, KVR_BUT_KERNEL),
    TEXT(op, KVR_BUT_OP),
    TEXT(level, KVR_BUT_LEVEL),
    TEXT(layout, 0),
    TEXT(pages, 0),
    TEXT(mem, 0),
    TEXT(codebook, KVR_BUT_FORMAT | KVR_BUT_OP),
    TEXT(codebook_residency, KVR_BUT_FORMAT | KVR_BUT_OP),
    NUMBER(subspaces, KVR_BUT_FORMAT | KVR_BUT_SHAPE),
    NUMBER(entries, KVR_BUT_FORMAT),
    NUMBER(group, KVR_BUT_FORMAT),
    NUMBER(head_dim, KVR_BUT_SHAPE),
    NUMBER(tokens, KVR_BUT_TOKENS),
    NUMBER(threads, KVR_BUT_THREADS),
    NUMBER(group_queries, KVR_BUT_SHARING),
    NUMBER(batch, KVR_BUT_SHARING),
    NUMBER(evict_bytes, 0),
    NUMBER(working_set_bytes, KVR_BUT_PLACE | KVR_BUT_LEVEL | KVR_BUT_THREADS),
};

static void test_every_field(void **state)
{
    static struct kvr_result a, b;
    (void)state;
    kvr_result_init(&a);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        b = a;
        assert_true(kvr_alike(&a, &b, 0));
        *((char *)&b + fields[i].offset) = 'x';
        assert_false(kvr_alike(&a, &b, 0));
        for (unsigned but = 1; but <= KVR_BUT_PLACE; but *= 2)
            if (kvr_alike(&a, &b, but) != ((but & fields[i].but) != 0))
                fail_msg("field %zu, flag %u", i, but);
    }
}

/* What is chosen on the host or measured makes no other case. */
static void test_what_does_not_count(void **state)
{
    static struct kvr_result a, b;
    (void)state;
    kvr_result_init(&a);
    b = a;
    snprintf(b.name, sizeof b.name, "another");
    b.tuning.ahead_segments = 8;
    b.cpus[0] = 3;
    b.result.ns_per_key = 5;
    kvr_result_flag(&b, "noisy");
    assert_true(kvr_alike(&a, &b, 0));
}

static void test_place(void **state)
{
    static struct kvr_result a, b;
    (void)state;
    kvr_result_init(&a);
    b = a;
    b.heads = 9; /* as many bytes are more heads of a smaller format */
    assert_true(kvr_alike(&a, &b, 0));
    snprintf(a.result.basis, sizeof a.result.basis, "equal-tokens");
    assert_false(kvr_same_place(&a, &b));
    snprintf(b.result.basis, sizeof b.result.basis, "equal-tokens");
    assert_false(kvr_same_place(&a, &b)); /* other heads */
    a.heads = 9;
    b.working_set_bytes = 1 << 20;
    assert_true(kvr_same_place(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_what_does_not_count),
        cmocka_unit_test(test_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
