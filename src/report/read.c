/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"
#include "text.h"
#include "writers.h"

enum { MAX_FILE_MIB = 256, PLACE_BYTES = 40, PARSE_FLAGS = JSON_REJECT_DUPLICATES };

static int too_large(const struct kvr_reader *reader)
{
    return kvr_reader_fail(reader, "larger than %d MiB: no result of kvroof is", MAX_FILE_MIB);
}

/* Reads up to the limit and one byte more, so that pipes work as well as files. */
static int load(const struct kvr_reader *reader, char **text, size_t *bytes)
{
    const size_t max = (size_t)MAX_FILE_MIB << 20;
    size_t capacity = 1 << 16;
    char *buffer = NULL, *larger;
    struct stat info;
    ssize_t got = 1;
    int rc = 0, fd = open(reader->file, O_RDONLY | O_CLOEXEC);
    *bytes = 0;
    if (fd < 0)
        rc = -errno;
    else if (!fstat(fd, &info) && S_ISREG(info.st_mode) && (uint64_t)info.st_size > max)
        rc = too_large(reader);
    while (!rc && got > 0) {
        if (*bytes + 1 >= capacity || !buffer) {
            capacity = buffer ? 2 * capacity : capacity;
            larger = realloc(buffer, capacity);
            if (!larger) {
                rc = -ENOMEM;
                break;
            }
            buffer = larger;
        }
        do
            got = read(fd, buffer + *bytes, capacity - *bytes - 1);
        while (got < 0 && errno == EINTR);
        if (got < 0)
            rc = -errno;
        else
            *bytes += (size_t)got;
        if (!rc && *bytes > max)
            rc = too_large(reader);
    }
    if (fd >= 0)
        close(fd);
    if (rc) {
        free(buffer);
        buffer = NULL;
    } else {
        buffer[*bytes] = 0;
    }
    *text = buffer;
    return rc;
}

static int parse_failure(const struct kvr_reader *reader, const json_error_t *why,
                         size_t line_before)
{
    struct kvr_reader at = *reader;
    char text[JSON_ERROR_TEXT_LENGTH];
    kvr_clean_text(text, sizeof text, why->text);
    at.line = line_before + (why->line > 0 ? (size_t)why->line : 1);
    if (json_error_code(why) == json_error_premature_end_of_input)
        return kvr_reader_fail(&at, "the file is truncated: it ends within a value (column %d)",
                               why->column);
    return kvr_reader_fail(&at, "not JSON: %s (column %d)", text, why->column);
}

static int compare_names(const void *a, const void *b)
{
    const struct kvr_result *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int check_names(const struct kvr_reader *reader, const struct kvr_run_record *record)
{
    int rc = 0;
    if (record->result_count < 2)
        return 0;
    const struct kvr_result **sorted = malloc(record->result_count * sizeof *sorted);
    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < record->result_count; i++)
        sorted[i] = &record->results[i];
    qsort(sorted, record->result_count, sizeof *sorted, compare_names);
    for (size_t i = 1; !rc && i < record->result_count; i++)
        if (!strcmp(sorted[i - 1]->name, sorted[i]->name))
            rc = kvr_reader_fail(reader, "two results are named \"%s\"", sorted[i]->name);
    free(sorted);
    return rc;
}

/* One JSON document. */
static int read_document(const struct kvr_reader *reader, const json_t *root,
                         struct kvr_run_record *record)
{
    json_t *results = NULL, *item = NULL;
    size_t i;
    int rc = kvr_json_read_header(reader, root, record);
    if (!rc)
        rc = kvr_json_member(reader, "", root, "results", JSON_ARRAY, &results);
    if (!rc && !results)
        rc = kvr_reader_fail(reader, "results is missing");
    if (rc)
        return rc;
    json_array_foreach (results, i, item) {
        char where[PLACE_BYTES];
        snprintf(where, sizeof where, "results[%zu]", i);
        rc = kvr_json_read_result(reader, where, item, record);
        if (rc)
            return rc;
    }
    return 0;
}

/* A line that is a header again ends the file: it knows more than the first one. */
static int read_trailer(const struct kvr_reader *reader, const json_t *item,
                        struct kvr_run_record *record)
{
    struct kvr_run_record last;
    kvr_run_record_init(&last);
    int rc = kvr_json_read_header(reader, item, &last);
    if (rc) {
        kvr_run_record_free(&last);
        return rc;
    }
    last.results = record->results;
    last.result_count = record->result_count;
    record->results = NULL;
    record->result_count = 0;
    kvr_run_record_free(record);
    *record = last;
    return 0;
}

