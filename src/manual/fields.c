/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The field tables of result files by the place that their rows have in the file.
 */
#include <stdio.h>

#include "../report/fields.h"
#include "manual.h"

static const struct {
    const char *place; /* what a field's name is appended to */
    const struct kvr_field *fields;
} tables[] = {
    {"", kvr_record_fields},
    {"machine.", kvr_machine_fields},
    {"machine.cpu.", kvr_cpu_fields},
    {"machine.cgroup.", kvr_cgroup_fields},
    {"machine.caches[].", kvr_cache_fields},
    {"machine.numa[].", kvr_node_fields},
    {"machine.cpus[].", kvr_place_fields},
    {"checks[].", kvr_check_fields},
    {"checks[].value.", kvr_bypass_fields},
    {"ceilings[].", kvr_ceiling_fields},
    {"results[].", kvr_result_fields},
    {"results[].rounds[].", kvr_round_fields},
    {"results[].scan.", kvr_op_fields},
    {"results[].step.", kvr_op_fields},
    {"results[].attention.", kvr_op_fields},
    {"results[].verdict.", kvr_verdict_fields},
    {"results[].verdict.witnesses[].", kvr_witness_fields},
    {"results[].counters.NAME.", kvr_counter_fields},
    {"results[].counters.NAME.threads[].", kvr_counter_thread_fields},
    {"claims[].", kvr_claim_fields},
    {"crossings[].", kvr_crossing_fields},
    {"numa_matrix[].", kvr_numa_cell_fields},
    {"verdict_test.", kvr_verdict_test_fields},
};

/* Where a field stands: in an object of a table's place, or below one. */
struct place {
    const struct place *above;
    const char *name;
};

static void print_place(const struct place *place)
{
    if (!place)
        return;
    print_place(place->above);
    printf("%s%s", place->name, place->above ? "." : "");
}

static void print(const struct place *place, const struct kvr_field *field)
{
    for (; field->name; field++) {
        const struct place below = {place, field->name};
        if (field->kind == KVR_FIELD_STRUCT) {
            print(&below, field->fields);
        } else {
            print_place(place);
            printf("%s\t%s\n", field->name, field->unit);
        }
    }
}

void kvr_manual_fields(void)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const struct place place = {NULL, tables[i].place};
        print(&place, tables[i].fields);
    }
}
