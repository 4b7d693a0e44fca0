/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yaml_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE_BYTES = 1 << 20 };

static void log_yaml(cyaml_log_t level, void *context, const char *format, va_list arguments)
{
    struct yaml_log *log = context;
    char text[256];
    (void)level;
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    const char *sentence = strncmp(text, "Load: ", 6) ? text : text + 6;
    const char *line = strstr(text, "(line: ");
    if (!*log->sentence)
        snprintf(log->sentence, sizeof log->sentence, "%s", sentence);
    else if (line && !log->line)
        log->line = (unsigned)strtoul(line + 7, NULL, 10);
}

cyaml_config_t kvr_yaml_config(struct yaml_log *log)
{
    return (cyaml_config_t){.log_fn = log ? log_yaml : NULL,
                            .log_ctx = log,
                            .mem_fn = cyaml_mem,
                            .log_level = CYAML_LOG_ERROR,
                            .flags = CYAML_CFG_DEFAULT};
}

void kvr_yaml_complain(const struct yaml_source *source, const struct yaml_log *log,
                       cyaml_err_t status, const char *const *keys, size_t key_count)
{
    static const char unknown[] = "Unexpected key: ";
    const char *nearest = NULL;
    unsigned line = log->line;
    char place[24] = "", offer[64] = "";
    if (strncmp(log->sentence, unknown, sizeof unknown - 1) == 0) {
        const char *key = log->sentence + sizeof unknown - 1;
        unsigned found = kvr_yaml_line(source, key, 0, "");
        line = found ? found : line;
        nearest = kvr_nearest(key, keys, key_count);
    }
    if (nearest)
        snprintf(offer, sizeof offer, "; did you mean %s?", nearest);
    if (line)
        snprintf(place, sizeof place, ", near line %u", line);
    snprintf(source->error, source->error_bytes, "%s%s: %s%s", source->path, place,
             *log->sentence ? log->sentence : cyaml_strerror(status), offer);
}

int kvr_yaml_read(const char *path, char **text, size_t *bytes, char *error, size_t error_bytes)
{
    int status = 0;
    char *buffer = malloc(MAX_FILE_BYTES + 1);
    FILE *file = fopen(path, "re");
    if (!file || !buffer) {
        status = file ? -ENOMEM : -errno;
        goto out;
    }
    *bytes = fread(buffer, 1, MAX_FILE_BYTES + 1, file);
    if (ferror(file)) {
        status = -errno;
    } else if (*bytes > MAX_FILE_BYTES) {
        snprintf(error, error_bytes, "%s: is larger than 1 MiB; no such file of kvroof is", path);
        status = -EINVAL;
    } else {
        *text = buffer;
        buffer = NULL;
    }
out:
    if (status && status != -EINVAL)
        snprintf(error, error_bytes, "%s: %s", path, strerror(-status));
    if (file)
        fclose(file);
    free(buffer);
    return status;
}
