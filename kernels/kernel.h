/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The contract between hot code and the rest: shapes, costs, segment lists, formats, kernels; that
 * of the steps around a scan is in steps.h. Kernels include these, the helpers of their own folder,
 * ahead.h, half.h and simd/, and no other header of ours.
 *
 * Notation (SYSTEMS.md of the literature, arXiv 2601.10155 section 3): head_dim d, tokens L,
 * subspaces m, centroids per subspace K. A score is q.k / sqrt(d); the factor 1/sqrt(d) and every
 * per-tensor scale are folded into the prepared query, never into the scan.
 */
#ifndef KVR_KERNEL_H
#define KVR_KERNEL_H

#include <stddef.h>
#include <stdint.h>

enum { KVR_LINE_BYTES = 64, KVR_MAX_HEAD_DIM = 256, KVR_MAX_TABLES = 64, KVR_MAX_GROUPS = 8 };

/* ISA feature bits: a kernel names every bit it needs; machine/isa.h says which ones this host has
 * (CPUID and XCR0, HWCAP), so a kernel never asks the CPU anything. */
enum kvr_isa {
    KVR_ISA_AVX2 = 1 << 0, /* AVX2 itself; kernels also name FMA and F16C if they use them */
    KVR_ISA_FMA = 1 << 1,
    KVR_ISA_F16C = 1 << 2,
    KVR_ISA_AVX512 = 1 << 3, /* F, BW, DQ, VL, CD together: what every AVX-512 server CPU has */
    KVR_ISA_VNNI = 1 << 4,   /* AVX512_VNNI */
    KVR_ISA_VBMI = 1 << 5,   /* AVX512_VBMI */
    KVR_ISA_BF16 = 1 << 6,   /* AVX512_BF16 */
    KVR_ISA_FP16 = 1 << 7,   /* AVX512_FP16 */
    KVR_ISA_AVXVNNI = 1 << 8,
    KVR_ISA_AMX_BF16 = 1 << 9, /* with tile permission granted by the kernel */
    KVR_ISA_AMX_INT8 = 1 << 10,
    KVR_ISA_NEON = 1 << 11
};

struct kvr_shape {
    uint32_t head_dim; /* d: channels of a key */
    uint32_t tokens;   /* L: keys of one head */
    uint32_t heads;    /* heads that one pass reads */
    uint32_t queries;  /* queries that share a key (GQA); 1 in a scan */
    uint32_t tables;   /* m: subspaces, one table each; 0: not a lookup format */
    uint32_t entries;  /* K: centroids per subspace; 0: not a lookup format */
    uint32_t group;    /* channels that share a scale; 0: one scale per tensor */
    uint32_t vector_bytes; /* that training and encoding may use (wide.h); changes no result */
    uint32_t residual; /* R of formats with a residual: the keys after the last whole R of them are
                          float16; a multiple of block_keys, 0: block_keys */
};

/* Per scan of one head. Exact: whole lines, padded blocks. */
struct kvr_cost {
    double stream_bytes; /* key codes and in-line scales: must come from where the keys lie */
    double side_bytes; /* prepared query, tables: read once per head and query, hot in a scan */
    double score_bytes;  /* scores written; they stay in cache */
    double written_bytes; /* written to memory (materialised variants) */
    double useful_flops; /* what dense would need: 2 * head_dim * tokens * queries */
    double executed_flops, int_ops, lookups, converts; /* what this format really does */
};

/* Instructions that one block of keys executes in this kernel's inner loop, at
 * work_head_dim and work_tables (the declared shape), as gcc's release build compiles the path
 * without look-ahead for one stream; vector instructions count once whatever their width. loads:
 * instructions with a memory source, gathers apart, whose elements are `gathered`; widening moves
 * between registers or from memory are shuffles; a broadcast from memory is a load; vector_alu is
 * what else computes in vector registers, be it on one float. Copies of registers and zeros count
 * in uops only: instructions, one with the load or the jump fused to them, and 12 or 20 for a
 * gather of 8 or 16. tests/kernels/test_work.py compares all of it with the compiled loop. */
