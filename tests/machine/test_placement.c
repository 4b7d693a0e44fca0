/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which node pages are wanted on, who touches them, and what move_pages says: on a host that may
 * have one node, said to have a second one. What is wanted there can only be misplaced.
 */
#include "support.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../src/machine/memory.h"
#include "../skips.h"

enum { MIB = 1 << 20, ELSEWHERE = 1000 };

static void load_two_nodes(struct kvr_machine *machine)
{
    const char *why = "";
    if (kvr_machine_load(machine, NULL, &why))
        fail_msg("%s", why);
    machine->node_count = 2;
    machine->nodes[1] = machine->nodes[0];
    machine->nodes[1].os_index = ELSEWHERE; /* no meminfo: the struct's figures count */
    machine->nodes[0].free_bytes = machine->nodes[1].free_bytes = UINT64_C(1) << 40;
}

static void map(const struct kvr_machine *machine, enum kvr_pages pages, size_t bytes,
                struct kvr_memory *memory)
{
    const struct kvr_memory_request request = {.bytes = bytes, .pages = pages};
    const char *why = "";
    int rc = kvr_memory_map(machine, &request, memory, &why);
    if (rc)
        fail_msg("map: %d %s", rc, why);
}

static struct kvr_placement prove(const struct kvr_machine *machine,
                                  const struct kvr_memory *memory)
{
    struct kvr_placement placement = {0};
    kvr_memory_prove(machine, memory, memory->bytes, &placement);
    return placement;
}

static void pages_that_lie_elsewhere_are_found(void **state)
{
    (void)state;
    static struct kvr_machine machine;
    struct kvr_memory memory;
    load_two_nodes(&machine);
    uint32_t here = machine.nodes[0].os_index;
    uint64_t pages = 8 * MIB / (size_t)sysconf(_SC_PAGESIZE);
    map(&machine, KVR_PAGES_THP, 8 * MIB, &memory);
    assert_true(memory.by_touch);
    assert_int_equal(memory.unit_count, 4);
    struct kvr_placement before = prove(&machine, &memory);
    if (before.error)
        SKIP_BECAUSE("move_pages is refused here");
    assert_int_equal(before.untouched, pages); /* nothing there is not the same as in place */
    assert_int_equal(before.placed, 0);
    assert_int_equal(kvr_memory_want(&memory, 0, 3, here), 3);
    assert_int_equal(kvr_memory_want(&memory, 3, 1, ELSEWHERE), 1);
    kvr_memory_touch(&memory, 0, 4);
    struct kvr_placement p = prove(&machine, &memory);
    assert_int_equal(p.pages, pages);
    assert_int_equal(p.checked, pages);
    assert_int_equal(p.placed, pages / 4 * 3);
    assert_int_equal(p.on_node[0], pages);
    assert_int_equal(p.on_node[1], 0);
    assert_int_equal(p.untouched, 0);
    kvr_memory_unmap(&memory);
}

/* What is wanted where it is keeps its content; what is not is given back and touched anew. */
static void only_what_moves_is_given_back(void **state)
{
    (void)state;
    static struct kvr_machine machine;
    struct kvr_memory memory;
    load_two_nodes(&machine);
    uint32_t here = machine.nodes[0].os_index;
    map(&machine, KVR_PAGES_4K, 4 * MIB, &memory);
    size_t half = memory.unit_count / 2, page = memory.unit_bytes;
    kvr_memory_want(&memory, 0, memory.unit_count, here);
    kvr_memory_touch(&memory, 0, memory.unit_count);
    memset(memory.base, 7, memory.bytes);
    assert_int_equal(kvr_memory_want(&memory, 0, memory.unit_count, here), 0);
    assert_int_equal(kvr_memory_want(&memory, half, 2, ELSEWHERE), 2);
    assert_false(memory.units[half].touched);
    kvr_memory_touch(&memory, 0, memory.unit_count);
    assert_int_equal(memory.base[half * page - 1], 7);
    assert_int_not_equal(memory.base[half * page], 7);
    assert_int_not_equal(memory.base[(half + 2) * page - 1], 7);
    assert_int_equal(memory.base[(half + 2) * page], 7);
    assert_true(memory.units[half].touched);
    kvr_memory_unmap(&memory);
}

static void a_full_node_is_refused_before_the_touch(void **state)
{
    (void)state;
    static struct kvr_machine machine;
    struct kvr_memory memory;
    const char *why = "";
    load_two_nodes(&machine);
    map(&machine, KVR_PAGES_4K, 4 * MIB, &memory);
    kvr_memory_want(&memory, 0, memory.unit_count / 2, ELSEWHERE);
    machine.nodes[1].free_bytes = 2 * MIB;
    assert_int_equal(kvr_memory_room(&machine, &memory, &why), 0);
    machine.nodes[1].free_bytes = 2 * MIB - 1;
    assert_int_equal(kvr_memory_room(&machine, &memory, &why), -ENOMEM);
    assert_non_null(strstr(why, "node 1000 has 1 MiB free, 2 MiB are needed there"));
    kvr_memory_touch(&memory, 0, memory.unit_count / 2); /* touched memory needs no more room */
    assert_int_equal(kvr_memory_room(&machine, &memory, &why), 0);
    kvr_memory_unmap(&memory);
}

static void above_1_gib_a_sample_is_checked(void **state)
{
    (void)state;
    static struct kvr_machine machine;
    struct kvr_memory memory = {.pages = KVR_PAGES_4K};
    load_two_nodes(&machine);
    if (kvr_machine_usable_bytes(&machine) < UINT64_C(3) << 30)
        SKIP_BECAUSE("3 GiB of address space are refused here");
    map(&machine, KVR_PAGES_4K, (size_t)3 << 30, &memory); /* not touched */
    struct kvr_placement p = prove(&machine, &memory);
    assert_int_equal(p.pages, ((uint64_t)3 << 30) / memory.unit_bytes);
    assert_true(p.error || (p.checked > p.pages / 4 && p.checked <= p.pages / 3 + 1));
    assert_int_equal(p.placed, 0);
    kvr_memory_unmap(&memory);
}

static void a_refused_move_pages_is_told(void **state)
{
    (void)state;
    static struct kvr_machine machine;
    struct kvr_memory memory;
    load_two_nodes(&machine);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!forbid_call(SYS_move_pages))
            _exit(CHILD_BLOCKED);
        map(&machine, KVR_PAGES_4K, 4 * MIB, &memory);
        kvr_memory_touch(&memory, 0, memory.unit_count);
        struct kvr_placement p = prove(&machine, &memory);
        _exit(p.error == EPERM && p.placed == 0 ? 0 : 1);
    }
    if (!child_is_content(child))
        SKIP_BECAUSE("seccomp is not available here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_that_lie_elsewhere_are_found),
        cmocka_unit_test(only_what_moves_is_given_back),
        cmocka_unit_test(a_full_node_is_refused_before_the_touch),
        cmocka_unit_test(above_1_gib_a_sample_is_checked),
        cmocka_unit_test(a_refused_move_pages_is_told),
    };
    return exit_code(cmocka_run_group_tests(tests, NULL, NULL));
}
