/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Memory with a policy and a page size, and what was really got. libnuma is behind this file.
 */
#ifndef KVR_MEMORY_H
#define KVR_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine.h"

enum kvr_pages { KVR_PAGES_4K, KVR_PAGES_THP, KVR_PAGES_2M, KVR_PAGES_1G };
enum kvr_mem_policy { KVR_MEM_LOCAL, KVR_MEM_NODE, KVR_MEM_INTERLEAVE, KVR_MEM_FIRST_TOUCH };

struct kvr_memory_request {
    size_t bytes;
    size_t more_bytes; /* mapped in the same way after it: there must be room for both */
    enum kvr_pages pages;
    enum kvr_mem_policy policy;
    uint32_t node; /* for KVR_MEM_NODE */
};

/* A base page (4k), 2 MiB (thp, 2m) or 1 GiB (1g): on which node it is wanted. */
enum { KVR_NODE_ANY = -1 };
struct kvr_unit { int16_t node; bool touched; };

struct kvr_memory {
    unsigned char *base; /* 2 MiB aligned (1 GiB for 1g) */
    size_t bytes;        /* rounded up to the page size */
    enum kvr_pages pages;
    enum kvr_mem_policy policy;
    uint32_t node;       /* for KVR_MEM_NODE */
    bool by_touch;       /* several nodes, and a page lies on that of the thread that touches it */
    int policy_error;    /* first-touch: errno of asking for this process's own policy; 0 */
    size_t unit_bytes, unit_count;
    struct kvr_unit *units; /* owned */
};

/* Reserves address space with policy and page advice set, untouched, with an inaccessible page on
 * both sides (but for 2m and 1g). 0 or -errno; *why, valid until the thread's next call, names what
 * failed and what helps: -ENODEV no such node, -ENOMEM no room (on the node, in the pool of huge
 * pages), -ENOTSUP a foreign topology. interleave puts units on the nodes with memory in turns. On
 * one node every policy is the same. thp is advice: kvr_memory_huge_bytes tells what was got. */
int kvr_memory_map(const struct kvr_machine *machine, const struct kvr_memory_request *request,
                   struct kvr_memory *memory, const char **why);
void kvr_memory_unmap(struct kvr_memory *memory);

/* Whether there is room for a request, which kvr_memory_map asks first: nothing is mapped. */
int kvr_memory_check(const struct kvr_machine *machine, const struct kvr_memory_request *request,
                     const char **why);
/* Memory that may be used where the policy puts it: on several nodes that of the node, of all
 * nodes in equal parts, or (local, first-touch) of the smallest node of the CPUs (all if cpu_count
 * is 0). 0: unknown. */
uint64_t kvr_memory_usable_bytes(const struct kvr_machine *machine, enum kvr_mem_policy policy,
                                 uint32_t node, const uint32_t *cpus, size_t cpu_count);
size_t kvr_pages_bytes(enum kvr_pages pages); /* of a unit */

/* ---- who touches what, and where it came to lie (memory_place.c) ---- */

/* Wants `count` units from `first` on a node. What lies elsewhere is given back to the system, its
 * content is lost, and it is to be touched again. Units that are taken back or new: their number,
 * or -errno (-EINVAL: pages of the pool cannot be given back before Linux 5.18). */
int64_t kvr_memory_want(struct kvr_memory *memory, size_t first, size_t count, uint32_t node);
/* Whether the nodes have room for the units that are wanted there and not touched yet. 0, or
 * -ENOMEM with *why. */
int kvr_memory_room(const struct kvr_machine *machine, const struct kvr_memory *memory,
                    const char **why);
/* Writes to those of the units that nobody has touched yet. By the thread that is to own them. */
void kvr_memory_touch(struct kvr_memory *memory, size_t first, size_t count);

/* What move_pages found. A page that the kernel does not tell of counts as untouched. */
struct kvr_placement {
    uint64_t pages, checked; /* above 1 GiB every n-th page is checked */
    uint64_t placed;         /* of the checked ones: where they are wanted, or wanted anywhere */
    uint64_t anywhere;       /* of the checked ones: wanted anywhere */
    uint64_t untouched;      /* of the checked ones: not there at all; not placed */
    int error;               /* errno of move_pages; 0 */
    uint64_t on_node[KVR_MAX_NODES]; /* of the checked ones, by position in machine->nodes */
};
/* Asks where the pages of [base, base + bytes) lie. For thp and 4k these are base pages, because
 * what was not got in a huge page may lie anywhere. Adds to *placement. */
void kvr_memory_prove(const struct kvr_machine *machine, const struct kvr_memory *memory,
                      size_t bytes, struct kvr_placement *placement);

/* After the touch: bytes of [base, base + bytes) that huge pages back, from smaps.
 * -1: smaps cannot be read. */
int64_t kvr_memory_huge_bytes(const struct kvr_machine *machine, const struct kvr_memory *memory);

/* "4k", "thp", "2m", "1g" and "local", "node:N", "interleave", "first-touch". */
int kvr_pages_parse(const char *text, enum kvr_pages *pages);      /* 0 or -EINVAL */
int kvr_mem_policy_parse(const char *text, enum kvr_mem_policy *policy, uint32_t *node);
const char *kvr_pages_name(enum kvr_pages pages);

#endif