struct kvr_work {
    uint32_t block_keys; /* keys that one iteration of the inner loop consumes; 0: not declared */
    uint32_t loads, stores, shuffles, vector_alu, fma, int_dots, converts, gathered, uops;
    /* The rates (members of the peak family) that limit this kernel's kind of shuffles and
     * conversions; NULL: "shuffle.byte", "convert.f16". Widening moves are "convert.i8". */
    const char *shuffle_rate, *convert_rate;
};

/* Where the keys lie: heads, pages, one stream, or a fold into L1. Segment i lies at
 * base + stride_bytes * order[i]; the list is cyclic: segment `count` is segment 0 again. */
struct kvr_segments {
    const unsigned char *base;
    size_t stride_bytes;
    const uint32_t *order;
    uint32_t count;
    uint32_t tokens; /* keys per segment; a partial last block is padded in memory, not scored */
    /* Tuning, not semantics. Per consumed line prefetch the line at the same offset of segment
     * i + ahead_segments, or ahead_bytes further on, running into the following segments.
     * At most one is non-zero; both 0: no prefetch instruction is executed. */
    uint32_t ahead_segments, ahead_bytes;
    /* Parts of a segment that are read in step (1, 2 or 4; 0 means 1): several short runs at once
     * keep more lines in flight than one. Tuning too; a kernel may ignore it. */
    uint32_t streams;
    /* 0, or a multiple of the block's bytes: only the first fold_bytes of a segment exist and stand
     * for the rest of it again and again; the look-ahead stays inside. So C, the core alone, is the
     * same call of the same kernel on as many keys, from L1. */
    size_t fold_bytes;
};

/* How codes lie in memory and how scores follow from a prepared query. */
struct kvr_format {
    const char *name;
    const char *layout;  /* one sentence */
    uint32_t block_keys; /* keys per block of the layout; segments are padded to whole blocks */
    size_t (*segment_bytes)(const struct kvr_shape *, uint32_t tokens); /* padded codes */
    size_t (*prepared_bytes)(const struct kvr_shape *); /* size of a prepared query */
    void (*cost)(const struct kvr_shape *, struct kvr_cost *);
    /* Scores of `tokens` keys of one segment in double, from the same codes and prepared query. */
    void (*reference)(const struct kvr_shape *, uint32_t tokens, const void *codes,
                      const void *side, const void *prepared, double *scores);
    /* |kernel - reference| <= tolerance * scale(prepared), scale = the largest |score| that the
     * prepared query can give; 0: the kernel's float result must equal (float)reference. */
    double tolerance;
    double (*scale)(const struct kvr_shape *, const void *prepared);
    /* Formats that do not bound a key's values: the largest |value| of a segment, a further factor
     * of the tolerance (scale is then for keys of magnitude 1). NULL: scale says it all. */
    double (*magnitude)(const struct kvr_shape *, uint32_t tokens, const void *codes);
    uint32_t entries; /* look-up formats: the K that the codes are for; 0: no such format */
    int row_major; /* a key is one run of bytes: keys can be moved one by one, not only in blocks */
    int residual;  /* keys after the last whole R lie in a layout of their own, see kvr_shape */
    int scans_side; /* the scan itself reads `side`: a query is prepared without a codebook */
};

/* Keys of which whole multiples have no residual: R, or the keys of a block. */
static inline uint32_t kvr_whole_keys(const struct kvr_format *format,
                                      const struct kvr_shape *shape)
{
    return format->residual && shape->residual ? shape->residual : format->block_keys;
}

/* Of a segment or head of so many keys, those in the residual. */
static inline uint32_t kvr_residual_keys(const struct kvr_format *format,
                                         const struct kvr_shape *shape, uint32_t tokens)
{
    return format->residual ? tokens % kvr_whole_keys(format, shape) : 0;
}

/* Bytes of one block of codes. */
static inline size_t kvr_block_bytes(const struct kvr_format *format,
                                     const struct kvr_shape *shape)
{
    struct kvr_shape coded = *shape;
    coded.residual = 0;
    return format->segment_bytes(&coded, format->block_keys);
}

