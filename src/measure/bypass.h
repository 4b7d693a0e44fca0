/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Proof that measured code goes past the kernel (MEASURING 9): between the first and the last stamp
 * of a region - what one thread does in one sample - a system call or a call into the vDSO is
 * caught and named, and faults, switches, preemptions and interrupts are counted. What watches is
 * made ready before the first stamp and taken away after the last; nothing of it lies between.
 *
 * At most one proof is open in a process: a signal handler has no other way to find it.
 */
#ifndef KVR_BYPASS_H
#define KVR_BYPASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "team.h"
#include "usage.h"

enum kvr_entry_kind { KVR_ENTRY_CALL, KVR_ENTRY_VDSO, KVR_ENTRY_FAULT, KVR_ENTRY_SWITCH,
                      KVR_ENTRY_KINDS };

/* A kernel entry that measured code asked for: the first of its kind. */
struct kvr_entry {
    uint64_t count;   /* of this kind; 0: none, and the rest is empty. A thread's first call of a
                         region ends the watch over that thread until the next region, so calls
                         count at most one a region and thread */
    unsigned thread;
    char name[64];    /* "getpid", "clock_gettime (vDSO)", "page fault", "voluntary switch" */
    char code[96];    /* what the region ran; "": it has no name */
    char subject[192]; /* of kvr_bypass_subject at that time */
};

struct kvr_bypass_counts {
    uint64_t regions;
    struct kvr_entry entries[KVR_ENTRY_KINDS];
    uint64_t preemptions, migrations;
    uint64_t interrupts;      /* on the CPUs of the team, from before the first stamp to after the
                                 last; see interrupts_known */
    bool interrupts_known;
    double total_ns, stolen_ns; /* of samples; stolen as struct kvr_sample has it */
    double ready_ns;          /* thread 0, outside the stamps: to make ready and take away */
    uint64_t samples;
};

struct kvr_bypass;

/* How calls are caught. Both catch every call of an enrolled thread, whatever its number. */
struct kvr_bypass_method;
extern const struct kvr_bypass_method kvr_bypass_dispatch; /* Syscall User Dispatch, x86-64 */
/* A seccomp filter that hands every call of the process to a thread of this one, which lets it go
 * on; it stays until the process ends, and makes calls outside regions slower. */
extern const struct kvr_bypass_method kvr_bypass_seccomp;

/* With method NULL the first of the above that works here. Has to be called before threads that
 * are to be watched exist. 0; -ENOTSUP with a sentence if this system allows no method; -EBUSY;
 * -ENOMEM. The caller frees with kvr_bypass_close. */
int kvr_bypass_open(struct kvr_bypass **bypass, const struct kvr_bypass_method *method, char *why,
                    size_t why_bytes);
void kvr_bypass_close(struct kvr_bypass *bypass);

/* Every thread of a new team, once; kvr_bypass_dismiss before that team stops. 0 or -errno. */
int kvr_bypass_enroll(struct kvr_bypass *bypass, struct kvr_team *team, const uint32_t *cpus);
void kvr_bypass_dismiss(struct kvr_bypass *bypass);

/* What is measured from now on, as a violation is to name it. */
void kvr_bypass_subject(struct kvr_bypass *bypass, const char *subject);

const struct kvr_bypass_counts *kvr_bypass_counted(const struct kvr_bypass *bypass);
/* Entries of all kinds. */
uint64_t kvr_bypass_entries(const struct kvr_bypass *bypass);
/* "syscall user dispatch; vDSO pages closed; faults and switches by getrusage and perf" */
const char *kvr_bypass_how(const struct kvr_bypass *bypass);

/* ---- for the sampler: every thread of the team, in this order ---- */
/* Contain barriers. From the one to the other the vDSO is closed. */
void kvr_bypass_enter(struct kvr_bypass *bypass, unsigned thread);
void kvr_bypass_leave(struct kvr_bypass *bypass, unsigned thread);
/* Right before the first stamp and right after the last: what the thread has used so far; from the
 * one to the other its calls are caught. With bypass NULL its usage only. */
void kvr_bypass_arm(struct kvr_bypass *bypass, unsigned thread, struct kvr_usage *usage);
void kvr_bypass_disarm(struct kvr_bypass *bypass, unsigned thread, struct kvr_usage *usage);

/* After the team has returned, by thread 0: what one thread's usage says of its region. `code`
 * names what ran. */
struct kvr_region_usage { uint32_t faults, switches, preemptions, migrations; };
void kvr_bypass_region(struct kvr_bypass *bypass, unsigned thread,
                       const struct kvr_region_usage *usage, const char *code);
void kvr_bypass_sample(struct kvr_bypass *bypass, double total_ns, double stolen);

#endif
