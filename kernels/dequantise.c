/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "steps.h"

#define DEQUANTISE(format, isa)                                                                    \
    extern const struct kvr_dequantise_step kvr_dequantise_##format##_##isa;
#include "dequantise.inc"
#undef DEQUANTISE

static const struct kvr_dequantise_step *const steps[] = {
#define DEQUANTISE(format, isa) &kvr_dequantise_##format##_##isa,
#include "dequantise.inc"
#undef DEQUANTISE
};

const struct kvr_dequantise_step *const *kvr_dequantise_steps(size_t *count)
{
    *count = sizeof steps / sizeof *steps;
    return steps;
}
