/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel.h"

#define KERNEL(format, variant, isa)                                                               \
    extern const struct kvr_kernel kvr_kernel_##format##_##variant##_##isa;
#include "kernels.inc"
#undef KERNEL

static const struct kvr_kernel *const kernels[] = {
#define KERNEL(format, variant, isa) &kvr_kernel_##format##_##variant##_##isa,
#include "kernels.inc"
#undef KERNEL
};

const struct kvr_kernel *const *kvr_kernels(size_t *count)
{
    *count = sizeof kernels / sizeof *kernels;
    return kernels;
}
