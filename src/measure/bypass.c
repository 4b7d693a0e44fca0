/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bypass.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "call_names.h"
#include "interrupts.h"
#include "sampler.h"
#include "vdso.h"
#include "watch.h"

/* A read of /proc/interrupts that takes longer than this, on a machine of many CPUs and devices,
 * would make regions wait for their proof. */
#define MOST_INTERRUPT_READ_NS 5e5

#define SIGNAL_RETURN "__kernel_rt_sigreturn"

struct kvr_bypass {
    const struct kvr_bypass_method *method;
    struct kvr_watch watches[KVR_MAX_THREADS]; /* first: on lines of their own */
    struct kvr_team *team;                     /* NULL: none enrolled */
    unsigned threads;
    atomic_int enroll_error;
    uint32_t cpus[KVR_MAX_THREADS];
    struct kvr_vdso vdso;
    bool vdso_closes;
    bool vdso_closed;      /* from before the first stamp to after the last */
    atomic_uint strangers; /* vDSO calls by threads that nobody watches */
    struct sigaction old_segv;
    struct kvr_interrupts interrupts;
    uint64_t interrupts_before;
    struct kvr_bypass_counts counts;
    char subject[sizeof((struct kvr_entry *)0)->subject];
    char how[200];
};

/* A handler can reach nothing else. */
static struct kvr_bypass *proof;
static _Thread_local struct kvr_watch *own;

struct kvr_watch *kvr_watch_own(void)
{
    return own;
}

void kvr_watch_note(struct kvr_watch *watch, enum kvr_entry_kind kind, long number,
                    uintptr_t address)
{
    watch->selector = KVR_CALLS_ALLOWED;
    if (atomic_load(&watch->entered))
        return;
    watch->kind = kind;
    watch->number = number;
    watch->address = address;
    atomic_store(&watch->entered, true);
}

/* ---- the vDSO ---- */

static void on_segv(int number, siginfo_t *info, void *context)
{
    uintptr_t address = (uintptr_t)info->si_addr;
    int kept = errno;
    (void)context;
    if (proof->vdso_closed && kvr_vdso_has(&proof->vdso, address)) {
        if (own)
            kvr_watch_note(own, KVR_ENTRY_VDSO, 0, address);
        else
            atomic_fetch_add(&proof->strangers, 1);
        if (!kvr_vdso_open(&proof->vdso)) {
            errno = kept;
            return; /* to the call, which succeeds now */
        }
    }
    /* Not ours: the instruction faults again, before whoever was there. */
    sigaction(number, &proof->old_segv, NULL);
    errno = kept;
}

static void watch_vdso(struct kvr_bypass *b, char *how, size_t how_bytes)
{
    struct sigaction action = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO};
    int rc = kvr_vdso_find(&b->vdso);
    sigemptyset(&action.sa_mask);
    if (!rc && b->vdso.begin == b->vdso.end) {
        snprintf(how, how_bytes, "this process has no vDSO");
        return;
    }
    if (!rc)
        rc = kvr_vdso_close(&b->vdso);
    if (!rc)
        rc = kvr_vdso_open(&b->vdso);
    if (!rc && sigaction(SIGSEGV, &action, &b->old_segv))
        rc = -errno;
    b->vdso_closes = !rc;
    if (rc)
        snprintf(how, how_bytes, "vDSO calls not caught (its pages: %s)", strerror(-rc));
    else
        snprintf(how, how_bytes, "vDSO pages closed");
}

/* ---- open and close ---- */

