/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "injected.h"

#include "simd/inject.h"

#define INJECTED(name, resource, level, type, dtype, operations, count, keys, unit)                \
    extern const struct kvr_kernel kvr_kernel_##name, kvr_kernel_##name##__##resource##_##level;
#include "injected.inc"
#undef INJECTED

/* The last entry keeps the table from being empty. */
static const struct kvr_injected table[] = {
#define INJECTED(name, resource, level, type, dtype, operations, count, keys, unit)                \
    {&kvr_kernel_##name,                                                                           \
     &kvr_kernel_##name##__##resource##_##level,                                                   \
     #resource,                                                                                    \
     level,                                                                                        \
     count,                                                                                        \
     type,                                                                                         \
     dtype,                                                                                        \
     operations,                                                                                   \
     keys,                                                                                         \
     unit},
#include "injected.inc"
#undef INJECTED
    {NULL, NULL, "", 0, 0, "", NULL, 1, 1, 1}};

const struct kvr_injected *kvr_injected(const struct kvr_kernel *base, size_t *count)
{
    size_t size = sizeof table / sizeof *table - 1, first = 0, end;
    while (first < size && table[first].base != base)
        first++;
    for (end = first; end < size && table[end].base == base; end++)
        ;
    *count = end - first;
    return &table[first];
}

double kvr_injected_per_key(const struct kvr_injected *injected, const struct kvr_shape *shape)
{
    uint32_t size = shape->tables ? shape->tables : shape->head_dim;
    return (double)injected->count * KVR_INJECT_TIMES(size, injected->unit) / injected->block_keys;
}
