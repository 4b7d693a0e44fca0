/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A team of pinned threads with a barrier in user space. The caller is thread 0.
 */
#ifndef KVR_TEAM_H
#define KVR_TEAM_H

#include <stdint.h>

struct kvr_team;

/* Starts threads - 1 helpers and pins all, the caller included, through pin(context, cpu). Every
 * thread flushes subnormals. 0 or -errno (of pthread_create or of pin; *team is NULL then and the
 * caller's affinity is whatever the last pin left). The caller frees with kvr_team_stop. */
int kvr_team_start(struct kvr_team **team, const uint32_t *cpus, unsigned threads,
                   int (*pin)(const void *context, uint32_t cpu), const void *context);
void kvr_team_stop(struct kvr_team *team);

unsigned kvr_team_threads(const struct kvr_team *team);

/* Runs job(argument, thread) on every thread and returns when all have returned. Helpers that wait
 * for work spin for some milliseconds and sleep after that, so that an idle team costs nothing. */
void kvr_team_run(struct kvr_team *team, void (*job)(void *argument, unsigned thread),
                  void *argument);

/* Inside a job: returns when every thread of the team has arrived. No system call. */
void kvr_team_barrier(struct kvr_team *team);

#endif
