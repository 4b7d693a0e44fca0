/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two halves of the arena: mapped with a policy, touched by the threads that use them, and
 * proved to lie where they were asked. On one node, and where a policy names the node, pages stay
 * where they are from the first touch on; under `local` and `first-touch` on several nodes they
 * follow the threads.
 */
#ifndef KVR_ARENA_H
#define KVR_ARENA_H

#include "session.h"

/* How the halves of a plan are mapped, two of `bytes`. */
struct kvr_memory_request kvr_arena_request(const struct kvr_plan *plan,
                                            const struct kvr_options *options, uint64_t bytes);

/* Maps both halves, untouched. 0 or -errno with a sentence. */
int kvr_arena_map(struct kvr_session *session, uint64_t bytes, char *error, size_t error_bytes);

/* Every thread of the current team touches its equal share of both halves; then the checks `pages`
 * and `placement`. 0 or -errno with a sentence. */
int kvr_arena_touch(struct kvr_session *session, char *error, size_t error_bytes);

/* Thread t of the current team is to use the t-th equal share of [begin, begin + bytes): pages that
 * lie on another node than its own are given back and touched again by it, and hold nothing. A page
 * in which shares meet goes to the thread that has more of it; one that `begin` cuts stays as it
 * is. Returns whether anything changed, or -errno with *why: -ENOMEM, a node has no room, and the
 * pages lie anywhere; -EINTR, asked to stop, and some are not touched. */
int kvr_memory_share(struct kvr_session *session, struct kvr_memory *memory, uint64_t begin,
                     uint64_t bytes, const char **why);
/* The same for a part of a half: forgets what no longer lies there. `begin` 0 starts a new use of
 * the half. 0, -ERANGE with a sentence, or -EINTR. */
int kvr_half_share(struct kvr_session *session, struct kvr_half *half, uint64_t begin,
                   uint64_t bytes, char *error, size_t error_bytes);

/* kvr_lists_plain over the first bytes of a half, shared out. 0, -ENOMEM or -ERANGE. */
int kvr_half_plain(struct kvr_session *session, struct kvr_half *half, uint64_t bytes,
                   size_t segment_bytes, struct kvr_lists *lists);

/* The same in a ladder's segments: for a small set one a thread, because several short ones would
 * measure the calls between them, else of KVR_LADDER_SEGMENT_BYTES. */
enum { KVR_LADDER_SEGMENT_BYTES = 64 << 10 };
int kvr_half_ladder(struct kvr_session *session, struct kvr_half *half, uint64_t bytes,
                    struct kvr_lists *lists);
/* The same for a small set as a fold that is read again and again in one call (kvr_lists_repeat).
 * -ERANGE too where the set is not small, or a thread's share below KVR_READ_FOLD_BYTES. */
int kvr_half_repeated(struct kvr_session *session, struct kvr_half *half, uint64_t bytes,
                      struct kvr_lists *lists);

/* Where the used part of a half lies and in which pages, after it was shared out: its fractions,
 * and the check `placement` for the worst so far. */
void kvr_half_prove(struct kvr_session *session, struct kvr_half *half);

/* The check `placement` of what was found; fraction NAN: not known. Pure. */
void kvr_placement_check(struct kvr_checks *checks, const struct kvr_machine *machine,
                         const struct kvr_memory *memory, const struct kvr_placement *placement);
double kvr_placement_fraction(const struct kvr_memory *memory,
                              const struct kvr_placement *placement);

/* The check `pages`: the fraction of a memory that huge pages back; NAN: smaps cannot be read. */
void kvr_pages_check(struct kvr_checks *checks, enum kvr_pages asked, double huge);
/* Whether a half is in other pages than asked for, in part or wholly; false where it is unknown. */
bool kvr_half_pages_partial(const struct kvr_half *half);

#endif
