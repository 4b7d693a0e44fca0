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

#define AT(member) offsetof(struct kvr_result, member)
enum { MOST = 8 };

/* Which fields a flag lets differ; the last is of those that always count. 0 ends a list: it is the
 * name, which never counts. */
static const struct {
    unsigned but;
    size_t fields[MOST];
} lists[] = {
    {KVR_BUT_KERNEL, {AT(variant), AT(isa), AT(table)}},
    {KVR_BUT_FORMAT, {AT(codec), AT(codebook), AT(codebook_residency), AT(subspaces), AT(entries),
                      AT(group)}},
    {KVR_BUT_OP, {AT(op), AT(codebook), AT(codebook_residency)}},
    {KVR_BUT_LEVEL, {AT(level), AT(working_set_bytes)}},
    {KVR_BUT_THREADS, {AT(threads), AT(working_set_bytes)}},
    {KVR_BUT_SHAPE, {AT(head_dim), AT(subspaces)}},
    {KVR_BUT_TOKENS, {AT(tokens)}},
    {KVR_BUT_SHARING, {AT(group_queries), AT(batch)}},
    {KVR_BUT_PLACE, {AT(working_set_bytes)}},
    {0, {AT(layout), AT(pages), AT(mem), AT(evict_bytes)}},
};
enum { LISTS = sizeof lists / sizeof *lists };

static bool may_differ(size_t list, size_t field)
{
    for (size_t i = 0; lists[list].but && lists[list].fields[i]; i++)
        if (lists[list].fields[i] == field)
            return true;
    return false;
}

static void test_every_field(void **state)
{
    static struct kvr_result a, b;
    (void)state;
    assert_int_equal(AT(name), 0);
    kvr_result_init(&a);
    for (size_t from = 0; from < LISTS; from++)
        for (size_t i = 0; lists[from].fields[i]; i++) {
            size_t field = lists[from].fields[i];
            b = a;
            assert_true(kvr_alike(&a, &b, 0));
            *((char *)&b + field) = 'x';
            assert_false(kvr_alike(&a, &b, 0));
            for (size_t n = 0; n < LISTS; n++)
                if (kvr_alike(&a, &b, lists[n].but) != may_differ(n, field))
                    fail_msg("field at %zu, flag %u", field, lists[n].but);
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
