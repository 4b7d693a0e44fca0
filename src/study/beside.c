/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "beside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/formats.h"
#include "../codec/codebook.h"

enum { PAGE_BYTES = 4096, MARKS = 8 };

static uint64_t whole_pages(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* Equal pages could be merged by the host and would then be cached as one: the page's number goes
 * into the lowest four mantissa bits of its first elements. */
static void mark_pages(unsigned char *codebook, size_t bytes, size_t element_bytes, uint64_t *page)
{
    for (size_t at = 0; at < bytes; at += PAGE_BYTES, ++*page)
        for (size_t m = 0; m < MARKS && at + m * element_bytes < bytes; m++) {
            unsigned char *low = codebook + at + m * element_bytes;
            *low = (unsigned char)((*low & 0xf0) | (*page >> (4 * m) & 15));
        }
}

static int place_codebooks(const struct kvr_case *c, const struct kvr_material *material,
                           const struct kvr_lists *keys, unsigned char *base, uint64_t room,
                           uint64_t seed, struct kvr_beside *b, uint64_t *used)
{
    size_t bytes = kvr_codebook_bytes(&c->shape, c->codebook);
    bytes = (bytes + KVR_LINE_BYTES - 1) / KVR_LINE_BYTES * KVR_LINE_BYTES;
    size_t element_bytes = c->codebook == KVR_CODEBOOK_F16 ? 2 : 4;
    uint64_t page = 0, count;
    int rc = kvr_lists_codebooks(keys, base, bytes, c->batch ? c->batch : 1, c->codebook_warm, seed,
                                 &b->codebooks);
    void *packed = rc ? NULL : calloc(1, bytes);
    if (!rc && !packed)
        rc = -ENOMEM;
    if (rc)
        return rc;
    b->has_codebooks = true;
    kvr_codebook_pack(&c->shape, material->side, c->codebook, packed);
    count = c->codebook_warm ? 1 : b->codebooks.heads;
    *used = count * bytes;
    if (*used > room)
        rc = -ERANGE;
    for (uint64_t i = 0; i < count && !rc; i++) {
        memcpy(base + i * bytes, packed, bytes);
        mark_pages(base + i * bytes, bytes, element_bytes, &page);
    }
    free(packed);
    return rc;
}

int kvr_beside_place(struct kvr_half *half, const struct kvr_case *c,
                     const struct kvr_material *material, const struct kvr_material *values,
                     const struct kvr_lists *keys, uint64_t seed, struct kvr_beside *b, char *why,
                     size_t why_bytes)
{
    uint64_t codes = (uint64_t)keys->segment_bytes * keys->parts * keys->heads, used = 0;
    uint64_t at = whole_pages(codes), room = half->memory.bytes;
    int rc = at <= room ? 0 : -ERANGE;
    *b = (struct kvr_beside){.has_rows = false};
    if (!rc && c->codebook != KVR_CODEBOOK_NONE && material->shape.entries)
        rc = place_codebooks(c, material, keys, half->memory.base + at, room - at, seed, b, &used);
    at += whole_pages(used);
    if (!rc && values) {
        size_t row_bytes = kvr_format_dense_f16.segment_bytes(&values->shape, keys->tokens);
        uint64_t bytes = (uint64_t)row_bytes * keys->parts * keys->heads;
        rc = at + bytes <= room ? 0 : -ERANGE;
        if (!rc)
            rc = kvr_lists_beside(keys, half->memory.base + at, &kvr_format_dense_f16,
                                  &values->shape, &b->rows);
        b->has_rows = !rc;
        if (!rc)
            kvr_material_fill(values, half->memory.base + at, bytes);
        at += bytes;
    }
    if (half->filled_bytes > codes && (b->has_codebooks || b->has_rows))
        half->filled_bytes = codes;
    if (rc == -ERANGE)
        snprintf(why, why_bytes,
                 "codes, codebooks and values need %.0f MiB, the arena half has %.0f MiB",
                 (double)at / 1048576, (double)room / 1048576);
    if (rc)
        kvr_beside_free(b);
    return rc;
}

void kvr_beside_free(struct kvr_beside *b)
{
    kvr_lists_free(&b->codebooks);
    kvr_lists_free(&b->rows);
    *b = (struct kvr_beside){.has_rows = false};
}
