/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * affine4g with AVX2, FMA and F16C and a float query: lines as those of affine4 (low_parts_avx2.h);
 * the sums of a group of 32 channels begin with -8 times the sum of its query and are multiplied by
 * the scales of the keys.
 *
 * Limits, d = 64, 16 keys: 132 conversions and 132 multiply-adds, 16 shifts, 116 masks and
 * additions. Two 256-bit ports for the first three are full after 140 cycles, three ALU ports after
 * 132: a line of codes takes 17.5 cycles.
 */
#include "low_parts_avx2.h"

enum { MAX_GROUPS = KVR_MAX_HEAD_DIM / KVR_AFFINE4G_GROUP };

struct constants {
    struct kvr_low_parts parts;
    float starts[MAX_GROUPS];
};

KVR_INLINE void load_constants(struct constants *k, const struct kvr_prepared_dense *p,
                               uint32_t head_dim)
{
    kvr_low_parts4(&k->parts, p->query, head_dim);
    for (uint32_t g = 0; g < head_dim / KVR_AFFINE4G_GROUP; g++) {
        const float *q = p->query + g * KVR_AFFINE4G_GROUP;
        __m256 sum = _mm256_add_ps(_mm256_loadu_ps(q), _mm256_loadu_ps(q + 8));
        sum = _mm256_add_ps(sum, _mm256_add_ps(_mm256_loadu_ps(q + 16), _mm256_loadu_ps(q + 24)));
        k->starts[g] = -KVR_AFFINE4_ZERO * kvr_sum8(sum);
    }
}

/* Adds group g of 16 keys. */
KVR_INLINE void add_group(struct kvr_scores16 *t, const unsigned char *block, uint32_t g,
                          size_t scales_bytes, const struct constants *k,
                          const unsigned char *ahead, const int prefetch)
{
    const size_t first = scales_bytes + (size_t)g * KVR_AFFINE4G_GROUP_LINES * KVR_LINE_BYTES;
    const unsigned char *scales = block + (size_t)g * KVR_AFFINE4G_SCALES_BYTES;
    struct kvr_part_sums s = kvr_start_sums(k->starts[g]);
    KVR_UNROLL
    for (size_t l = 0; l < KVR_AFFINE4G_GROUP_LINES; l++) {
        if (prefetch)
            kvr_prefetch(ahead + first + l * KVR_LINE_BYTES, KVR_LINE_BYTES);
        kvr_add_line4(&s, block + first + l * KVR_LINE_BYTES,
                      k->parts.query + g * KVR_AFFINE4G_GROUP + l * KVR_AFFINE4_LINE_CHANNELS);
    }
    const struct kvr_scores16 sum = kvr_part_total(&s);
    t->low = _mm256_fmadd_ps(sum.low, kvr_load_half8(scales), t->low);
    t->high = _mm256_fmadd_ps(sum.high, kvr_load_half8(scales + 16), t->high);
}

KVR_INLINE struct kvr_scores16 block_total(const unsigned char *block, const unsigned char *ahead,
                                           const struct constants *k, const uint32_t groups,
                                           const int prefetch)
{
    const size_t scales_bytes =
        kvr_affine4g_scale_lines(groups * KVR_AFFINE4G_GROUP) * (size_t)KVR_LINE_BYTES;
    struct kvr_scores16 t = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    KVR_HIDE(k); /* or all broadcasts of the query are kept on the stack */
    if (prefetch)
        kvr_prefetch(ahead, scales_bytes);
    if (groups == 2) { /* d = 64: no loop */
        add_group(&t, block, 0, scales_bytes, k, ahead, prefetch);
        add_group(&t, block, 1, scales_bytes, k, ahead, prefetch);
        return t;
    }
    for (uint32_t g = 0; g < groups; g++)
        add_group(&t, block, g, scales_bytes, k, ahead, prefetch);
    return t;
}

#define PREPARED struct kvr_prepared_dense
#define SCAN score_affine4g
#define UNIT_CHANNELS KVR_AFFINE4G_GROUP
#define LINES(units) kvr_affine_block_lines(KVR_AFFINE4G, (units) * KVR_AFFINE4G_GROUP)
#define CONSTANTS struct constants
#define SCORES struct kvr_scores16
#define STORE kvr_store_scores16
#define TOTAL(block, query, ahead) block_total(block, ahead, &k, units, prefetch)
#include "blocks.inc"

const struct kvr_kernel kvr_kernel_affine4g_fused_avx2 = {
    .variant = "fused",
    .isa_name = "avx2",
    .format = &kvr_format_affine4g,
    .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C,
    .work = {.block_keys = 16, .loads = 86, .stores = 2, .vector_alu = 132, .fma = 132,
             .converts = 132, .uops = 505, .convert_rate = "convert.i32"},
    .work_once = {.stores = 2, .uops = 16},
    .work_head_dim = 64,
    .score = score_affine4g,
};
