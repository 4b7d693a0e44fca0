/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "isa.h"

#include <stddef.h>

/* In the order of enum kvr_isa: index i names bit 1 << i. */
static const char *const names[] = {
    "avx2", "fma", "f16c", "avx512", "avx512vnni", "avx512vbmi", "avx512bf16", "avx512fp16",
    "avxvnni", "amxbf16", "amxint8", "neon",
};

unsigned kvr_isa_bit_count(void)
{
    return sizeof names / sizeof *names;
}

const char *kvr_isa_bit_name(uint64_t bit)
{
    for (unsigned i = 0; i < kvr_isa_bit_count(); i++)
        if (bit == UINT64_C(1) << i)
            return names[i];
    return NULL;
}
