/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pages: sizes, alignment, what smaps says, refusals.
 */
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/machine/files.h"
#include "../../src/machine/memory.h"
#include "../skips.h"

enum { MIB = 1 << 20 };

static struct kvr_machine machine;

static int setup(void **state)
{
    (void)state;
    const char *why = "";
    return kvr_machine_load(&machine, NULL, &why);
}

static int map(size_t bytes, enum kvr_pages pages, struct kvr_memory *memory, const char **why)
{
    const struct kvr_memory_request request = {.bytes = bytes, .pages = pages};
    return kvr_memory_map(&machine, &request, memory, why);
}

static void map_or_fail(size_t bytes, enum kvr_pages pages, struct kvr_memory *memory)
{
    const char *why = "";
    int rc = map(bytes, pages, memory, &why);
    if (rc)
        fail_msg("map: %d %s", rc, why);
    assert_int_equal((uintptr_t)memory->base % (2 * MIB), 0);
    assert_true(memory->bytes >= bytes);
    assert_int_equal(memory->pages, pages);
}

static void base_pages(void **state)
{
    (void)state;
    struct kvr_memory memory;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    map_or_fail(8 * MIB + 1, KVR_PAGES_4K, &memory);
    assert_int_equal(memory.bytes, 8 * MIB + page);
    for (size_t i = 0; i < memory.bytes; i += page)
        assert_int_equal(memory.base[i], 0);
    memset(memory.base, 1, memory.bytes);
    assert_int_equal(kvr_memory_huge_bytes(&machine, &memory), 0);
    kvr_memory_unmap(&memory);
    assert_null(memory.base);
    kvr_memory_unmap(&memory); /* harmless */
}

static void transparent_huge_pages(void **state)
{
    (void)state;
    struct kvr_memory first, second;
    if (machine.thp[0] == '\0' || strcmp(machine.thp, "never") == 0)
        SKIP_BECAUSE("transparent huge pages are off here");
    map_or_fail(16 * MIB, KVR_PAGES_THP, &first);
    map_or_fail(16 * MIB, KVR_PAGES_THP, &second);
    assert_int_equal(kvr_memory_huge_bytes(&machine, &first), 0); /* not touched */
    memset(first.base, 1, first.bytes);
    int64_t huge = kvr_memory_huge_bytes(&machine, &first);
    assert_true(huge > 0 && huge <= (int64_t)first.bytes);
    assert_int_equal(huge % (2 * MIB), 0);
    /* A neighbour's huge pages are not counted for the other. */
    assert_int_equal(kvr_memory_huge_bytes(&machine, &second), 0);
    kvr_memory_unmap(&first);
    kvr_memory_unmap(&second);
}

/* Pages of the pool, or a refusal that says how to get some. */
static void check_pool(enum kvr_pages pages, size_t page_bytes)
{
    struct kvr_memory memory = {.base = (unsigned char *)1};
    const char *why = "";
    int rc = map(page_bytes, pages, &memory, &why);
    if (rc == 0) {
        assert_int_equal((uintptr_t)memory.base % page_bytes, 0);
        assert_int_equal(memory.bytes, page_bytes);
        memory.base[0] = 1;
        assert_int_equal(kvr_memory_huge_bytes(&machine, &memory), page_bytes);
        kvr_memory_unmap(&memory);
    } else {
        assert_int_equal(rc, -ENOMEM);
        assert_null(memory.base);
        assert_true(strstr(why, "nr_hugepages") || strstr(why, "no pool"));
    }
    rc = map((size_t)1 << 40, pages, &memory, &why); /* more than any pool holds */
    assert_int_equal(rc, -ENOMEM);
    assert_null(memory.base);
}

static void pool_pages(void **state)
{
    (void)state;
    check_pool(KVR_PAGES_2M, (size_t)2 * MIB);
    check_pool(KVR_PAGES_1G, (size_t)1024 * MIB);
}

