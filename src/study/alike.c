/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alike.h"

#include <string.h>

#define TEXT(member, but) {offsetof(struct kvr_result, member), 0, but}
#define NUMBER(member, but)                                                                        \
    {offsetof(struct kvr_result, member), sizeof(((struct kvr_result *)NULL)->member), but}

static const struct {
    size_t offset, bytes; /* bytes 0: a text */
    unsigned but;
} fields[] = {
    TEXT(codec, KVR_BUT_FORMAT),
    TEXT(variant, KVR_BUT_KERNEL),
    TEXT(isa, KVR_BUT_KERNEL),
    TEXT(table, KVR_BUT_KERNEL),
    TEXT(op, KVR_BUT_OP),
    TEXT(level, KVR_BUT_LEVEL),
    TEXT(layout, 0),
    TEXT(pages, 0),
    TEXT(mem, 0),
    TEXT(codebook, KVR_BUT_FORMAT | KVR_BUT_OP),
    TEXT(codebook_residency, KVR_BUT_FORMAT | KVR_BUT_OP),
    TEXT(value_format, KVR_BUT_OP),
    NUMBER(subspaces, KVR_BUT_FORMAT | KVR_BUT_SHAPE),
    NUMBER(entries, KVR_BUT_FORMAT),
    NUMBER(group, KVR_BUT_FORMAT),
    NUMBER(head_dim, KVR_BUT_SHAPE),
    NUMBER(tokens, KVR_BUT_TOKENS),
    NUMBER(threads, KVR_BUT_THREADS),
    NUMBER(group_queries, KVR_BUT_SHARING),
    NUMBER(batch, KVR_BUT_SHARING),
    NUMBER(evict_bytes, 0),
};

bool kvr_same_place(const struct kvr_result *a, const struct kvr_result *b)
{
    bool of_heads = !strcmp(a->result.basis, "equal-tokens");
    if (of_heads != !strcmp(b->result.basis, "equal-tokens"))
        return false;
    return of_heads ? a->heads == b->heads : a->working_set_bytes == b->working_set_bytes;
}

bool kvr_alike(const struct kvr_result *a, const struct kvr_result *b, unsigned but)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *of_a = (const char *)a + fields[i].offset;
        const char *of_b = (const char *)b + fields[i].offset;
        bool same = fields[i].bytes ? !memcmp(of_a, of_b, fields[i].bytes) : !strcmp(of_a, of_b);
        if (!same && !(fields[i].but & but))
            return false;
    }
    return but & (KVR_BUT_PLACE | KVR_BUT_LEVEL | KVR_BUT_THREADS) || kvr_same_place(a, b);
}
