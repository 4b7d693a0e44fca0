/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_FIDELITY_OUTPUT_H
#define KVR_FIDELITY_OUTPUT_H

#include <stdbool.h>

#include "../report/fidelity.h"
#include "../study/plan.h"

/* Formats, and that all can be written; leaves no file behind. 0, or an exit code after the error
 * was printed. */
int kvr_fidelity_outputs_check(const struct kvr_options *options, bool format_given);

/* Writes the record to all outputs, and to stdout unless one of them is it. What a file holds is
 * kept until the new one is whole. 0, or an exit code after the error was printed. */
int kvr_fidelity_outputs_write(const struct kvr_fidelity_record *record,
                               const struct kvr_options *options);

#endif
