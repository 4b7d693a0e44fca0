/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Chains of known latency, from which the core's clock follows. Repeated by the assembler, so that
 * a chain is one even in a build without optimisation. Never an addition of a constant: cores fold
 * those when they rename registers. The multiplicand is odd and the chain starts from an odd
 * number, so that no power becomes zero. The rotation is not by 1, whose short form costs more.
 */
#include "../peak.h"

enum { CHAIN_UNROLL = 64 };

#if defined(__x86_64__)
#define MULTIPLY(times) ".rept " times "\n\timul %1, %0\n\t.endr"
#define ROTATE(times) ".rept " times "\n\trol $7, %0\n\t.endr"
#elif defined(__aarch64__)
#define MULTIPLY(times) ".rept " times "\n\tmadd %0, %0, %1, xzr\n\t.endr"
#define ROTATE(times) ".rept " times "\n\tror %0, %0, #57\n\t.endr"
#else
#error "no chain of known latency for this CPU: add its multiplication and rotation here"
#endif

uint64_t kvr_imul_chain(uint64_t n)
{
    uint64_t x = 3, factor = 5;
    for (; n >= CHAIN_UNROLL; n -= CHAIN_UNROLL)
        __asm__ volatile(MULTIPLY("64") : "+r"(x) : "r"(factor));
    for (; n; n--)
        __asm__ volatile(MULTIPLY("1") : "+r"(x) : "r"(factor));
    return x;
}

uint64_t kvr_rol_chain(uint64_t n)
{
    uint64_t x = 3;
    for (; n >= CHAIN_UNROLL; n -= CHAIN_UNROLL)
        __asm__ volatile(ROTATE("64") : "+r"(x));
    for (; n; n--)
        __asm__ volatile(ROTATE("1") : "+r"(x));
    return x;
}