/* Scores of segment i: writes exactly segments->tokens floats to `scores`. Reads whole padded
 * blocks of the segment and nothing else; may prefetch whatever order[] names. `side` and
 * `prepared` are 64-byte aligned; so is every segment. Pure: no call, no allocation, no errno. */
typedef void kvr_score_fn(const struct kvr_shape *, const struct kvr_segments *, uint32_t i,
                          const void *side, const void *prepared, float *scores);

/* Several queries that share the codes: query q's prepared bytes and scores lie q times a stride
 * behind those of the first; prepared_stride_bytes is in whole lines. */
struct kvr_query_group {
    const unsigned char *prepared;
    float *scores;
    size_t prepared_stride_bytes, scores_stride; /* the second in floats */
};

/* As kvr_score_fn, for as many queries as its kvr_score_group says in one pass over the codes:
 * exactly the floats that as many calls of `score` write. May ignore streams. */
typedef void kvr_score_group_fn(const struct kvr_shape *, const struct kvr_segments *, uint32_t i,
                                const void *side, const struct kvr_query_group *);

/* Where what is done once for a key, unpacking and converting it, is worth keeping for more than
 * one query. `work` is that of all its queries together, declared and tested as a kernel's. */
struct kvr_score_group {
    uint32_t queries; /* 0: the end of a list of groups */
    int converts_once; /* the format's converts are those of the codes: done once for all queries */
    kvr_score_group_fn *score;
    struct kvr_work work, work_once; /* for the kernel's work_head_dim and work_tables */
};

struct kvr_kernel {
    const char *variant;             /* "fused", "tiled", "f32", "f32-gather", "u8" */
    const char *isa_name;            /* "scalar", "avx2", "avx512", "avx512vnni", "avx512vbmi" */
    const struct kvr_format *format;
    uint64_t isa;                    /* enum kvr_isa bits, every one required */
    uint32_t max_tables;             /* lookup kernels: most subspaces served; 0: any */
    struct kvr_work work;
    struct kvr_work work_once; /* the part of it that a block costs at any shape; the rest is in
                                  proportion to work_tables, or else work_head_dim. Not tested. */
    uint32_t work_head_dim, work_tables; /* the shape for which `work` is declared */
    struct kvr_work residual_work; /* of a line of the residual, block_keys of one channel */
    kvr_score_fn *score;
    const struct kvr_score_group *groups; /* most queries first; NULL: queries one by one */
};

/* Whether the kernel scores keys of this shape: its number of tables and of their entries. The
 * codec's own limits are not looked at. */
static inline int kvr_kernel_serves(const struct kvr_kernel *kernel, const struct kvr_shape *shape)
{
    return (!kernel->max_tables || shape->tables <= kernel->max_tables) &&
           (!kernel->format->entries || shape->entries == kernel->format->entries);
}

/* The group that serves the next of `left` queries; NULL: the kernel's score. */
static inline const struct kvr_score_group *kvr_next_group(const struct kvr_kernel *kernel,
                                                           uint32_t left)
{
    const struct kvr_score_group *g = kernel->groups;
    while (g && g->queries > left)
        g++;
    return g && g->queries ? g : NULL;
}

/* Of the converts that the format counts for so many queries, the share that the kernel's groups
 * leave to be done. */
static inline double kvr_converting_share(const struct kvr_kernel *kernel, uint32_t queries)
{
    uint32_t done = 0;
    for (uint32_t q = 0; q < queries;) {
        const struct kvr_score_group *g = kvr_next_group(kernel, queries - q);
        done += g && !g->converts_once ? g->queries : 1;
        q += g ? g->queries : 1;
    }
    return queries ? (double)done / queries : 1;
}

/* A compute-free reader or a rate loop of the peak family, see peak.h. */
struct kvr_peak;

/* All kernels of kernels.inc that were compiled in; *count receives their number. Const. */
const struct kvr_kernel *const *kvr_kernels(size_t *count);
/* All members of the peak family. Const. */
const struct kvr_peak *const *kvr_peaks(size_t *count);

