/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * channel1_q8, channel2_q8, channel4_q8 with AVX-VNNI (q8_dots.inc).
 */
#include "../affine/ints_avx2.h"
#include "q8_fold_avx2.h"
#include "residual_avx2.h"

#define AT_ONCE 1
#define DOT_PRODUCTS "q8_dots.inc"
#include "q8_groups.inc"

#define CHANNEL_KERNEL(bits)                                                                       \
    const struct kvr_kernel kvr_kernel_channel##bits##_q8_q8_avxvnni = {                           \
        .variant = "q8",                                                                           \
        .isa_name = "avxvnni",                                                                     \
        .format = &kvr_format_channel##bits##_q8,                                                  \
        .isa = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C | KVR_ISA_AVXVNNI,                        \
        .score = score_channel##bits##_q8,                                                         \
    };
CHANNEL_KERNEL(1)
CHANNEL_KERNEL(2)
CHANNEL_KERNEL(4)
