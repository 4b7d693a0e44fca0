/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_u8 with AVX-512 VBMI, K = 256: a table of 256 bytes is four registers; two vpermi2b look
 * 64 codes up in its halves and a blend on the codes' top bit chooses.
 *
 * Four lines of entries are summed by dot products (lookup_dots_avx512.h), for which the four
 * entries of a key must become one dword. That is a transposition of 4 by 4 bytes. Before they are
 * looked up, a permute puts the codes of keys d, d + 16, d + 32 and d + 48 into the places p ^ i of
 * dword d of line i; so what belongs into one place of two dwords never lies in one place of two
 * lines, and eight blends, which any port does, are all that is left to do.
 *
 * Four subspaces' tables fill 16 registers and stay there for all blocks of a segment. With more
 * subspaces, a tile of blocks is walked once per group of four, its sums waiting in L1.
 *
 * Limits, m = 4, 64 keys (256 bytes): 4 permutes, 8 vpermi2b, 4 masks, 12 blends, 4 dot products
 * and 8 operations for the scores. Where a vpermi2b is three micro-ops, two of them on the one
 * shuffle port (Intel), that port is busy for 20 cycles, and two ports of 512 bits share 56, 28
 * cycles; measured, at best, 32, or .50 a key (38 with sums of 16 bits, which take no dot products
 * but six operations more for a line's sums and a block's scores). Four vpermb with masks instead
 * of two vpermi2b would be 52 there, one cycle less as measured, but 52 instead of 40 operations
 * where vpermi2b is one. A call costs some 30 cycles beside, 16 loads of tables among them. From
 * memory, the memory is the limit.
 */
#include "../groups.h"
#include "../simd/hide.h"
#include "../simd/inject.h"
#include "lookup_dots_avx512.h"

enum { ENTRIES = 256, GROUP = 4, TILE_BLOCKS = 16 };

/* Byte p of dword d of line i of a block becomes key 16 * (p ^ i) + d. */
struct places {
    uint32_t dwords[GROUP][LANES];
};

#define DWORD(first, d) (first) + 0x01010101u * (d)
#define DWORDS4(first, d)                                                                          \
    DWORD(first, d), DWORD(first, (d) + 1), DWORD(first, (d) + 2), DWORD(first, (d) + 3)
#define DWORDS(first) {DWORDS4(first, 0), DWORDS4(first, 4), DWORDS4(first, 8), DWORDS4(first, 12)}
static const struct places places __attribute__((aligned(KVR_LINE_BYTES))) = {
    {DWORDS(0x30201000u), DWORDS(0x20300010u), DWORDS(0x10003020u), DWORDS(0x00102030u)}};

struct table {
    __m512i a, b, c, d;
};

KVR_INLINE struct table load_table(const uint8_t *p)
{
    return (struct table){_mm512_loadu_si512(p), _mm512_loadu_si512(p + 64),
                          _mm512_loadu_si512(p + 128), _mm512_loadu_si512(p + 192)};
}

KVR_INLINE __m512i look_up(const struct table *t, const unsigned char *line,
                           const unsigned char *ahead, const uint32_t *place, const int prefetch)
{
    __m512i codes = _mm512_permutexvar_epi8(_mm512_loadu_si512(place), _mm512_loadu_si512(line));
    if (prefetch)
        kvr_prefetch(ahead, KVR_LINE_BYTES);
    __m512i low = _mm512_permutex2var_epi8(t->a, codes, t->b);
    __m512i high = _mm512_permutex2var_epi8(t->c, codes, t->d);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), low, high);
}

KVR_INLINE struct sums load_sums(const struct sums *s)
{
    KVR_HIDE(s); /* one address, not one of each member */
    __m512i a = _mm512_load_si512(&s->a), b = _mm512_load_si512(&s->b);
    __m512i c = _mm512_load_si512(&s->c), d = _mm512_load_si512(&s->d);
    return (struct sums){a, b, c, d};
}

/* Adds the entries of lines 0 to 3, byte p of line i belonging to key p ^ i of a dword: each dword
 * of a sum gets four entries of one key. */
