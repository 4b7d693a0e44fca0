/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Evidence for waiting. A case whose T exceeds the sum of core and memory time is called
 * latency-bound only if an intervention that would not help a full core or memory does help it.
 */
#ifndef KVR_WITNESS_H
#define KVR_WITNESS_H

#include "subject.h"

/* Segments 16 times longer: fewer starts of streams and of calls, the same bytes and work. M
 * changes too, so T/E is compared: stands if it falls by a tenth. *m_ratio receives M per key on
 * the long segments over M on the short ones. 0, -ENOMEM, -EINTR; -ERANGE if the working set has
 * no room for longer segments. */
int kvr_witness_short_stream(struct kvr_session *session, struct kvr_subject *subject,
                             const struct kvr_lists_request *lists, const char *level,
                             const char *layout, double t_over_e, double m_ns,
                             struct kvr_witness_value *witness, double *m_ratio);

#endif
