/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/study only: what all YAML files have in common, around libcyaml.
 */
#ifndef KVR_YAML_FILE_H
#define KVR_YAML_FILE_H

#include <cyaml/cyaml.h>

#include "profile_yaml.h"

/* What libcyaml logs about one document: its first sentence, and the first line it names. */
struct yaml_log {
    char sentence[256];
    unsigned line;
};

cyaml_config_t kvr_yaml_config(struct yaml_log *log); /* NULL: silent */

/* libcyaml's own complaint into the source's error, with the file's name, the line, and of the
 * keys the one nearest to an unknown one. */
void kvr_yaml_complain(const struct yaml_source *source, const struct yaml_log *log,
                       cyaml_err_t status, const char *const *keys, size_t key_count);

#endif
