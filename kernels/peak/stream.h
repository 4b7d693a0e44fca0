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

#define KVR_STREAM_COPY(function, vector, store, fence)                                            \
    static void function(float *dst, const float *a, const float *b, size_t bytes)                 \
    {                                                                                              \
        const size_t lanes = KVR_STREAM_LANES(vector), floats = bytes / sizeof(float);             \
        size_t i = 0;                                                                              \
        (void)b;                                                                                   \
        for (; floats - i >= 4 * lanes; i += 4 * lanes) {                                          \
            vector x0 = STREAM_LOAD(a + i), x1 = STREAM_LOAD(a + i + lanes);                       \
            vector x2 = STREAM_LOAD(a + i + 2 * lanes), x3 = STREAM_LOAD(a + i + 3 * lanes);       \
            STREAM_HIDE(x0);                                                                       \
            STREAM_HIDE(x1);                                                                       \
            STREAM_HIDE(x2);                                                                       \
            STREAM_HIDE(x3);                                                                       \
            store(dst + i, x0);                                                                    \
            store(dst + i + lanes, x1);                                                            \
            store(dst + i + 2 * lanes, x2);                                                        \
            store(dst + i + 3 * lanes, x3);                                                        \
        }                                                                                          \
        for (; i < floats; i++) {                                                                  \
            float x = a[i];                                                                        \
            KVR_HIDE_VECTOR(x);                                                                    \
            dst[i] = x;                                                                            \
        }                                                                                          \
        fence();                                                                                   \
    }

#define KVR_STREAM_TRIAD(function, vector, store, fence)                                           \
    static void function(float *dst, const float *a, const float *b, size_t bytes)                 \
    {                                                                                              \
        const size_t lanes = KVR_STREAM_LANES(vector), floats = bytes / sizeof(float);             \
        const vector factor = STREAM_SPLAT((float)KVR_TRIAD_FACTOR);                               \
        size_t i = 0;                                                                              \
        for (; floats - i >= 2 * lanes; i += 2 * lanes) {                                          \
            vector a0 = STREAM_LOAD(a + i), a1 = STREAM_LOAD(a + i + lanes);                       \
            vector b0 = STREAM_LOAD(b + i), b1 = STREAM_LOAD(b + i + lanes);                       \
            store(dst + i, STREAM_TRIAD(a0, b0, factor));                                          \
            store(dst + i + lanes, STREAM_TRIAD(a1, b1, factor));                                  \
        }                                                                                          \
        for (; i < floats; i++)                                                                    \
            dst[i] = a[i] + (float)KVR_TRIAD_FACTOR * b[i];                                        \
        fence();                                                                                   \
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
