/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wide.h"

#include "kernel.h"

extern const struct kvr_wide kvr_wide_scalar;
extern const struct kvr_wide kvr_wide_avx2;
extern const struct kvr_wide kvr_wide_avx512;

/* The narrowest first. */
static const struct {
    const struct kvr_wide *loops;
    uint64_t isa;
} all[] = {
    {&kvr_wide_scalar, 0},
#ifdef KVR_HAVE_AVX2
    {&kvr_wide_avx2, KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C}, /* of which the flags allow all */
#endif
#ifdef KVR_HAVE_AVX512
    {&kvr_wide_avx512, KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C | KVR_ISA_AVX512},
#endif
};
enum { COUNT = sizeof all / sizeof *all };

uint32_t kvr_wide_bytes(uint64_t isa)
{
    uint32_t widest = 0;
    for (size_t i = 0; i < COUNT; i++) {
        if (!(all[i].isa & ~isa))
            widest = all[i].loops->vector_bytes;
    }
    return widest;
}

const struct kvr_wide *kvr_wide(uint32_t vector_bytes)
{
    const struct kvr_wide *found = all[0].loops;
    for (size_t i = 0; i < COUNT; i++) {
        if (all[i].loops->vector_bytes <= vector_bytes)
            found = all[i].loops;
    }
    return found;
}
