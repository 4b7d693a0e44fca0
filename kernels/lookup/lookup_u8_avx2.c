/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_u8 with AVX2, K = 256: a byte shuffle reaches a table of 16, so 256 entries are sixteen
 * shuffles of 32 codes each, and what they give must be put together. Codes below 128: subtract 16
 * from the codes, as signed numbers that saturate, before each next shuffle; one that has become
 * negative gives 0 from there on (bit 7 of an index), so shuffle h adds its part only to codes from
 * 16 * h on. With part h = entries 16h.. xor entries 16(h - 1).., laid out for each segment, the
 * xor of all parts is the entry. Codes from 128 on are negative at once and stay so: they are
 * looked up by a second such chain with their top bit turned. No blend, which takes two to three
 * micro-ops on some CPUs, and no gather.
 *
 * Limits: half a line (32 look-ups) is 16 shuffles, 15 subtractions or turned bits and 15 exclusive
 * ors; with the sums 50 operations: 16.7 cycles with three vector ports (16 of the shuffle port
 * where there is one only), 12.5 with four: about 0.5 a look-up. One by one a look-up is a load and
 * about four micro-ops in all, and a gather of eight is at best eight loads and as many micro-ops.
 * The loads of parts, 16 for a line, hide.
 */
#include "../simd/hide.h"
#include "../simd/inject.h"
#include "../simd/unroll.h"
#include "../simd/x86_avx2.h"
#include "lookup.h"

enum { TABLES = 4, LANES = 8, HALF_KEYS = KVR_LOOKUP_BLOCK_KEYS / 2, PART = 16, CHAIN = 8 };

/* What the walk over a segment looks codes up in: parts of 16 bytes, in chains of eight. */
struct query {
    _Alignas(KVR_LINE_BYTES) uint8_t parts[KVR_MAX_TABLES * KVR_LOOKUP_ENTRIES];
    const struct kvr_prepared_lookup_u8 *prepared;
};

KVR_INLINE __m256i load(const void *bytes)
{
    return _mm256_loadu_si256((const __m256i *)bytes);
}

/* 32 bytes are two parts; what is before the first of a chain is 0. Not inlined: its loop is no
 * part of what a block costs. */
static __attribute__((noinline)) void lay_out(const struct kvr_prepared_lookup_u8 *p,
                                              uint32_t count, struct query *q)
{
    q->prepared = p;
    for (size_t at = 0; at < (size_t)count * KVR_LOOKUP_ENTRIES; at += 2 * PART) {
        __m256i entries = load(p->tables + at);
        __m256i before = at % (CHAIN * PART) ? load(p->tables + at - PART)
                                             : _mm256_permute2x128_si256(entries, entries, 0x08);
        _mm256_store_si256((__m256i *)(void *)(q->parts + at), _mm256_xor_si256(entries, before));
    }
}

struct halves {
    __m256i low, high;
};

/* The xor of a chain's parts for both halves of a line. */
KVR_INLINE struct halves look_up(const uint8_t *parts, struct halves codes)
{
    const __m256i sixteen = _mm256_set1_epi8(16);
    struct halves found;
    KVR_UNROLL
    for (int h = 0; h < CHAIN; h++) {
        const void *part = parts + h * PART;
        const __m256i both = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)part));
        if (h) {
            codes.low = _mm256_subs_epi8(codes.low, sixteen);
            codes.high = _mm256_subs_epi8(codes.high, sixteen);
        }
        const __m256i low = _mm256_shuffle_epi8(both, codes.low);
        const __m256i high = _mm256_shuffle_epi8(both, codes.high);
        found.low = h ? _mm256_xor_si256(found.low, low) : low;
        found.high = h ? _mm256_xor_si256(found.high, high) : high;
        /* the next part after these: all of them at once are spilled */
        __asm__ volatile("" : "+r"(parts), "+x"(found.low), "+x"(found.high));
    }
    return found;
}

/* In 16 bits without unpacking: pairs of bytes as words into one sum, the words shifted right by 8
 * (the odd keys) into another. */
struct sums {
    __m256i words, odd;
};

KVR_INLINE void add_bytes(struct sums *s, __m256i bytes)
{
    s->words = _mm256_add_epi16(s->words, bytes);
    s->odd = _mm256_add_epi16(s->odd, _mm256_srli_epi16(bytes, 8));
}

/* What turns sums into scores; read before any score is written, which might lie there. */
struct finish {
    __m256 step, bias;
};

/* Eight keys from 16-bit sums; no multiply-add, because the reference rounds the product. */
KVR_INLINE void store8(const struct finish *f, __m128i sums, float *scores, int64_t left,
                       const int whole)
{
    __m256 values = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(sums));
    values = _mm256_add_ps(_mm256_mul_ps(values, f->step), f->bias);
    if (whole)
        _mm256_storeu_ps(scores, values);
    else
        kvr_store8(scores, left, values);
}

