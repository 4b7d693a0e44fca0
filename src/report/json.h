/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Records as jansson values, both ways. Only for src/report.
 */
#ifndef KVR_JSON_H
#define KVR_JSON_H

#include <jansson.h>

#include "fidelity.h"
#include "fields.h"

/* ---- writing: a new value that the caller owns, or NULL (out of memory) ---- */
/* Everything but `results`. */
json_t *kvr_json_header(const struct kvr_run_record *record);
json_t *kvr_json_result(const struct kvr_result *result);
json_t *kvr_json_machine(const struct kvr_machine *machine, double clock_ghz);
/* A string with what is not valid UTF-8 replaced. */
json_t *kvr_json_string(const char *text);
/* Sets `key` and takes over `value`; true on success, false if value is NULL or memory ran out. */
bool kvr_json_set(json_t *object, const char *key, json_t *value);
bool kvr_json_append(json_t *array, json_t *value);
/* The same with a number, which is left out if it is NAN or infinite. */
bool kvr_json_set_finite(json_t *object, const char *key, double number);
/* The same with a key that comes from outside the program and need not be valid UTF-8. */
bool kvr_json_set_text_key(json_t *object, const char *key, json_t *value);
/* `value`, or NULL after releasing it if something that belongs into it was not `good`. */
json_t *kvr_json_made(json_t *value, bool good);
/* Writes a document, indented, and a newline. 0 or -errno. */
int kvr_json_put_document(FILE *out, const json_t *root);
/* Adds the fields of a table to `object`. */
bool kvr_json_put(json_t *object, const struct kvr_field *fields, const void *base);

/* ---- reading: 0, -ENOMEM, or -EINVAL with a sentence in the reader's error ---- */
struct kvr_reader {
    const char *file;
    size_t line; /* of a JSONL file; 0: the place in the document says enough */
    char *error;
    size_t error_bytes;
};

/* "FILE: " or "FILE:LINE: " and the text into error; returns -EINVAL. */
int kvr_reader_fail(const struct kvr_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* `where` is the object's own place ("results[3].rounds[0]"), "" for the document. */
int kvr_json_get(const struct kvr_reader *reader, const char *where, const json_t *object,
                 const struct kvr_field *fields, void *base);
/* The member `key` if it has the type wanted; *value NULL if absent. */
int kvr_json_member(const struct kvr_reader *reader, const char *where, const json_t *object,
                    const char *key, json_type type, json_t **value);
/* An array of strings as a NULL-terminated list, owned by the caller even if it failed half way;
 * NULL if it is absent or empty. */
int kvr_json_get_strings(const struct kvr_reader *reader, const json_t *object, const char *key,
                         char ***strings);
int kvr_json_read_header(const struct kvr_reader *reader, const json_t *root,
                         struct kvr_run_record *record);
int kvr_json_read_machine(const struct kvr_reader *reader, const json_t *object,
                          struct kvr_run_record *record);
/* Appends to record->results. */
int kvr_json_read_result(const struct kvr_reader *reader, const char *where, const json_t *object,
                         struct kvr_run_record *record);

/* kvroof.fidelity/1 into a zeroed record, to be freed in every case. */
int kvr_json_read_fidelity(const struct kvr_reader *reader, const json_t *root,
                           struct kvr_fidelity_record *record);

#endif
