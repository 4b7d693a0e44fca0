/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * x86: a feature is usable when CPUID reports it and XCR0 says that the operating system saves the
 * registers it needs. AMX also needs the permission of Linux (5.16 and later) to use tile data.
 * The only file that executes CPUID.
 */
#include "isa.h"

#include <cpuid.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../kernels/kernel.h"

enum {
    ARCH_REQ_XCOMP_PERM_CODE = 0x1023, /* asm/prctl.h before Linux 5.16 lacks it */
    XFEATURE_XTILEDATA = 18
};

/* XCR0: SSE and AVX state; with opmask and both halves of zmm; tile configuration and data. */
static const uint64_t state_ymm = 0x6, state_zmm = 0xe6, state_tile = 0x60000;

struct leaf { uint32_t eax, ebx, ecx, edx; };

/* All zero when the CPU does not have the leaf. */
static struct leaf read_leaf(uint32_t number, uint32_t subleaf)
{
    struct leaf l = {0};
    uint32_t highest = __get_cpuid_max(number & 0x80000000u, NULL);
    if (highest >= number)
        __cpuid_count(number, subleaf, l.eax, l.ebx, l.ecx, l.edx);
    return l;
}

static bool has(uint32_t word, unsigned bit)
{
    return word >> bit & 1;
}

/* Inline assembly, since _xgetbv() wants a compiler flag. Needs OSXSAVE. */
static uint64_t read_xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static uint64_t reported_bits(struct leaf one, struct leaf seven, struct leaf seven_one)
{
    uint64_t bits = 0;
    bool avx512 = has(seven.ebx, 16) && has(seven.ebx, 17) && has(seven.ebx, 28) &&
                  has(seven.ebx, 30) && has(seven.ebx, 31); /* F, DQ, CD, BW, VL */
    bool tile = has(seven.edx, 24);
    bits |= has(seven.ebx, 5) ? KVR_ISA_AVX2 : 0;
    bits |= has(one.ecx, 12) ? KVR_ISA_FMA : 0;
    bits |= has(one.ecx, 29) ? KVR_ISA_F16C : 0;
    bits |= avx512 ? KVR_ISA_AVX512 : 0;
    bits |= has(seven.ecx, 11) ? KVR_ISA_VNNI : 0;
    bits |= has(seven.ecx, 1) ? KVR_ISA_VBMI : 0;
    bits |= has(seven_one.eax, 5) ? KVR_ISA_BF16 : 0;
    bits |= has(seven.edx, 23) ? KVR_ISA_FP16 : 0;
    bits |= has(seven_one.eax, 4) ? KVR_ISA_AVXVNNI : 0;
    bits |= tile && has(seven.edx, 22) ? KVR_ISA_AMX_BF16 : 0;
    bits |= tile && has(seven.edx, 25) ? KVR_ISA_AMX_INT8 : 0;
    return bits;
}

static bool tile_permission(void)
{
#ifdef SYS_arch_prctl
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM_CODE, XFEATURE_XTILEDATA) == 0;
#else
    return false;
#endif
}

/* What of `reported` the operating system lets us use. */
static uint64_t usable_bits(uint64_t reported, struct leaf one, uint64_t *xcr0_told)
{
    const uint64_t ymm = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C | KVR_ISA_AVXVNNI;
    const uint64_t zmm =
        KVR_ISA_AVX512 | KVR_ISA_VNNI | KVR_ISA_VBMI | KVR_ISA_BF16 | KVR_ISA_FP16;
    const uint64_t tile = KVR_ISA_AMX_BF16 | KVR_ISA_AMX_INT8;
    uint64_t usable = 0;
    if (!has(one.ecx, 27) || !has(one.ecx, 28)) /* OSXSAVE, AVX */
        return 0;
    uint64_t xcr0 = *xcr0_told = read_xcr0();
    if ((xcr0 & state_ymm) == state_ymm)
        usable |= reported & ymm;
    if ((xcr0 & state_zmm) == state_zmm && (reported & KVR_ISA_AVX512))
        usable |= reported & zmm;
    if ((reported & tile) && (xcr0 & state_tile) == state_tile && tile_permission())
        usable |= reported & tile;
    return usable;
}

static void read_name(char name[64])
{
    char text[49] = "";
    for (uint32_t i = 0; i < 3; i++) {
        struct leaf l = read_leaf(0x80000002u + i, 0);
        memcpy(text + 16 * i, &l, sizeof l);
    }
    const char *start = text + strspn(text, " "); /* Intel pads on the left, AMD on the right */
    size_t length = strlen(start);
    while (length > 0 && start[length - 1] == ' ')
        length--;
    memcpy(name, start, length);
    name[length] = '\0';
}

static void read_identity(struct kvr_isa_info *info, uint32_t signature)
{
    struct leaf zero = read_leaf(0, 0);
    memcpy(info->vendor, &zero.ebx, 4);
    memcpy(info->vendor + 4, &zero.edx, 4);
    memcpy(info->vendor + 8, &zero.ecx, 4);
    info->vendor[12] = '\0';
    read_name(info->name);
    uint32_t family = signature >> 8 & 15, model = signature >> 4 & 15;
    if (family == 6 || family == 15)
        model |= (signature >> 16 & 15) << 4;
    info->family = family == 15 ? family + (signature >> 20 & 255) : family;
    info->model = model;
    info->stepping = signature & 15;
}

/* Leaf 0x40000000 and up belong to the hypervisor; there __get_cpuid_max does not apply. */
static uint32_t read_hypervisor(struct kvr_isa_info *info)
{
    struct leaf l;
    __cpuid(0x40000000u, l.eax, l.ebx, l.ecx, l.edx);
    memcpy(info->hypervisor_name, &l.ebx, 12);
    info->hypervisor_name[12] = '\0';
    for (char *c = info->hypervisor_name; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '\0';
    return l.eax;
}

static double read_tsc_hz(uint32_t highest_hypervisor_leaf)
{
    struct leaf l = read_leaf(0x15, 0);
    if (l.eax && l.ebx && l.ecx)
        return (double)l.ecx * l.ebx / l.eax;
    if (highest_hypervisor_leaf >= 0x40000010u && highest_hypervisor_leaf < 0x40010000u) {
        __cpuid(0x40000010u, l.eax, l.ebx, l.ecx, l.edx);
        return l.eax * 1e3; /* kHz */
    }
    return 0;
}

void kvr_isa_detect(struct kvr_isa_info *info)
{
    *info = (struct kvr_isa_info){0};
    struct leaf one = read_leaf(1, 0), seven = read_leaf(7, 0), seven_one = {0};
    if (seven.eax >= 1)
        seven_one = read_leaf(7, 1);
    uint64_t reported = reported_bits(one, seven, seven_one);
    info->usable = usable_bits(reported, one, &info->xcr0);
    info->hidden = reported & ~info->usable;
    read_identity(info, one.eax);
    info->hypervisor = has(one.ecx, 31);
    uint32_t highest = info->hypervisor ? read_hypervisor(info) : 0;
    info->tsc_hz = read_tsc_hz(highest);
    info->invariant_tsc = has(read_leaf(0x80000007u, 0).edx, 8);
}
