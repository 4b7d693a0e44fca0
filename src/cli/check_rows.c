/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check_rows.h"

static const struct kvr_list_column columns[] = {
    {"id", KVR_LIST_TEXT},   {"status", KVR_LIST_TEXT}, {"value", KVR_LIST_TEXT},
    {"text", KVR_LIST_NOTE}, {"fix", KVR_LIST_NOTE},
};

void kvr_check_rows(const struct kvr_checks *checks, struct kvr_rows *rows)
{
    *rows = (struct kvr_rows){.columns = columns, .column_count = sizeof columns / sizeof *columns};
    for (size_t i = 0; i < checks->count; i++) {
        const struct kvr_check *check = &checks->items[i];
        kvr_rows_add(rows, "%s", check->id);
        kvr_rows_add(rows, "%s", kvr_check_status_name(check->status));
        kvr_rows_add(rows, "%s", check->value);
        kvr_rows_add(rows, "%s", check->text);
        kvr_rows_add(rows, "%s", check->fix);
    }
}
