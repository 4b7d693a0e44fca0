/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup_u8 with AVX-512 VBMI, K = 256: a table of 256 bytes is four registers; two vpermi2b look
 * 64 codes up in its halves and a blend on the codes' top bit chooses. The bytes are summed in 16
 * bits without unpacking: pairs as 16-bit words into one sum, the words shifted right by 8 (the odd
 * keys) into another; at the end the even keys' sum is the first minus 256 times the second.
 *
 * Four subspaces' tables fill 16 registers and stay there for all blocks of a segment. With more
 * subspaces, a tile of blocks is walked once per group of four, its sums waiting in L1.
 *
 * Limits, m = 4: 12 shuffles and 4 loads for 64 keys (256 bytes). Where vpermi2b is three
 * micro-ops, two of them on the one shuffle port (Intel), that port is full for 4 cycles a line;
 * elsewhere the ALU ports share about 45 vector operations a block. From memory, the memory is the
 * limit.
 */
#include "../groups.h"
#include "../simd/hide.h"
#include "../simd/inject.h"
#include "lookup_u8_avx512.h"

enum { ENTRIES = 256, GROUP = 4, TILE_BLOCKS = 8 };

struct sums {
    __m512i words, odd;
};

KVR_INLINE void store_sums(struct sums s, const struct finish *f, float *scores, uint32_t left)
{
    store_scores(_mm512_sub_epi16(s.words, _mm512_slli_epi16(s.odd, 8)), s.odd, f, scores, left);
}

KVR_INLINE void reload_finish(const struct kvr_prepared_lookup_u8 *p, struct finish *f)
{
    KVR_HIDE(p);
    f->step = _mm512_set1_ps(p->step);
    f->bias = _mm512_set1_ps(p->bias);
}

struct table {
    __m512i a, b, c, d;
};

KVR_INLINE struct table load_table(const uint8_t *p)
{
    return (struct table){_mm512_loadu_si512(p), _mm512_loadu_si512(p + 64),
                          _mm512_loadu_si512(p + 128), _mm512_loadu_si512(p + 192)};
}

KVR_INLINE void add_line(struct sums *s, const struct table *t, const unsigned char *line,
                         const unsigned char *ahead, const int prefetch)
{
    __m512i codes = _mm512_loadu_si512(line);
    KVR_KEEP(codes);
    if (prefetch)
        kvr_prefetch(ahead, KVR_LINE_BYTES);
    __m512i low = _mm512_permutex2var_epi8(t->a, codes, t->b);
    __m512i high = _mm512_permutex2var_epi8(t->c, codes, t->d);
    __m512i bytes = _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), low, high);
    s->words = _mm512_add_epi16(s->words, bytes);
    s->odd = _mm512_add_epi16(s->odd, _mm512_srli_epi16(bytes, 8));
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

/* `count` subspaces (1 to 4) of every block of a tile. first: sums start at 0, else at partial[].
 * last: scores are written, else partial[]. The four tables are named, not an array, so that they
 * are registers in every compiler. Returns `at` of the block after the last. */
KVR_INLINE size_t pass(const struct kvr_prepared_lookup_u8 *p, const uint8_t *tables,
                       const uint32_t count, const int first, const int last, const int prefetch,
                       const struct tile *t, struct sums *partial, float *scores, uint32_t left)
{
    const size_t line = KVR_LINE_BYTES;
    struct finish f = load_finish(p);
    const struct table t0 = load_table(tables);
    const struct table t1 = count > 1 ? load_table(tables + ENTRIES) : t0;
    const struct table t2 = count > 2 ? load_table(tables + 2 * ENTRIES) : t0;
    const struct table t3 = count > 3 ? load_table(tables + 3 * ENTRIES) : t0;
    size_t at = t->at;
    for (uint32_t b = 0; b < t->blocks; b++, at = kvr_next_at(&t->run, at, t->block_bytes)) {
        const unsigned char *codes = t->run.codes + at, *ahead = t->run.ahead + at;
        uint32_t key = b * KVR_LOOKUP_BLOCK_KEYS;
        for (uint32_t n = t->streams; n; n--) {
            struct sums s = {_mm512_setzero_si512(), _mm512_setzero_si512()};
            if (!first)
                s = partial[b];
            KVR_INJECT(count == GROUP || (first && last)); /* once per whole group, at least once */
            add_line(&s, &t0, codes, ahead, prefetch);
            if (count > 1)
                add_line(&s, &t1, codes + line, ahead + line, prefetch);
            if (count > 2)
                add_line(&s, &t2, codes + 2 * line, ahead + 2 * line, prefetch);
            if (count > 3)
                add_line(&s, &t3, codes + 3 * line, ahead + 3 * line, prefetch);
            if (last && !first) /* more registers are in use: these two are loaded for each block */
                reload_finish(p, &f);
            if (last)
                store_sums(s, &f, scores + key, left - key);
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
    .isa = KVR_ISA_AVX512 | KVR_ISA_VBMI,
    .max_tables = KVR_MAX_TABLES,
    .work = {.block_keys = 64, .loads = 4, .stores = 4, .shuffles = 12, .vector_alu = 28,
             .converts = 4, .uops = 71, .shuffle_rate = "shuffle.two",
             .convert_rate = "convert.i32"},
    .work_once = {.stores = 4, .shuffles = 4, .vector_alu = 10, .converts = 4, .uops = 37},
    .work_head_dim = 64,
    .work_tables = 4,
    .score = score_lookup_u8,
    .groups = kvr_groups_lookup_u8_avx512vbmi,
};
