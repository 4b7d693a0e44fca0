/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Ceilings of a stored result in the place of measured ones: `run --roofs FILE`.
 */
#ifndef KVR_ROOFS_REUSE_H
#define KVR_ROOFS_REUSE_H

#include "session.h"

/* Reads a result whose ceilings shall be used for this plan on this machine; the caller frees
 * *stored in any case. 0; -EINVAL: no result, or one without a ladder and rates, or one that does
 * not fit the plan (page size, an arena beyond the ladder); -ENODEV: another machine's. The
 * sentence names what is at odds and what helps. */
int kvr_roofs_load(const char *path, const struct kvr_machine *machine,
                   const struct kvr_plan *plan, struct kvr_run_record *stored, char *error,
                   size_t error_bytes);

/* Instead of kvr_session_ceilings: copies stored's ceilings into the session's record (methods say
 * that they are re-used and when they were measured), takes its cache sizes, and makes the read
 * families' choices known to the session. The clock is measured, and one read of L1 and of DRAM for
 * the check roofs-reused, which warns where they differ by more than a tenth. 0; -EINTR; -errno. */
int kvr_roofs_reuse(struct kvr_session *session, const struct kvr_run_record *stored,
                    const char *path);

#endif
