/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Instruction sets of this host, from CPUID and XCR0 (x86) or HWCAP (Arm): what the CPU has *and*
 * the operating system lets us use. Never from the CPU's name.
 */
#ifndef KVR_ISA_H
#define KVR_ISA_H

#include <stdbool.h>
#include <stdint.h>

struct kvr_isa_info {
    uint64_t usable;      /* enum kvr_isa bits of kernels/kernel.h */
    uint64_t hidden;      /* bits that CPUID reports but XCR0 or the kernel withholds */
    char vendor[16], name[64]; /* CPUID strings; "" where unknown */
    uint32_t family, model, stepping;
    uint64_t xcr0;             /* register states that the operating system saves; 0: not told */
    bool hypervisor;      /* CPUID leaf 1 ECX bit 31 */
    char hypervisor_name[16]; /* "KVMKVMKVM"; "" if none */
    double tsc_hz;        /* from CPUID leaf 15h or the hypervisor's timing leaf; 0: not told */
    bool invariant_tsc;
};

/* Fills *info for the CPU it runs on. For AMX the kernel is asked for tile permission. */
void kvr_isa_detect(struct kvr_isa_info *info);

/* Name of one bit ("avx512vnni"), NULL for an unknown bit. */
const char *kvr_isa_bit_name(uint64_t bit);
/* Number of named bits, for loops over 1 << i. */
unsigned kvr_isa_bit_count(void);

#endif
