/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Golden files of writers. With KVROOF_UPDATE_GOLDEN set they are written instead; a test program
 * then fails, so that a change is looked at before it counts.
 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stdbool.h>
#include <stdio.h>

#include "../../src/report/record.h"

typedef int write_sample(FILE *out, const struct kvr_run_record *record);

/* What a writer makes of a record, which it must take. Owned. */
char *written_text(write_sample *write, const struct kvr_run_record *record);
/* The same against the golden file `name`, for the record of `make`. */
void check_golden(const char *name, write_sample *write, void (*make)(struct kvr_run_record *));
/* A locale with a decimal comma: the host's, or one made in `folder`. False: there is none. */
bool set_comma_locale(const char *folder);

#endif