/* ---- layouts of prepared queries (`d` = head_dim; all arrays 64-byte aligned) ---- */

/* dense_f16, dense_bf16, affine8g, affine4g: query * 1/sqrt(d). Keys of dense_f16: row-major
 * float16 [token][d]; of dense_bf16 the same in bfloat16, the upper half of a float, never
 * subnormal.
 * affine8g and affine4g layout: blocks of 16 keys, d a multiple of 32; first [d/32][16 keys]
 * float16, the scale of each group of 32 channels of each key, padded with zeros to whole lines;
 * then the lines of affine8 or affine4. score = sum over groups of
 * scale * sum(query[c] * (code[c] - zero)), zero = 128 or 8. Scales may be negative. Padding keys
 * hold scale 0 and the code of value 0.
 *
 * They are ggml's blocks (ggml-common.h), sorted anew. ggml keeps for a key, one after the other,
 * the d/32 blocks of its groups: a float16, then of q8_0 32 signed bytes, of q4_0 16 bytes, whose
 * byte j is channel j of the group in the low nibble and channel j + 16 in the high one. So with
 * block b = key / 16, place k = key % 16 and c = 32 * g + j:
 *   float16 of group g of a key = float16 16 * g + k of our block b,
 *   q8_0 byte j = byte 64 * (c / 4) + 4 * k + c % 4 of the lines, less 128,
 *   q4_0 nibble of channel c = nibble c % 8 of dword 16 * (c / 8) + k of the lines, as it is. */
struct kvr_prepared_dense {
    float query[KVR_MAX_HEAD_DIM];
};

/* affine8, affine4 with a float query: query * scale / sqrt(d), and offset_sum = zero * sum(query)
 * (zero = 128 or 8), to be subtracted: score = sum(query[c] * code[c]) - offset_sum.
 * affine8 layout: blocks of 16 keys, [d/4][16 keys][4 channels] bytes, code = value + 128, so that
 * one 64-byte line is 4 channels of 16 keys and one dword is 4 channels of one key.
 * affine4 layout: blocks of 16 keys, [d/8][16 keys] dwords, nibble j (bits 4j..4j+3) of a dword =
 * channel 8*i + j of that key, code = value + 8. Padding keys hold the code of value 0. */
struct kvr_prepared_affine {
    float query[KVR_MAX_HEAD_DIM];
    float offset_sum;
};

/* affine8_f16, affine4_f16, affine4g_f16: the codes of affine8, affine4, affine4g, each value
 * (code - zero) * scale computed in float, then rounded to float16 (to nearest even; from 65520 on
 * it is an infinity): score = sum(query[c] * rounded[c]) with query * 1/sqrt(d). scale: of the
 * tensor; affine4g_f16 uses those of the groups instead. */
struct kvr_prepared_rounded {
    float query[KVR_MAX_HEAD_DIM];
    float scale;
};

/* affine8_q8, affine4_q8: query8 = round(query / step) with step = max|query| / 127;
 * score = (sum(code * query8) - zero * sum(query8)) * scale, all sums exact in int32;
 * query8[c] natural channel order; dwords[] is the same query as the kernels want it:
 * affine8_q8: dwords[i] = channels 4i..4i+3, byte j = channel 4i + j;
 * affine4_q8: dwords[2i] = channels 8i, 8i+2, 8i+4, 8i+6 (low nibbles of the four bytes),
 *             dwords[2i+1] = channels 8i+1, 8i+3, 8i+5, 8i+7 (high nibbles). */
struct kvr_prepared_affine_q8 {
    int32_t dwords[KVR_MAX_HEAD_DIM / 4];
    int8_t query8[KVR_MAX_HEAD_DIM];
    int32_t offset_sum; /* zero * sum(query8) */
    float scale;        /* key scale * step / sqrt(d) */
};

