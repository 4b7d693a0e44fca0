/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "problem.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "guarded.h"
#include "kernels/additive.h"

const char *const fill_names[FILL_COUNT] = {"all min", "all max", "random", "alternating"};

void *aligned_bytes(size_t bytes)
{
    bytes = bytes / 64 * 64 + 64;
    void *p = aligned_alloc(64, bytes);
    if (!p)
        abort();
    return memset(p, 0, bytes);
}

int is_lookup(const struct kvr_format *format)
{
    return format->entries != 0;
}

static int has_float_tables(const struct kvr_format *format)
{
    return format == &kvr_format_lookup_f32 || format == &kvr_format_lookup4_f32 ||
           format == &kvr_format_additive_f32;
}

static int is_additive(const struct kvr_format *format)
{
    return format == &kvr_format_additive_f32 || format == &kvr_format_additive_rows;
}

const void *side_of(const struct kvr_format *format)
{
    static _Alignas(64) struct kvr_additive_books books;
    uint16_t *rows = books.rows[0][0];
    uint64_t random = 9;
    if (format != &kvr_format_additive_rows)
        return NULL;
    if (rows[0])
        return &books;
    for (size_t i = 0; i < sizeof books.rows / sizeof *rows; i++) /* below 2, some subnormal */
        rows[i] = (uint16_t)(guarded_random(&random) & 0xbfff);
    rows[0] = 1;
    return &books;
}

static int has_byte_tables(const struct kvr_format *format)
{
    return format == &kvr_format_lookup_u8 || format == &kvr_format_lookup4_u8;
}

/* Uniform in [-1, 1]. */
static float signed_unit(uint64_t *random)
{
    return (float)((double)(guarded_random(random) & 0xffffffff) / 0x7fffffff - 1);
}

/* -low or high by the fill's pattern; random values by the caller. */
static int extreme(enum fill fill, size_t index)
{
    return fill == FILL_MAX || (fill == FILL_ALTERNATING && index % 2);
}

/* 16-bit floats. Extremes: the largest that are finite, of bfloat16 those of which 256 still have a
 * finite sum. */
static void fill_rows(const struct kvr_format *format, enum fill fill, unsigned char *codes,
                      size_t bytes, uint64_t *random)
{
    const int bf16 = format == &kvr_format_dense_bf16;
    const uint16_t largest = bf16 ? 0x7b7f : 0x7bff;
    for (size_t i = 0; i < bytes / sizeof(uint16_t); i++) {
        uint16_t half = (uint16_t)(largest | (extreme(fill, i) ? 0 : 0x8000));
        if (fill == FILL_RANDOM) { /* magnitudes from 2^-7 to 4, any mantissa and sign */
            uint64_t r = guarded_random(random), power = (r >> 20) % 9;
            half = (uint16_t)(bf16 ? (r & 0x807f) | (120 + power) << 7
                                   : (r & 0x83ff) | (8 + power) << 10);
        }
        memcpy(codes + i * sizeof half, &half, sizeof half);
    }
}

static int is_group_q8(const struct kvr_format *format)
{
    return format == &kvr_format_affine8g_q8 || format == &kvr_format_affine4g_q8;
}

int is_grouped(const struct kvr_format *format)
{
    return format == &kvr_format_affine8g || format == &kvr_format_affine4g ||
           format == &kvr_format_affine4g_f16 || format->residual || is_group_q8(format);
}

/* Scales, zeros, codes, and float16 keys in place of a last group: any finite float16 is any of
 * them. Extremes: the largest of both signs, whose sums are still finite floats. */
static void fill_channels(enum fill fill, unsigned char *codes, size_t bytes, uint64_t *random)
{
    for (size_t i = 0; i < bytes / sizeof(uint16_t); i++) {
        uint16_t half = fill == FILL_RANDOM ? (uint16_t)guarded_random(random)
                        : extreme(fill, i)  ? 0x7bff
                                            : 0xfbff;
        if ((half & 0x7c00) == 0x7c00)
            half &= (uint16_t)~0x0400;
        memcpy(codes + i * sizeof half, &half, sizeof half);
    }
}

/* The scales of the blocks' heads: [d/32][16 keys] float16 in whole lines, the rest of which is 0.
 * Extremes: the smallest one that is not 0, and the largest with which -8 is still finite. */
