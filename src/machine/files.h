/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small files of /proc and /sys, below a replaceable root ("" in production).
 */
#ifndef KVR_MACHINE_FILES_H
#define KVR_MACHINE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Opens root + path for reading; NULL with errno set. */
FILE *kvr_file_open(const char *root, const char *path);
bool kvr_file_exists(const char *root, const char *path);
/* Whether this process may open it for reading. */
bool kvr_file_readable(const char *root, const char *path);
/* -errno of a file that is there but cannot be read; 0 if it can, or is not there. */
int kvr_file_refused(const char *root, const char *path);
/* The file's first bytes as one string without trailing white space; cut at `bytes` - 1. 0, or
 * -errno with text = "". */
int kvr_file_text(const char *root, const char *path, char *text, size_t bytes);
/* Its content as one unsigned decimal number. 0, -EINVAL for anything else, or -errno. */
int kvr_file_u64(const char *root, const char *path, uint64_t *value);
/* "KEY:   123 kB" of a file in the manner of /proc/meminfo, in bytes; in
 * /sys/devices/system/node/node0/meminfo each line begins with "Node 0 ". 0, -ENOENT if the file
 * has no such line, -EINVAL if it has no number, or -errno. */
int kvr_file_kib(const char *root, const char *path, const char *key, uint64_t *bytes);
/* The text behind "KEY:" in such a file without white space around it, cut at `bytes` - 1 ("Node
 * 0 " before and blanks behind the key are skipped). 0; -ENOENT without such a line; or -errno;
 * text = "" then. */
int kvr_file_field(const char *root, const char *path, const char *key, char *text, size_t bytes);
/* The number of the line "KEY NUMBER", as in a control group's cpu.stat, among the first 8 KiB. 0,
 * -ENOENT without such a line, or -errno. */
int kvr_file_key(const char *root, const char *path, const char *key, uint64_t *value);
/* A leading unsigned decimal number in 64 bits, nothing but white space after it. 0 or -EINVAL. */
int kvr_parse_u64(const char *text, uint64_t *value);

#endif
