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
    enum kvr_pages pages;
    enum kvr_mem_policy policy;
    uint32_t node; /* for KVR_MEM_NODE */
};

struct kvr_memory {
    unsigned char *base; /* 2 MiB aligned (1 GiB for 1g) */
    size_t bytes;        /* rounded up to the page size */
    enum kvr_pages pages;
};

/* Reserves address space with policy and page advice set, untouched, with an inaccessible page on
 * both sides (but for 2m and 1g). 0 or -errno; *why, valid until the thread's next call, names what
 * failed and what helps: -ENODEV no such node, -ENOMEM no room (on the node, in the pool of huge
 * pages), -ENOTSUP a foreign topology, or interleave with other pages than 4k on several nodes
 * (huge pages would not be spread evenly). On one node every policy is the same. thp is advice:
 * kvr_memory_huge_bytes tells what was got. */
int kvr_memory_map(const struct kvr_machine *machine, const struct kvr_memory_request *request,
                   struct kvr_memory *memory, const char **why);
void kvr_memory_unmap(struct kvr_memory *memory);

/* After the touch: bytes of [base, base + bytes) that huge pages back, from smaps.
 * -1: smaps cannot be read. */
int64_t kvr_memory_huge_bytes(const struct kvr_machine *machine, const struct kvr_memory *memory);

/* "4k", "thp", "2m", "1g" and "local", "node:N", "interleave", "first-touch". */
int kvr_pages_parse(const char *text, enum kvr_pages *pages);      /* 0 or -EINVAL */
int kvr_mem_policy_parse(const char *text, enum kvr_mem_policy *policy, uint32_t *node);
const char *kvr_pages_name(enum kvr_pages pages);

#endif
