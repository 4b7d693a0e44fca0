/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts as fields, and as a line of text.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "table.h"
#include "text.h"

#define F(member, json, unit) KVR_FIELD(struct kvr_counter_record, member, json, unit, 0)
const struct kvr_field kvr_counter_fields[] = {
    F(value, "value", ""),
    F(quality, "quality", ""),
    F(running, "running", ""),
    F(unit, "unit", ""),
    F(total, "total", ""),
    F(thread_least, "thread_least", ""),
    F(thread_most, "thread_most", ""),
    KVR_FIELD_END,
};
#undef F
