/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A slow-down to be found by `compare`: built with -Dplanted_slowdown=N, the kernels of int8.fused
 * score N of a hundred segments twice (above 100: more often). Without that option this is nothing.
 */
#ifndef KVR_PLANTED_H
#define KVR_PLANTED_H

#ifdef KVR_PLANTED_PERCENT
#define KVR_PLANT(function)                                                                        \
    static void function##_planted(const struct kvr_shape *shape,                                  \
                                   const struct kvr_segments *segments, uint32_t i,                \
                                   const void *side, const void *prepared, float *scores)          \
    {                                                                                              \
        static _Thread_local int due;                                                              \
        function(shape, segments, i, side, prepared, scores);                                      \
        for (due += KVR_PLANTED_PERCENT; due >= 100; due -= 100)                                   \
            function(shape, segments, i, side, prepared, scores);                                  \
    }
#define KVR_PLANTED(function) function##_planted
#else
#define KVR_PLANT(function)
#define KVR_PLANTED(function) function
#endif

#endif
