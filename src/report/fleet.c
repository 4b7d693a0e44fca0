/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fleet.h"

#include <stdlib.h>

const struct kvr_fleet_cell *kvr_fleet_cell_of(const struct kvr_fleet_group *g, size_t node,
                                               size_t c)
{
    return &g->cells[node * g->case_count + c];
}

void kvr_fleet_free(struct kvr_fleet *f)
{
    for (size_t i = 0; f->groups && i < f->group_count; i++) {
        free(f->groups[i].nodes);
        free(f->groups[i].cases);
        free(f->groups[i].cells);
    }
    free(f->groups);
    *f = (struct kvr_fleet){0};
}

size_t kvr_fleet_named(const struct kvr_fleet *f)
{
    size_t named = 0;
    for (size_t i = 0; i < f->group_count; i++)
        named += f->groups[i].named;
    return named;
}
