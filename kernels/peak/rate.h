/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How rate loops are written: independent instructions of one resource, from inline assembly or
 * behind an optimisation barrier, so that none is folded or deleted; unrolled so that
 * counting and branching stay below 5 % of the micro-operations.
 */
#ifndef KVR_PEAK_RATE_H
#define KVR_PEAK_RATE_H

#include "../peak.h"
#include "../simd/hide.h"
#include "../simd/repeat.h"

/* A member of the list. `function` has the signature of struct kvr_peak's rate. */
#define KVR_RATE(symbol, name_, isa_name_, isa_, bits, resource_, operations_, flops_, function)   \
    const struct kvr_peak symbol = {                                                               \
        .name = name_,                                                                             \
        .isa_name = isa_name_,                                                                     \
        .kind = KVR_PEAK_RATE,                                                                     \
        .isa = isa_,                                                                               \
        .width_bits = bits,                                                                        \
        .resource = resource_,                                                                     \
        .operations = operations_,                                                                 \
        .flops = flops_,                                                                           \
        .rate = function,                                                                          \
    };

/* 12 chains hide a latency of 6 cycles at 2 instructions a cycle. */
enum { KVR_CHAINS = 12, KVR_CHAIN_OPERATIONS = 4 * KVR_CHAINS };

#define KVR_CHAIN_START(j, type, start) type x##j = (start);
#define KVR_CHAIN_STEP(j, instruction, p, q)                                                       \
    __asm__ volatile(instruction : "+&v"(x##j) : "v"(p), "v"(q));
#define KVR_OUTPUT_START(j, type) type x##j;
#define KVR_OUTPUT_STEP(j, instruction, p, q)                                                      \
    __asm__ volatile(instruction : "=&v"(x##j) : "v"(p), "v"(q));

/* Instructions that read and write %0 and read %1 and %2: 12 chains. */
#define KVR_RATE_CHAINS(function, type, start, in_type, p_value, q_value, instruction)             \
    static uint64_t function(uint64_t iterations, void *scratch)                                   \
    {                                                                                              \
        (void)scratch;                                                                             \
        const in_type p = (p_value), q = (q_value);                                                \
        KVR_REPEAT12(KVR_CHAIN_START, type, start)                                                 \
        for (uint64_t n = 0; n < iterations; n++) {                                                \
            KVR_REPEAT12(KVR_CHAIN_STEP, instruction, p, q)                                        \
            KVR_REPEAT12(KVR_CHAIN_STEP, instruction, p, q)                                        \
            KVR_REPEAT12(KVR_CHAIN_STEP, instruction, p, q)                                        \
            KVR_REPEAT12(KVR_CHAIN_STEP, instruction, p, q)                                        \
        }                                                                                          \
        return iterations;                                                                         \
    }

/* Instructions that only write %0 and read %1 and %2. */
#define KVR_RATE_OUTPUTS(function, type, in_type, p_value, q_value, instruction)                   \
    static uint64_t function(uint64_t iterations, void *scratch)                                   \
    {                                                                                              \
        (void)scratch;                                                                             \
        const in_type p = (p_value), q = (q_value);                                                \
        for (uint64_t n = 0; n < iterations; n++) {                                                \
            KVR_REPEAT12(KVR_OUTPUT_START, type)                                                   \
            KVR_REPEAT12(KVR_OUTPUT_STEP, instruction, p, q)                                       \
            KVR_REPEAT12(KVR_OUTPUT_STEP, instruction, p, q)                                       \
            KVR_REPEAT12(KVR_OUTPUT_STEP, instruction, p, q)                                       \
            KVR_REPEAT12(KVR_OUTPUT_STEP, instruction, p, q)                                       \
        }                                                                                          \
        return iterations;                                                                         \
    }

#endif
