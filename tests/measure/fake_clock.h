/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A clock that moves only when the test's work says so: the harness without time.
 */
#ifndef KVR_FAKE_CLOCK_H
#define KVR_FAKE_CLOCK_H

#include "src/measure/clock.h"

static inline uint64_t fake_now(void *state)
{
    return *(uint64_t *)state;
}

static inline struct kvr_clock fake_clock(uint64_t *ticks)
{
    return (struct kvr_clock){.now = fake_now, .state = ticks, .ticks_per_ns = 2,
                              .method = "fake"};
}

static inline int fake_pin(const void *context, uint32_t cpu)
{
    (void)context;
    (void)cpu;
    return 0;
}

#endif
