/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

enum { PLACE_BYTES = 96, MAX_FAMILY = 4096 };

static int check_schema(const struct kvr_reader *reader, const json_t *root)
{
    static const char known[] = "kvroof.result/";
    const char *schema = json_string_value(json_object_get(root, "schema"));
    if (!schema)
        return kvr_reader_fail(reader, "no result of kvroof: it has no field schema");
    if (strncmp(schema, known, sizeof known - 1)) {
        kvr_reader_fail(reader, "its schema is \"%.60s\"; kvroof.result/1 is needed", schema);
        return -ENOMSG;
    }
    if (strcmp(schema + sizeof known - 1, "1"))
        return kvr_reader_fail(reader,
                               "its schema is \"%.60s\"; this kvroof reads kvroof.result/1: use "
                               "the kvroof that wrote it, or measure again", schema);
    return 0;
}

int kvr_json_get_strings(const struct kvr_reader *reader, const json_t *root, const char *key,
                         char ***strings)
{
    json_t *array = NULL, *item = NULL;
    size_t i;
    int rc = kvr_json_member(reader, "", root, key, JSON_ARRAY, &array);
    if (rc || !json_array_size(array))
        return rc;
    *strings = calloc(json_array_size(array) + 1, sizeof **strings);
    if (!*strings)
        return -ENOMEM;
    json_array_foreach (array, i, item) {
        if (!json_is_string(item))
            return kvr_reader_fail(reader, "%s[%zu] is not a string", key, i);
        (*strings)[i] = strdup(json_string_value(item));
        if (!(*strings)[i])
            return -ENOMEM;
    }
    return 0;
}

static int read_tags(const struct kvr_reader *reader, const json_t *root,
                     struct kvr_run_record *record)
{
    json_t *map = NULL, *value = NULL;
    const char *key;
    size_t i = 0;
    int rc = kvr_json_member(reader, "", root, "tags", JSON_OBJECT, &map);
    if (rc || !map)
        return rc;
    record->tags = calloc(json_object_size(map) + 1, sizeof *record->tags);
    if (!record->tags)
        return -ENOMEM;
    json_object_foreach (map, key, value) {
        if (!json_is_string(value))
            return kvr_reader_fail(reader, "tags: a value is not a string");
        if (asprintf(&record->tags[i], "%s=%s", key, json_string_value(value)) < 0) {
            record->tags[i] = NULL;
            return -ENOMEM;
        }
        i++;
    }
    return 0;
}

static int read_profile(const struct kvr_reader *reader, const json_t *root,
                        struct kvr_run_record *record)
{
    json_t *profile = NULL;
    int rc = kvr_json_member(reader, "", root, "profile", JSON_OBJECT, &profile);
    if (rc || !profile)
        return rc;
    record->profile_json = json_dumps(profile, JSON_COMPACT);
    return record->profile_json ? 0 : -ENOMEM;
}

static int read_check_value(const struct kvr_reader *reader, const char *where,
                            const json_t *item, struct kvr_check *check)
{
    char inner[PLACE_BYTES + 8];
    json_t *value = json_object_get(item, "value"), *interrupts = NULL;
    struct kvr_bypass_value *b = &check->bypass;
    if (!json_is_object(value)) {
        int rc = kvr_json_member(reader, where, item, "value", JSON_STRING, &value);
        if (value && !rc)
            kvr_utf8_copy(check->value, sizeof check->value, json_string_value(value));
        return rc;
    }
    if (strcmp(check->id, "bypass")) /* of a later version */
        return 0;
    snprintf(inner, sizeof inner, "%s.value", where);
    kvr_fields_clear(kvr_bypass_fields, b);
    int rc = kvr_json_get(reader, inner, value, kvr_bypass_fields, b);
    if (!rc)
        rc = kvr_json_member(reader, inner, value, "interrupts", JSON_INTEGER, &interrupts);
    b->interrupts_known = interrupts != NULL;
    if (interrupts && json_integer_value(interrupts) < 0)
        rc = kvr_reader_fail(reader, "%s.interrupts is negative", inner);
    else if (interrupts)
        b->interrupts = (uint64_t)json_integer_value(interrupts);
    return rc;
}

static int read_check(const struct kvr_reader *reader, const char *where, const json_t *item,
                      struct kvr_run_record *record)
{
    struct kvr_check check = {0};
    json_t *status = NULL;
    int rc = kvr_json_get(reader, where, item, kvr_check_fields, &check);
    if (!rc)
        rc = kvr_json_member(reader, where, item, "status", JSON_STRING, &status);
    if (!rc)
        rc = read_check_value(reader, where, item, &check);
    if (rc)
        return rc;
    check.status = KVR_CHECK_UNKNOWN; /* also for a status that a later version may add */
    for (int s = KVR_CHECK_OK; status && s <= KVR_CHECK_UNKNOWN; s++)
        if (!strcmp(json_string_value(status), kvr_check_status_name((enum kvr_check_status)s)))
            check.status = (enum kvr_check_status)s;
    struct kvr_check *kept =
        kvr_check_add(&record->checks, check.id, check.status, "%s", check.text);
    memcpy(kept->value, check.value, sizeof kept->value);
    memcpy(kept->fix, check.fix, sizeof kept->fix);
    kept->bypass = check.bypass;
    return 0;
}