static void fill_scales(const struct kvr_format *format, const struct kvr_shape *shape,
                        enum fill fill, unsigned char *codes, size_t bytes, uint64_t *random)
{
    const size_t block_bytes = format->segment_bytes(shape, 16);
    const size_t scales = shape->head_dim / 32 * 16;
    for (size_t at = 0; at < bytes; at += block_bytes) {
        memset(codes + at, 0, (scales * sizeof(uint16_t) + 63) / 64 * 64);
        for (size_t i = 0; i < scales; i++) {
            uint64_t r = guarded_random(random);
            uint16_t half = (uint16_t)((r & 0x3ff) | (4 + (r >> 20) % 9) << 10);
            if (r >> 30 & 1)
                half = (uint16_t)(r & 0x3ff); /* subnormal, or 0 */
            if (fill != FILL_RANDOM)
                half = extreme(fill, i / 3) ? 0x6fff : 0x0001;
            memcpy(codes + at + i * sizeof half, &half, sizeof half);
        }
    }
}

/* Halves that end each block: finite and not negative; extremes: 0 and the largest. */
static void fill_ends(const struct kvr_format *format, const struct kvr_shape *shape,
                      size_t end_bytes, enum fill fill, unsigned char *codes, size_t bytes,
                      uint64_t *random)
{
    const size_t block_bytes = format->segment_bytes(shape, 64);
    for (size_t at = block_bytes - end_bytes; at < bytes; at += block_bytes) {
        for (size_t i = 0; i < end_bytes / 2; i++) {
            uint16_t half = (uint16_t)(guarded_random(random) % 0x7c00);
            if (fill != FILL_RANDOM)
                half = extreme(fill, i) ? 0x7bff : 0;
            memcpy(codes + at + i * sizeof half, &half, sizeof half);
        }
    }
}

void fill_codes(const struct kvr_format *format, const struct kvr_shape *shape, enum fill fill,
                unsigned char *codes, size_t bytes, uint64_t *random)
{
    if (format->row_major) {
        fill_rows(format, fill, codes, bytes, random);
        return;
    }
    if (format->residual) {
        fill_channels(fill, codes, bytes, random);
        return;
    }
    /* all values of a byte are codes of affine ones, two for 16 entries, parts of them for 2048 */
    const int bytes_are_codes = is_lookup(format) && format->entries == 256;
    unsigned highest = bytes_are_codes ? shape->entries - 1 : 255;
    for (size_t i = 0; i < bytes; i++) {
        if (fill == FILL_RANDOM)
            codes[i] = (unsigned char)(guarded_random(random) % (highest + 1));
        else
            codes[i] = (unsigned char)(extreme(fill, i) ? highest : 0);
    }
    if (format == &kvr_format_signs_u8) /* two norms a key */
        fill_ends(format, shape, 4 * 64, fill, codes, bytes, random);
    if (is_additive(format)) /* a scale a key */
        fill_ends(format, shape, 2 * 64, fill, codes, bytes, random);
    if (is_grouped(format))
        fill_scales(format, shape, fill, codes, bytes, random);
}

/* Random, but the sign by the fill: codes and query extreme together give the largest sums. */
static float query_value(enum fill fill, size_t index, uint64_t *random)
{
    if (fill == FILL_RANDOM)
        return signed_unit(random);
    return extreme(fill, index) ? 1.0f : -1.0f;
}

static void fill_affine(const struct kvr_shape *shape, int zero, enum fill fill,
                        struct kvr_prepared_affine *p, uint64_t *random)
{
    double sum = 0;
    for (uint32_t c = 0; c < shape->head_dim; c++) {
        p->query[c] = query_value(fill, c, random);
        sum += (double)p->query[c];
    }
    p->offset_sum = (float)(zero * sum);
}

static void fill_rows_query(const struct kvr_shape *shape, enum fill fill,
                            struct kvr_prepared_rows *p, uint64_t *random)
{
    for (uint32_t c = 0; c < shape->tables * 4; c++)
        p->query[c] = query_value(fill, c, random);
    p->largest = 8 * 2; /* of side_of() */
}

static uint8_t table_byte(enum fill fill, size_t index, uint64_t *random)
{
    return (uint8_t)(fill == FILL_RANDOM ? guarded_random(random) : extreme(fill, index) ? 255 : 0);
}

static void fill_signs(const struct kvr_shape *shape, enum fill fill,
                       struct kvr_prepared_signs_u8 *p, uint64_t *random)
{
    for (int s = 0; s < 2; s++) {
        p->step[s] = 0.01f * (1.0f + signed_unit(random) / 2);
        p->bias[s] = signed_unit(random);
    }
    for (size_t i = 0; i < (size_t)2 * shape->tables * 16; i++)
        p->tables[i] = table_byte(fill, i, random);
}

/* Scales at both ends of what float16 rounds: steps of 2^-24 and values up to 65504. */
static void fill_rounded(const struct kvr_format *format, const struct kvr_shape *shape,
                         enum fill fill, struct kvr_prepared_rounded *p, uint64_t *random)
{
    const double zero = format == &kvr_format_affine8_f16 ? 128 : 8;
    for (uint32_t c = 0; c < shape->head_dim; c++)
        p->query[c] = query_value(fill, c, random);
    p->scale = 0.01f * (1.0f + signed_unit(random) / 2);
    if (fill == FILL_MIN)
        p->scale = (float)(65504 / zero);
    else if (fill == FILL_ALTERNATING)
        p->scale = 0x1.234568p-24f;
}

