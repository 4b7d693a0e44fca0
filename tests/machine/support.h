/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Recorded roots: a folder that stands for "/" with the files of /proc and /sys that a test writes.
 */
#ifndef KVR_TEST_MACHINE_SUPPORT_H
#define KVR_TEST_MACHINE_SUPPORT_H

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <sys/types.h>
#include <cmocka.h>

#include "../../src/machine/checks.h"

/* A new empty folder; the path is owned by the caller. Fails the test when it cannot be made. */
char *root_make(void);
/* Writes root + path, with the folders above it. */
void root_put(const char *root, const char *path, const char *text);
/* The same with zero bytes in it. */
void root_put_bytes(const char *root, const char *path, const void *data, size_t bytes);
/* Removes the folder and frees its path. */
void root_remove(char *root);

/* The check of that id; fails the test without one. */
const struct kvr_check *check_of(const struct kvr_checks *checks, const char *id);

/* Names hwloc's machine by HWLOC_SYNTHETIC; NULL: this system again. */
void use_synthetic(const char *description);

/* From now on this process's system call of that number fails with EPERM, as in a container. false:
 * this kernel does not allow such a filter. */
bool forbid_call(long number);

/* Waits for a child that exits with 0; false if it exits with CHILD_BLOCKED: forbid_call was not
 * allowed. */
enum { CHILD_BLOCKED = 77 };
bool child_is_content(pid_t child);

#endif
