/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asked before anything is mapped or touched: mbind accepts a node that is too small, and the
 * process is killed at the first touch.
 */
#include "memory_room.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "internal.h"

static const size_t mib2 = (size_t)2 << 20, gib1 = (size_t)1 << 30;

/* The sentence of the last refusal in this thread: it holds numbers, so it cannot be static. */
static _Thread_local char why_text[320];

int kvr_memory_refuse(const char **why, int rc, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(why_text, sizeof why_text, format, list);
    va_end(list);
    *why = why_text;
    return rc;
}

size_t kvr_base_page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

bool kvr_pages_reserved(enum kvr_pages pages)
{
    return pages == KVR_PAGES_2M || pages == KVR_PAGES_1G;
}

size_t kvr_pages_bytes(enum kvr_pages pages)
{
    return pages == KVR_PAGES_4K ? kvr_base_page_bytes() : pages == KVR_PAGES_1G ? gib1 : mib2;
}

uint64_t kvr_mib(uint64_t bytes)
{
    return bytes >> 20;
}

/* ---- nodes ---- */

const struct kvr_node *kvr_node_find(const struct kvr_machine *machine, uint32_t os_index)
{
    for (size_t i = 0; i < machine->node_count; i++)
        if (machine->nodes[i].os_index == os_index)
            return &machine->nodes[i];
    return NULL;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

size_t kvr_nodes_with_memory(const struct kvr_machine *machine, uint32_t nodes[KVR_MAX_NODES])
{
    size_t count = 0;
    for (size_t i = 0; i < machine->node_count; i++)
        if (machine->nodes[i].total_bytes > 0)
            nodes[count++] = machine->nodes[i].os_index;
    qsort(nodes, count, sizeof *nodes, ascending);
    return count;
}

/* ---- pools of huge pages ---- */

/* A figure of a pool: of the whole system, or (node >= 0) of one node. -1: the kernel does not
 * tell. */
static int64_t pool_pages(const struct kvr_machine *machine, size_t page_bytes, int64_t node,
                          const char *figure, char *path, size_t path_bytes)
{
    char where[64] = "/sys/kernel/mm";
    uint64_t count;
    if (node >= 0)
        snprintf(where, sizeof where, "/sys/devices/system/node/node%" PRId64, node);
    snprintf(path, path_bytes, "%s/hugepages/hugepages-%zukB/%s", where, page_bytes >> 10, figure);
    return kvr_file_u64(machine->root, path, &count) ? -1 : (int64_t)count;
}

int kvr_refuse_huge(const struct kvr_machine *machine, size_t bytes, size_t page_bytes,
                    int64_t node, const char **why)
{
    char path[160];
    const char *size = page_bytes == gib1 ? "1 GiB" : "2 MiB";
    const char *parameter = page_bytes == gib1 ? "1G" : "2M";
    int64_t needed = (int64_t)((bytes + page_bytes - 1) / page_bytes);
    int64_t available = pool_pages(machine, page_bytes, node, "free_hugepages", path, sizeof path);
    if (available < 0)
        return kvr_memory_refuse(why, -ENOMEM,
                                 "this kernel has no pool of %s pages; boot it with "
                                 "hugepagesz=%s hugepages=%" PRId64 ", or use --pages thp", size,
                                 parameter, needed);
    int64_t reserved = pool_pages(machine, page_bytes, node, "nr_hugepages", path, sizeof path);
    int64_t used = reserved > available ? reserved - available : 0;
    return kvr_memory_refuse(why, -ENOMEM,
                             "%" PRId64 " pages of %s are needed and %" PRId64 " are free; as "
                             "root: echo %" PRId64 " > %s (where memory is in pieces, at boot: "
                             "hugepagesz=%s hugepages=%" PRId64 "); or use --pages thp",
                             needed, size, available, used + needed, path, parameter,
                             used + needed);
}

static int pool_room(const struct kvr_machine *machine, enum kvr_pages pages, int64_t node,
                     uint64_t bytes, const char **why)
{
    char path[160];
    size_t page_bytes = kvr_pages_bytes(pages);
    int64_t count = pool_pages(machine, page_bytes, node, "free_hugepages", path, sizeof path);
    /* A node may not tell of its own; what no pool at all means is said by the system's. */
    if (node >= 0 ? count >= 0 && (uint64_t)count < bytes / page_bytes
                  : count < 0 || (uint64_t)count < bytes / page_bytes)
        return kvr_refuse_huge(machine, bytes, page_bytes, node, why);
    return 0;
}

/* ---- is there room? ---- */

int kvr_node_room(const struct kvr_machine *machine, const struct kvr_node *node,
                  enum kvr_pages pages, uint64_t bytes, const char **why)
{
    uint64_t total, available;
    if (kvr_pages_reserved(pages))
        return pool_room(machine, pages, node->os_index, bytes, why);
    /* A single node's own figures may be wrong in a guest (see kvr_machine_usable_bytes). */
    if (machine->node_count < 2)
        return 0;
    if (kvr_node_memory(machine->root, node->os_index, &total, &available))
        available = node->free_bytes;
    if (available < bytes)
        return kvr_memory_refuse(why, -ENOMEM, "node %" PRIu32 " has %" PRIu64 " MiB free, %" PRIu64
                                 " MiB are needed there; choose another node (--mem, --cpus) or a "
                                 "smaller working set (--bytes, --max-mem)",
                                 node->os_index, kvr_mib(available), kvr_mib(bytes));
    return 0;
}

static int no_node(const uint32_t *nodes, size_t count, uint32_t node, const char **why)
{
    char list[120] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%" PRIu32, i ? ", " : "",
                                 nodes[i]);
    return kvr_memory_refuse(why, -ENODEV, "node %" PRIu32 " does not exist here or is not "
                             "allowed; there is memory on %s %s", node, count == 1 ? "node" :
                             "the nodes", list);
}

