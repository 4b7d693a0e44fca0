/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The backend `likwid` over a table of the library's functions, so that tests can be the library.
 * It is never called before a forked child found that it counts: its set-up may hang, print, fork
 * helpers that flush the caller's files, and answers "good" without access.
 */
#ifndef KVR_COUNTERS_LIKWID_H
#define KVR_COUNTERS_LIKWID_H

#include "counters.h"

/* As likwid.h has them; negative: an error. */
struct kvr_likwid_library {
    /* The k-th group of this CPU into `name`; negative: there is none such. Before init. */
    int (*group_name)(int k, char *name, size_t bytes);
    int (*init)(int threads, const int *cpus);
    int (*add_group)(const char *name); /* its number */
    int (*set_up)(int group);
    int (*start)(void);
    int (*read_cpu)(int cpu);           /* into the results of the thread on that CPU */
    int (*event_count)(int group);
    const char *(*event_name)(int group, int event);
    double (*result)(int group, int event, int thread); /* since the start */
    void (*finish)(void);
};
/* NULL: this program was built without likwid. */
extern const struct kvr_likwid_library *const kvr_likwid;

/* likwid's event in this program's words: name, unit, scale. */
void kvr_likwid_event(const char *theirs, struct kvr_event *event);

enum { KVR_LIKWID_GROUPS = 96, KVR_LIKWID_GROUP_BYTES = 32 };

/* What the child found. */
struct kvr_likwid_report {
    uint32_t count;
    char names[KVR_MAX_EVENTS][48];
    char why[KVR_MAX_EVENTS][96]; /* "": it counted work of known size (trust.h) */
};

/* Tries a group in a child that has `limit_s` seconds; `work` as in trust.h. 0; -ENODEV with a
 * sentence: it refuses, does not answer in time, or dies. */
int kvr_likwid_probe(const struct kvr_likwid_library *library, const struct kvr_machine *machine,
                     const struct kvr_trust_work *work, const char *group, unsigned limit_s,
                     struct kvr_likwid_report *report, char *why, size_t why_bytes);

/* A thread that looks that no call of likwid takes longer than c->limit_s; c does not move. NULL:
 * there is none to be had. */
struct kvr_likwid_watch;
struct kvr_likwid_watch *kvr_likwid_watch_start(const struct kvr_counters *c);
void kvr_likwid_watch_end(struct kvr_likwid_watch *watch);
/* Around each call, of one thread at a time. What likwid prints is no output of this program: in
 * silent calls stdout and stderr are /dev/null. */
void kvr_likwid_call(struct kvr_likwid_watch *watch, bool silent);
void kvr_likwid_called(struct kvr_likwid_watch *watch);

/* The groups that it has for this CPU, asked for in a child, too: how many; 0: it does not say. */
size_t kvr_likwid_groups(const struct kvr_likwid_library *library, unsigned limit_s,
                         char groups[KVR_LIKWID_GROUPS][KVR_LIKWID_GROUP_BYTES]);

#endif
