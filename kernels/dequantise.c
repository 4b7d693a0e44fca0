/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dequantisers of steps.inc, apart from the tables of steps.c: a plan asks for these only, and
 * its tests bring their own instead, beside which none of the kernels is linked.
 */
#include "steps.h"

#define DEQUANTISE(format, isa)                                                                    \
    extern const struct kvr_dequantise_step kvr_dequantise_##format##_##isa;
#include "steps.inc"

/* NULL: C has no empty array. */
static const struct kvr_dequantise_step *const steps[] = {
#define DEQUANTISE(format, isa) &kvr_dequantise_##format##_##isa,
#include "steps.inc"
    NULL};

const struct kvr_dequantise_step *const *kvr_dequantise_steps(size_t *count)
{
    *count = sizeof steps / sizeof *steps - 1;
    return steps;
}
