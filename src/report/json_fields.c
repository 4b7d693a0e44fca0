/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The field tables applied to jansson objects, both ways.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

bool kvr_json_set(json_t *object, const char *key, json_t *value)
{
    return value && json_object_set_new(object, key, value) == 0;
}

bool kvr_json_append(json_t *array, json_t *value)
{
    return value && json_array_append_new(array, value) == 0;
}

json_t *kvr_json_string(const char *text)
{
    char *valid = kvr_utf8_valid(text);
    json_t *value = valid ? json_string(valid) : NULL;
    free(valid);
    return value;
}

bool kvr_json_set_finite(json_t *object, const char *key, double number)
{
    return !isfinite(number) || kvr_json_set(object, key, json_real(number));
}

bool kvr_json_set_text_key(json_t *object, const char *key, json_t *value)
{
    json_t *text = kvr_json_string(key);
    bool good = value && text && json_object_set(object, json_string_value(text), value) == 0;
    json_decref(text);
    json_decref(value);
    return good;
}

/* Memory is all that can fail. */
json_t *kvr_json_made(json_t *value, bool good)
{
    if (good)
        return value;
    json_decref(value);
    return NULL;
}

static json_t *integer(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

/* Absent: *value stays NULL. False: out of memory. */
static bool field_value(const struct kvr_field *f, const void *base, json_t **value)
{
    const char *at = (const char *)base + f->offset;
    double d[2] = {NAN, NAN};
    switch (f->kind) {
    case KVR_FIELD_DOUBLE:
        memcpy(d, at, sizeof *d);
        if (!isfinite(*d) || (f->flags & KVR_FIELD_OMIT_ZERO && *d == 0))
            return true;
        *value = json_real(*d);
        break;
    case KVR_FIELD_PAIR:
        memcpy(d, at, sizeof d);
        if (!isfinite(d[0]) || !isfinite(d[1]))
            return true;
        *value = json_pack("[ff]", d[0], d[1]);
        break;
    case KVR_FIELD_U32:
    case KVR_FIELD_U64:
        if (f->flags & KVR_FIELD_OMIT_ZERO && !kvr_field_integer(f, base))
            return true;
        *value = integer(kvr_field_integer(f, base));
        break;
    case KVR_FIELD_BOOL:
        *value = json_boolean(*at != 0);
        break;
    case KVR_FIELD_STRING:
        if (!*at)
            return true;
        *value = kvr_json_string(at);
        break;
    case KVR_FIELD_STRUCT:
        *value = json_object();
        if (!*value || !kvr_json_put(*value, f->fields, base)) {
            json_decref(*value);
            *value = NULL;
        } else if (!json_object_size(*value)) {
            json_decref(*value);
            *value = NULL;
            return true;
        }
        break;
    }
    return *value != NULL;
}

bool kvr_json_put(json_t *object, const struct kvr_field *fields, const void *base)
{
    for (const struct kvr_field *f = fields; f->name; f++) {
        json_t *value = NULL;
        if (!field_value(f, base, &value) || (value && !kvr_json_set(object, f->name, value)))
            return false;
    }
    return true;
}

/* ---- reading ---- */

int kvr_reader_fail(const struct kvr_reader *reader, const char *format, ...)
{
    char text[400], file[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    kvr_clean_text(file, sizeof file, reader->file);
    if (reader->line)
        snprintf(reader->error, reader->error_bytes, "%s:%zu: %s", file, reader->line, text);
    else
        snprintf(reader->error, reader->error_bytes, "%s: %s", file, text);
    return -EINVAL;
}

static const char *type_name(json_type type)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a whole number", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false", [JSON_NULL] = "null",
    };
    return names[type];
}

/* "results[3].tokens", or "tokens" in the document itself. */
#define PLACE "%s%s%s"
#define PLACE_OF(where, name) where, *(where) ? "." : "", name

static int wrong_type(const struct kvr_reader *reader, const char *where, const char *name,
                      const json_t *value, const char *wanted)
{
    return kvr_reader_fail(reader, PLACE " is %s, not %s", PLACE_OF(where, name),
                           type_name(json_typeof(value)), wanted);
}

int kvr_json_member(const struct kvr_reader *reader, const char *where, const json_t *object,
                    const char *key, json_type type, json_t **value)
{
    *value = json_object_get(object, key);
    if (*value && json_typeof(*value) != type)
        return wrong_type(reader, where, key, *value, type_name(type));
    return 0;
}

static int get_double(const struct kvr_reader *reader, const char *where,
                      const struct kvr_field *f, const json_t *value, double *number)
{
    if (!json_is_number(value))
        return wrong_type(reader, where, f->name, value, "a number");
    *number = json_number_value(value);
    if (f->flags & KVR_FIELD_POSITIVE && *number <= 0)
        return kvr_reader_fail(reader, PLACE " is %g; it must be greater than zero",
                               PLACE_OF(where, f->name), *number);
    return 0;
}

