/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the kernel lets this process do, tried one by one on pages of its own and with what is set
 * already, so that nothing changes: numa_available() says yes where a container's filter refuses.
 */
#include <errno.h>
#include <inttypes.h>
#include <numaif.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "files.h"
#include "internal.h"
#include "memory.h"

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

enum { MASK_BITS = 1024, WORD_BITS = 8 * sizeof(unsigned long), PROBE_CPUS = 8192 };

static const size_t huge_bytes = (size_t)2 << 20;

/* A system call that was tried: error is 0 or its errno. With one node its loss matters little. */
static void add_call(const struct kvr_machine *machine, struct kvr_checks *checks, const char *id,
                     int error, const char *works, const char *lost)
{
    bool matters = machine->node_count > 1;
    struct kvr_check *check = kvr_check_add(
        checks, id, !error ? KVR_CHECK_OK : matters ? KVR_CHECK_WARN : KVR_CHECK_INFO, "%s%s",
        error ? lost : works, error && !matters ? ", which matters little with one node" : "");
    SET(check->value, "%s", error ? kvr_errno_name(error) : "works");
    if (error)
        SET(check->fix, "allow it in the container's seccomp profile (docker: --cap-add "
            "SYS_NICE), or start with numactl");
}

/* Whether a page lies where it was asked to: *node gets its node. 0 or an errno. */
static int node_of_page(void *page, int *node)
{
    void *pages[] = {page};
    if (move_pages(0, 1, pages, NULL, node, 0))
        return errno;
    return *node < 0 ? -*node : 0;
}

static void check_place(struct kvr_checks *checks, int bind_error, uint32_t wanted,
                        int place_error, int got)
{
    struct kvr_check *check;
    if (place_error || bind_error) {
        kvr_check_add(checks, "page-place", KVR_CHECK_UNKNOWN, place_error ?
                      "where a page lies cannot be told: move_pages fails (%s)" :
                      "a place for a page cannot be asked for: mbind fails (%s)",
                      kvr_errno_name(place_error ? place_error : bind_error));
        return;
    }
    bool there = (uint32_t)got == wanted;
    check = kvr_check_add(checks, "page-place", there ? KVR_CHECK_OK : KVR_CHECK_WARN,
                          "a page that was asked for on node %" PRIu32 " lies on node %d%s", wanted,
                          got, there ? "" : ": figures of --mem node:N are of another node");
    SET(check->value, "node %d", got);
    if (!there)
        SET(check->fix, "free memory on that node");
}

/* The first node that has memory: a CPU's own may have none. */
static uint32_t memory_node(const struct kvr_machine *machine)
{
    for (size_t i = 0; i < machine->node_count; i++)
        if (machine->nodes[i].total_bytes)
            return machine->nodes[i].os_index;
    return 0;
}

static int bind_page(const struct kvr_machine *machine, void *page, size_t bytes, uint32_t node)
{
    unsigned long mask[MASK_BITS / WORD_BITS] = {0};
    mask[node / WORD_BITS] = 1ul << (node % WORD_BITS);
    long rc = machine->this_system /* another one's nodes may not exist here */
                  ? mbind(page, bytes, MPOL_BIND, mask, MASK_BITS + 1, 0)
                  : mbind(page, bytes, MPOL_DEFAULT, NULL, 0, 0);
    return rc ? errno : 0;
}

static void check_calls(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    unsigned long mask[MASK_BITS / WORD_BITS] = {0};
    size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    int mode = 0, got = 0;
    uint32_t wanted = memory_node(machine) % MASK_BITS;
    unsigned char *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                               -1, 0);
    int get = get_mempolicy(&mode, mask, MASK_BITS, NULL, 0) ? errno : 0;
    add_call(machine, checks, "get-mempolicy", get, "the memory policy in force can be read",
             "the memory policy in force cannot be read");
    /* Sets again what is set; unknown, it is left alone. */
    bool plain = mode == MPOL_DEFAULT;
    int set = get ? get : set_mempolicy(mode, plain ? NULL : mask, plain ? 0 : MASK_BITS + 1)
                              ? errno : 0;
    add_call(machine, checks, "set-mempolicy", set, "a memory policy can be set",
             "no memory policy can be set, or it cannot be tried without reading it first");
    if (page == MAP_FAILED) {
        kvr_check_add(checks, "page-place", KVR_CHECK_UNKNOWN, "no page of memory is given (%s)",
                      kvr_errno_name(errno));
        return;
    }
    int bind = bind_page(machine, page, bytes, wanted);
    add_call(machine, checks, "mbind", bind, "memory can be placed on a node",
             "memory cannot be placed on a node: --mem other than local is refused");
    page[0] = 1;
    int place = node_of_page(page, &got);
    add_call(machine, checks, "move-pages", place, "where a page lies can be told",
             "where pages lie cannot be told");
    if (machine->this_system)
        check_place(checks, bind, wanted, place, got);
    munmap(page, bytes);
}

