/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the counters of a microarchitecture can count: profiles/events/NAME.yaml. A file names the
 * machines it is for (vendor, family, models) and the document its codes come from; its events are
 * in groups that make sense together. generic.yaml names no machine and serves all others.
 */
#ifndef KVR_EVENT_SET_H
#define KVR_EVENT_SET_H

#include <stddef.h>

#include "../counters/events.h"
#include "../machine/machine.h"

enum { KVR_MAX_EVENT_GROUPS = 16 };

struct kvr_event_group {
    char name[16];        /* base, cache, dram, flops ... */
    size_t first, count;  /* of the set's events */
    char missing[64];     /* a PMU of it that this system has not; "": none is missing */
};

struct kvr_event_set {
    char path[512];       /* of the file */
    char source[200];     /* the document that the codes come from */
    struct kvr_event *events; /* names differ. That of a unit of which there are several, such as a
                                 memory controller, ends in @ and the unit's name: add them up */
    size_t count;
    struct kvr_event_group groups[KVR_MAX_EVENT_GROUPS];
    size_t group_count;
};

/* How well a file fits a machine: the larger the better. */
enum kvr_event_fit { KVR_FITS_NOT, KVR_FITS_ALL, KVR_FITS_VENDOR, KVR_FITS_FAMILY, KVR_FITS_MODEL };

/* A text as an event file for `machine`, whose PMUs are looked up below its root. *fit receives how
 * well it fits; the set is filled in either case and freed by kvr_event_set_free. 0; -EINVAL with
 * file, line and reason; -ENOMEM. */
int kvr_event_set_parse(const char *path, const char *text, size_t text_bytes,
                        const struct kvr_machine *machine, struct kvr_event_set *set,
                        enum kvr_event_fit *fit, char *error, size_t error_bytes);
/* The best file of `folder`. -ENOENT if none fits, or as above: a file that is wrong is not passed
 * over. */
int kvr_events_load_from(const char *folder, const struct kvr_machine *machine,
                         struct kvr_event_set *set, char *error, size_t error_bytes);
/* The best file of events/ in the first folder of profiles that has one: the user's own
 * ($XDG_CONFIG_HOME/kvroof), the installed one, the source tree's, ./profiles. */
int kvr_events_load(const struct kvr_machine *machine, struct kvr_event_set *set, char *error,
                    size_t error_bytes);
void kvr_event_set_free(struct kvr_event_set *set);

#endif
