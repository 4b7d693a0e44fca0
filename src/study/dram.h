/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Does a working set come from main memory? A cache that holds a part of it reads the part faster.
 */
#ifndef KVR_DRAM_H
#define KVR_DRAM_H

#include "session.h"

/* Time a byte over the first 1/part of every thread's list, over that of the whole list: the median
 * of at least nine pairs, of up to 27 where they differ by more than 3 %, because on a shared
 * machine single pairs do. The part was read once before, so that a cache which can hold it does;
 * every sample goes on where the last one of its own stopped. `scan` is a reader over the whole
 * list and is moved on; NAN if the run was stopped. part: at least 2. */
double kvr_dram_part_ratio(struct kvr_session *session, struct kvr_scan *scan, uint32_t part);

#endif
