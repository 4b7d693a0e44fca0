/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "likwid.h"

const struct kvr_likwid_library *const kvr_likwid = NULL;
