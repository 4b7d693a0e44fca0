/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/study only: what all YAML files have in common, around libcyaml.
 */
#ifndef KVR_YAML_FILE_H
#define KVR_YAML_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <cyaml/cyaml.h>

/* The document, for messages. */
struct yaml_source {
    const char *path, *text;
    size_t text_bytes;
    char *error;
    size_t error_bytes;
};

/* The line, from 1, on which `value` stands under the nth (from 0) `key:` of the document; the
 * key's own line if the value is "" or written otherwise; 0 if there is no such key. */
unsigned kvr_yaml_line(const struct yaml_source *source, const char *key, unsigned nth,
                       const char *value);
/* -EINVAL with a sentence: file, that line, key, value, and why it is refused. */
int kvr_yaml_bad(const struct yaml_source *source, const char *key, unsigned nth,
                 const char *value, const char *why);
/* The whole text of a YAML file, owned by the caller, not terminated. 0, -ENOMEM, or with a
 * sentence -ENOENT or -EINVAL: it cannot be read, or is larger than 1 MiB. */
int kvr_yaml_read(const char *path, char **text, size_t *bytes, char *error, size_t error_bytes);

/* The document by libcyaml, in *document, to be freed with kvr_yaml_free. 0; -EINVAL with
 * libcyaml's own complaint: the file's name, the line, and of `keys` the one nearest to an unknown
 * one; `needs` ends the sentence about an empty file; -ENOMEM. */
int kvr_yaml_load(const struct yaml_source *source, const cyaml_schema_value_t *schema,
                  const char *const *keys, size_t key_count, const char *needs,
                  cyaml_data_t **document);
void kvr_yaml_free(const cyaml_schema_value_t *schema, cyaml_data_t *document);

/* The value of the nth `key:`, by the parsers of the options (values.h): one of NULL-ended `known`
 * words; a count in a range. 0 or -EINVAL through kvr_yaml_bad. */
int kvr_yaml_word(const struct yaml_source *source, const char *key, unsigned nth,
                  const char *text, const char *const *known);
int kvr_yaml_count(const struct yaml_source *source, const char *key, unsigned nth,
                   const char *text, uint64_t least, uint64_t most, uint64_t *value);

#endif
