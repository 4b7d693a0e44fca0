/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where extra instructions go when a kernel is compiled for its sensitivity (MEASURING.md, section
 * 3). A kernel says KVR_INJECT(times) once per block of keys. In its own compilation that is
 * nothing: the object code is the same as without. In the second one (KVR_INJECT_MARKS, see
 * inject.py) it marks the place in the assembly text and lends three vector registers and a line of
 * zeros; the text is then expanded for every resource and count, so that all of them share one
 * compiler's register allocation, order and unrolling.
 */
#ifndef KVR_SIMD_INJECT_H
#define KVR_SIMD_INJECT_H

/* Blocks of longer keys or more tables work longer and get as many more: the size in whole units,
 * at least once. kvr_injected_per_key() counts the same way. */
#define KVR_INJECT_TIMES(size, unit) ((size) < (unit) ? 1 : (size) / (unit))

#ifdef KVR_INJECT_MARKS
static const float kvr_inject_line[16] __attribute__((aligned(64))) = {0};
typedef float kvr_inject_vector __attribute__((vector_size(16)));
#ifdef __AVX512F__
#define KVR_INJECT_CLOBBERS "k1"
#else
#define KVR_INJECT_CLOBBERS
#endif
#define KVR_INJECT(times)                                                                          \
    for (uint32_t kvr_inject_left = (times); kvr_inject_left; kvr_inject_left--) {                 \
        kvr_inject_vector inject_out, inject_zero, inject_mask;                                    \
        __asm__ volatile("kvr_inject %0, %1, %2, %3"                                               \
                         : "=&v"(inject_out), "=&v"(inject_zero), "=&v"(inject_mask)               \
                         : "m"(kvr_inject_line)                                                    \
                         : KVR_INJECT_CLOBBERS);                                                   \
    }
#else
#define KVR_INJECT(times) ((void)0)
#endif

#endif
