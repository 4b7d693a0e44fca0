/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The memory's theoretical bandwidth as firmware describes the modules: SMBIOS type 17 (DMTF
 * DSP0134, 7.18), which Linux gives to root below /sys/firmware/dmi/entries.
 */
#ifndef KVR_MACHINE_DMI_H
#define KVR_MACHINE_DMI_H

#include <stdbool.h>
#include <stdint.h>

struct kvr_memory_peak {
    double gb_per_s;      /* 10^9; of the whole machine; 0: not told */
    uint32_t modules;     /* slots with a module whose speed and width are told */
    uint32_t channels;    /* as far as the locators tell; 0: they do not */
    uint32_t mt_per_s;    /* of the fastest one, as configured */
    bool upper_bound;     /* modules that share a channel may count more than once */
    char text[200];       /* how it follows; or why it is not told */
    char fix[120];        /* what would help; "" if nothing */
};

/* Reads the entries below root + /sys/firmware/dmi/entries. Never fails: what is not told is said
 * in text. */
void kvr_memory_peak_load(const char *root, struct kvr_memory_peak *peak);

#endif
