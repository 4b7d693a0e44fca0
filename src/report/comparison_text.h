/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts of kvr_write_comparisons. Only for src/report.
 */
#ifndef KVR_COMPARISON_TEXT_H
#define KVR_COMPARISON_TEXT_H

#include "comparison.h"

/* Numbers with '.' are the caller's business. 0 or -errno. */
int kvr_put_comparisons_json(FILE *out, const struct kvr_comparison *comparisons, size_t count);
int kvr_put_comparisons_junit(FILE *out, const struct kvr_comparison *comparisons, size_t count);

/* What came out of a case, with no end of line: "regressed: NAME +10.0 % [...], beyond 5 %"; of an
 * inconclusive one what would decide it. */
void kvr_case_outcome_text(const struct kvr_comparison *comparison,
                           const struct kvr_compared_case *c, char *text, size_t bytes);

#endif
