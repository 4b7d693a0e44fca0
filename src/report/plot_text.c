/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The figures of a picture as an aligned table: what there is to read where no gnuplot draws it.
 */
#include "plotdata.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum { MOST_COLUMNS = 12 };

/* One line's fields, padded to the widths; or, without out, the widths that it takes. */
static void put_line(FILE *out, const char *line, size_t widths[MOST_COLUMNS])
{
    for (size_t c = 0; c < MOST_COLUMNS; c++) {
        size_t bytes = strcspn(line, "\t\n");
        char field[512];
        kvr_utf8_copy(field, bytes + 1 < sizeof field ? bytes + 1 : sizeof field, line);
        size_t columns = kvr_utf8_columns(field);
        bool last = line[bytes] != '\t';
        if (!out && columns > widths[c])
            widths[c] = columns;
        if (out)
            fprintf(out, "%s%*s", field, last ? 0 : (int)(widths[c] - columns + 2), "");
        if (last)
            break;
        line += bytes + 1;
    }
    if (out)
        fputc('\n', out);
}

int kvr_plot_table(const char *sheet_path, const char *path)
{
    FILE *sheet = fopen(sheet_path, "re"), *out = sheet ? fopen(path, "we") : NULL;
    size_t widths[MOST_COLUMNS] = {0}, room = 0;
    char *line = NULL;
    int rc = sheet && out ? 0 : -errno;
    for (int pass = 0; !rc && pass < 2; pass++) {
        rewind(sheet);
        while (getline(&line, &room, sheet) > 0)
            put_line(pass ? out : NULL, line, widths);
    }
    free(line);
    if (sheet)
        fclose(sheet);
    if (out && fclose(out) && !rc)
        rc = -errno;
    return rc;
}