/* channel1, channel2, channel4 (KIVI, arXiv 2402.02750): struct kvr_prepared_dense, query *
 * 1/sqrt(d). Groups of 32 keys, d a multiple of 32: [d] float16 scales and [d] float16 zeros, of
 * each channel; then dwords [d * bits / 32][32 keys], of which bits j * bits and on are channel
 * 32 / bits * i + j of that key. value = code * scale + zero; score = sum((query * scale) * code) +
 * sum(query * zero), whose factors a group needs once for its 32 keys. The last L mod R keys,
 * R = 32 or shape->residual, are float16 in blocks of [d][32 keys], a line per channel, 0 where
 * there is no key.
 *
 * channel1_q8, channel2_q8, channel4_q8: the same keys and the same prepared query, but of each
 * whole group w[c] = query[c] * scale[c] (in float) is rounded to 8 bits with one scale for all
 * channels: largest = max(|w|, 2^-100), w8 = round-to-even(w * (127 / largest)), rounded once,
 * step = largest * (1 / 127). score = step * sum(w8 * code) + sum(query * zero), the first sum
 * exact in int32; the residual is scored as it is there. */

/* affine8g_q8, affine4g_q8: the keys of affine8g, affine4g; a query of 8 bits in the same groups of
 * 32 channels, as ggml quantises it to q8_0 on x86: query8 = round-to-even(query * 127 / amax) of
 * the group's largest magnitude amax, step = amax / 127 rounded to float16. Where that is 0, so is
 * query8; where it would be an infinity, the step is not rounded.
 * score = sum over groups of scale * steps[g] * (sum(code * query8) - offset_sums[g]), the last
 * factor exact. dwords[]: as of affine8_q8, affine4_q8. */
struct kvr_prepared_group_q8 {
    int32_t dwords[KVR_MAX_HEAD_DIM / 4];
    int8_t query8[KVR_MAX_HEAD_DIM];
    int32_t offset_sums[KVR_MAX_GROUPS]; /* zero * sum(query8) of the group */
    float steps[KVR_MAX_GROUPS];         /* step / sqrt(d) */
};

/* lookup_f32: float tables[m][K], tables[i][c] = <q_i, C_i[c]> / sqrt(d); score = sum_i. The
 * reference adds in double, kernels in float, in order of i. Nothing but the array.
 * lookup_u8: header, then uint8_t tables[m][K]: score = sum_i u8 * step + bias, the sum exact in
 * 16 bits (m <= 64: 64 * 255 < 65536); 1/step = 255 / max_i(max_c T_i - min_c T_i), bias =
 * sum_i min_c T_i (the 8-bit tables of FAISS' fast scan and of Bolt); step is 0 or a normal float,
 * at most KVR_MAX_LOOKUP_STEP.
 * Codes: blocks of 64 keys, [m][64] bytes, so that one 64-byte line is one subspace of 64 keys.
 *
 * lookup4_f32, lookup4_u8: the same prepared queries for K = 16, whose codes are nibbles, two
 * subspaces a byte; m is even. Codes: blocks of 64 keys, [m/2][64] bytes; line p holds subspace 2p
 * in the low and 2p + 1 in the high nibbles; key k of a block is byte 4 * (k % 16) + k / 16 of each
 * line. So a dword has the keys j, j + 16, j + 32, j + 48, and sums of its bytes, widened in place
 * by masks and shifts, are scores in the order of keys: no kernel shuffles a sum. */
#define KVR_MAX_LOOKUP_STEP 0x1p100 /* kernels multiply it by 2^23 */
struct kvr_prepared_lookup_u8 {
    float step, bias;
    unsigned char pad[56];
    uint8_t tables[]; /* [m][K] */
};

/* signs_u8: two sketches of a key, 4 m sign bits each in m nibbles (m even, at most 64), and their
 * norms, float16, not negative: score = sum over both of norm * (sum_i u8 * step + bias). Blocks of
 * 64 keys: the [m/2][64] bytes of lookup4_u8 of sketch 0, of sketch 1, then [2][64] norms, each
 * sketch's in the order of keys. Padding keys hold norm 0. */
struct kvr_prepared_signs_u8 {
    float step[2], bias[2];
    unsigned char pad[48];
    uint8_t tables[]; /* [2][m][16] */
};

#endif
