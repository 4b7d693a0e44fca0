/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an observer of scan_audit counts, whichever way it looks.
 */
#ifndef KVR_TESTS_AUDIT_H
#define KVR_TESTS_AUDIT_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct audit {
    uint64_t first, end;    /* addresses of the keys */
    struct audit_byte {
        uint32_t reads, seen; /* seen: bytes of keys that had been read at the last one of them */
    } *bytes;               /* [end - first] */
    uint64_t seen;          /* bytes of keys that have been read */
    uint64_t reach;         /* most bytes of other keys that came between two reads of a byte */
    uint64_t instructions, system_calls;
    uint64_t other_reads, key_writes; /* bytes */
};

/* 0, or -1 without memory. */
static inline int audit_open(struct audit *audit, uint64_t first, uint64_t end)
{
    *audit = (struct audit){.first = first, .end = end};
    audit->bytes = end > first ? calloc(end - first, sizeof *audit->bytes) : NULL;
    return audit->bytes ? 0 : -1;
}

static inline void audit_read(struct audit *audit, struct audit_byte *byte)
{
    if (byte->reads++ == 0)
        audit->seen++;
    else if (audit->seen - byte->seen > audit->reach)
        audit->reach = audit->seen - byte->seen;
    byte->seen = (uint32_t)audit->seen;
}

/* An access of `bytes` at an address. */
static inline void audit_access(struct audit *audit, uint64_t address, uint64_t bytes, int is_write)
{
    for (uint64_t at = address; at < address + bytes; at++) {
        int is_key = at >= audit->first && at < audit->end;
        if (is_write)
            audit->key_writes += (uint64_t)is_key;
        else if (!is_key)
            audit->other_reads++;
        else
            audit_read(audit, &audit->bytes[at - audit->first]);
    }
}

/* One line of NAME=VALUE; then the counts are gone. */
static inline void audit_print(struct audit *audit, FILE *file)
{
    uint64_t once = 0, never = 0, bytes = audit->end - audit->first;
    uint32_t least = UINT32_MAX, most = 0;
    for (uint64_t i = 0; i < bytes; i++) {
        once += audit->bytes[i].reads == 1;
        never += audit->bytes[i].reads == 0;
        least = audit->bytes[i].reads < least ? audit->bytes[i].reads : least;
        most = audit->bytes[i].reads > most ? audit->bytes[i].reads : most;
    }
    fprintf(file, "audit key_bytes=%" PRIu64 " once=%" PRIu64 " never=%" PRIu64 " more=%" PRIu64
            " least=%" PRIu32 " most=%" PRIu32 " reach=%" PRIu64 " key_writes=%" PRIu64
            " other_reads=%" PRIu64 " instructions=%" PRIu64 " system_calls=%" PRIu64 "\n",
            bytes, once, never, bytes - once - never, least, most, audit->reach,
            audit->key_writes, audit->other_reads, audit->instructions, audit->system_calls);
    free(audit->bytes);
    audit->bytes = NULL;
}

#endif
