/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Optimisation barriers on registers: the value is unchanged, but the compiler knows nothing about
 * it any more, so that it neither folds, merges nor deletes what was computed. No instruction is
 * emitted.
 */
#ifndef KVR_SIMD_HIDE_H
#define KVR_SIMD_HIDE_H

#if defined(__x86_64__) || defined(__i386__)
#define KVR_VECTOR_REGISTER "x"
#elif defined(__aarch64__)
#define KVR_VECTOR_REGISTER "w"
#else
#define KVR_VECTOR_REGISTER "m" /* no known register class: correct, but through the stack */
#endif

/* An integer or pointer. */
#define KVR_HIDE(x) __asm__ volatile("" : "+r"(x))
/* A float or a 128- or 256-bit vector. */
#define KVR_HIDE_VECTOR(x) __asm__ volatile("" : "+" KVR_VECTOR_REGISTER(x))

#endif
