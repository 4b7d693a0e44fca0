/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_CLI_FILES_H
#define KVR_CLI_FILES_H

/* Like mkdir -p. 0 or -errno. */
int kvr_make_folder(const char *folder);

#endif
