/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tables of steps.inc; that of the dequantisers is in dequantise.c. Each ends in a NULL that is
 * not counted: C has no empty array, and a kind of step may have no member.
 */
#include "steps.h"

#define PREPARE(format, codebook, isa)                                                             \
    extern const struct kvr_prepare_step kvr_prepare_##format##_##codebook##_##isa;
#define SOFTMAX(isa) extern const struct kvr_softmax_step kvr_softmax_##isa;
#define VALUES(format, isa) extern const struct kvr_values_step kvr_values_##format##_##isa;
#include "steps.inc"

static const struct kvr_prepare_step *const prepare_steps[] = {
#define PREPARE(format, codebook, isa) &kvr_prepare_##format##_##codebook##_##isa,
#include "steps.inc"
    NULL};

static const struct kvr_softmax_step *const softmax_steps[] = {
#define SOFTMAX(isa) &kvr_softmax_##isa,
#include "steps.inc"
    NULL};

static const struct kvr_values_step *const values_steps[] = {
#define VALUES(format, isa) &kvr_values_##format##_##isa,
#include "steps.inc"
    NULL};

#define COUNT(array) (sizeof(array) / sizeof *(array) - 1)

const struct kvr_prepare_step *const *kvr_prepare_steps(size_t *count)
{
    *count = COUNT(prepare_steps);
    return prepare_steps;
}

const struct kvr_softmax_step *const *kvr_softmax_steps(size_t *count)
{
    *count = COUNT(softmax_steps);
    return softmax_steps;
}

const struct kvr_values_step *const *kvr_values_steps(size_t *count)
{
    *count = COUNT(values_steps);
    return values_steps;
}
