/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Prints what every kernel declares of its inner loop, a line each, for test_work.py: the program's
 * own tables, so that the test holds no copy of them. block_bytes: the layout's block of
 * layout_keys keys at the declared shape.
 */
#include <stdio.h>

#include "kernels/kernel.h"

static void print_kernel(const struct kvr_kernel *kernel)
{
    const struct kvr_format *format = kernel->format;
    const struct kvr_work *w = &kernel->work;
    const struct kvr_shape shape = {.head_dim = kernel->work_head_dim,
                                    .tokens = format->block_keys,
                                    .heads = 1,
                                    .queries = 1,
                                    .tables = kernel->work_tables,
                                    .entries = format->entries};
    printf("%s\t%s\t%s\t%d\t%u\t%zu\t", format->name, kernel->variant, kernel->isa_name,
           format->row_major, format->block_keys,
           w->block_keys ? format->segment_bytes(&shape, format->block_keys) : 0);
    printf("%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\n", w->block_keys, w->loads, w->stores,
           w->shuffles, w->vector_alu, w->fma, w->int_dots, w->converts, w->gathered, w->uops);
}

int main(void)
{
    size_t count;
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    puts("format\tvariant\tisa\trow_major\tlayout_keys\tblock_bytes\tblock_keys\tloads\tstores\t"
         "shuffles\tvector_alu\tfma\tint_dots\tconverts\tgathered\tuops");
    for (size_t i = 0; i < count; i++)
        print_kernel(kernels[i]);
    return 0;
}
