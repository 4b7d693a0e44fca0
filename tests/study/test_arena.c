/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is said of where pages lie and of a NUMA matrix.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/study/arena.h"
#include "../../src/study/node_matrix.h"
#include "../skips.h"

static const struct kvr_machine two_nodes = {
    .node_count = 2, .nodes = {{.os_index = 0}, {.os_index = 3}}};

/* The check that these figures make. */
static struct kvr_check told(const struct kvr_memory *memory, const struct kvr_placement *p)
{
    struct kvr_checks checks = {0};
    kvr_placement_check(&checks, &two_nodes, memory, p);
    assert_int_equal(checks.count, 1);
    struct kvr_check check = checks.items[0];
    assert_string_equal(check.id, "placement");
    kvr_checks_free(&checks);
    return check;
}

static void all_in_place(void **state)
{
    (void)state;
    const struct kvr_memory memory = {.policy = KVR_MEM_INTERLEAVE};
    const struct kvr_placement p = {
        .pages = 3000, .checked = 1000, .placed = 1000, .on_node = {500, 500}};
    struct kvr_check check = told(&memory, &p);
    assert_true(kvr_placement_fraction(&memory, &p) == 1);
    assert_int_equal(check.status, KVR_CHECK_OK);
    assert_string_equal(check.value, "1, 1000 of 3000 pages checked");
    assert_non_null(strstr(check.text, "--mem interleave"));
    assert_non_null(strstr(check.text, "0: 500, 3: 500"));
    assert_non_null(strstr(check.text, "sample"));
}

static void one_page_elsewhere_is_a_warning(void **state)
{
    (void)state;
    const struct kvr_memory memory = {.policy = KVR_MEM_NODE, .node = 3};
    const struct kvr_placement p = {
        .pages = 400000, .checked = 400000, .placed = 399999, .on_node = {1, 399999}};
    struct kvr_check check = told(&memory, &p);
    assert_true(kvr_placement_fraction(&memory, &p) < 1);
    assert_int_equal(check.status, KVR_CHECK_WARN);
    assert_null(strstr(check.text, "sample"));
    assert_true(strncmp(check.text, "100 %", 5) != 0);
    assert_true(check.fix[0]);
}

/* What the kernel does not tell is neither right nor wrong. */
static void the_unknown_is_said_to_be(void **state)
{
    (void)state;
    struct kvr_memory memory = {.policy = KVR_MEM_FIRST_TOUCH};
    const struct kvr_placement refused = {.pages = 100, .error = EPERM},
                               empty = {.pages = 100, .checked = 100, .untouched = 100},
                               good = {.pages = 100, .checked = 100, .placed = 100},
                               anywhere = {.pages = 100, .checked = 100, .placed = 100,
                                           .anywhere = 100, .on_node = {60, 40}};
    struct kvr_check check = told(&memory, &refused);
    assert_true(isnan(kvr_placement_fraction(&memory, &refused)));
    assert_int_equal(check.status, KVR_CHECK_UNKNOWN);
    assert_string_equal(check.value, "unknown: EPERM");
    assert_int_equal(told(&memory, &empty).status, KVR_CHECK_UNKNOWN);
    assert_true(isnan(kvr_placement_fraction(&memory, &empty)));
    check = told(&memory, &anywhere);
    assert_int_equal(check.status, KVR_CHECK_INFO);
    assert_non_null(strstr(check.text, "0: 60, 3: 40"));
    assert_true(isnan(kvr_placement_fraction(&memory, &anywhere)));
    memory.policy_error = ENOSYS;
    check = told(&memory, &good);
    assert_int_equal(check.status, KVR_CHECK_UNKNOWN);
    assert_string_equal(check.value, "unknown: ENOSYS");
    assert_true(isnan(kvr_placement_fraction(&memory, &good)));
}

static void pages_that_were_not_got(void **state)
{
    (void)state;
    struct kvr_half half = {.memory.pages = KVR_PAGES_THP, .huge_fraction = 1};
    assert_false(kvr_half_pages_partial(&half));
    half.huge_fraction = .998;
    assert_true(kvr_half_pages_partial(&half));
    half.huge_fraction = NAN;
    assert_false(kvr_half_pages_partial(&half));
    half.memory.pages = KVR_PAGES_4K;
    half.huge_fraction = 0;
    assert_false(kvr_half_pages_partial(&half));
    half.huge_fraction = .01;
    assert_true(kvr_half_pages_partial(&half));
}

static struct kvr_check distances(const struct kvr_numa_cell *cells, size_t count)
{
    struct kvr_checks checks = {0};
    kvr_numa_check_distances(&checks, cells, count);
    assert_int_equal(checks.count, 1);
    struct kvr_check check = checks.items[0];
    kvr_checks_free(&checks);
    return check;
}

