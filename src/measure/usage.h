/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the calling thread has used so far, asked for from one known place: a filter of system calls
 * (bypass_seccomp.c) lets that one pass at once, where waiting for an answer would itself be a
 * voluntary switch.
 */
#ifndef KVR_USAGE_H
#define KVR_USAGE_H

#include <stdint.h>

struct kvr_usage { uint64_t faults, switches, preemptions; };

void kvr_thread_usage(struct kvr_usage *usage);

/* The address behind its system call; 0 where this architecture has no such place. */
uintptr_t kvr_usage_call_address(void);

#endif
