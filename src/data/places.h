/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the files lie that are installed with the program. They are found from the program's own
 * place, so that an installation can be moved: the first share/kvroof in the program's folder or in
 * one above it. A build folder has one too, with links into the source tree.
 */
#ifndef KVR_PLACES_H
#define KVR_PLACES_H

#include <stddef.h>

enum { KVR_MAX_PLACES = 2, KVR_PLACE_BYTES = 1024 };

/* In the order of the search; a folder need not exist. */
struct kvr_places {
    char path[KVR_MAX_PLACES][KVR_PLACE_BYTES];
    size_t count;
};

/* The folders of `part` ("data", "profiles", "plots"): by the program's place, then the one that
 * the build was configured with (KVR_DATADIR). */
void kvr_places(const char *part, struct kvr_places *places);

/* The first folder with a readable `file`: `chosen` (by the user; NULL or "": none), then those of
 * `part`. NULL if none has it or its path does not fit; the buffer is the caller's. */
const char *kvr_place_with(const char *file, const char *chosen, const char *part, char *buffer,
                           size_t bytes);

#endif
