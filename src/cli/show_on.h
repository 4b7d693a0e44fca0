/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_SHOW_ON_H
#define KVR_SHOW_ON_H

#include <stdbool.h>

#include "../report/record.h"

/* Prints what the record's cases would take on the machine that `path` describes: a table with its
 * assumptions and the check within the record, or JSON: an array of cases. The exit code. */
int kvr_show_on(const struct kvr_run_record *record, const char *path, bool json);

#endif
