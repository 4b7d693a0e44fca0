/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_CODEC_ROWS_H
#define KVR_CODEC_ROWS_H

#include "list_rows.h"

enum { KVR_CODEC_COLUMNS = 4 };
extern const struct kvr_list_column kvr_codec_columns[KVR_CODEC_COLUMNS];

/* A row for every codec; all: then one for every published system that is not a scan of stored
 * codes, with the reason and with what stands for it. */
void kvr_codec_rows(struct kvr_rows *rows, bool all);

#endif
