/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_CALL_NAMES_H
#define KVR_CALL_NAMES_H

#include <stddef.h>

/* "getpid", or "system call 999" for one that measured code is not known to make. */
void kvr_call_name(long number, char *name, size_t bytes);

#endif
