/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <locale.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "golden.h"
#include "sample.h"

char *written_text(write_sample *write, const struct kvr_run_record *record)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    assert_int_equal(write(out, record), 0);
    assert_int_equal(fclose(out), 0);
    char *copy = strdup(text); /* gcc 12 takes the buffer of open_memstream for a local one */
    free(text);
    assert_non_null(copy);
    return copy;
}

void check_golden(const char *name, write_sample *write,
                         void (*make)(struct kvr_run_record *))
{
    char path[512];
    struct kvr_run_record record;
    make(&record);
    snprintf(path, sizeof path, "%s/%s", KVR_GOLDEN, name);
    char *text = written_text(write, &record);
    if (getenv("KVROOF_UPDATE_GOLDEN")) {
        sample_write(path, text, strlen(text));
        print_message("%s is new\n", path);
    }
    char *golden = sample_read(path, NULL);
    assert_non_null(golden);
    assert_string_equal(text, golden);
    free(golden);
    free(text);
    kvr_run_record_free(&record);
}

bool set_comma_locale(const char *folder)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    char path[512];
    char *const make[] = {"localedef", "-i", "de_DE", "-f", "UTF-8", path, NULL};
    pid_t child;
    int status;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (setlocale(LC_NUMERIC, names[i]))
            return !strcmp(localeconv()->decimal_point, ",");
    snprintf(path, sizeof path, "%s/de_DE.UTF-8", folder);
    if (posix_spawnp(&child, make[0], NULL, NULL, make, environ))
        return false;
    waitpid(child, &status, 0);
    setenv("LOCPATH", folder, 1);
    return setlocale(LC_NUMERIC, names[0]) && !strcmp(localeconv()->decimal_point, ",");
}
