/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "list_json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* NULL with *rc set. The decimal point is "." whatever the locale: digits after it are scaled, not
 * parsed by strtod. */
static json_t *number_value(const char *cell, int *rc)
{
    char *end;
    errno = 0;
    long long whole = strtoll(cell, &end, 10);
    json_t *value = NULL;
    *rc = -EINVAL;
    if (errno || end == cell)
        return NULL;
    if (*end == '\0') {
        value = json_integer(whole);
    } else if (*end == '.') {
        size_t digits = strspn(end + 1, "0123456789");
        if (digits == 0 || digits > 15 || end[1 + digits])
            return NULL;
        double fraction = (double)strtoll(end + 1, NULL, 10) / pow(10, (double)digits);
        value = json_real(cell[0] == '-' ? (double)whole - fraction : (double)whole + fraction);
    } else {
        return NULL;
    }
    *rc = value ? 0 : -ENOMEM;
    return value;
}

static int add_cell(json_t *object, const struct kvr_list_column *column, const char *cell)
{
    int rc = -ENOMEM;
    json_t *value;
    if (!cell || !cell[0])
        return 0;
    if (column->kind == KVR_LIST_NUMBER || column->kind == KVR_LIST_BYTES) {
        value = number_value(cell, &rc);
    } else {
        value = json_string(cell);
        if (!value)
            rc = -EINVAL; /* not UTF-8 */
    }
    if (!value)
        return rc;
    return json_object_set_new(object, column->name, value) ? -ENOMEM : 0;
}

int kvr_list_json(FILE *out, const struct kvr_list_column *columns, size_t column_count,
                  const char *const *cells, size_t row_count)
{
    int rc = 0;
    json_t *array = json_array();
    if (!array)
        return -ENOMEM;
    for (size_t row = 0; rc == 0 && row < row_count; row++) {
        json_t *object = json_object();
        if (json_array_append_new(array, object)) { /* also when object is NULL */
            rc = -ENOMEM;
            break;
        }
        for (size_t i = 0; rc == 0 && i < column_count; i++)
            rc = add_cell(object, &columns[i], cells[row * column_count + i]);
    }
    errno = 0;
    if (rc == 0 && (json_dumpf(array, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) ||
                    fputc('\n', out) == EOF || fflush(out)))
        rc = errno ? -errno : -EIO;
    json_decref(array);
    return rc;
}
