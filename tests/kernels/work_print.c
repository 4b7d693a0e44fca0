/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Prints what every kernel declares of its inner loops, a line each for one query and for every
 * group of queries, for test_work.py: the program's own tables, so that the test holds no copy of
 * them. block_bytes: the layout's block of layout_keys keys at the declared shape; of a residual a
 * line of it.
 */
#include <stdio.h>

#include "kernels/kernel.h"

static void print_loop(const struct kvr_kernel *kernel, uint32_t queries, int residual,
                       const struct kvr_work *w)
{
    const struct kvr_format *format = kernel->format;
    const struct kvr_shape shape = {.head_dim = kernel->work_head_dim,
                                    .tokens = format->block_keys,
                                    .heads = 1,
                                    .queries = 1,
                                    .tables = kernel->work_tables,
                                    .entries = format->entries};
    printf("%s\t%s\t%s\t%u\t", format->name, kernel->variant, kernel->isa_name, queries);
    const size_t line = KVR_LINE_BYTES;
    printf("%d\t%d\t%u\t%u\t%zu\t", residual, format->row_major, kernel->work_head_dim,
           format->block_keys,
           residual ? line : w->block_keys ? format->segment_bytes(&shape, format->block_keys) : 0);
    printf("%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\n", w->block_keys, w->loads, w->stores,
           w->shuffles, w->vector_alu, w->fma, w->int_dots, w->converts, w->gathered, w->uops);
}

int main(void)
{
    size_t count;
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    puts("format\tvariant\tisa\tqueries\tresidual\trow_major\thead_dim\tlayout_keys\tblock_bytes\t"
         "block_keys\tloads\tstores\tshuffles\tvector_alu\tfma\tint_dots\tconverts\t"
         "gathered\tuops");
    for (size_t i = 0; i < count; i++) {
        print_loop(kernels[i], 1, 0, &kernels[i]->work);
        if (kernels[i]->format->residual)
            print_loop(kernels[i], 1, 1, &kernels[i]->residual_work);
        for (const struct kvr_score_group *g = kernels[i]->groups; g && g->queries; g++)
            print_loop(kernels[i], g->queries, 0, &g->work);
    }
    return 0;
}
