/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Kernels compiled once more with extra instructions of one core resource per block of keys, for
 * the sensitivity of a kernel to it (MEASURING.md, section 3). They score as their base does.
 */
#ifndef KVR_INJECTED_H
#define KVR_INJECTED_H

#include "kernel.h"

struct kvr_injected {
    const struct kvr_kernel *base, *kernel;
    const char *resource; /* load, shuffle, shuffle2 (two sources), valu, fma, intdot, convert,
                             gather, issue; "placebo": nothing is injected, all else is the same */
    uint32_t level;       /* 0: placebo; 1: n; 2: 2n */
    uint32_t count;       /* instructions injected in one place */
    /* The rate ceiling that holds for them, and how many of its operations one of them is. */
    const char *rate_type, *rate_dtype; /* dtype NULL: any */
    uint32_t operations;
    uint32_t block_keys, unit; /* one place per `unit` channels or tables of so many keys */
};

/* All copies of `base`, the placebo first, then n and 2n of each resource; *count receives their
 * number, 0 where there are none (not a main kernel, or not an x86 build). Const. */
const struct kvr_injected *kvr_injected(const struct kvr_kernel *base, size_t *count);

/* Injected instructions that one key of this shape executes, in segments of whole blocks. */
double kvr_injected_per_key(const struct kvr_injected *injected, const struct kvr_shape *shape);

#endif
