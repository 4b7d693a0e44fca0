/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Copy and triad with 256-bit accesses.
 */
#include <immintrin.h>

#include "stream.h"

#define STREAM_LOAD(p) _mm256_load_ps(p)
#define STREAM_SPLAT(x) _mm256_set1_ps(x)
#define STREAM_TRIAD(a, b, factor) _mm256_fmadd_ps(b, factor, a)
#define STREAM_HIDE(v) KVR_HIDE_VECTOR(v)

enum { STREAM_ISA = KVR_ISA_AVX2 | KVR_ISA_FMA };

KVR_STREAM_COPY(copy, __m256, _mm256_store_ps, KVR_STREAM_NO_FENCE)
KVR_STREAM_COPY(copy_nt, __m256, _mm256_stream_ps, _mm_sfence)
KVR_STREAM_TRIAD(triad, __m256, _mm256_store_ps, KVR_STREAM_NO_FENCE)
KVR_STREAM_TRIAD(triad_nt, __m256, _mm256_stream_ps, _mm_sfence)

KVR_STREAM(kvr_peak_copy_256, "copy256", STREAM_ISA, 256, 0, 1, copy)
KVR_STREAM(kvr_peak_copy_256nt, "copy256nt", STREAM_ISA, 256, 1, 1, copy_nt)
KVR_STREAM(kvr_peak_triad_256, "triad256", STREAM_ISA, 256, 0, 2, triad)
KVR_STREAM(kvr_peak_triad_256nt, "triad256nt", STREAM_ISA, 256, 1, 2, triad_nt)
