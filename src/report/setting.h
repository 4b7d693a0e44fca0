/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What two cases must have in common before their times are compared. Only for src/report.
 */
#ifndef KVR_SETTING_H
#define KVR_SETTING_H

#include "record.h"

/* Equal in op, head dimension, layout, pages, memory, queries, batch, format of the values and what
 * is evicted. */
bool kvr_same_setting(const struct kvr_result *a, const struct kvr_result *b);
/* The same type and residency of the codebook, or none in both. */
bool kvr_same_codebook(const struct kvr_result *a, const struct kvr_result *b);
/* ", pages 4k, batch 8, codebook warm": what is not the usual of these; "": all is. Clean text. */
void kvr_setting_text(const struct kvr_result *result, char *text, size_t bytes);

#endif
