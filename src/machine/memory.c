/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reserving address space. The policy is set before any page is touched, because mbind does not
 * move what is there.
 */
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <numaif.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "internal.h"
#include "memory_room.h"

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

enum { MAX_NODE_NUMBER = 1024, WORD_BITS = 8 * sizeof(unsigned long) };

static const size_t mib2 = (size_t)2 << 20;

/* ---- mapping ---- */

/* Anonymous memory at a 2 MiB boundary with an inaccessible page on both sides. These guards also
 * keep the kernel from merging neighbours into one mapping, whose huge pages could not be told
 * apart. */
static int map_plain(size_t bytes, unsigned char **base, const char **why)
{
    size_t guard = kvr_base_page_bytes(), reserved = bytes + mib2 + 2 * guard;
    unsigned char *start = mmap(NULL, reserved, PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return kvr_memory_refuse(why, -errno, "cannot reserve %" PRIu64 " MiB of address space; "
                                 "see ulimit -v", kvr_mib(reserved));
    uintptr_t aligned = ((uintptr_t)start + guard + mib2 - 1) & ~(uintptr_t)(mib2 - 1);
    unsigned char *body = start + (aligned - (uintptr_t)start);
    size_t head = (size_t)(body - guard - start), tail = reserved - head - bytes - 2 * guard;
    if (head)
        munmap(start, head);
    if (tail)
        munmap(body + bytes + guard, tail);
    if (mprotect(body, bytes, PROT_READ | PROT_WRITE)) {
        int rc = -errno;
        munmap(body - guard, bytes + 2 * guard);
        return kvr_memory_refuse(why, rc, "the kernel refuses %" PRIu64 " MiB; see "
                                 "vm.overcommit_memory", kvr_mib(bytes));
    }
    *base = body;
    return 0;
}

/* The kernel aligns these to their page size, and takes the pages from the pool now. */
static int map_hugetlb(const struct kvr_machine *machine, enum kvr_pages pages, size_t bytes,
                       unsigned char **base, const char **why)
{
    int size_code = (pages == KVR_PAGES_1G ? 30 : 21) << MAP_HUGE_SHIFT;
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | size_code, -1, 0);
    if (start == MAP_FAILED)
        return kvr_refuse_huge(machine, bytes, kvr_pages_bytes(pages), -1, why);
    *base = start;
    return 0;
}

static int bind_nodes(void *base, size_t bytes, int mode, const unsigned long *mask,
                      const char **why)
{
    /* The kernel takes one bit less than maxnode says. */
    if (mbind(base, bytes, mode, mask, mask ? MAX_NODE_NUMBER + 1 : 0, 0) == 0)
        return 0;
    int rc = -errno;
    if (rc == -EPERM || rc == -ENOSYS)
        return kvr_memory_refuse(why, rc, "mbind is refused (%s): a container's seccomp filter, or "
                                 "a kernel without NUMA; allow it, or start with numactl",
                                 strerror(-rc));
    return kvr_memory_refuse(why, rc, "mbind failed: %s%s", strerror(-rc), rc == -ENOMEM ?
                             "; too many pieces for vm.max_map_count, or --pages 4k" : "");
}

static int bind_node(void *base, size_t bytes, uint32_t node, const char **why)
{
    unsigned long mask[MAX_NODE_NUMBER / WORD_BITS] = {0};
    if (node >= MAX_NODE_NUMBER)
        return kvr_memory_refuse(why, -ERANGE, "node %" PRIu32 " is beyond %d", node,
                                 MAX_NODE_NUMBER - 1);
    mask[node / WORD_BITS] |= 1ul << (node % WORD_BITS);
    return bind_nodes(base, bytes, MPOL_BIND, mask, why);
}

/* Whether the kernel's own policy for this mapping is local allocation, which needs no mbind: a
 * container that refuses mbind still shows it. An untold policy is the default. */
static bool is_local_already(const struct kvr_machine *machine, const void *base)
{
    char *line = NULL, policy[32];
    size_t capacity = 0;
    bool local = true;
    FILE *file = kvr_file_open(machine->root, "/proc/self/numa_maps");
    if (!file)
        return true;
    while (getline(&line, &capacity, file) > 0) {
        uintptr_t start;
        if (sscanf(line, "%" SCNxPTR " %31s", &start, policy) == 2 && start == (uintptr_t)base)
            local = strcmp(policy, "default") == 0 || strcmp(policy, "local") == 0;
    }
    free(line);
    fclose(file);
    return local;
}

/* Base pages in turns is what the kernel's own policy does. It counts base pages, though, which
 * spreads huge ones unevenly: these are bound one by one. */
static int interleave(const struct kvr_machine *machine, struct kvr_memory *memory,
                      const char **why)
{
    unsigned long mask[MAX_NODE_NUMBER / WORD_BITS] = {0};
    uint32_t nodes[KVR_MAX_NODES];
    size_t count = kvr_nodes_with_memory(machine, nodes);
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        if (nodes[i] >= MAX_NODE_NUMBER)
            return kvr_memory_refuse(why, -ERANGE, "node %" PRIu32 " is beyond %d", nodes[i],
                                     MAX_NODE_NUMBER - 1);
        mask[nodes[i] / WORD_BITS] |= 1ul << (nodes[i] % WORD_BITS);
    }
    if (memory->pages == KVR_PAGES_4K)
        return bind_nodes(memory->base, memory->bytes, MPOL_INTERLEAVE, mask, why);
    for (size_t u = 0; rc == 0 && count && u < memory->unit_count; u++) {
        memory->units[u].node = (int16_t)nodes[u % count];
        rc = bind_node(memory->base + u * memory->unit_bytes, memory->unit_bytes,
                       nodes[u % count], why);
    }
    return rc;
}

