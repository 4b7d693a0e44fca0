/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Copy and triad with 512-bit accesses.
 */
#include <immintrin.h>

#include "stream.h"

#define STREAM_LOAD(p) _mm512_load_ps(p)
#define STREAM_SPLAT(x) _mm512_set1_ps(x)
#define STREAM_TRIAD(a, b, factor) _mm512_fmadd_ps(b, factor, a)
#define STREAM_HIDE(v) KVR_HIDE_VECTOR(v)

enum { STREAM_ISA = KVR_ISA_AVX512 };

KVR_STREAM_COPY(copy, __m512, _mm512_store_ps, KVR_STREAM_NO_FENCE)
KVR_STREAM_COPY(copy_nt, __m512, _mm512_stream_ps, _mm_sfence)
KVR_STREAM_TRIAD(triad, __m512, _mm512_store_ps, KVR_STREAM_NO_FENCE)
KVR_STREAM_TRIAD(triad_nt, __m512, _mm512_stream_ps, _mm_sfence)

KVR_STREAM(kvr_peak_copy_512, "copy512", STREAM_ISA, 512, 0, 1, copy)
KVR_STREAM(kvr_peak_copy_512nt, "copy512nt", STREAM_ISA, 512, 1, 1, copy_nt)
KVR_STREAM(kvr_peak_triad_512, "triad512", STREAM_ISA, 512, 0, 2, triad)
KVR_STREAM(kvr_peak_triad_512nt, "triad512nt", STREAM_ISA, 512, 1, 2, triad_nt)