/* A huge page is asked for, touched, and looked up in smaps. */
static void check_huge(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    size_t bytes = 2 * huge_bytes;
    unsigned char *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                -1, 0);
    if (start == MAP_FAILED) {
        kvr_check_add(checks, "pages", KVR_CHECK_UNKNOWN, "no memory is given to try (%s)",
                      kvr_errno_name(errno));
        return;
    }
    size_t head = (huge_bytes - (uintptr_t)start % huge_bytes) % huge_bytes;
    struct kvr_memory memory = {.base = start + head, .bytes = huge_bytes,
                                .pages = KVR_PAGES_THP};
    int advice = madvise(memory.base, huge_bytes, MADV_HUGEPAGE) ? errno : 0;
    memory.base[0] = 1;
    int64_t got = kvr_memory_huge_bytes(machine, &memory);
    munmap(start, bytes);
    if (got < 0 || machine->root[0]) {
        kvr_check_add(checks, "pages", KVR_CHECK_UNKNOWN,
                      "smaps cannot be read: the size of pages that are got is not known");
        return;
    }
    bool huge = (size_t)got == huge_bytes;
    struct kvr_check *check = kvr_check_add(
        checks, "pages", huge ? KVR_CHECK_OK : KVR_CHECK_INFO, "%s%s",
        huge ? "a huge page was asked for and got; every run reads what its own memory got" :
        "a huge page was asked for and base pages were got, which cost translation",
        advice ? ": madvise refuses it" : "");
    SET(check->value, "%s%s%s", huge ? "2m" : "base", advice ? " " : "",
        advice ? kvr_errno_name(advice) : "");
    if (!huge)
        SET(check->fix, "%s", advice == EPERM || advice == EACCES ?
            "allow madvise in the container's seccomp profile" :
            "set /sys/kernel/mm/transparent_hugepage/enabled to madvise, or free memory");
}

/* Sets again the CPUs that are set. */
static void check_pinning(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    size_t bytes = CPU_ALLOC_SIZE(PROBE_CPUS);
    cpu_set_t *set = CPU_ALLOC(PROBE_CPUS);
    if (!set)
        return;
    int error = sched_getaffinity(0, bytes, set) || sched_setaffinity(0, bytes, set) ? errno : 0;
    CPU_FREE(set);
    struct kvr_check *check = kvr_check_add(
        checks, "pinning", error ? KVR_CHECK_WARN : KVR_CHECK_OK, error ?
        "threads cannot be bound to CPUs: nothing is measured, since a thread that moves takes "
        "its data to another cache" : "threads can be bound to CPUs (%zu allowed)",
        machine->cpu_count);
    SET(check->value, "%s", error ? kvr_errno_name(error) : "works");
    if (error)
        SET(check->fix, "allow sched_setaffinity in the container's seccomp profile");
}

static void check_memlock(struct kvr_checks *checks)
{
    struct rlimit limit;
    size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    if (getrlimit(RLIMIT_MEMLOCK, &limit)) {
        kvr_check_add(checks, "memlock", KVR_CHECK_UNKNOWN, "the limit cannot be read (%s)",
                      kvr_errno_name(errno));
        return;
    }
    void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int error = page == MAP_FAILED || mlock(page, bytes) ? errno : 0;
    if (page != MAP_FAILED)
        munmap(page, bytes);
    struct kvr_check *check = kvr_check_add(
        checks, "memlock", error ? KVR_CHECK_INFO : KVR_CHECK_OK, "%s%s%s", error ?
        "memory cannot be locked (" : "limit of locked memory; ", error ? kvr_errno_name(error) :
        "nothing of a run is locked, only counters' buffers count against it",
        error ? "): nothing of a run is, but counters' buffers may be refused" : "");
    if (limit.rlim_cur == RLIM_INFINITY)
        SET(check->value, "unlimited");
    else
        SET(check->value, "%" PRIu64, (uint64_t)limit.rlim_cur);
    if (error)
        SET(check->fix, "raise ulimit -l");
}

void kvr_checks_probes(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    check_pinning(machine, checks);
    check_huge(machine, checks);
    check_calls(machine, checks);
    check_memlock(checks);
}
