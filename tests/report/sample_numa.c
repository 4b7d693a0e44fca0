/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The NUMA matrix of the sample records: two nodes with cores, and a third that is memory only.
 */
#include "sample.h"

#include <math.h>
#include <stdio.h>

void sample_add_numa(struct kvr_run_record *record)
{
    static const struct kvr_numa_cell cells[] = {
        {0, 0, 91.25, 97.5, 10, 8, 1 << 30, "read512x2+s4", 1},
        {1, 0, 33.299999999999997, 141.5, 21, 8, 1 << 30, "read512x4+1024B", 1},
        {0, 2, 18.5, 262, 28, 8, 1 << 29, "read256x4", .96875}, /* not all of it lay there */
        {1, 2, NAN, 340.25, 28, 8, 1 << 29, "", NAN},
        {0, 5, 34.75, 139, 21, 8, 1 << 30, "read512x4", 1},
        {1, 5, 90.5, 98.125, 10, 8, 1 << 30, "read512x2+s4", 1},
    };
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        kvr_record_add_numa_cell(record, &cells[i]);
}