/* 32 keys: the even ones' sums are the words minus 256 times the odd ones'; interleaved they are
 * keys 0-7 and 16-23, 8-15 and 24-31. */
KVR_INLINE void store_half(const struct finish *f, const struct sums *s, float *scores,
                           int64_t left, const int whole)
{
    const __m256i even = _mm256_sub_epi16(s->words, _mm256_slli_epi16(s->odd, 8));
    const __m256i first = _mm256_unpacklo_epi16(even, s->odd);
    const __m256i second = _mm256_unpackhi_epi16(even, s->odd);
    store8(f, _mm256_castsi256_si128(first), scores, left, whole);
    store8(f, _mm256_castsi256_si128(second), scores + LANES, left - LANES, whole);
    store8(f, _mm256_extracti128_si256(first, 1), scores + 2 * LANES, left - 2 * LANES, whole);
    store8(f, _mm256_extracti128_si256(second, 1), scores + 3 * LANES, left - 3 * LANES, whole);
}

struct block_sums {
    struct sums low, high;
};

/* One subspace of 64 keys. Returns the next one's parts. */
KVR_INLINE const uint8_t *add_line(struct block_sums *s, const uint8_t *parts,
                                   const unsigned char *line)
{
    const __m256i top = _mm256_set1_epi8(-128);
    const struct halves c = {load(line), load(line + HALF_KEYS)};
    const struct halves below = look_up(parts, c);
    KVR_HIDE(line); /* loaded again: sixteen registers have no room for them */
    const struct halves turned = {_mm256_xor_si256(load(line), top),
                                  _mm256_xor_si256(load(line + HALF_KEYS), top)};
    const struct halves above = look_up(parts + CHAIN * PART, turned);
    add_bytes(&s->low, _mm256_xor_si256(below.low, above.low));
    add_bytes(&s->high, _mm256_xor_si256(below.high, above.high));
    /* the next line after these sums */
    parts += KVR_LOOKUP_ENTRIES;
    __asm__ volatile("" : "+r"(parts), "+x"(s->low.words), "+x"(s->low.odd), "+x"(s->high.words),
                     "+x"(s->high.odd));
    return parts;
}

KVR_INLINE void score_block(const struct query *q, const unsigned char *codes,
                            const unsigned char *ahead, const uint32_t count, float *scores,
                            int64_t left, const int prefetch)
{
    const uint8_t *parts = q->parts;
    const __m256i zero = _mm256_setzero_si256();
    struct block_sums s = {{zero, zero}, {zero, zero}};
    KVR_INJECT(KVR_INJECT_TIMES(count, TABLES));
    KVR_HIDE(parts); /* or the first ones are kept across blocks, and spilled */
    if (prefetch)
        kvr_prefetch(ahead, (size_t)count * KVR_LINE_BYTES);
    if (count == TABLES) {
        KVR_UNROLL
        for (uint32_t i = 0; i < TABLES; i++)
            parts = add_line(&s, parts, codes + (size_t)i * KVR_LINE_BYTES);
    } else {
        for (uint32_t i = 0; i < count; i++)
            parts = add_line(&s, parts, codes + (size_t)i * KVR_LINE_BYTES);
    }
    const struct finish f = {_mm256_broadcast_ss(&q->prepared->step),
                             _mm256_broadcast_ss(&q->prepared->bias)};
    if (left >= KVR_LOOKUP_BLOCK_KEYS) {
        store_half(&f, &s.low, scores, left, 1);
        store_half(&f, &s.high, scores + HALF_KEYS, left, 1);
    } else {
        store_half(&f, &s.low, scores, left, 0);
        store_half(&f, &s.high, scores + HALF_KEYS, left - HALF_KEYS, 0);
    }
}

#define SCAN score_lookup_u8
#define QUERY struct query
#define MAKE_QUERY lay_out
#define LINES(count) (count)
#define LEFT int64_t
#define BLOCK(codes, ahead)                                                                        \
    score_block(query, codes, ahead, count, scores + key, left, prefetch)
#include "lookup_walk.inc"

const struct kvr_kernel kvr_kernel_lookup_u8_u8_avx2 = {
    .variant = "u8",
    .isa_name = "avx2",
    .format = &kvr_format_lookup_u8,
    .isa = KVR_ISA_AVX2,
    .max_tables = KVR_MAX_TABLES,
    .work = {.block_keys = 64, .loads = 92, .stores = 8, .shuffles = 144, .vector_alu = 280,
             .converts = 8, .uops = 543, .convert_rate = "convert.i32"},
    .work_once = {.loads = 2, .stores = 8, .shuffles = 16, .vector_alu = 20, .converts = 8,
                  .uops = 70},
    .work_head_dim = 64,
    .work_tables = TABLES,
    .score = score_lookup_u8,
};
