/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup4_u8 with AVX-512 VBMI: as with AVX-512BW (lookup4_u8_avx512.c), but entries come from
 * vpermb, which ignores what lies above a code: the table of 16 bytes lies four times in its
 * register, so that two of the bits above do not matter, and the others are not looked at.
 *
 * Limits: a line (128 look-ups) is nine vector operations, 2 of them shuffles and 3 shifts, without
 * the two masks that a shuffle within lanes needs: 4.5 cycles where two ports take 512 bits, 45 a
 * block of 16 subspaces with its scores; measured 45 to 46, and 55 without VBMI. Dot products that
 * add into 32 bits (vpdpbusd, of neighbouring entries) are nine operations too, and fewer for the
 * scores; they measured 47.
 */
#include "../simd/x86_avx512.h"

enum { TABLES = 16 };

#define LOOK_UP(table, codes) _mm512_permutexvar_epi8(codes, table)
#include "lookup4_avx512.h"
#include "lookup4_u8_avx512.inc"

const struct kvr_kernel kvr_kernel_lookup4_u8_u8_avx512vbmi = {
    .variant = "u8",
    .isa_name = "avx512vbmi",
    .format = &kvr_format_lookup4_u8,
    .isa = KVR_ISA_AVX512 | KVR_ISA_VBMI,
    .work = {.block_keys = 64, .loads = 27, .stores = 4, .shuffles = 16, .vector_alu = 68,
             .converts = 4, .uops = 134, .convert_rate = "convert.i32"},
    .work_once = {.stores = 4, .vector_alu = 14, .converts = 4, .uops = 34},
    .work_head_dim = 64,
    .work_tables = TABLES,
    .score = score_lookup4_u8,
};
