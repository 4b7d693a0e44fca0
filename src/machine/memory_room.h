/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether there is room for a memory, and the sentence that says why not. Only for src/machine.
 */
#ifndef KVR_MEMORY_ROOM_H
#define KVR_MEMORY_ROOM_H

#include "memory.h"

/* Writes *why, valid until the thread's next refusal, and returns rc. */
int kvr_memory_refuse(const char **why, int rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `bytes` of huge pages are not in the pool, of the system or (node >= 0) of one node: -ENOMEM with
 * the command that would reserve them. */
int kvr_refuse_huge(const struct kvr_machine *machine, size_t bytes, size_t page_bytes,
                    int64_t node, const char **why);

/* Whether node's free memory, or its pool of huge pages, holds `bytes`. 0, or -ENOMEM. */
int kvr_node_room(const struct kvr_machine *machine, const struct kvr_node *node,
                  enum kvr_pages pages, uint64_t bytes, const char **why);

const struct kvr_node *kvr_node_find(const struct kvr_machine *machine, uint32_t os_index);
/* Nodes with memory, ascending; the count. */
size_t kvr_nodes_with_memory(const struct kvr_machine *machine, uint32_t nodes[KVR_MAX_NODES]);

size_t kvr_base_page_bytes(void);
bool kvr_pages_reserved(enum kvr_pages pages); /* from a pool: 2m, 1g */
uint64_t kvr_mib(uint64_t bytes);

#endif