static int foreign(const char **why)
{
    return kvr_memory_refuse(why, -ENOTSUP,
                             "the topology is not this system's: memory cannot be placed");
}

/* Memory that is to lie on certain nodes must fit there: the kernel would kill this process
 * (bind) or spill to other nodes. */
static int check_placement(const struct kvr_machine *machine,
                           const struct kvr_memory_request *request, uint64_t bytes,
                           const char **why)
{
    uint32_t nodes[KVR_MAX_NODES];
    size_t count = kvr_nodes_with_memory(machine, nodes), unit = kvr_pages_bytes(request->pages);
    int rc = 0;
    if (request->policy == KVR_MEM_NODE) {
        const struct kvr_node *node = kvr_node_find(machine, request->node);
        if (!node)
            return no_node(nodes, count, request->node, why);
        if (machine->node_count > 1 && !machine->this_system)
            return foreign(why);
        return kvr_node_room(machine, node, request->pages, bytes, why);
    }
    if (request->policy != KVR_MEM_INTERLEAVE || machine->node_count < 2)
        return 0;
    if (!machine->this_system)
        return foreign(why);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        uint64_t units = (bytes / unit + count - 1) / count;
        rc = kvr_node_room(machine, kvr_node_find(machine, nodes[i]), request->pages, units * unit,
                           why);
    }
    return rc;
}

int kvr_memory_check(const struct kvr_machine *machine, const struct kvr_memory_request *request,
                     const char **why)
{
    uint64_t usable = kvr_machine_usable_bytes(machine), unit = kvr_pages_bytes(request->pages);
    if (request->bytes == 0)
        return kvr_memory_refuse(why, -EINVAL, "no bytes asked for");
    if (request->bytes > SIZE_MAX / 8 || request->more_bytes > SIZE_MAX / 8)
        return kvr_memory_refuse(why, -ENOMEM, "more bytes asked for than there are addresses");
    uint64_t bytes = (request->bytes + unit - 1) / unit * unit +
                     (request->more_bytes + unit - 1) / unit * unit;
    if (!kvr_pages_reserved(request->pages) && usable && bytes > usable)
        return kvr_memory_refuse(why, -ENOMEM, "%" PRIu64 " MiB are needed and %" PRIu64
                                 " MiB are available; choose a smaller working set",
                                 kvr_mib(bytes), kvr_mib(usable));
    int rc = check_placement(machine, request, bytes, why);
    if (!rc && kvr_pages_reserved(request->pages))
        rc = pool_room(machine, request->pages, -1, bytes, why);
    return rc;
}

static uint64_t node_free(const struct kvr_machine *machine, uint32_t os_index)
{
    const struct kvr_node *node = kvr_node_find(machine, os_index);
    return node && node->free_bytes ? node->free_bytes : UINT64_MAX;
}

uint64_t kvr_memory_usable_bytes(const struct kvr_machine *machine, enum kvr_mem_policy policy,
                                 uint32_t node, const uint32_t *cpus, size_t cpu_count)
{
    uint64_t usable = kvr_machine_usable_bytes(machine), least = UINT64_MAX;
    uint32_t nodes[KVR_MAX_NODES];
    size_t count = kvr_nodes_with_memory(machine, nodes);
    if (machine->node_count < 2 || !machine->this_system)
        return usable;
    if (policy == KVR_MEM_NODE)
        least = node_free(machine, node);
    for (size_t i = 0; policy == KVR_MEM_INTERLEAVE && i < count; i++) {
        uint64_t available = node_free(machine, nodes[i]);
        if (available < UINT64_MAX / count && available * count < least)
            least = available * count;
    }
    for (size_t i = 0; policy != KVR_MEM_NODE && policy != KVR_MEM_INTERLEAVE &&
                       i < machine->cpu_count; i++) {
        bool used = cpu_count == 0;
        for (size_t j = 0; j < cpu_count; j++)
            used |= cpus[j] == machine->cpus[i].os_index;
        if (used && node_free(machine, machine->cpus[i].node) < least)
            least = node_free(machine, machine->cpus[i].node);
    }
    return usable && usable < least ? usable : least == UINT64_MAX ? usable : least;
}