/* A read beside the memory ends the reader: whole mappings are apart. */
static void guards_surround_the_memory(void **state)
{
    (void)state;
    struct kvr_memory memory;
    map_or_fail(2 * MIB, KVR_PAGES_4K, &memory);
    const volatile unsigned char *outside[] = {memory.base - 1, memory.base + memory.bytes};
    for (size_t i = 0; i < 2; i++) {
        int status = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            signal(SIGSEGV, SIG_DFL); /* not the test runner's, nor a sanitizer's */
            (void)*outside[i];
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    kvr_memory_unmap(&memory);
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    struct kvr_memory memory;
    const char *why = NULL;
    assert_int_equal(map(0, KVR_PAGES_4K, &memory, &why), -EINVAL);
    assert_int_equal(map(SIZE_MAX, KVR_PAGES_THP, &memory, &why), -ENOMEM);
    size_t usable = kvr_machine_usable_bytes(&machine);
    assert_int_equal(map(usable + 1, KVR_PAGES_4K, &memory, &why), -ENOMEM);
    assert_non_null(strstr(why, "available"));
    assert_null(memory.base);
}

/* Recorded smaps: only mappings that cover the range count, and no more than they cover. */
static void smaps_is_clipped_to_the_range(void **state)
{
    (void)state;
    char *root = root_make();
    static struct kvr_machine recorded;
    struct kvr_memory memory = {.base = (unsigned char *)0x10000000, .bytes = 8 * MIB};
    strcpy(recorded.root, root);
    assert_int_equal(kvr_memory_huge_bytes(&recorded, &memory), -1);
    root_put(root, "/proc/self/smaps",
             "0f800000-0fc00000 rw-p 00000000 00:00 0 \nAnonHugePages:      4096 kB\n"
             "0fe00000-10200000 rw-p 00000000 00:00 0 \nAnonHugePages:      4096 kB\n"
             "VmFlags: rd wr\n"
             "10200000-10600000 rw-p 00000000 00:00 0 \nAnonymous:  4096 kB\n"
             "AnonHugePages:      2048 kB\n"
             "10600000-10800000 rw-p 00000000 00:00 0 /anon_hugepage (deleted)\n"
             "Shared_Hugetlb:        0 kB\nPrivate_Hugetlb:    2048 kB\n"
             "10800000-10a00000 rw-p 00000000 00:00 0 \nAnonHugePages:      2048 kB\n");
    assert_int_equal(kvr_memory_huge_bytes(&recorded, &memory), 6 * MIB);
    root_put(root, "/proc/self/smaps", "garbage\nAnonHugePages: many\n");
    assert_int_equal(kvr_memory_huge_bytes(&recorded, &memory), 0);
    root_remove(root);
}

static void names(void **state)
{
    (void)state;
    static const char *const pages_names[] = {"4k", "thp", "2m", "1g"};
    static const char *const bad[] = {"", "node", "node:", "node:-1", "node:1x", "node: 1",
                                      "node:99999999999", "Local", "interleave:0"};
    enum kvr_pages pages;
    enum kvr_mem_policy policy;
    uint32_t node = 99;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(kvr_pages_parse(pages_names[i], &pages), 0);
        assert_int_equal(pages, i);
        assert_string_equal(kvr_pages_name(pages), pages_names[i]);
    }
    assert_int_equal(kvr_pages_parse("4K", &pages), -EINVAL);
    assert_int_equal(kvr_pages_parse("", &pages), -EINVAL);
    assert_int_equal(kvr_mem_policy_parse("local", &policy, &node), 0);
    assert_int_equal(policy, KVR_MEM_LOCAL);
    assert_int_equal(kvr_mem_policy_parse("node:12", &policy, &node), 0);
    assert_int_equal(policy, KVR_MEM_NODE);
    assert_int_equal(node, 12);
    assert_int_equal(kvr_mem_policy_parse("interleave", &policy, &node), 0);
    assert_int_equal(policy, KVR_MEM_INTERLEAVE);
    assert_int_equal(kvr_mem_policy_parse("first-touch", &policy, &node), 0);
    assert_int_equal(policy, KVR_MEM_FIRST_TOUCH);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(kvr_mem_policy_parse(bad[i], &policy, &node), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_pages),
        cmocka_unit_test(transparent_huge_pages),
        cmocka_unit_test(pool_pages),
        cmocka_unit_test(guards_surround_the_memory),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(smaps_is_clipped_to_the_range),
        cmocka_unit_test(names),
    };
    return exit_code(cmocka_run_group_tests(tests, setup, NULL));
}
