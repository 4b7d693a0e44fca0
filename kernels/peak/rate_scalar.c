/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates of scalar instructions, in C for every machine: each statement is one instruction, and a
 * barrier behind it keeps the compiler from combining two.
 */
#include "rate.h"

enum {
    SCALAR_ACCESSES = 64, /* loads or stores per iteration */
    SCALAR_CHAINS = 14, /* 7 cycles of latency at 2 multiplications and 2 additions a cycle */
    SCALAR_CHAIN_OPERATIONS = 4 * SCALAR_CHAINS,
    ISSUE_GROUPS = 16,
    ISSUE_GROUP_OPERATIONS = 12
};

#define SCALAR_LOAD(j, base)                                                                       \
    {                                                                                              \
        uint32_t x = (base)[j];                                                                    \
        KVR_HIDE(x);                                                                               \
    }

static uint64_t rate_load(uint64_t iterations, void *scratch)
{
    const volatile uint32_t *low = scratch;
    for (uint64_t n = 0; n < iterations; n++) {
        KVR_REPEAT32(SCALAR_LOAD, low)
        KVR_REPEAT32(SCALAR_LOAD, low)
    }
    return iterations;
}
KVR_RATE(kvr_peak_load_scalar, "load.scalar", "scalar", 0, 32, "load", SCALAR_ACCESSES, 0,
         rate_load)

#define SCALAR_STORE(j, base) (base)[j] = x;

static uint64_t rate_store(uint64_t iterations, void *scratch)
{
    volatile uint32_t *low = scratch;
    uint32_t x = 0;
    KVR_HIDE(x);
    for (uint64_t n = 0; n < iterations; n++) {
        KVR_REPEAT32(SCALAR_STORE, low)
        KVR_REPEAT32(SCALAR_STORE, low)
    }
    return iterations;
}
KVR_RATE(kvr_peak_store_scalar, "store.scalar", "scalar", 0, 32, "store", SCALAR_ACCESSES, 0,
         rate_store)

#define SCALAR_START(j, start) float x##j = (start);
#define SCALAR_ADD(j, p)                                                                           \
    x##j += (p);                                                                                   \
    KVR_HIDE_VECTOR(x##j);

static uint64_t rate_fadd(uint64_t iterations, void *scratch)
{
    (void)scratch;
    float p = 0.0F;
    KVR_HIDE_VECTOR(p);
    KVR_REPEAT14(SCALAR_START, 1.0F)
    for (uint64_t n = 0; n < iterations; n++) {
        KVR_REPEAT14(SCALAR_ADD, p)
        KVR_REPEAT14(SCALAR_ADD, p)
        KVR_REPEAT14(SCALAR_ADD, p)
        KVR_REPEAT14(SCALAR_ADD, p)
    }
    return iterations;
}
KVR_RATE(kvr_peak_fadd_scalar, "fadd.scalar", "scalar", 0, 32, "valu", SCALAR_CHAIN_OPERATIONS,
         SCALAR_CHAIN_OPERATIONS, rate_fadd)

/* Baseline code has no fused instruction (nor does -ffp-contract=off allow one): an operation is a
 * multiplication and an addition. */
#define SCALAR_MULTIPLY_ADD(j, p)                                                                  \
    x##j *= (p);                                                                                   \
    KVR_HIDE_VECTOR(x##j);                                                                         \
    x##j += (p);                                                                                   \
    KVR_HIDE_VECTOR(x##j);

static uint64_t rate_fma(uint64_t iterations, void *scratch)
{
    (void)scratch;
    float p = 0.5F;
    KVR_HIDE_VECTOR(p);
    KVR_REPEAT14(SCALAR_START, 1.0F)
    for (uint64_t n = 0; n < iterations; n++) {
        KVR_REPEAT14(SCALAR_MULTIPLY_ADD, p)
        KVR_REPEAT14(SCALAR_MULTIPLY_ADD, p)
        KVR_REPEAT14(SCALAR_MULTIPLY_ADD, p)
        KVR_REPEAT14(SCALAR_MULTIPLY_ADD, p)
    }
    return iterations;
}
KVR_RATE(kvr_peak_fma_scalar, "fma.f32", "scalar", 0, 32, "fma", SCALAR_CHAIN_OPERATIONS,
         2 * SCALAR_CHAIN_OPERATIONS, rate_fma)

/* Instructions that cost nothing but issue: three integer additions, two loads and a vector XOR
 * fill no port of any core sooner than its front end. The operands of the additions are registers:
 * additions of constants are folded when registers are renamed, and would not be executed. Two
 * turns with registers of their own: where six instructions are issued a cycle, one set would be
 * chains without any slack (4.4 a cycle, not 5.7). */
typedef uint32_t quad __attribute__((vector_size(16)));

#define ISSUE_ADD(x)                                                                               \
    x += step;                                                                                     \
    KVR_HIDE(x);
#define ISSUE_XOR(x)                                                                               \
    x ^= mask;                                                                                     \
    KVR_HIDE_VECTOR(x);
#define ISSUE_GROUP(j, base)                                                                       \
    ISSUE_ADD(a) SCALAR_LOAD(4 * j, base) ISSUE_ADD(b)                                             \
    ISSUE_XOR(v) ISSUE_ADD(c) SCALAR_LOAD(4 * j + 1, base)                                         \
    ISSUE_ADD(d) SCALAR_LOAD(4 * j + 2, base) ISSUE_ADD(e)                                         \
    ISSUE_XOR(w) ISSUE_ADD(f) SCALAR_LOAD(4 * j + 3, base)

static uint64_t rate_issue(uint64_t iterations, void *scratch)
{
    const volatile uint32_t *low = scratch;
    uint64_t step = 1, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
    quad v = {0}, w = {0}, mask = {1};
    KVR_HIDE(step);
    KVR_HIDE_VECTOR(mask);
    for (uint64_t n = 0; n < iterations; n++) {
        KVR_REPEAT16(ISSUE_GROUP, low)
    }
    return iterations;
}
KVR_RATE(kvr_peak_issue_scalar, "issue", "scalar", 0, 32, "issue",
         ISSUE_GROUPS *ISSUE_GROUP_OPERATIONS, 0, rate_issue)