static void latencies_against_distances(void **state)
{
    (void)state;
    struct kvr_numa_cell cells[] = {
        {.cpu_node = 0, .mem_node = 0, .latency_ns = 90, .distance = 10},
        {.cpu_node = 0, .mem_node = 1, .latency_ns = 140, .distance = 21},
        {.cpu_node = 0, .mem_node = 2, .latency_ns = 250, .distance = 28},
        {.cpu_node = 1, .mem_node = 0, .latency_ns = 80, .distance = 21}, /* other cores */
    };
    struct kvr_check check = distances(cells, 4);
    assert_int_equal(check.status, KVR_CHECK_OK);
    assert_string_equal(check.value, "3 of 3 pairs agree");
    cells[2].latency_ns = 137; /* within 5 % of the nearer one */
    assert_int_equal(distances(cells, 4).status, KVR_CHECK_OK);
    cells[2].latency_ns = 120;
    check = distances(cells, 4);
    assert_int_equal(check.status, KVR_CHECK_WARN);
    assert_string_equal(check.value, "2 of 3 pairs agree");
    assert_non_null(strstr(check.text, "node 1 (distance 21) answers in 140.0 ns and node 2 (28)"));
    check = distances(cells, 1);
    assert_int_equal(check.status, KVR_CHECK_INFO);
    cells[1].distance = cells[2].distance = 10;
    assert_int_equal(distances(cells, 3).status, KVR_CHECK_INFO);
    cells[0].distance = 0; /* not told */
    cells[1].distance = 21;
    assert_string_equal(distances(cells, 2).value, "0 of 0 pairs agree");
}

enum { MIB = 1 << 20, ELSEWHERE = 1000 };

/* Two threads, the second of which is said to run on another node. */
static void a_half_follows_its_threads(void **state)
{
    (void)state;
    static struct kvr_machine machine;
    static struct kvr_session s;
    struct kvr_half *half = &s.subject;
    const char *why = "";
    char error[240] = "";
    if (kvr_machine_load(&machine, NULL, &why))
        fail_msg("%s", why);
    if (machine.cpu_count < 2)
        SKIP_BECAUSE("one CPU");
    machine.node_count = 2;
    machine.nodes[1] = machine.nodes[0];
    machine.nodes[1].os_index = ELSEWHERE;
    machine.nodes[0].free_bytes = machine.nodes[1].free_bytes = UINT64_C(1) << 40;
    machine.cpus[1].node = ELSEWHERE;
    int16_t here = (int16_t)machine.cpus[0].node;
    const uint32_t cpus[] = {machine.cpus[0].os_index, machine.cpus[1].os_index};
    const struct kvr_memory_request request = {.bytes = 16 * MIB, .pages = KVR_PAGES_THP};
    s = (struct kvr_session){.machine = &machine};
    kvr_clock_real(&s.clock, 1);
    assert_int_equal(kvr_memory_map(&machine, &request, &half->memory, &why), 0);
    assert_int_equal(kvr_session_team_on(&s, cpus, 2), 0);

    assert_int_equal(kvr_half_share(&s, half, 0, 16 * MIB, error, sizeof error), 0);
    for (size_t u = 0; u < 8; u++) {
        assert_int_equal(half->memory.units[u].node, u < 4 ? here : ELSEWHERE);
        assert_true(half->memory.units[u].touched);
    }
    /* A smaller use: the page in which two shares meet goes to the one that has more of it. */
    half->filled_bytes = 16 * MIB;
    assert_int_equal(kvr_half_share(&s, half, 0, 6 * MIB - 65536, error, sizeof error), 0);
    assert_int_equal(half->memory.units[0].node, here);
    assert_int_equal(half->memory.units[1].node, ELSEWHERE);
    assert_int_equal(half->memory.units[2].node, ELSEWHERE);
    assert_int_equal(half->memory.units[3].node, here); /* beyond: as it was */
    assert_int_equal(half->filled_bytes, 0);
    /* What lies beside it begins with the first whole page. */
    half->filled_bytes = 6 * MIB - 65536;
    assert_int_equal(kvr_half_share(&s, half, 6 * MIB - 65536, 4 * MIB, error, sizeof error), 0);
    assert_int_equal(half->memory.units[2].node, ELSEWHERE);
    assert_int_equal(half->memory.units[3].node, here);
    assert_int_equal(half->memory.units[4].node, ELSEWHERE);
    assert_int_equal(half->filled_bytes, 6 * MIB - 65536);
    assert_int_equal(half->used_bytes, 10 * MIB - 65536);
    /* No room there: refused, and nothing is left untouched. */
    machine.nodes[1].free_bytes = 1;
    assert_int_equal(kvr_session_team_on(&s, cpus + 1, 1), 0);
    assert_int_equal(kvr_half_share(&s, half, 0, 16 * MIB, error, sizeof error), -ERANGE);
    assert_non_null(strstr(error, "MiB are needed there"));
    for (size_t u = 0; u < 8; u++)
        assert_true(half->memory.units[u].touched);
    kvr_session_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_in_place),
        cmocka_unit_test(one_page_elsewhere_is_a_warning),
        cmocka_unit_test(the_unknown_is_said_to_be),
        cmocka_unit_test(pages_that_were_not_got),
        cmocka_unit_test(latencies_against_distances),
        cmocka_unit_test(a_half_follows_its_threads),
    };
    return exit_code(cmocka_run_group_tests(tests, NULL, NULL));
}
