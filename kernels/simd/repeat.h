/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Textual unrolling: M(j, ...) for j = 0, 1, 2, ... with j a literal that may be pasted to a name.
 * Used where an operand of inline assembly must be a named variable.
 */
#ifndef KVR_SIMD_REPEAT_H
#define KVR_SIMD_REPEAT_H

#define KVR_REPEAT4(M, ...) M(0, __VA_ARGS__) M(1, __VA_ARGS__) M(2, __VA_ARGS__) M(3, __VA_ARGS__)
#define KVR_REPEAT8(M, ...)                                                                        \
    KVR_REPEAT4(M, __VA_ARGS__)                                                                    \
    M(4, __VA_ARGS__) M(5, __VA_ARGS__) M(6, __VA_ARGS__) M(7, __VA_ARGS__)
#define KVR_REPEAT12(M, ...)                                                                       \
    KVR_REPEAT8(M, __VA_ARGS__)                                                                    \
    M(8, __VA_ARGS__) M(9, __VA_ARGS__) M(10, __VA_ARGS__) M(11, __VA_ARGS__)
#define KVR_REPEAT14(M, ...)                                                                       \
    KVR_REPEAT12(M, __VA_ARGS__)                                                                   \
    M(12, __VA_ARGS__) M(13, __VA_ARGS__)
#define KVR_REPEAT16(M, ...)                                                                       \
    KVR_REPEAT14(M, __VA_ARGS__)                                                                   \
    M(14, __VA_ARGS__) M(15, __VA_ARGS__)
#define KVR_REPEAT32(M, ...)                                                                       \
    KVR_REPEAT16(M, __VA_ARGS__)                                                                   \
    M(16, __VA_ARGS__) M(17, __VA_ARGS__) M(18, __VA_ARGS__) M(19, __VA_ARGS__)                    \
    M(20, __VA_ARGS__) M(21, __VA_ARGS__) M(22, __VA_ARGS__) M(23, __VA_ARGS__)                    \
    M(24, __VA_ARGS__) M(25, __VA_ARGS__) M(26, __VA_ARGS__) M(27, __VA_ARGS__)                    \
    M(28, __VA_ARGS__) M(29, __VA_ARGS__) M(30, __VA_ARGS__) M(31, __VA_ARGS__)

#endif
