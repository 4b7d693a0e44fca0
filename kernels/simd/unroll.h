/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * KVR_UNROLL: unroll the next loop completely; its trip count must be a constant (after inlining).
 * KVR_UNROLL_FOLDED: the same of a count that gcc -O1, which only sanitizers use, finds too late:
 * it warns that it ignores the pragma.
 */
#ifndef KVR_SIMD_UNROLL_H
#define KVR_SIMD_UNROLL_H

#ifdef __clang__
#define KVR_UNROLL _Pragma("unroll")
#else
#define KVR_UNROLL _Pragma("GCC unroll 64")
#endif
#ifdef __SANITIZE_ADDRESS__
#define KVR_UNROLL_FOLDED
#else
#define KVR_UNROLL_FOLDED KVR_UNROLL
#endif

#endif
