/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Dependent loads: the latency of wherever the chain lies.
 */
#include "../peak.h"

#define NEXT(p) ((const void *const *)*(p))

uint64_t kvr_peak_chase(const void *const *start, uint64_t steps)
{
    const void *const *p = start;
    for (; steps >= 8; steps -= 8) {
        p = NEXT(p);
        p = NEXT(p);
        p = NEXT(p);
        p = NEXT(p);
        p = NEXT(p);
        p = NEXT(p);
        p = NEXT(p);
        p = NEXT(p);
    }
    for (; steps; steps--)
        p = NEXT(p);
    return (uint64_t)(uintptr_t)p;
}

void kvr_peak_chase4(const void *at[4], uint64_t steps)
{
    const void *const *a = at[0], *const *b = at[1], *const *c = at[2], *const *d = at[3];
    for (uint64_t n = 0; n < steps; n++) {
        a = *a;
        b = *b;
        c = *c;
        d = *d;
    }
    at[0] = a;
    at[1] = b;
    at[2] = c;
    at[3] = d;
}
