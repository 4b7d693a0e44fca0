/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_CHECK_ROWS_H
#define KVR_CHECK_ROWS_H

#include "../machine/checks.h"
#include "list_rows.h"

/* New rows of checks, one each, as `list checks` and `doctor` print them; freed by the caller. */
void kvr_check_rows(const struct kvr_checks *checks, struct kvr_rows *rows);

#endif
