/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel1_q8, channel2_q8, channel4_q8 with AVX-512 without VNNI (q8_pairs.inc).
 */
#include "../affine/ints_avx512.h"
#include "q8_fold_avx512.h"
#include "residual_avx512.h"

#define AT_ONCE 2
#define DOT_PRODUCTS "q8_pairs.inc"
#include "q8_groups.inc"

#define CHANNEL_KERNEL(bits, ...)                                                                  \
    const struct kvr_kernel kvr_kernel_channel##bits##_q8_q8_avx512 = {                            \
        .variant = "q8",                                                                           \
        .isa_name = "avx512",                                                                      \
        .format = &kvr_format_channel##bits##_q8,                                                  \
        .isa = KVR_ISA_AVX512 | KVR_ISA_FMA | KVR_ISA_F16C,                                        \
        .work = {.block_keys = 32, .convert_rate = "convert.i32", __VA_ARGS__},                    \
        .work_once = {.stores = 2, .uops = 30},                                                    \
        .work_head_dim = 64,                                                                       \
        .residual_work = {.block_keys = 32, .loads = 3, .fma = 2, .converts = 2, .uops = 15},      \
        .score = score_channel##bits##_q8,                                                         \
    };
CHANNEL_KERNEL(1, .loads = 59, .stores = 14, .shuffles = 17, .vector_alu = 91, .fma = 10,
               .int_dots = 34, .converts = 10, .uops = 253)
CHANNEL_KERNEL(2, .loads = 59, .stores = 14, .shuffles = 17, .vector_alu = 91, .fma = 10,
               .int_dots = 34, .converts = 10, .uops = 247)
CHANNEL_KERNEL(4, .loads = 64, .stores = 13, .shuffles = 17, .vector_alu = 97, .fma = 10,
               .int_dots = 36, .converts = 10, .uops = 261)
