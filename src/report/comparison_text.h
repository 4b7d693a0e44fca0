/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts of kvr_write_comparisons. Only for src/report.
 */
#ifndef KVR_COMPARISON_TEXT_H
#define KVR_COMPARISON_TEXT_H

#include "comparison.h"

/* Numbers with '.' are the caller's business. 0 or -errno. */
int kvr_put_comparisons_json(FILE *out, const struct kvr_comparison *comparisons, size_t count);

#endif
