/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Another process of kvroof, one at a time: an observation of its own.
 */
#ifndef KVR_CHILD_H
#define KVR_CHILD_H

#include <stddef.h>

/* This program, for argv[0] of a child: its own file, whatever it was called by. */
extern const char kvr_own_program[];

/* Runs argv (NULL-terminated; found along $PATH as a shell does) to its end. stdout is dropped;
 * stderr goes to the file `log`, NULL: to this one's. A signal that asked this process to stop
 * (bench.h) is passed on. Returns the exit code, 128 + the number of the signal that ended it, or
 * -errno if it could not be started. */
int kvr_child_run(char *const argv[], const char *log);

/* "ended by signal 9 (Killed)" or "exit code 3" */
void kvr_child_end_text(int code, char *text, size_t bytes);

/* The last line of a file; "" without one. */
void kvr_last_line(const char *path, char *text, size_t bytes);

#endif