/* Whether this thread's own policy is to take memory where it runs. Where it is not told, the
 * error is kept: then nobody knows where a page ought to lie. */
static bool allocates_locally(struct kvr_memory *memory)
{
    int mode = MPOL_DEFAULT;
    memory->policy_error = get_mempolicy(&mode, NULL, 0, NULL, 0) ? errno : 0;
    return memory->policy_error || mode == MPOL_DEFAULT || mode == MPOL_LOCAL;
}

static int set_policy(const struct kvr_machine *machine, struct kvr_memory *memory,
                      const char **why)
{
    int rc = 0;
    if (machine->node_count == 1) /* wherever a policy would put it */
        for (size_t u = 0; u < memory->unit_count; u++)
            memory->units[u].node = (int16_t)machine->nodes[0].os_index;
    if (machine->node_count < 2 || !machine->this_system)
        return 0;
    switch (memory->policy) {
    case KVR_MEM_NODE:
        for (size_t u = 0; u < memory->unit_count; u++)
            memory->units[u].node = (int16_t)memory->node;
        return bind_node(memory->base, memory->bytes, memory->node, why);
    case KVR_MEM_INTERLEAVE:
        return interleave(machine, memory, why);
    case KVR_MEM_LOCAL: /* preferred, no node: where the toucher runs */
        memory->by_touch = true;
        rc = bind_nodes(memory->base, memory->bytes, MPOL_PREFERRED, NULL, why);
        return rc && is_local_already(machine, memory->base) ? 0 : rc;
    default:
        memory->by_touch = allocates_locally(memory);
        return 0;
    }
}

static int make_units(struct kvr_memory *memory, const char **why)
{
    memory->unit_bytes = kvr_pages_bytes(memory->pages);
    memory->unit_count = memory->bytes / memory->unit_bytes;
    memory->units = malloc(memory->unit_count * sizeof *memory->units);
    if (!memory->units)
        return kvr_memory_refuse(why, -ENOMEM, "out of memory");
    for (size_t u = 0; u < memory->unit_count; u++)
        memory->units[u] = (struct kvr_unit){.node = KVR_NODE_ANY};
    return 0;
}

int kvr_memory_map(const struct kvr_machine *machine, const struct kvr_memory_request *request,
                   struct kvr_memory *memory, const char **why)
{
    size_t unit = kvr_pages_bytes(request->pages);
    struct kvr_memory mapped = {
        .pages = request->pages, .policy = request->policy, .node = request->node};
    *memory = (struct kvr_memory){0};
    int rc = kvr_memory_check(machine, request, why);
    if (rc)
        return rc;
    mapped.bytes = (request->bytes + unit - 1) / unit * unit;
    rc = kvr_pages_reserved(request->pages)
             ? map_hugetlb(machine, request->pages, mapped.bytes, &mapped.base, why)
             : map_plain(mapped.bytes, &mapped.base, why);
    if (!rc)
        rc = make_units(&mapped, why);
    if (!rc)
        rc = set_policy(machine, &mapped, why);
    if (rc) {
        kvr_memory_unmap(&mapped);
        return rc;
    }
    /* Advice: a kernel without transparent huge pages says EINVAL, which is what 4k wants, and
     * for thp kvr_memory_huge_bytes tells what was got. */
    if (!kvr_pages_reserved(request->pages))
        madvise(mapped.base, mapped.bytes,
                request->pages == KVR_PAGES_THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    *memory = mapped;
    return 0;
}

void kvr_memory_unmap(struct kvr_memory *memory)
{
    size_t guard = kvr_pages_reserved(memory->pages) ? 0 : kvr_base_page_bytes();
    if (memory->base)
        munmap(memory->base - guard, memory->bytes + 2 * guard);
    free(memory->units);
    *memory = (struct kvr_memory){0};
}

/* ---- what was got ---- */

/* "AnonHugePages:  2048 kB" and the two kinds of hugetlb pages. */
static uint64_t huge_bytes_of_line(const char *line)
{
    static const char *const keys[] = {"AnonHugePages:", "Private_Hugetlb:", "Shared_Hugetlb:"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strncmp(line, keys[i], strlen(keys[i])) == 0)
            return (uint64_t)strtoull(line + strlen(keys[i]), NULL, 10) << 10;
    return 0;
}

int64_t kvr_memory_huge_bytes(const struct kvr_machine *machine, const struct kvr_memory *memory)
{
    uintptr_t first = (uintptr_t)memory->base, last = first + memory->bytes;
    char *line = NULL;
    size_t capacity = 0;
    uint64_t total = 0, overlap = 0, got = 0;
    FILE *file = kvr_file_open(machine->root, "/proc/self/smaps");
    if (!file)
        return -1;
    while (getline(&line, &capacity, file) > 0) {
        uintptr_t start, end;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2) {
            total += got < overlap ? got : overlap; /* of the mapping before */
            uintptr_t from = start > first ? start : first, to = end < last ? end : last;
            overlap = from < to ? to - from : 0;
            got = 0;
        } else {
            got += huge_bytes_of_line(line);
        }
    }
    total += got < overlap ? got : overlap;
    free(line);
    fclose(file);
    return (int64_t)total;
}
