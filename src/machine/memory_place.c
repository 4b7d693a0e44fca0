/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which node each page is wanted on, touching, and the proof: a policy that was set says nothing
 * about where a page came to lie.
 */
#include <errno.h>
#include <numaif.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "memory_room.h"

/* Pages asked about in one call, and bytes up to which every page is. */
enum { BATCH = 4096 };
static const size_t every_page_bytes = (size_t)1 << 30;

/* ---- wanting and touching ---- */

static int give_back(const struct kvr_memory *memory, size_t first, size_t count)
{
    return madvise(memory->base + first * memory->unit_bytes, count * memory->unit_bytes,
                   MADV_DONTNEED) ? -errno : 0;
}

int64_t kvr_memory_want(struct kvr_memory *memory, size_t first, size_t count, uint32_t node)
{
    int64_t changed = 0;
    for (size_t u = first, end = first + count; u < end;) {
        size_t run = 0, touched = 0;
        for (; u + run < end && memory->units[u + run].node != (int16_t)node; run++)
            touched += memory->units[u + run].touched;
        int rc = touched ? give_back(memory, u, run) : 0;
        if (rc)
            return rc;
        for (size_t i = 0; i < run; i++)
            memory->units[u + i] = (struct kvr_unit){.node = (int16_t)node};
        changed += (int64_t)run;
        u += run ? run : 1;
    }
    return changed;
}

int kvr_memory_room(const struct kvr_machine *machine, const struct kvr_memory *memory,
                    const char **why)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < machine->node_count; i++) {
        const struct kvr_node *node = &machine->nodes[i];
        uint64_t bytes = 0;
        for (size_t u = 0; u < memory->unit_count; u++)
            if (memory->units[u].node == (int64_t)node->os_index && !memory->units[u].touched)
                bytes += memory->unit_bytes;
        if (bytes)
            rc = kvr_node_room(machine, node, memory->pages, bytes, why);
    }
    return rc;
}

void kvr_memory_touch(struct kvr_memory *memory, size_t first, size_t count)
{
    for (size_t u = first; u < first + count; u++) {
        if (!memory->units[u].touched)
            memset(memory->base + u * memory->unit_bytes, 0x55, memory->unit_bytes);
        memory->units[u].touched = true;
    }
}

/* ---- the proof ---- */

struct proof {
    const struct kvr_machine *machine;
    const struct kvr_memory *memory;
    struct kvr_placement *result;
    uint32_t nodes[KVR_MAX_NODES]; /* that pages are put on in turns */
    size_t node_count;
    /* Pages in turns, by the node that the first one would lie on: any may be the first. */
    uint64_t by_start[KVR_MAX_NODES];
};

static bool in_turns(const struct kvr_memory *memory)
{
    return memory->policy == KVR_MEM_INTERLEAVE && memory->pages == KVR_PAGES_4K;
}

static void count_page(struct proof *p, size_t page, size_t unit, int node)
{
    struct kvr_placement *r = p->result;
    int16_t wanted = p->memory->units[unit].node;
    r->checked++;
    if (node < 0) {
        r->untouched++;
        return;
    }
    for (size_t i = 0; i < p->machine->node_count; i++)
        r->on_node[i] += p->machine->nodes[i].os_index == (uint32_t)node;
    if (wanted == KVR_NODE_ANY && in_turns(p->memory)) {
        for (size_t i = 0; i < p->node_count; i++)
            if (p->nodes[i] == (uint32_t)node)
                p->by_start[(i + p->node_count - page % p->node_count) % p->node_count]++;
        return;
    }
    r->anywhere += wanted == KVR_NODE_ANY;
    r->placed += wanted == KVR_NODE_ANY || wanted == node;
}

static int ask(struct proof *p, size_t page_bytes, size_t first, size_t stride, size_t count)
{
    void *pages[BATCH];
    int status[BATCH];
    for (size_t i = 0; i < count; i++)
        pages[i] = p->memory->base + (first + i * stride) * page_bytes;
    if (move_pages(0, count, pages, NULL, status, 0) < 0)
        return errno;
    for (size_t i = 0; i < count; i++) {
        size_t page = first + i * stride;
        count_page(p, page, page * page_bytes / p->memory->unit_bytes, status[i]);
    }
    return 0;
}

void kvr_memory_prove(const struct kvr_machine *machine, const struct kvr_memory *memory,
                      size_t bytes, struct kvr_placement *placement)
{
    struct proof p = {.machine = machine, .memory = memory, .result = placement};
    size_t page_bytes = kvr_pages_reserved(memory->pages) ? memory->unit_bytes
                                                          : kvr_base_page_bytes();
    size_t total = ((bytes < memory->bytes ? bytes : memory->bytes) + page_bytes - 1) / page_bytes;
    size_t stride = (total * page_bytes + every_page_bytes - 1) / every_page_bytes;
    if (kvr_pages_reserved(memory->pages) || stride == 0)
        stride = 1;
    p.node_count = kvr_nodes_with_memory(machine, p.nodes);
    stride += stride > 1 && p.node_count > 1 && stride % p.node_count == 0; /* meets every node */
    placement->pages += total;
    for (size_t first = 0; first < total && !placement->error; first += BATCH * stride) {
        size_t left = (total - first + stride - 1) / stride;
        placement->error = ask(&p, page_bytes, first, stride, left < BATCH ? left : BATCH);
    }
    uint64_t most = 0;
    for (size_t i = 0; i < p.node_count; i++)
        most = p.by_start[i] > most ? p.by_start[i] : most;
    placement->placed += most;
}
