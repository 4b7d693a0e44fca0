/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reserving address space. The policy is set before any page is touched, because mbind does not
 * move what is there. mbind accepts a node that is too small, and the process is killed at the
 * first touch: so free memory is asked first.
 */
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <numaif.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "internal.h"

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

enum { MAX_NODE_NUMBER = 1024, WORD_BITS = 8 * sizeof(unsigned long) };

static const size_t mib2 = (size_t)2 << 20, gib1 = (size_t)1 << 30;

/* The sentence of the last refusal in this thread: it holds numbers, so it cannot be static. */
static _Thread_local char why_text[240];

__attribute__((format(printf, 3, 4)))
static int refuse(const char **why, int rc, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(why_text, sizeof why_text, format, list);
    va_end(list);
    *why = why_text;
    return rc;
}

static size_t base_page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static bool is_hugetlb(enum kvr_pages pages)
{
    return pages == KVR_PAGES_2M || pages == KVR_PAGES_1G;
}

static size_t unit_bytes(enum kvr_pages pages)
{
    return pages == KVR_PAGES_4K ? base_page_bytes() : pages == KVR_PAGES_1G ? gib1 : mib2;
}

static uint64_t mib(uint64_t bytes)
{
    return bytes >> 20;
}

/* ---- is there room? ---- */

static const struct kvr_node *find_node(const struct kvr_machine *machine, uint32_t os_index)
{
    for (size_t i = 0; i < machine->node_count; i++)
        if (machine->nodes[i].os_index == os_index)
            return &machine->nodes[i];
    return NULL;
}

/* Pages of that size that nobody has taken, in the whole system or (node >= 0) on one node.
 * -1: the kernel does not tell. */
static int64_t free_huge_pages(const struct kvr_machine *machine, size_t page_bytes, int64_t node)
{
    char path[128], where[48] = "/sys/kernel/mm";
    uint64_t count;
    if (node >= 0)
        snprintf(where, sizeof where, "/sys/devices/system/node/node%" PRId64, node);
    snprintf(path, sizeof path, "%s/hugepages/hugepages-%zukB/free_hugepages", where,
             page_bytes >> 10);
    return kvr_file_u64(machine->root, path, &count) ? -1 : (int64_t)count;
}

static int refuse_huge(const struct kvr_machine *machine, size_t bytes, size_t page_bytes,
                       int64_t node, const char **why)
{
    const char *size = page_bytes == gib1 ? "1 GiB" : "2 MiB";
    char where[48] = "/sys/kernel/mm";
    int64_t available = free_huge_pages(machine, page_bytes, node);
    if (node >= 0)
        snprintf(where, sizeof where, "/sys/devices/system/node/node%" PRId64, node);
    if (available < 0)
        return refuse(why, -ENOMEM, "this kernel has no pool of %s pages; use --pages thp", size);
    return refuse(why, -ENOMEM, "%zu pages of %s are needed and %" PRId64 " are free; as root: "
                  "echo %zu > %s/hugepages/hugepages-%zukB/nr_hugepages",
                  bytes / page_bytes, size, available, bytes / page_bytes, where,
                  page_bytes >> 10);
}

/* Whether node's free memory holds `bytes`. */
static int check_room(const struct kvr_machine *machine, const struct kvr_node *node,
                      enum kvr_pages pages, size_t bytes, const char **why)
{
    uint64_t total, available;
    if (is_hugetlb(pages)) {
        int64_t count = free_huge_pages(machine, unit_bytes(pages), node->os_index);
        if (count >= 0 && (uint64_t)count < bytes / unit_bytes(pages))
            return refuse_huge(machine, bytes, unit_bytes(pages), node->os_index, why);
        return 0;
    }
    /* A single node's own figures may be wrong in a guest (see kvr_machine_usable_bytes). */
    if (machine->node_count < 2)
        return 0;
    if (kvr_node_memory(machine->root, node->os_index, &total, &available))
        available = node->free_bytes;
    if (available < bytes)
        return refuse(why, -ENOMEM, "node %" PRIu32 " has %" PRIu64 " MiB free, %" PRIu64
                      " MiB are needed there; choose another node or a smaller working set",
                      node->os_index, mib(available), mib(bytes));
    return 0;
}

/* Memory that is to lie on certain nodes must fit there: the kernel would kill this process
 * (bind) or spill to other nodes (interleave). */
static int check_placement(const struct kvr_machine *machine,
                           const struct kvr_memory_request *request, size_t bytes,
                           const char **why)
{
    int rc = 0;
    if (request->policy == KVR_MEM_NODE) {
        const struct kvr_node *node = find_node(machine, request->node);
        if (!node)
            return refuse(why, -ENODEV, "node %" PRIu32 " does not exist here or is not allowed; "
                          "see kvroof list topology", request->node);
        if (machine->node_count > 1 && !machine->this_system)
            return refuse(why, -ENOTSUP, "the topology is not this system's: memory cannot be "
                          "placed");
        return check_room(machine, node, request->pages, bytes, why);
    }
    if (request->policy != KVR_MEM_INTERLEAVE || machine->node_count < 2)
        return 0;
    if (!machine->this_system)
        return refuse(why, -ENOTSUP, "the topology is not this system's: memory cannot be placed");
    if (request->pages != KVR_PAGES_4K)
        return refuse(why, -ENOTSUP, "huge pages would not be spread evenly over %zu nodes; "
                      "interleave with --pages 4k", machine->node_count);
    for (size_t i = 0; rc == 0 && i < machine->node_count; i++)
        if (machine->nodes[i].total_bytes > 0)
            rc = check_room(machine, &machine->nodes[i], request->pages,
                            bytes / machine->node_count, why);
    return rc;
}

