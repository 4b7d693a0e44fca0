/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * AArch64: the kernel's HWCAP says what may be used, so nothing can be withheld behind it.
 */
#include "isa.h"

#include <asm/hwcap.h>
#include <sys/auxv.h>

#include "../../kernels/kernel.h"

void kvr_isa_detect(struct kvr_isa_info *info)
{
    *info = (struct kvr_isa_info){0};
    unsigned long capabilities = getauxval(AT_HWCAP);
    if (capabilities & HWCAP_ASIMD)
        info->usable |= KVR_ISA_NEON;
    if (capabilities & HWCAP_CPUID) { /* Linux answers reads of the identification registers */
        uint64_t midr, frequency;
        __asm__ volatile("mrs %0, midr_el1" : "=r"(midr));
        info->family = midr >> 24 & 255;   /* implementer */
        info->model = midr >> 4 & 0xfff;   /* part number */
        info->stepping = (midr >> 16 & 0xf0) | (midr & 15); /* variant and revision */
        __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
        info->tsc_hz = (double)frequency;  /* of the generic timer, the counter of this CPU */
        info->invariant_tsc = true;        /* by architecture */
    }
}