/* The lines below a JSONL header. A last line without its newline that is not whole was being
 * written when the run was killed: the lines before it count. */
static int read_lines(const struct kvr_reader *reader, const char *text,
                      struct kvr_run_record *record)
{
    struct kvr_reader at = *reader;
    for (at.line = 2; *text; at.line++) {
        size_t bytes = strcspn(text, "\n");
        bool whole = text[bytes] == '\n';
        if (strspn(text, " \t\r") < bytes) {
            json_error_t why;
            json_t *item = json_loadb(text, bytes, PARSE_FLAGS, &why);
            if (!item && !whole)
                return 0;
            int rc = !item ? parse_failure(reader, &why, at.line - 1)
                     : json_object_get(item, "schema")
                         ? read_trailer(&at, item, record)
                         : kvr_json_read_result(&at, "result", item, record);
            json_decref(item);
            if (rc)
                return rc;
        }
        text += bytes + whole;
    }
    return 0;
}

static bool is_fidelity(const json_t *root)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    return schema && !strncmp(schema, "kvroof.fidelity/", sizeof "kvroof.fidelity/" - 1);
}

/* fidelity: NULL where only a run's result will do. */
static int read_text(const struct kvr_reader *reader, const char *text, size_t bytes,
                     struct kvr_run_record *record, struct kvr_fidelity_record *fidelity)
{
    json_error_t why;
    size_t first = strcspn(text, "\n");
    if (strlen(text) < bytes)
        return kvr_reader_fail(reader, "not JSON: it holds a zero byte");
    if (strspn(text, " \t\r\n") == bytes)
        return kvr_reader_fail(reader, "the file is empty");
    /* A JSONL file announces itself by a first line that is a whole object without results. */
    json_t *root = json_loadb(text, first, PARSE_FLAGS, &why);
    bool lines = json_is_object(root) && !json_object_get(root, "results") &&
                 json_is_false(json_object_get(root, "complete"));
    if (!lines && (!root || first < bytes)) {
        json_decref(root);
        root = json_loadb(text, bytes, PARSE_FLAGS, &why);
    }
    int rc = 0;
    if (!root)
        rc = parse_failure(reader, &why, 0);
    else if (!json_is_object(root))
        rc = kvr_reader_fail(reader, "not a result: the document is not an object");
    else if (fidelity && is_fidelity(root))
        rc = kvr_json_read_fidelity(reader, root, fidelity);
    else if (lines)
        rc = kvr_json_read_header(reader, root, record);
    else
        rc = read_document(reader, root, record);
    if (!rc && lines)
        rc = read_lines(reader, text + first + (text[first] == '\n'), record);
    json_decref(root);
    return rc ? rc : check_names(reader, record);
}

static int read_file(const char *path, struct kvr_run_record *record,
                     struct kvr_fidelity_record *fidelity, char *error, size_t error_bytes)
{
    struct kvr_reader reader = {.file = path, .error = error, .error_bytes = error_bytes};
    char *text = NULL;
    size_t bytes = 0;
    kvr_run_record_init(record);
    *error = 0;
    int rc = load(&reader, &text, &bytes);
    if (!rc) {
        struct kvr_numeric numeric = kvr_numeric_c();
        rc = read_text(&reader, text, bytes, record, fidelity);
        kvr_numeric_restore(numeric);
    }
    if (rc && !*error)
        kvr_reader_fail(&reader, "%s", strerror(-rc));
    free(text);
    if (rc)
        kvr_run_record_free(record);
    return rc;
}

int kvr_read_result(const char *path, struct kvr_run_record *record, char *error,
                    size_t error_bytes)
{
    return read_file(path, record, NULL, error, error_bytes);
}

int kvr_read_either(const char *path, struct kvr_run_record *run,
                    struct kvr_fidelity_record *fidelity, char *error, size_t error_bytes)
{
    *fidelity = (struct kvr_fidelity_record){0};
    int rc = read_file(path, run, fidelity, error, error_bytes);
    if (rc)
        kvr_fidelity_free(fidelity);
    return rc;
}