static int get_pair(const struct kvr_reader *reader, const char *where,
                    const struct kvr_field *f, const json_t *value, double pair[2])
{
    if (!json_is_array(value) || json_array_size(value) != 2)
        return kvr_reader_fail(reader, PLACE " is not an array of two numbers",
                               PLACE_OF(where, f->name));
    for (size_t i = 0; i < 2; i++) {
        int rc = get_double(reader, where, f, json_array_get(value, i), &pair[i]);
        if (rc)
            return rc;
    }
    if (pair[0] > pair[1])
        return kvr_reader_fail(reader, PLACE " has its lower end above its upper end",
                               PLACE_OF(where, f->name));
    return 0;
}

static int get_integer(const struct kvr_reader *reader, const char *where,
                       const struct kvr_field *f, const json_t *value, uint64_t *number)
{
    if (!json_is_integer(value))
        return wrong_type(reader, where, f->name, value, "a whole number");
    json_int_t n = json_integer_value(value);
    if (n < 0)
        return kvr_reader_fail(reader, PLACE " is negative", PLACE_OF(where, f->name));
    if (f->kind == KVR_FIELD_U32 && n > UINT32_MAX)
        return kvr_reader_fail(reader, PLACE " is too large", PLACE_OF(where, f->name));
    *number = (uint64_t)n;
    return 0;
}

static int get_string(const struct kvr_reader *reader, const char *where,
                      const struct kvr_field *f, const json_t *value, char *text)
{
    if (!json_is_string(value))
        return wrong_type(reader, where, f->name, value, "a string");
    if (f->flags & KVR_FIELD_WHOLE && json_string_length(value) >= f->bytes)
        return kvr_reader_fail(reader, PLACE " is longer than %zu bytes",
                               PLACE_OF(where, f->name), f->bytes - 1);
    if (f->flags & KVR_FIELD_REQUIRED && !json_string_length(value))
        return kvr_reader_fail(reader, PLACE " is empty", PLACE_OF(where, f->name));
    kvr_utf8_copy(text, f->bytes, json_string_value(value));
    return 0;
}

static int get_field(const struct kvr_reader *reader, const char *where,
                     const struct kvr_field *f, const json_t *value, void *base)
{
    char *at = (char *)base + f->offset;
    double d[2];
    uint64_t u64 = 0;
    uint32_t u32;
    char inner[160];
    int rc = 0;
    switch (f->kind) {
    case KVR_FIELD_DOUBLE:
    case KVR_FIELD_PAIR:
        rc = f->kind == KVR_FIELD_PAIR ? get_pair(reader, where, f, value, d)
                                       : get_double(reader, where, f, value, d);
        if (!rc)
            memcpy(at, d, f->bytes);
        return rc;
    case KVR_FIELD_U32:
    case KVR_FIELD_U64:
        rc = get_integer(reader, where, f, value, &u64);
        u32 = (uint32_t)u64;
        if (!rc)
            memcpy(at, f->kind == KVR_FIELD_U32 ? (void *)&u32 : (void *)&u64, f->bytes);
        return rc;
    case KVR_FIELD_BOOL:
        if (!json_is_boolean(value))
            return wrong_type(reader, where, f->name, value, "true or false");
        *(bool *)at = json_is_true(value);
        return 0;
    case KVR_FIELD_STRING:
        return get_string(reader, where, f, value, at);
    case KVR_FIELD_STRUCT:
        if (!json_is_object(value))
            return wrong_type(reader, where, f->name, value, "an object");
        snprintf(inner, sizeof inner, PLACE, PLACE_OF(where, f->name));
        return kvr_json_get(reader, inner, value, f->fields, base);
    }
    return rc;
}

int kvr_json_get(const struct kvr_reader *reader, const char *where, const json_t *object,
                 const struct kvr_field *fields, void *base)
{
    for (const struct kvr_field *f = fields; f->name; f++) {
        const json_t *value = json_object_get(object, f->name);
        int rc = 0;
        if (value)
            rc = get_field(reader, where, f, value, base);
        else if (f->flags & KVR_FIELD_REQUIRED)
            rc = kvr_reader_fail(reader, PLACE " is missing", PLACE_OF(where, f->name));
        if (rc)
            return rc;
    }
    return 0;
}

int kvr_json_put_document(FILE *out, const json_t *root)
{
    errno = 0;
    if (json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) || fputc('\n', out) == EOF)
        return -(errno ? errno : EIO);
    return 0;
}
