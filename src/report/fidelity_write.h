/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_FIDELITY_WRITE_H
#define KVR_FIDELITY_WRITE_H

#include <jansson.h>

#include "fidelity.h"

/* A new value that the caller owns; NULL: out of memory. */
json_t *kvr_fidelity_json(const struct kvr_fidelity_record *record);

#endif