/* One channel of an 8-bit query, also where it stands in dwords: of nibbles (zero = 8) the even
 * ones of 8 channels in one dword, the odd ones in the next. */
static int fill_query8(uint32_t c, int zero, enum fill fill, int8_t *query8, int32_t *dwords,
                       uint64_t *random)
{
    const size_t at = zero == 128 ? c : c / 8 * 8 + c % 2 * 4 + c % 8 / 2;
    const int value = fill == FILL_RANDOM ? (int)(guarded_random(random) % 255) - 127
                      : extreme(fill, c)  ? 127
                                          : -127;
    query8[c] = (int8_t)value;
    ((unsigned char *)dwords)[at] = (unsigned char)value;
    return value;
}

/* Steps far apart: a wrong group's would show. */
static void fill_group_q8(const struct kvr_format *format, const struct kvr_shape *shape,
                          enum fill fill, struct kvr_prepared_group_q8 *p, uint64_t *random)
{
    const int zero = format == &kvr_format_affine8g_q8 ? 128 : 8;
    for (uint32_t c = 0; c < shape->head_dim; c++)
        p->offset_sums[c / 32] += zero * fill_query8(c, zero, fill, p->query8, p->dwords, random);
    for (uint32_t g = 0; g < shape->head_dim / 32; g++)
        p->steps[g] = 0.001f * (float)(1 << 2 * g) * (1.0f + signed_unit(random) / 2);
}

static void fill_affine_q8(const struct kvr_format *format, const struct kvr_shape *shape,
                           enum fill fill, struct kvr_prepared_affine_q8 *p, uint64_t *random)
{
    const int zero = format == &kvr_format_affine8_q8 ? 128 : 8;
    int32_t sum = 0;
    for (uint32_t c = 0; c < shape->head_dim; c++)
        sum += fill_query8(c, zero, fill, p->query8, p->dwords, random);
    p->offset_sum = zero * sum;
    p->scale = 0.001f * (1.0f + signed_unit(random) / 2);
}

void fill_prepared(const struct kvr_format *format, const struct kvr_shape *shape, enum fill fill,
                   void *prepared, uint64_t *random)
{
    size_t entries = (size_t)shape->tables * shape->entries;
    memset(prepared, 0, format->prepared_bytes(shape));
    if (format->row_major || format->residual || format == &kvr_format_affine8g ||
        format == &kvr_format_affine4g) {
        struct kvr_prepared_dense *p = prepared;
        for (uint32_t c = 0; c < shape->head_dim; c++)
            p->query[c] = query_value(fill, c, random);
    } else if (format == &kvr_format_affine8) {
        fill_affine(shape, 128, fill, prepared, random);
    } else if (format == &kvr_format_affine4) {
        fill_affine(shape, 8, fill, prepared, random);
    } else if (format == &kvr_format_affine8_f16 || format == &kvr_format_affine4_f16 ||
               format == &kvr_format_affine4g_f16) {
        fill_rounded(format, shape, fill, prepared, random);
    } else if (has_float_tables(format)) {
        float *tables = prepared;
        for (size_t i = 0; i < entries; i++)
            tables[i] = query_value(fill, i, random);
    } else if (format == &kvr_format_additive_rows) {
        fill_rows_query(shape, fill, prepared, random);
    } else if (has_byte_tables(format)) {
        struct kvr_prepared_lookup_u8 *p = prepared;
        p->step = 0.01f * (1.0f + signed_unit(random) / 2);
        p->bias = signed_unit(random);
        for (size_t i = 0; i < entries; i++)
            p->tables[i] = table_byte(fill, i, random);
    } else if (format == &kvr_format_signs_u8) {
        fill_signs(shape, fill, prepared, random);
    } else if (is_group_q8(format)) {
        fill_group_q8(format, shape, fill, prepared, random);
    } else {
        fill_affine_q8(format, shape, fill, prepared, random);
    }
}

double allowed_difference(const struct kvr_format *format, const struct kvr_shape *shape,
                          uint32_t tokens, const void *codes, const void *prepared)
{
    double factor = format->magnitude ? format->magnitude(shape, tokens, codes) : 1;
    return format->tolerance * format->scale(shape, prepared) * factor;
}

void with_and_without_denormals(void (*check)(const void *), const void *argument)
{
    check(argument);
#if defined(__x86_64__)
    enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x40 };
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    check(argument);
    _mm_setcsr(before);
#endif
}
