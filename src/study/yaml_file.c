/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yaml_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "values.h"

enum { MAX_FILE_BYTES = 1 << 20 };

/* What libcyaml logs about one document: its first sentence, and the first line it names. */
struct yaml_log {
    char sentence[256];
    unsigned line;
};

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

/* NULL: silent. */
static cyaml_config_t config_of(struct yaml_log *log)
{
    return (cyaml_config_t){.log_fn = log ? log_yaml : NULL,
                            .log_ctx = log,
                            .mem_fn = cyaml_mem,
                            .log_level = CYAML_LOG_ERROR,
                            .flags = CYAML_CFG_DEFAULT};
}

/* `word` in the line [line, end), not as a part of a longer word. */
static const char *find_word(const char *line, const char *end, const char *word)
{
    size_t bytes = strlen(word);
    for (const char *at = line; at < end; at++) {
        at = memmem(at, (size_t)(end - at), word, bytes);
        if (!at)
            return NULL;
        const char *after = at + bytes;
        bool starts = at == line || !(isalnum((unsigned char)at[-1]) || strchr("_.-", at[-1]));
        bool stops = after == end || !(isalnum((unsigned char)*after) || strchr("_.", *after));
        if (starts && stops)
            return at;
    }
    return NULL;
}

/* libcyaml keeps no line numbers once a document is loaded, so the text is searched again. */
unsigned kvr_yaml_line(const struct yaml_source *source, const char *key, unsigned nth,
                       const char *value)
{
    const char *end = source->text + source->text_bytes, *line = source->text;
    unsigned seen = 0, key_line = 0;
    for (unsigned number = 1; line < end; number++) {
        const char *stop = memchr(line, '\n', (size_t)(end - line)), *start = line;
        stop = stop ? stop : end;
        const char *at = *line == '#' || key_line ? NULL : find_word(line, stop, key);
        const char *after = at ? at + strlen(key) : stop;
        /* A key's colon ends its word: that of the layout pages:16 does not. */
        bool is_key = after < stop && *after == ':' &&
                      (after + 1 == stop || isspace((unsigned char)after[1]));
        if (is_key && seen++ == nth) {
            key_line = number;
            start = after + 1;
        }
        if (key_line && (!*value || find_word(start, stop, value)))
            return number;
        line = stop + 1;
    }
    return key_line;
}

int kvr_yaml_bad(const struct yaml_source *source, const char *key, unsigned nth, const char *value,
                 const char *why)
{
    unsigned line = kvr_yaml_line(source, key, nth, value);
    char place[24] = "";
    if (line)
        snprintf(place, sizeof place, ", line %u", line);
    snprintf(source->error, source->error_bytes, "%s%s: %s: '%.60s' %s", source->path, place, key,
             value, why);
    return -EINVAL;
}

static void complain(const struct yaml_source *source, const struct yaml_log *log,
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
    return status == -ENOMEM || status == -ENOENT || !status ? status : -EINVAL;
}

static bool is_marker(const char *line, size_t bytes, const char *marker)
{
    return bytes >= 3 && !memcmp(line, marker, 3) &&
           (bytes == 3 || isspace((unsigned char)line[3]));
}

/* The line that a second document begins in, which libcyaml would leave unread; 0: there is none.
 * In no document does a line begin with these markers. */
static unsigned second_document(const struct yaml_source *source)
{
    const char *end = source->text + source->text_bytes, *line = source->text;
    bool begun = false, ended = false;
    for (unsigned number = 1; line < end; number++) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const size_t bytes = (size_t)((stop ? stop : end) - line);
        size_t blanks = 0;
        while (blanks < bytes && isspace((unsigned char)line[blanks]))
            blanks++;
        if (is_marker(line, bytes, "...")) {
            ended = begun;
        } else if (blanks < bytes && line[blanks] != '#' && (*line != '%' || begun)) {
            if (ended || (begun && is_marker(line, bytes, "---")))
                return number;
            begun = true;
        }
        line += bytes + 1;
    }
    return 0;
}

int kvr_yaml_load(const struct yaml_source *source, const cyaml_schema_value_t *schema,
                  const char *const *keys, size_t key_count, const char *needs,
                  cyaml_data_t **document)
{
    struct yaml_log log = {.line = 0};
    const cyaml_config_t config = config_of(&log);
    const unsigned second = second_document(source);
    *document = NULL;
    if (second) {
        snprintf(source->error, source->error_bytes, "%s, line %u: a second document; a file has "
                 "one: leave what follows out, or make it a file of its own", source->path, second);
        return -EINVAL;
    }
    cyaml_err_t status = cyaml_load_data((const uint8_t *)source->text, source->text_bytes, &config,
                                         schema, document, NULL);
    if (status != CYAML_OK) {
        complain(source, &log, status, keys, key_count);
        return status == CYAML_ERR_OOM ? -ENOMEM : -EINVAL;
    }
    if (!*document) {
        snprintf(source->error, source->error_bytes, "%s: is empty; %s", source->path, needs);
        return -EINVAL;
    }
    return 0;
}

void kvr_yaml_free(const cyaml_schema_value_t *schema, cyaml_data_t *document)
{
    const cyaml_config_t config = config_of(NULL);
    cyaml_free(&config, schema, document, 0);
}

int kvr_yaml_word(const struct yaml_source *source, const char *key, unsigned nth,
                  const char *text, const char *const *known)
{
    char why[200];
    return kvr_word_parse(text, known, why, sizeof why) ? kvr_yaml_bad(source, key, nth, text, why)
                                                        : 0;
}

int kvr_yaml_count(const struct yaml_source *source, const char *key, unsigned nth,
                   const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
    char why[200];
    return kvr_count_parse(text, least, most, value, why, sizeof why)
               ? kvr_yaml_bad(source, key, nth, text, why)
               : 0;
}