static int check_request(const struct kvr_machine *machine,
                         const struct kvr_memory_request *request, size_t bytes, const char **why)
{
    uint64_t usable = kvr_machine_usable_bytes(machine);
    if (!is_hugetlb(request->pages) && usable && bytes > usable)
        return refuse(why, -ENOMEM, "%" PRIu64 " MiB are needed and %" PRIu64
                      " MiB are available; choose a smaller working set", mib(bytes),
                      mib(usable));
    return check_placement(machine, request, bytes, why);
}

/* ---- mapping ---- */

/* Anonymous memory at a 2 MiB boundary with an inaccessible page on both sides. These guards also
 * keep the kernel from merging neighbours into one mapping, whose huge pages could not be told
 * apart. */
static int map_plain(size_t bytes, unsigned char **base, const char **why)
{
    size_t guard = base_page_bytes(), reserved = bytes + mib2 + 2 * guard;
    unsigned char *start = mmap(NULL, reserved, PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return refuse(why, -errno, "cannot reserve %" PRIu64 " MiB of address space; see "
                      "ulimit -v", mib(reserved));
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
        return refuse(why, rc, "the kernel refuses %" PRIu64 " MiB; see vm.overcommit_memory",
                      mib(bytes));
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
        return refuse_huge(machine, bytes, unit_bytes(pages), -1, why);
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
        return refuse(why, rc, "mbind is refused (%s): a container's seccomp filter, or a kernel "
                      "without NUMA; allow it, or start with numactl", strerror(-rc));
    return refuse(why, rc, "mbind failed: %s", strerror(-rc));
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

static int set_policy(const struct kvr_machine *machine, const struct kvr_memory_request *request,
                      void *base, size_t bytes, const char **why)
{
    unsigned long mask[MAX_NODE_NUMBER / WORD_BITS] = {0};
    if (machine->node_count < 2 || !machine->this_system ||
        request->policy == KVR_MEM_FIRST_TOUCH)
        return 0;
    if (request->policy == KVR_MEM_LOCAL) { /* preferred, no node: where the toucher runs */
        int rc = bind_nodes(base, bytes, MPOL_PREFERRED, NULL, why);
        return rc && is_local_already(machine, base) ? 0 : rc;
    }
    for (size_t i = 0; i < machine->node_count; i++) {
        uint32_t node = machine->nodes[i].os_index;
        bool wanted = request->policy == KVR_MEM_INTERLEAVE ? machine->nodes[i].total_bytes > 0
                                                            : node == request->node;
        if (wanted && node >= MAX_NODE_NUMBER)
            return refuse(why, -ERANGE, "node %" PRIu32 " is beyond %d", node,
                          MAX_NODE_NUMBER - 1);
        if (wanted)
            mask[node / WORD_BITS] |= 1ul << (node % WORD_BITS);
    }
    return bind_nodes(base, bytes,
                      request->policy == KVR_MEM_INTERLEAVE ? MPOL_INTERLEAVE : MPOL_BIND, mask,
                      why);
}

int kvr_memory_map(const struct kvr_machine *machine, const struct kvr_memory_request *request,
                   struct kvr_memory *memory, const char **why)
{
    size_t unit = unit_bytes(request->pages);
    struct kvr_memory mapped = {.pages = request->pages};
    *memory = (struct kvr_memory){0};
    if (request->bytes == 0)
        return refuse(why, -EINVAL, "no bytes asked for");
    if (request->bytes > SIZE_MAX / 4)
        return refuse(why, -ENOMEM, "more bytes asked for than there are addresses");
    mapped.bytes = (request->bytes + unit - 1) / unit * unit;
    int rc = check_request(machine, request, mapped.bytes, why);
    if (rc)
        return rc;
    rc = is_hugetlb(request->pages)
             ? map_hugetlb(machine, request->pages, mapped.bytes, &mapped.base, why)
             : map_plain(mapped.bytes, &mapped.base, why);
    if (rc)
        return rc;
    rc = set_policy(machine, request, mapped.base, mapped.bytes, why);
    if (rc) {
        kvr_memory_unmap(&mapped);
        return rc;
    }
    /* Advice: a kernel without transparent huge pages says EINVAL, which is what 4k wants, and
     * for thp kvr_memory_huge_bytes tells what was got. */
    if (!is_hugetlb(request->pages))
        madvise(mapped.base, mapped.bytes,
                request->pages == KVR_PAGES_THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    *memory = mapped;
    return 0;
}

void kvr_memory_unmap(struct kvr_memory *memory)
{
    size_t guard = is_hugetlb(memory->pages) ? 0 : base_page_bytes();
    if (memory->base)
        munmap(memory->base - guard, memory->bytes + 2 * guard);
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
