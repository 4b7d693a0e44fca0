/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The reader of kvroof.fidelity/1.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

enum { PLACE_BYTES = 64 };

static const struct kvr_field head_fields[] = {
#define FIELD(member, how) KVR_FIELD(struct kvr_fidelity_record, member, #member, "", how)
    FIELD(tokens, KVR_FIELD_REQUIRED),
    FIELD(first_query, KVR_FIELD_REQUIRED),
    FIELD(head_dim, 0),
    FIELD(seeds, 0),
    FIELD(training_s, 0),
    FIELD(duration_s, 0),
#undef FIELD
    KVR_FIELD_END
};

static const struct kvr_field row_fields[] = {
#define FIELD(member, how) KVR_FIELD(struct kvr_fidelity_row, member, #member, "", how)
    FIELD(tokens, KVR_FIELD_REQUIRED),
    FIELD(subspaces, 0),
    FIELD(entries, 0),
    FIELD(table, 0),
    FIELD(skip_sinks, 0),
    FIELD(seeds, KVR_FIELD_REQUIRED),
    FIELD(bytes_per_key, KVR_FIELD_POSITIVE),
    FIELD(key_squared_error, 0),
    FIELD(skill, 0),
#undef FIELD
    KVR_FIELD_END
};

static const struct kvr_field worst_fields[] = {
    KVR_FIELD(struct kvr_fidelity_row, worst_skill, "skill", "", 0), KVR_FIELD_END
};

/* ---- rows ---- */

/* The string of the record that is equal to `text`, "" of no member; NULL: out of memory. */
static const char *keep_name(struct kvr_fidelity_record *record, const json_t *text)
{
    const char *name = text ? json_string_value(text) : "";
    for (size_t i = 0; i < record->name_count; i++)
        if (!strcmp(record->names[i], name))
            return record->names[i];
    char **more = realloc(record->names, (record->name_count + 1) * sizeof *more);
    if (!more)
        return NULL;
    record->names = more;
    more[record->name_count] = strdup(name);
    return more[record->name_count] ? more[record->name_count++] : NULL;
}

static int get_name(const struct kvr_reader *reader, const char *where, const json_t *object,
                    const char *key, struct kvr_fidelity_record *record, const char **name)
{
    json_t *text = NULL;
    int rc = kvr_json_member(reader, where, object, key, JSON_STRING, &text);
    if (rc)
        return rc;
    *name = keep_name(record, text);
    return *name ? 0 : -ENOMEM;
}

/* A layer or a head: "all" or an index. */
static int get_index(const struct kvr_reader *reader, const char *where, const json_t *object,
                     const char *key, int32_t *index)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    *index = KVR_FIDELITY_ALL;
    if (text && !strcmp(text, "all"))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > INT32_MAX)
        return kvr_reader_fail(reader, "%s.%s is neither \"all\" nor an index", where, key);
    *index = (int32_t)json_integer_value(value);
    return 0;
}

static int get_identity(const struct kvr_reader *reader, const char *where, const json_t *object,
                        struct kvr_fidelity_record *record, struct kvr_fidelity_row *row)
{
    json_t *flags = NULL, *flag = NULL;
    size_t i;
    int rc = get_index(reader, where, object, "layer", &row->layer);
    if (!rc)
        rc = get_index(reader, where, object, "head", &row->head);
    if (!rc)
        rc = get_name(reader, where, object, "text", record, &row->text);
    if (!rc)
        rc = get_name(reader, where, object, "codec", record, &row->codec);
    if (!rc)
        rc = get_name(reader, where, object, "calibration", record, &row->calibration);
    if (!rc && (!*row->text || !*row->codec))
        rc = kvr_reader_fail(reader, "%s lacks its text or its codec", where);
    if (!rc)
        rc = kvr_json_member(reader, where, object, "flags", JSON_ARRAY, &flags);
    row->before_rope = json_object_get(object, "coded") != NULL;
    row->rope_pairs = json_object_get(object, "channel_order") != NULL;
    json_array_foreach (flags, i, flag)
        row->leaking |= json_is_string(flag) && !strcmp(json_string_value(flag), "leaking");
    return rc;
}

/* The metrics of an object, as far as it holds them; `flags` of each. */
static int get_metrics(const struct kvr_reader *reader, const char *where, const json_t *object,
                       unsigned flags, double values[KVR_METRICS])
{
    struct kvr_field fields[KVR_METRICS + 1] = {{0}};
    for (size_t k = 0; k < KVR_METRICS; k++)
        fields[k] = (struct kvr_field){.name = kvr_metric_names[k], .offset = k * sizeof *values,
                                       .bytes = sizeof *values, .kind = KVR_FIELD_DOUBLE,
                                       .flags = flags, .unit = ""};
    return kvr_json_get(reader, where, object, fields, values);
}

