/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Evidence for waiting. A case whose T exceeds the sum of core and memory time is called
 * latency-bound only if an intervention that would not help a full core or memory does help it:
 *   concurrency   more independent loads at once (other look-ahead or streams of the same kernel,
 *                 two or four heads read in turns): T falls by a tenth, C and M by no more than 3 %
 *   translation   2 MiB instead of 4 KiB pages: T/E falls by a tenth
 *   short-stream  segments 16 times longer: T/E falls by a tenth
 */
#ifndef KVR_WITNESS_H
#define KVR_WITNESS_H

#include "subject.h"

struct kvr_witness_request {
    struct kvr_lists_request lists; /* the case's own list */
    const char *level, *layout;
    enum kvr_pages pages;           /* of the memory in which it lies */
    bool all;                       /* look for every witness, not just until one stands */
};

/* Measures base case and intervention in the same rounds and fills subject->witnesses (those that
 * could be looked for here) and m_cause: what the memory's own time goes to, where only M fell. 0,
 * -ENOMEM, -EINTR. */
int kvr_witness_look(struct kvr_session *session, struct kvr_subject *subject,
                     const struct kvr_witness_request *request);

/* The same for an op of several phases, not materialised: concurrency alone, by other look-ahead in
 * the scan of the keys. Other orders or lengths of heads would be another op, for queries are
 * prepared in between. 0 or -EINTR. */
int kvr_witness_look_op(struct kvr_session *session, struct kvr_subject *subject);

/* Inside witness*.c: one that was looked for; the ratio is new over old. */
void kvr_witness_add(struct kvr_subject *subject, const char *id, const struct kvr_estimate *ratio,
                     bool stands);

/* Whether an intervention's ratios (new over old, medians) make it a witness. Pure. */
bool kvr_witness_concurrency_stands(double t_ratio, double m_ratio, double c_ratio);
bool kvr_witness_other_stands(double t_over_e_ratio);

#endif