KVR_INLINE struct sums add_entries(struct sums s, const __m512i *entries)
{
    const __mmask64 odd = 0xaaaaaaaaaaaaaaaa, high = 0xcccccccccccccccc;
    const __m512i ones = _mm512_set1_epi8(1);
    __m512i even01 = _mm512_mask_blend_epi8(odd, entries[0], entries[1]);
    __m512i odd01 = _mm512_mask_blend_epi8(odd, entries[1], entries[0]);
    __m512i even23 = _mm512_mask_blend_epi8(odd, entries[2], entries[3]);
    __m512i odd23 = _mm512_mask_blend_epi8(odd, entries[3], entries[2]);
    return (struct sums){
        _mm512_dpbusd_epi32(s.a, _mm512_mask_blend_epi8(high, even01, even23), ones),
        _mm512_dpbusd_epi32(s.b, _mm512_mask_blend_epi8(high, odd01, odd23), ones),
        _mm512_dpbusd_epi32(s.c, _mm512_mask_blend_epi8(high, even23, even01), ones),
        _mm512_dpbusd_epi32(s.d, _mm512_mask_blend_epi8(high, odd23, odd01), ones),
    };
}

/* Blocks that one pass walks, and where its parts lie. */
struct tile {
    struct kvr_run run; /* codes and ahead: of the pass' first subspace in block 0 */
    size_t at;          /* of the tile's first block, see kvr_next_at */
    size_t block_bytes;
    uint32_t blocks;
    uint32_t streams, part_blocks; /* read in step, see kvr_split; partial sums: one stream */
    size_t apart_bytes;
};