static int get_figures(const struct kvr_reader *reader, const char *where, const json_t *object,
                       struct kvr_fidelity_row *row)
{
    const struct { const char *key; double *values; } groups[] = {
        {"worst_head", row->worst_head}, {"p5", row->tail}, {"p95", row->tail},
        {"std", row->std}, {"seed_spread", row->seed_spread}};
    int rc = get_metrics(reader, where, object, KVR_FIELD_REQUIRED, row->mean);
    for (size_t g = 0; !rc && g < sizeof groups / sizeof *groups; g++) {
        char inner[PLACE_BYTES];
        json_t *metrics = NULL;
        snprintf(inner, sizeof inner, "%s.%s", where, groups[g].key);
        rc = kvr_json_member(reader, where, object, groups[g].key, JSON_OBJECT, &metrics);
        if (!rc && metrics)
            rc = get_metrics(reader, inner, metrics, 0, groups[g].values);
        if (!rc && metrics && groups[g].values == row->worst_head)
            rc = kvr_json_get(reader, inner, metrics, worst_fields, row);
    }
    return rc;
}

static void clear_row(struct kvr_fidelity_row *row)
{
    double *groups[] = {row->mean, row->std, row->tail, row->worst_head, row->seed_spread};
    *row = (struct kvr_fidelity_row){.worst_skill = NAN};
    kvr_fields_clear(row_fields, row);
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (size_t k = 0; k < KVR_METRICS; k++)
            groups[g][k] = NAN;
}

static int read_row(const struct kvr_reader *reader, const char *where, const json_t *object,
                    struct kvr_fidelity_record *record)
{
    struct kvr_fidelity_row *row = &record->rows[record->row_count++];
    clear_row(row);
    if (!json_is_object(object))
        return kvr_reader_fail(reader, "%s is not an object", where);
    int rc = get_identity(reader, where, object, record, row);
    if (!rc)
        rc = kvr_json_get(reader, where, object, row_fields, row);
    return rc ? rc : get_figures(reader, where, object, row);
}

static int read_rows(const struct kvr_reader *reader, const json_t *root,
                     struct kvr_fidelity_record *record)
{
    json_t *rows = NULL, *item = NULL;
    size_t i;
    int rc = kvr_json_member(reader, "", root, "rows", JSON_ARRAY, &rows);
    if (!rc && !json_array_size(rows))
        rc = kvr_reader_fail(reader, "it holds no rows");
    if (rc)
        return rc;
    record->rows = calloc(json_array_size(rows), sizeof *record->rows);
    if (!record->rows)
        return -ENOMEM;
    json_array_foreach (rows, i, item) {
        char where[PLACE_BYTES - 16];
        snprintf(where, sizeof where, "rows[%zu]", i);
        rc = read_row(reader, where, item, record);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- the document ---- */

static size_t length_of(char *const *strings)
{
    size_t count = 0;
    while (strings && strings[count])
        count++;
    return count;
}

static int read_calibration(const struct kvr_reader *reader, const json_t *root,
                            struct kvr_fidelity_record *record)
{
    json_t *object = NULL, *keys = NULL;
    int rc = kvr_json_member(reader, "", root, "calibration", JSON_OBJECT, &object);
    if (rc || !object)
        return rc;
    rc = kvr_json_get_strings(reader, object, "files", &record->calibration_files);
    record->calibration_file_count = length_of(record->calibration_files);
    if (!rc)
        rc = kvr_json_member(reader, "calibration", object, "keys", JSON_INTEGER, &keys);
    if (!rc && json_integer_value(keys) > 0)
        record->calibration_keys = (size_t)json_integer_value(keys);
    return rc;
}

static int read_absent(const struct kvr_reader *reader, const json_t *root,
                       struct kvr_fidelity_record *record)
{
    json_t *object = NULL, *why = NULL;
    const char *name;
    int rc = kvr_json_member(reader, "", root, "unavailable", JSON_OBJECT, &object);
    if (rc || !json_object_size(object))
        return rc;
    record->absent = calloc(json_object_size(object), sizeof *record->absent);
    if (!record->absent)
        return -ENOMEM;
    json_object_foreach (object, name, why) {
        struct kvr_fidelity_absent *absent = &record->absent[record->absent_count++];
        if (!json_is_string(why))
            return kvr_reader_fail(reader, "unavailable: a reason is not a string");
        kvr_utf8_copy(absent->name, sizeof absent->name, name);
        kvr_utf8_copy(absent->why, sizeof absent->why, json_string_value(why));
    }
    return 0;
}

int kvr_json_read_fidelity(const struct kvr_reader *reader, const json_t *root,
                           struct kvr_fidelity_record *record)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    record->training_s = record->duration_s = NAN;
    if (strcmp(schema, "kvroof.fidelity/1"))
        return kvr_reader_fail(reader, "its schema is \"%.60s\"; this kvroof reads "
                               "kvroof.fidelity/1: use the kvroof that wrote it, or run kvroof "
                               "fidelity again", schema);
    int rc = kvr_json_get(reader, "", root, head_fields, record);
    if (!rc)
        rc = kvr_json_get_strings(reader, root, "files", &record->files);
    record->file_count = length_of(record->files);
    if (!rc)
        rc = read_calibration(reader, root, record);
    if (!rc)
        rc = read_absent(reader, root, record);
    return rc ? rc : read_rows(reader, root, record);
}
