/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "claims_rows.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FP16_BYTES = 2 };

const struct kvr_claim_shape kvr_paper_shape = {
    .head_dim = 64, .tables = 4, .entries = 256, .tokens = 512};

/* ---- arithmetic ---- */

double kvr_claim_code_bytes(double bits, double channels)
{
    return bits * channels / 8;
}

double kvr_claim_table_macs(const struct kvr_claim_shape *s)
{
    return s->tables * s->entries * (s->head_dim / s->tables);
}

double kvr_claim_operations_ratio(const struct kvr_claim_shape *s)
{
    return s->tokens * s->head_dim / (kvr_claim_table_macs(s) + s->tokens * s->tables);
}

double kvr_claim_operations_ratio_cheap(const struct kvr_claim_shape *s)
{
    return s->tokens * s->head_dim / (s->tables * s->entries + s->tokens * s->tables);
}

double kvr_claim_tokens_for(const struct kvr_claim_shape *s, double times)
{
    double saved = s->head_dim - times * s->tables; /* a token's operations */
    return saved > 0 ? times * kvr_claim_table_macs(s) / saved : INFINITY;
}

double kvr_claim_hot_bytes_ratio(const struct kvr_claim_shape *s)
{
    return FP16_BYTES * s->head_dim / s->tables;
}

double kvr_claim_codebook_bytes(const struct kvr_claim_shape *s)
{
    return FP16_BYTES * s->entries * s->head_dim;
}

double kvr_claim_cold_bytes_ratio(const struct kvr_claim_shape *s)
{
    double bytes = s->tables * s->tokens + kvr_claim_codebook_bytes(s);
    return FP16_BYTES * s->head_dim * s->tokens / bytes;
}

double kvr_claim_kv_ratio(const struct kvr_claim_shape *s)
{
    double fp16_bytes = FP16_BYTES * s->head_dim;
    return 2 * fp16_bytes / (s->tables + fp16_bytes);
}

double kvr_claim_encode_macs(const struct kvr_claim_shape *s)
{
    return kvr_claim_table_macs(s); /* each centroid is compared with one key instead of a query */
}

double kvr_claim_uniform_kl_nats(double tokens)
{
    return log(tokens);
}

double kvr_claim_bound_term(const struct kvr_claim_shape *s)
{
    return s->head_dim / (s->tables * s->entries);
}

/* ---- rows ---- */

void kvr_claim_state(struct kvr_claim *claim, const char *id, const char *type, const char *text,
                     const char *claimed, const char *unit)
{
    snprintf(claim->id, sizeof claim->id, "%s", id);
    snprintf(claim->source, sizeof claim->source, "arXiv 2601.10155");
    snprintf(claim->type, sizeof claim->type, "%s", type);
    snprintf(claim->claim, sizeof claim->claim, "%s", text);
    snprintf(claim->claimed, sizeof claim->claimed, "%s", claimed);
    snprintf(claim->unit, sizeof claim->unit, "%s", unit);
}

void kvr_claim_found(struct kvr_claim *claim, const char *holds, const char *format, ...)
{
    va_list arguments;
    snprintf(claim->holds, sizeof claim->holds, "%s", holds);
    va_start(arguments, format);
    vsnprintf(claim->why, sizeof claim->why, format, arguments);
    va_end(arguments);
}

void kvr_claim_measured(struct kvr_claim *claim, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(claim->measured, sizeof claim->measured, format, arguments);
    va_end(arguments);
}

int kvr_claims_decide(struct kvr_run_record *record)
{
    /* The ledger's own order. */
    static kvr_claim_row *const rows[KVR_CLAIMS] = {
        kvr_claim_key_bytes,  kvr_claim_rho,       kvr_claim_bound,        kvr_claim_kl,
        kvr_claim_operations, kvr_claim_bandwidth, kvr_claim_dequantising, kvr_claim_kv_cap,
        kvr_claim_shift,      kvr_claim_encoding,
        kvr_claim_squat_memory, kvr_claim_squat_throughput, kvr_claim_rvq_compression};
    struct kvr_claim *claims = calloc(KVR_CLAIMS, sizeof *claims);
    if (!claims)
        return -ENOMEM;
    for (size_t i = 0; i < KVR_CLAIMS; i++)
        rows[i](record, &claims[i]);
    free(record->claims);
    record->claims = claims;
    record->claim_count = KVR_CLAIMS;
    return 0;
}
