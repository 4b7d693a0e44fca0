/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * KVR_UNROLL: unroll the next loop completely; its trip count must be a constant (after inlining).
 */
#ifndef KVR_SIMD_UNROLL_H
#define KVR_SIMD_UNROLL_H

#ifdef __clang__
#define KVR_UNROLL _Pragma("unroll")
#else
#define KVR_UNROLL _Pragma("GCC unroll 64")
#endif

#endif
