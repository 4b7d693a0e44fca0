/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Copy and triad for one register width and kind of store, as macros over
 *   vector             the register type
 *   STREAM_LOAD(p), STREAM_SPLAT(x), STREAM_TRIAD(a, b, factor), STREAM_HIDE(v)
 * which the including file defines, and `store(p, v)` and `fence()`. The value of a copy is hidden
 * on its way: a compiler that sees through the loop calls memcpy, which chooses its own stores.
 */
#ifndef KVR_PEAK_STREAM_H
#define KVR_PEAK_STREAM_H

#include "../peak.h"
#include "../simd/hide.h"

#define KVR_STREAM_LANES(vector) (sizeof(vector) / sizeof(float))

/* The next place of a loop that returns to 0 after `last`, for the next pass: without a branch, as
 * kvr_next_at, and 3 cycles after the one before, because a step may take no more. */
static inline size_t kvr_stream_next(size_t at, size_t step, size_t last)
{
    return (at + step) & ((size_t)0 - (at < last));
}

#define KVR_STREAM_COPY4(vector, store, i)                                                         \
    {                                                                                              \
        const size_t lanes = KVR_STREAM_LANES(vector);                                             \
        vector x0 = STREAM_LOAD(a + (i)), x1 = STREAM_LOAD(a + (i) + lanes);                       \
        vector x2 = STREAM_LOAD(a + (i) + 2 * lanes), x3 = STREAM_LOAD(a + (i) + 3 * lanes);       \
        STREAM_HIDE(x0);                                                                           \
        STREAM_HIDE(x1);                                                                           \
        STREAM_HIDE(x2);                                                                           \
        STREAM_HIDE(x3);                                                                           \
        store(dst + (i), x0);                                                                      \
        store(dst + (i) + lanes, x1);                                                              \
        store(dst + (i) + 2 * lanes, x2);                                                          \
        store(dst + (i) + 3 * lanes, x3);                                                          \
    }

#define KVR_STREAM_TRIAD4(vector, store, i)                                                        \
    {                                                                                              \
        const size_t lanes = KVR_STREAM_LANES(vector);                                             \
        vector a0 = STREAM_LOAD(a + (i)), a1 = STREAM_LOAD(a + (i) + lanes);                       \
        vector a2 = STREAM_LOAD(a + (i) + 2 * lanes), a3 = STREAM_LOAD(a + (i) + 3 * lanes);       \
        vector b0 = STREAM_LOAD(b + (i)), b1 = STREAM_LOAD(b + (i) + lanes);                       \
        vector b2 = STREAM_LOAD(b + (i) + 2 * lanes), b3 = STREAM_LOAD(b + (i) + 3 * lanes);       \
        store(dst + (i), STREAM_TRIAD(a0, b0, factor));                                            \
        store(dst + (i) + lanes, STREAM_TRIAD(a1, b1, factor));                                    \
        store(dst + (i) + 2 * lanes, STREAM_TRIAD(a2, b2, factor));                                \
        store(dst + (i) + 3 * lanes, STREAM_TRIAD(a3, b3, factor));                                \
    }

/* All passes of a member: `four(vector, store, i)` for four registers at float i, then the tail of
 * the only pass by tail(i). */
#define KVR_STREAM_LOOP(vector, store, fence, four, tail)                                          \
    const size_t step = 8 * KVR_STREAM_LANES(vector), floats = bytes / sizeof(float);              \
    const size_t end = floats / step * step;                                                       \
    size_t at = 0;                                                                                 \
    for (size_t left = end * passes; left; left -= step) {                                         \
        four(vector, store, at)                                                                    \
        four(vector, store, at + step / 2)                                                         \
        at = kvr_stream_next(at, step, end - step);                                                \
    }                                                                                              \
    for (size_t i = end; i < floats; i++)                                                          \
        tail(i)                                                                                    \
    fence()

#define KVR_STREAM_COPY1(i)                                                                        \
    {                                                                                              \
        float x = a[i];                                                                            \
        KVR_HIDE_VECTOR(x);                                                                        \
        dst[i] = x;                                                                                \
    }
#define KVR_STREAM_TRIAD1(i) dst[i] = a[i] + (float)KVR_TRIAD_FACTOR * b[i];

#define KVR_STREAM_COPY(function, vector, store, fence)                                            \
    static void function(float *dst, const float *a, const float *b, size_t bytes, size_t passes)  \
    {                                                                                              \
        (void)b;                                                                                   \
        KVR_STREAM_LOOP(vector, store, fence, KVR_STREAM_COPY4, KVR_STREAM_COPY1);                 \
    }

#define KVR_STREAM_TRIAD(function, vector, store, fence)                                           \
    static void function(float *dst, const float *a, const float *b, size_t bytes, size_t passes)  \
    {                                                                                              \
        const vector factor = STREAM_SPLAT((float)KVR_TRIAD_FACTOR);                               \
        KVR_STREAM_LOOP(vector, store, fence, KVR_STREAM_TRIAD4, KVR_STREAM_TRIAD1);               \
    }

#define KVR_STREAM_NO_FENCE() (void)0

/* A member of the list. */
#define KVR_STREAM(symbol, name_, isa_, bits, nt, reads_, function)                                \
    const struct kvr_peak_stream symbol = {                                                        \
        .name = name_,                                                                             \
        .isa = isa_,                                                                               \
        .width_bits = bits,                                                                        \
        .non_temporal = nt,                                                                        \
        .reads = reads_,                                                                           \
        .run = function,                                                                           \
    };

#endif
