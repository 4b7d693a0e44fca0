/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "beside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../codec/codebook.h"
#include "arena.h"

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

/* Where something is placed, and the sentence that says why it cannot be. */
struct site {
    struct kvr_session *session;
    struct kvr_half *half;
    uint64_t at; /* from the start of the half */
    char *why;
    size_t why_bytes;
};

/* The next `bytes` of the half, shared out among the threads. 0, or -ERANGE with a sentence. */
static int take(const struct site *site, uint64_t bytes)
{
    uint64_t room = site->half->memory.bytes;
    if (site->at + bytes <= room)
        return kvr_half_share(site->session, site->half, site->at, bytes, site->why,
                              site->why_bytes);
    snprintf(site->why, site->why_bytes,
             "codes, codebooks and values need %.0f MiB, the arena half has %.0f MiB",
             (double)(site->at + bytes) / 1048576, (double)room / 1048576);
    return -ERANGE;
}

static int place_codebooks(struct site *site, const struct kvr_case *c,
                           const struct kvr_material *material, const struct kvr_lists *keys,
                           uint64_t seed, struct kvr_beside *b)
{
    unsigned char *base = site->half->memory.base + site->at;
    size_t bytes = kvr_case_codebook_bytes(c);
    bytes = (bytes + KVR_LINE_BYTES - 1) / KVR_LINE_BYTES * KVR_LINE_BYTES;
    size_t element_bytes = c->codebook == KVR_CODEBOOK_F16 ? 2 : 4;
    uint64_t page = 0, count;
    int rc = kvr_lists_codebooks(keys, base, bytes, kvr_case_book_heads(c), c->codebook_warm, seed,
                                 &b->codebooks);
    void *packed = rc ? NULL : calloc(1, bytes);
    if (!rc && !packed)
        rc = -ENOMEM;
    if (rc)
        return rc;
    b->has_codebooks = true;
    rc = kvr_codebook_pack(&c->shape, c->codec->book, material->side, c->codebook, packed);
    if (rc)
        snprintf(site->why, site->why_bytes,
                 "the codebook of %s has a value that float16 cannot hold; use --codebook f32",
                 c->codec->name);
    count = c->codebook_warm ? 1 : b->codebooks.heads;
    if (!rc)
        rc = take(site, count * bytes);
    for (uint64_t i = 0; i < count && !rc; i++) {
        memcpy(base + i * bytes, packed, bytes);
        mark_pages(base + i * bytes, bytes, element_bytes, &page);
    }
    site->at += whole_pages(count * bytes);
    free(packed);
    return rc;
}

static int place_values(struct site *site, const struct kvr_material *values,
                        const struct kvr_lists *keys, struct kvr_beside *b)
{
    const struct kvr_format *format = values->codec->formats[0];
    size_t row_bytes = format->segment_bytes(&values->shape, keys->tokens);
    uint64_t bytes = (uint64_t)row_bytes * keys->parts * keys->heads;
    unsigned char *base = site->half->memory.base + site->at;
    int rc = take(site, bytes);
    if (!rc)
        rc = kvr_lists_beside(keys, base, format, &values->shape, &b->rows);
    b->has_rows = !rc;
    if (!rc)
        kvr_material_fill(values, base, bytes);
    return rc;
}

int kvr_beside_place(struct kvr_session *s, struct kvr_half *half, const struct kvr_case *c,
                     const struct kvr_material *material, const struct kvr_material *values,
                     const struct kvr_lists *keys, uint64_t seed, struct kvr_beside *b, char *why,
                     size_t why_bytes)
{
    uint64_t codes = kvr_lists_memory_bytes(keys);
    struct site site = {.session = s, .half = half, .at = whole_pages(codes), .why = why,
                        .why_bytes = why_bytes};
    int rc = 0;
    *b = (struct kvr_beside){.has_rows = false};
    if (c->codebook != KVR_CODEBOOK_NONE)
        rc = place_codebooks(&site, c, material, keys, seed, b);
    if (!rc && values)
        rc = place_values(&site, values, keys, b);
    if (half->filled_bytes > codes && (b->has_codebooks || b->has_rows))
        half->filled_bytes = codes;
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
