/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * lookup4_u8 with AVX-512BW: a table of 16 bytes, broadcast to every lane, is the first operand of
 * a byte shuffle, which looks 64 nibbles up at once. A line gives two such results, of two
 * subspaces of the same 64 keys. The bytes are summed in 16 bits without unpacking: pairs as 16-bit
 * words into one sum, the words shifted right by 8 (the odd bytes) into another; at the end the
 * even bytes' sum is the first minus 256 times the second.
 *
 * Limits: a line (128 look-ups) is eleven vector operations, 2 of them shuffles and 3 shifts, and
 * three loads. Where two ports take 512 bits (Intel: 0 and 5) that is 5.5 cycles a line, 0.043 a
 * look-up, and the loads, 1.5 cycles, hide: so tables are loaded (broadcast by the load port) for
 * every block and may be as many as there are. L1 gives a line in half a cycle: it is no limit. A
 * block costs 18 operations more, its scores.
 */
#include "../simd/x86_avx512.h"

enum { TABLES = 16 };

/* A shuffle within lanes, which takes the whole byte for a code. */
#define LOOK_UP(table, codes)                                                                      \
    _mm512_shuffle_epi8(table, _mm512_and_si512(codes, _mm512_set1_epi8(15)))
#include "lookup4_avx512.h"

#include "lookup4_u8_avx512.inc"

const struct kvr_kernel kvr_kernel_lookup4_u8_u8_avx512 = {
    .variant = "u8",
    .isa_name = "avx512",
    .format = &kvr_format_lookup4_u8,
    .isa = KVR_ISA_AVX512,
    .work = {.block_keys = 64, .loads = 27, .stores = 4, .shuffles = 16, .vector_alu = 84,
             .converts = 4, .uops = 150, .convert_rate = "convert.i32"},
    .work_once = {.stores = 4, .vector_alu = 14, .converts = 4, .uops = 34},
    .work_head_dim = 64,
    .work_tables = TABLES,
    .score = score_lookup4_u8,
};