static int read_ceiling(const struct kvr_reader *reader, const char *where, const json_t *item,
                        struct kvr_run_record *record)
{
    struct kvr_ceiling ceiling;
    json_t *family = NULL, *value = NULL;
    const char *member;
    kvr_ceiling_init(&ceiling);
    int rc = kvr_json_get(reader, where, item, kvr_ceiling_fields, &ceiling);
    if (!rc)
        rc = kvr_json_member(reader, where, item, "family", JSON_OBJECT, &family);
    if (!rc && json_object_size(family) > MAX_FAMILY)
        rc = kvr_reader_fail(reader, "%s.family has more than %d members", where, MAX_FAMILY);
    if (!rc && json_object_size(family)) {
        ceiling.family = calloc(json_object_size(family), sizeof *ceiling.family);
        if (!ceiling.family)
            return -ENOMEM;
    }
    if (!rc)
        json_object_foreach (family, member, value) {
            struct kvr_ceiling_member *to = &ceiling.family[ceiling.family_count];
            if (!json_is_number(value)) {
                rc = kvr_reader_fail(reader, "%s.family: a value is not a number", where);
                break;
            }
            kvr_utf8_copy(to->name, sizeof to->name, member);
            to->value = json_number_value(value);
            ceiling.family_count++;
        }
    if (!rc && !kvr_record_add_ceiling(record, &ceiling))
        rc = -ENOMEM;
    if (rc)
        free(ceiling.family);
    return rc;
}

static int read_claim(const struct kvr_reader *reader, const char *where, const json_t *item,
                      struct kvr_run_record *record)
{
    struct kvr_claim claim = {0};
    int rc = kvr_json_get(reader, where, item, kvr_claim_fields, &claim);
    if (rc)
        return rc;
    size_t bytes = (record->claim_count + 1) * sizeof *record->claims;
    struct kvr_claim *claims = realloc(record->claims, bytes);
    if (!claims)
        return -ENOMEM;
    record->claims = claims;
    claims[record->claim_count++] = claim;
    return 0;
}

static int read_crossing(const struct kvr_reader *reader, const char *where, const json_t *item,
                         struct kvr_run_record *record)
{
    struct kvr_crossing crossing;
    kvr_crossing_init(&crossing);
    int rc = kvr_json_get(reader, where, item, kvr_crossing_fields, &crossing);
    if (!rc && !kvr_record_add_crossing(record, &crossing))
        rc = -ENOMEM;
    return rc;
}

static int read_numa_cell(const struct kvr_reader *reader, const char *where, const json_t *item,
                          struct kvr_run_record *record)
{
    struct kvr_numa_cell cell;
    kvr_numa_cell_init(&cell);
    int rc = kvr_json_get(reader, where, item, kvr_numa_cell_fields, &cell);
    return !rc && !kvr_record_add_numa_cell(record, &cell) ? -ENOMEM : rc;
}

typedef int read_item(const struct kvr_reader *reader, const char *where, const json_t *item,
                      struct kvr_run_record *record);

static int read_each(const struct kvr_reader *reader, const json_t *root, const char *key,
                     read_item *read, struct kvr_run_record *record)
{
    json_t *array = NULL, *item = NULL;
    size_t i;
    int rc = kvr_json_member(reader, "", root, key, JSON_ARRAY, &array);
    if (rc)
        return rc;
    json_array_foreach (array, i, item) {
        char where[PLACE_BYTES];
        snprintf(where, sizeof where, "%s[%zu]", key, i);
        if (!json_is_object(item))
            return kvr_reader_fail(reader, "%s is not an object", where);
        rc = read(reader, where, item, record);
        if (rc)
            return rc;
    }
    return 0;
}

int kvr_json_read_header(const struct kvr_reader *reader, const json_t *root,
                         struct kvr_run_record *record)
{
    json_t *machine = NULL, *test = NULL;
    int rc = check_schema(reader, root);
    if (!rc)
        rc = kvr_json_get(reader, "", root, kvr_record_fields, record);
    if (!rc)
        rc = kvr_json_get_strings(reader, root, "command", &record->command);
    if (!rc)
        rc = read_tags(reader, root, record);
    if (!rc)
        rc = read_profile(reader, root, record);
    if (!rc)
        rc = kvr_json_member(reader, "", root, "machine", JSON_OBJECT, &machine);
    if (!rc && !machine)
        rc = kvr_reader_fail(reader, "machine is missing");
    if (!rc)
        rc = kvr_json_read_machine(reader, machine, record);
    if (!rc)
        rc = read_each(reader, root, "checks", read_check, record);
    if (!rc)
        rc = read_each(reader, root, "ceilings", read_ceiling, record);
    if (!rc)
        rc = read_each(reader, root, "claims", read_claim, record);
    if (!rc)
        rc = read_each(reader, root, "crossings", read_crossing, record);
    if (!rc)
        rc = read_each(reader, root, "numa_matrix", read_numa_cell, record);
    if (!rc)
        rc = kvr_json_member(reader, "", root, "verdict_test", JSON_OBJECT, &test);
    if (!rc && test)
        rc = kvr_json_get(reader, "verdict_test", test, kvr_verdict_test_fields, record);
    return rc;
}
