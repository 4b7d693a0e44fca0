/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Copy and triad with 128-bit accesses in plain C, for every machine; regular stores only.
 */
#include "stream.h"

typedef float quad __attribute__((vector_size(16), may_alias));

#define STREAM_LOAD(p) (*(const quad *)(const void *)(p))
#define STREAM_STORE(p, v) (*(quad *)(void *)(p) = (v))
#define STREAM_SPLAT(x) ((quad){(x), (x), (x), (x)})
#define STREAM_TRIAD(a, b, factor) ((a) + (b) * (factor))
#define STREAM_HIDE(v) KVR_HIDE_VECTOR(v)

KVR_STREAM_COPY(copy, quad, STREAM_STORE, KVR_STREAM_NO_FENCE)
KVR_STREAM_TRIAD(triad, quad, STREAM_STORE, KVR_STREAM_NO_FENCE)

KVR_STREAM(kvr_peak_copy_128, "copy128", 0, 128, 0, 1, copy)
KVR_STREAM(kvr_peak_triad_128, "triad128", 0, 128, 0, 2, triad)
