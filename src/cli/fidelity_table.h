/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_FIDELITY_TABLE_H
#define KVR_FIDELITY_TABLE_H

#include <stdio.h>

#include "../report/fidelity.h"

/* Tables over all layers and texts, by layer, and, with several calibration sets, by text; then
 * which differences are smaller than those between seeds. 0 or -errno. */
int kvr_fidelity_print(const struct kvr_fidelity_record *record, FILE *out);

#endif