#define LOOK_UP(i)                                                                                 \
    look_up(&t##i, codes + (i) * line, ahead + (i) * line, where->dwords[i], prefetch)

/* `count` subspaces (1 to 4) of every block of a tile. first: sums start at 0, else at partial[].
 * last: scores are written, else partial[]. The four tables are named, not an array, so that they
 * are registers in every compiler. Returns `at` of the block after the last. */
KVR_INLINE size_t pass(const struct kvr_prepared_lookup_u8 *p, const uint8_t *tables,
                       const uint32_t count, const int first, const int last, const int prefetch,
                       const struct tile *t, struct sums *partial, float *scores, uint32_t left)
{
    const size_t line = KVR_LINE_BYTES;
    const struct finish f = load_finish(p);
    const struct table t0 = load_table(tables);
    const struct table t1 = count > 1 ? load_table(tables + ENTRIES) : t0;
    const struct table t2 = count > 2 ? load_table(tables + 2 * ENTRIES) : t0;
    const struct table t3 = count > 3 ? load_table(tables + 3 * ENTRIES) : t0;
    size_t at = t->at;
    for (uint32_t b = 0; b < t->blocks; b++, at = kvr_next_at(&t->run, at, t->block_bytes)) {
        const unsigned char *codes = t->run.codes + at, *ahead = t->run.ahead + at;
        uint32_t key = b * KVR_LOOKUP_BLOCK_KEYS;
        for (uint32_t n = t->streams; n; n--) {
            const struct places *where = &places;
            KVR_HIDE(where); /* loaded for each block: in registers they drive tables out */
            const __m512i zero = _mm512_castps_si512(_mm512_set1_ps(ZERO));
            struct sums start = {zero, zero, zero, zero};
            if (!first)
                start = load_sums(&partial[b]);
            KVR_INJECT(count == GROUP || (first && last)); /* once per whole group, at least once */
            const __m512i none = _mm512_setzero_si512();
            const __m512i entries[GROUP] = {
                LOOK_UP(0), count > 1 ? LOOK_UP(1) : none, count > 2 ? LOOK_UP(2) : none,
                count > 3 ? LOOK_UP(3) : none};
            const struct sums s = add_entries(start, entries);
            if (last)
                store_sums(&s, &f, scores + key, left - key);
            else
                partial[b] = s;
            codes += t->apart_bytes;
            ahead += t->apart_bytes;
            key += t->part_blocks * KVR_LOOKUP_BLOCK_KEYS;
        }
    }
    return at;
}

/* The last 1 to 4 subspaces. */
KVR_INLINE size_t last_pass(const struct kvr_prepared_lookup_u8 *p, const uint8_t *tables,
                            uint32_t count, const int first, const int prefetch,
                            const struct tile *t, struct sums *partial, float *scores,
                            uint32_t left)
{
    if (count == 4)
        return pass(p, tables, 4, first, 1, prefetch, t, partial, scores, left);
    if (count == 3)
        return pass(p, tables, 3, first, 1, prefetch, t, partial, scores, left);
    if (count == 2)
        return pass(p, tables, 2, first, 1, prefetch, t, partial, scores, left);
    return pass(p, tables, 1, first, 1, prefetch, t, partial, scores, left);
}

/* More than four subspaces: all passes over one tile. */
KVR_INLINE size_t score_tile(struct tile t, const struct kvr_prepared_lookup_u8 *p,
                             uint32_t count, float *scores, uint32_t left, const int prefetch)
{
    const uint8_t *tables = p->tables;
    struct sums partial[TILE_BLOCKS];
    const size_t group_lines = (size_t)GROUP * KVR_LINE_BYTES;
    pass(p, tables, GROUP, 1, 0, prefetch, &t, partial, NULL, 0);
    for (count -= GROUP; ; count -= GROUP) {
        tables += GROUP * ENTRIES;
        t.run.codes += group_lines;
        t.run.ahead += group_lines;
        if (count <= GROUP)
            break;
        pass(p, tables, GROUP, 0, 0, prefetch, &t, partial, NULL, 0);
    }
    return last_pass(p, tables, count, 0, prefetch, &t, partial, scores, left);
}

KVR_INLINE void score(const struct kvr_shape *shape, const struct kvr_segments *segments,
                      uint32_t i, const void *prepared, float *scores, const int prefetch)
{
    const struct kvr_prepared_lookup_u8 *p = prepared;
    const uint32_t count = shape->tables;
    const size_t block_bytes = (size_t)count * KVR_LINE_BYTES;
    const size_t bytes = kvr_lookup_bytes(count, segments->tokens);
    const uint32_t blocks = (uint32_t)(bytes / block_bytes), tokens = segments->tokens;
    struct kvr_split split = {1, blocks, bytes, 0};
    if (count <= GROUP)
        split = kvr_split(segments, blocks, block_bytes);
    for (size_t offset = 0; offset < split.part_bytes;) {
        struct kvr_run run = kvr_next_run(segments, i, offset, split.part_bytes, block_bytes);
        const uint32_t run_blocks = (uint32_t)(run.bytes / block_bytes);
        const uint32_t tile_blocks = count <= GROUP ? run_blocks : TILE_BLOCKS;
        const uint32_t first = (uint32_t)(offset / block_bytes);
        size_t at = 0;
        for (uint32_t b = 0; b < run_blocks; b += tile_blocks) {
            struct tile t = {run, at, block_bytes,
                             run_blocks - b < tile_blocks ? run_blocks - b : tile_blocks,
                             split.streams, split.part_blocks, split.apart_bytes};
            const uint32_t key = (first + b) * KVR_LOOKUP_BLOCK_KEYS;
            if (count <= GROUP)
                at = last_pass(p, p->tables, count, 1, prefetch, &t, NULL, scores + key,
                               tokens - key);
            else
                at = score_tile(t, p, count, scores + key, tokens - key, prefetch);
        }
        offset += run.bytes;
    }
    for (uint32_t b = split.streams * split.part_blocks; b < blocks; b++) {
        struct kvr_run run = kvr_next_run(segments, i, b * block_bytes, bytes, block_bytes);
        struct tile t = {run, 0, block_bytes, 1, 1, 0, 0};
        const uint32_t key = b * KVR_LOOKUP_BLOCK_KEYS;
        last_pass(p, p->tables, count, 1, prefetch, &t, NULL, scores + key, tokens - key);
    }
}

static void score_lookup_u8(const struct kvr_shape *shape, const struct kvr_segments *segments,
                            uint32_t i, const void *side, const void *prepared, float *scores)
{
    (void)side;
    if (segments->ahead_segments || segments->ahead_bytes)
        score(shape, segments, i, prepared, scores, 1);
    else
        score(shape, segments, i, prepared, scores, 0);
}

const struct kvr_kernel kvr_kernel_lookup_u8_u8_avx512vbmi = {
    .variant = "u8",
    .isa_name = "avx512vbmi",
    .format = &kvr_format_lookup_u8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_VBMI | KVR_ISA_VNNI,
    .max_tables = KVR_MAX_TABLES,
    .work = {.block_keys = 64, .loads = 8, .stores = 4, .shuffles = 12, .vector_alu = 20, .fma = 4,
             .int_dots = 4, .uops = 69, .shuffle_rate = "shuffle.two"},
    .work_once = {.stores = 4, .vector_alu = 4, .fma = 4, .uops = 26},
    .work_head_dim = 64,
    .work_tables = 4,
    .score = score_lookup_u8,
    .groups = kvr_groups_lookup_u8_avx512vbmi,
};
