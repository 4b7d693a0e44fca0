/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What this build is: KVR_VERSION, KVR_GIT (commit, with + for local changes; "unknown" outside a
 * checkout), KVR_COMPILER, KVR_FLAGS.
 */
#ifndef KVR_VERSION_H
#define KVR_VERSION_H

#include "src/cli/version_build.h"
#include "src/cli/version_git.h"

#endif