/* Past the vDSO, which may be closed. */
static double now_ns(void)
{
    struct timespec t = {0};
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC_RAW, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static int choose(struct kvr_bypass *b, const struct kvr_bypass_method *method, char *why,
                  size_t why_bytes)
{
    const struct kvr_bypass_method *methods[] = {&kvr_bypass_dispatch, &kvr_bypass_seccomp};
    int rc = -ENOTSUP;
    size_t used = 0;
    why[0] = 0;
    for (size_t i = 0; i < sizeof methods / sizeof *methods && rc; i++) {
        char reason[160] = "";
        if (method && method != methods[i])
            continue;
        rc = methods[i]->open(b->watches, KVR_MAX_THREADS, reason, sizeof reason);
        b->method = rc ? NULL : methods[i];
        if (rc && used < why_bytes)
            used += (size_t)snprintf(why + used, why_bytes - used, "%s%s: %s", used ? "; " : "",
                                     methods[i]->name, reason);
    }
    return rc ? -ENOTSUP : 0;
}

/* Whether they can be read, and fast enough; the best of a few, because one may be preempted. */
static bool count_interrupts(struct kvr_bypass *b)
{
    enum { TRIES = 5 };
    bool fast = false;
    if (kvr_interrupts_open(&b->interrupts, "/proc/interrupts"))
        return false;
    for (int i = 0; i < TRIES && !fast; i++) {
        uint64_t count;
        double begin_ns = now_ns();
        kvr_interrupts_read(&b->interrupts, NULL, 0, &count);
        fast = now_ns() - begin_ns < MOST_INTERRUPT_READ_NS;
    }
    return fast;
}

int kvr_bypass_open(struct kvr_bypass **result, const struct kvr_bypass_method *method, char *why,
                    size_t why_bytes)
{
    char vdso[100] = "";
    *result = NULL;
    if (proof) {
        snprintf(why, why_bytes, "another proof is open");
        return -EBUSY;
    }
    struct kvr_bypass *b = aligned_alloc(64, (sizeof *b + 63) / 64 * 64);
    if (!b)
        return -ENOMEM;
    memset(b, 0, sizeof *b);
    b->interrupts.fd = -1;
    proof = b;
    int rc = choose(b, method, why, why_bytes);
    if (rc) {
        proof = NULL;
        free(b);
        return rc;
    }
    watch_vdso(b, vdso, sizeof vdso);
    b->counts.interrupts_known = count_interrupts(b);
    snprintf(b->how, sizeof b->how, "%s; %s; %sfaults and switches by getrusage", b->method->name,
             vdso, b->counts.interrupts_known ? "" : "interrupts not counted; ");
    *result = b;
    return 0;
}

void kvr_bypass_close(struct kvr_bypass *b)
{
    if (!b)
        return;
    kvr_bypass_dismiss(b);
    b->method->close();
    if (b->vdso_closes)
        sigaction(SIGSEGV, &b->old_segv, NULL);
    kvr_interrupts_close(&b->interrupts);
    proof = NULL;
    free(b);
}

/* ---- the threads of a team ---- */

static void enroll_thread(void *argument, unsigned thread)
{
    struct kvr_bypass *b = argument;
    struct kvr_watch *watch = &b->watches[thread];
    *watch = (struct kvr_watch){.selector = KVR_CALLS_ALLOWED};
    own = watch;
    kvr_perf_events_open(&watch->events);
    int rc = b->method->enroll(watch);
    if (rc)
        b->enroll_error = rc;
}

static void dismiss_thread(void *argument, unsigned thread)
{
    struct kvr_bypass *b = argument;
    b->method->dismiss(&b->watches[thread]);
    kvr_perf_events_close(&b->watches[thread].events);
    own = NULL;
}

int kvr_bypass_enroll(struct kvr_bypass *b, struct kvr_team *team, const uint32_t *cpus)
{
    kvr_bypass_dismiss(b);
    b->team = team;
    b->threads = kvr_team_threads(team);
    memcpy(b->cpus, cpus, b->threads * sizeof *cpus);
    b->enroll_error = 0;
    kvr_team_run(team, enroll_thread, b);
    if (b->enroll_error) {
        kvr_bypass_dismiss(b);
        return b->enroll_error;
    }
    if (b->watches[0].events.count && !strstr(b->how, "perf"))
        strncat(b->how, " and perf", sizeof b->how - strlen(b->how) - 1);
    return 0;
}

void kvr_bypass_dismiss(struct kvr_bypass *b)
{
    if (b && b->team)
        kvr_team_run(b->team, dismiss_thread, b);
    if (b)
        b->team = NULL;
}

/* ---- a region ---- */

static void add_entry(struct kvr_bypass *b, enum kvr_entry_kind kind, unsigned thread,
                      uint64_t count, const char *name, const char *code)
{
    struct kvr_entry *e = &b->counts.entries[kind];
    if (!count)
        return;
    if (!e->count) {
        e->thread = thread;
        snprintf(e->name, sizeof e->name, "%s", name);
        snprintf(e->code, sizeof e->code, "%s", code);
        snprintf(e->subject, sizeof e->subject, "%s", b->subject);
    }
    e->count += count;
}

static bool read_interrupts(struct kvr_bypass *b, uint64_t *count)
{
    return b->counts.interrupts_known &&
           !kvr_interrupts_read(&b->interrupts, b->cpus, b->threads, count);
}

void kvr_bypass_enter(struct kvr_bypass *b, unsigned thread)
{
    kvr_team_barrier(b->team); /* nobody is in the vDSO any more */
    if (!thread) {
        double begin_ns = now_ns();
        b->vdso_closed = b->vdso_closes;
        if (b->vdso_closes && kvr_vdso_close(&b->vdso))
            add_entry(b, KVR_ENTRY_VDSO, 0, 1, "unknown: the vDSO's pages stayed open", "");
        b->counts.interrupts_known = read_interrupts(b, &b->interrupts_before);
        b->counts.ready_ns += now_ns() - begin_ns;
    }
    atomic_store(&b->watches[thread].entered, false);
    kvr_team_barrier(b->team);
}

void kvr_bypass_arm(struct kvr_bypass *b, unsigned thread, struct kvr_usage *usage)
{
    struct kvr_watch *watch = b ? &b->watches[thread] : NULL;
    if (watch)
        kvr_perf_events_read(&watch->events, &watch->before);
    kvr_thread_usage(usage);
    if (watch)
        watch->selector = KVR_CALLS_BLOCKED;
    atomic_signal_fence(memory_order_seq_cst);
}

void kvr_bypass_disarm(struct kvr_bypass *b, unsigned thread, struct kvr_usage *usage)
{
    struct kvr_watch *watch = b ? &b->watches[thread] : NULL;
    atomic_signal_fence(memory_order_seq_cst);
    if (watch)
        watch->selector = KVR_CALLS_ALLOWED;
    kvr_thread_usage(usage);
    if (watch)
        kvr_perf_events_read(&watch->events, &watch->counted);
}

void kvr_bypass_leave(struct kvr_bypass *b, unsigned thread)
{
    kvr_team_barrier(b->team);
    if (!thread) {
        double begin_ns = now_ns();
        uint64_t now;
        b->counts.interrupts_known = read_interrupts(b, &now);
        if (b->counts.interrupts_known)
            b->counts.interrupts += now - b->interrupts_before;
        if (b->vdso_closes)
            kvr_vdso_open(&b->vdso);
        b->vdso_closed = false;
        b->counts.ready_ns += now_ns() - begin_ns;
    }
    kvr_team_barrier(b->team);
}

/* ---- what it says ---- */

void kvr_bypass_subject(struct kvr_bypass *b, const char *subject)
{
    if (b)
        snprintf(b->subject, sizeof b->subject, "%s", subject);
}

static void add_noted(struct kvr_bypass *b, unsigned thread, const char *code)
{
    struct kvr_watch *watch = &b->watches[thread];
    char name[64];
    if (!atomic_load(&watch->entered))
        return;
    if (watch->kind == KVR_ENTRY_VDSO) {
        kvr_vdso_name(watch->address, name, sizeof name);
        /* Where a handler returns through the vDSO (arm64): a signal came from outside. */
        if (!strncmp(name, SIGNAL_RETURN, sizeof SIGNAL_RETURN - 1))
            return;
    } else {
        kvr_call_name(watch->number, name, sizeof name);
    }
    add_entry(b, watch->kind, thread, 1, name, code);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void kvr_bypass_region(struct kvr_bypass *b, unsigned thread, const struct kvr_region_usage *usage,
                       const char *code)
{
    const struct kvr_watch *watch = &b->watches[thread];
    const struct kvr_perf_counts *from = &watch->before, *to = &watch->counted;
    b->counts.regions++;
    add_noted(b, thread, code);
    add_entry(b, KVR_ENTRY_FAULT, thread, larger(usage->faults, to->faults - from->faults),
              "page fault", code);
    add_entry(b, KVR_ENTRY_SWITCH, thread, usage->switches, "voluntary switch", code);
    b->counts.preemptions += usage->preemptions;
    b->counts.migrations += larger(usage->migrations, to->migrations - from->migrations);
}

void kvr_bypass_sample(struct kvr_bypass *b, double total_ns, double stolen)
{
    unsigned strangers = atomic_exchange(&b->strangers, 0);
    b->counts.samples++;
    b->counts.total_ns += total_ns;
    b->counts.stolen_ns += stolen * total_ns;
    /* It opened the pages for all: what the team did after that is not known. */
    add_entry(b, KVR_ENTRY_VDSO, b->threads, strangers, "a vDSO call of a thread outside the team",
              "");
}

const struct kvr_bypass_counts *kvr_bypass_counted(const struct kvr_bypass *b)
{
    return &b->counts;
}

uint64_t kvr_bypass_entries(const struct kvr_bypass *b)
{
    uint64_t sum = 0;
    for (int kind = 0; kind < KVR_ENTRY_KINDS; kind++)
        sum += b->counts.entries[kind].count;
    return sum;
}

const char *kvr_bypass_how(const struct kvr_bypass *b)
{
    return b->how;
}
