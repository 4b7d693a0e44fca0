/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one head of a case streams: the measure of working sets and of the number of heads.
 */
#include <string.h>

#include "../codec/codebook.h"
#include "plan.h"

const char kvr_materialised[] = "materialised";

enum { FLOAT16_BYTES = 2 };

bool kvr_case_materialises(const struct kvr_case *c)
{
    return strcmp(c->variant, kvr_materialised) == 0;
}

/* The pages of a head, each a whole one in memory; a head that lies in one piece is one part. */
static uint64_t parts(const struct kvr_case *c, uint32_t *part_tokens)
{
    *part_tokens = c->page_tokens ? c->page_tokens : c->shape.tokens;
    return ((uint64_t)c->shape.tokens + *part_tokens - 1) / *part_tokens;
}

/* Rows of float16 of one part, in whole lines. */
static uint64_t rows_bytes(const struct kvr_case *c, uint64_t part_tokens)
{
    uint64_t bytes = part_tokens * c->shape.head_dim * FLOAT16_BYTES;
    return (bytes + KVR_LINE_BYTES - 1) / KVR_LINE_BYTES * KVR_LINE_BYTES;
}

const struct kvr_codec *kvr_case_values(const struct kvr_case *c)
{
    return c->values_q8 ? &kvr_codec_value_q8 : kvr_codec_find("fp16");
}

uint64_t kvr_case_codebook_bytes(const struct kvr_case *c)
{
    return kvr_codebook_bytes(&c->shape, c->codec->book, c->codebook);
}

uint32_t kvr_case_book_heads(const struct kvr_case *c)
{
    const uint32_t batch = c->batch ? c->batch : 1;
    if (c->codebook == KVR_CODEBOOK_NONE || !c->codec->book_heads)
        return batch;
    return batch * c->codec->book_heads;
}

uint64_t kvr_case_more_codebook_bytes(const struct kvr_case *c)
{
    const uint64_t bytes = kvr_case_codebook_bytes(c);
    return c->codebook_warm ? bytes : kvr_case_book_heads(c) > 1 ? bytes * c->threads : 0;
}

uint64_t kvr_case_head_bytes(const struct kvr_case *c)
{
    const struct kvr_format *format = kvr_codec_layout(c->codec, &c->shape);
    uint32_t part_tokens = 0, sharers = kvr_case_book_heads(c);
    uint64_t count = parts(c, &part_tokens);
    const uint32_t last_tokens = c->shape.tokens - (uint32_t)(count - 1) * part_tokens;
    uint64_t part_bytes = format->segment_bytes(&c->shape, part_tokens);
    uint64_t last_bytes = format->segment_bytes(&c->shape, last_tokens), more_bytes = 0;
    if (last_bytes > part_bytes) /* a residual */
        more_bytes = last_bytes - part_bytes;
    if (kvr_case_materialises(c)) { /* the step writes whole blocks of its codes */
        uint64_t blocks = ((uint64_t)part_tokens + format->block_keys - 1) / format->block_keys;
        part_bytes += rows_bytes(c, blocks * format->block_keys);
    }
    if (strcmp(c->op, "attention") == 0)
        part_bytes += kvr_case_values(c)->formats[0]->segment_bytes(&c->shape, part_tokens);
    uint64_t codebook_bytes = c->codebook_warm ? 0 : kvr_case_codebook_bytes(c);
    return count * part_bytes + more_bytes + (codebook_bytes + sharers - 1) / sharers;
}

uint64_t kvr_case_reference_bytes(const struct kvr_case *c)
{
    struct kvr_case reference = *c;
    reference.codec = kvr_codec_find("fp16");
    reference.variant = "fused";
    reference.codebook = KVR_CODEBOOK_NONE;
    return kvr_case_head_bytes(&reference);
}
