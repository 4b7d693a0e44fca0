/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../study/values.h"

int kvr_output_parse(const char *text, struct kvr_output *output, char *why, size_t why_bytes)
{
    const char *colon = strchr(text, ':');
    char format[16], reason[240];
    *output = (struct kvr_output){0};
    if (!colon || !colon[1]) {
        snprintf(why, why_bytes, "is not FORMAT:FILE, such as json:result.json or csv:-");
        return -EINVAL;
    }
    snprintf(format, sizeof format, "%.*s", (int)(colon - text), text);
    if (kvr_word_parse(format, kvr_output_names, reason, sizeof reason) ||
        colon - text >= (ptrdiff_t)sizeof format) {
        snprintf(why, why_bytes, "has an unknown format: it %s", reason);
        return -EINVAL;
    }
    kvr_output_format_parse(format, &output->format);
    if (strlen(colon + 1) >= sizeof output->path) {
        snprintf(why, why_bytes, "has a path that is too long");
        return -EINVAL;
    }
    snprintf(output->path, sizeof output->path, "%s", colon + 1);
    return 0;
}

const char kvr_no_step_summary[] =
    "--step-summary: GITHUB_STEP_SUMMARY names no file, as it does in a step of a GitHub workflow; "
    "leave the option out, or write Markdown with -o md:FILE";

int kvr_output_step_summary(struct kvr_output *output)
{
    const char *path = getenv("GITHUB_STEP_SUMMARY");
    *output = (struct kvr_output){.format = KVR_OUT_MD, .append = true};
    if (!path || !*path || strlen(path) >= sizeof output->path)
        return -ENOENT;
    snprintf(output->path, sizeof output->path, "%s", path);
    return 0;
}

int kvr_outputs_check(const struct kvr_output *outputs, size_t count, bool stdout_taken, char *why,
                      size_t why_bytes)
{
    for (size_t i = 0; i < count; i++) {
        bool to_stdout = strcmp(outputs[i].path, "-") == 0;
        if (to_stdout && stdout_taken) {
            snprintf(why, why_bytes, "stdout can carry one format only; name a file in -o or drop "
                     "--format");
            return -EINVAL;
        }
        stdout_taken = stdout_taken || to_stdout;
        for (size_t j = 0; j < i; j++) {
            if (strcmp(outputs[i].path, outputs[j].path) == 0) {
                snprintf(why, why_bytes, "two outputs go to '%s'", outputs[i].path);
                return -EINVAL;
            }
        }
    }
    return 0;
}

static int fail(char *error, size_t error_bytes, const char *path, int code)
{
    snprintf(error, error_bytes, "cannot write %s: %s; give another file with -o", path,
             strerror(-code));
    return code;
}

int kvr_output_probe(FILE *file)
{
    struct stat st;
    if (fstat(fileno(file), &st) || !S_ISCHR(st.st_mode) || isatty(fileno(file)))
        return 0;
    return fputc('\n', file) == EOF || fflush(file) ? -errno : 0;
}

int kvr_sink_open(struct kvr_sink *sink)
{
    struct stat st;
    bool regular = stat(sink->path, &st) ? errno == ENOENT : S_ISREG(st.st_mode);
    if (regular && sink->format != KVR_OUT_JSONL && !sink->append)
        snprintf(sink->temporary, sizeof sink->temporary, "%s.partial", sink->path);
    if (regular && !access(sink->path, F_OK) && access(sink->path, W_OK))
        return -errno;
    sink->file = fopen(sink->temporary[0] ? sink->temporary : sink->path,
                       sink->append ? "a" : "w");
    return sink->file ? 0 : -errno;
}

int kvr_sink_close(struct kvr_sink *sink, int rc)
{
    if (fflush(sink->file) && !rc)
        rc = -errno;
    if (sink->file != stdout && fclose(sink->file) && !rc)
        rc = -errno;
    sink->file = NULL;
    if (!rc && sink->temporary[0] && rename(sink->temporary, sink->path))
        rc = -errno;
    return rc;
}

static int open_sink(struct kvr_sink *sink, const struct kvr_run_record *record, char *error,
                     size_t error_bytes)
{
    int rc = 0;
    if (!strcmp(sink->path, "-")) {
        sink->file = stdout;
        rc = sink->format == KVR_OUT_JSONL ? kvr_write_jsonl_header(stdout, record) : 0;
        return rc ? fail(error, error_bytes, "stdout", rc) : 0;
    }
    rc = kvr_sink_open(sink);
    if (rc)
        return fail(error, error_bytes, sink->path, rc);
    if (sink->format == KVR_OUT_JSONL)
        rc = kvr_write_jsonl_header(sink->file, record);
    else if (sink->temporary[0] && sink->format == KVR_OUT_JSON)
        rc = kvr_write(sink->file, sink->format, record, &(struct kvr_output_style){0});
    if (!rc && fflush(sink->file))
        rc = -errno;
    if (!rc)
        rc = kvr_output_probe(sink->file);
    return rc ? fail(error, error_bytes, sink->path, rc) : 0;
}

static void default_path(struct kvr_sink *sink, const struct kvr_run_record *record)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    snprintf(sink->path, sizeof sink->path, "results/%s-%s.json", stamp,
             record->machine.hostname[0] ? record->machine.hostname : "host");
}

/* True if one of them is stdout. */
static bool list_outputs(struct kvr_sinks *sinks, const struct kvr_output *outputs, size_t count)
{
    bool to_stdout = false;
    *sinks = (struct kvr_sinks){0};
    for (size_t i = 0; i < count; i++) {
        struct kvr_sink *sink = &sinks->items[sinks->count++];
        sink->format = outputs[i].format;
        sink->append = outputs[i].append;
        snprintf(sink->path, sizeof sink->path, "%s", outputs[i].path);
        to_stdout |= !strcmp(sink->path, "-");
    }
    return to_stdout;
}

static void list_with_stdout(struct kvr_sinks *sinks, const struct kvr_options *options)
{
    if (!list_outputs(sinks, options->outputs, options->output_count))
        sinks->items[sinks->count++] =
            (struct kvr_sink){.format = options->stdout_format, .path = "-"};
}

static int open_all(struct kvr_sinks *sinks, const struct kvr_run_record *record, char *error,
                    size_t error_bytes)
{
    for (size_t i = 0; i < sinks->count; i++) {
        int rc = open_sink(&sinks->items[i], record, error, error_bytes);
        if (rc) {
            kvr_sinks_abandon(sinks);
            return rc;
        }
    }
    return 0;
}

int kvr_sinks_open_only(struct kvr_sinks *sinks, const struct kvr_output *outputs, size_t count,
                        const struct kvr_run_record *record, char *error, size_t error_bytes)
{
    list_outputs(sinks, outputs, count);
    return open_all(sinks, record, error, error_bytes);
}

int kvr_sinks_open_listed(struct kvr_sinks *sinks, const struct kvr_options *options,
                          const struct kvr_run_record *record, char *error, size_t error_bytes)
{
    list_with_stdout(sinks, options);
    return open_all(sinks, record, error, error_bytes);
}

int kvr_sinks_open(struct kvr_sinks *sinks, const struct kvr_options *options,
                   const struct kvr_run_record *record, char *error, size_t error_bytes)
{
    bool any = false;
    list_with_stdout(sinks, options);
    for (size_t i = 0; i < options->output_count; i++)
        any |= !options->outputs[i].append; /* a summary stores no result */
    if (!any) {
        if (mkdir("results", 0777) && errno != EEXIST)
            return fail(error, error_bytes, "results/", -errno);
        sinks->items[sinks->count++] = sinks->items[0]; /* the file is the first */
        sinks->items[0] = (struct kvr_sink){.format = KVR_OUT_JSON};
        sinks->default_file = true;
        default_path(&sinks->items[0], record);
    }
    return open_all(sinks, record, error, error_bytes);
}

/* The results that a JSONL sink does not have yet. */
static int append(struct kvr_sink *sink, const struct kvr_run_record *record)
{
    int rc = 0;
    for (; sink->written < record->result_count && !rc; sink->written++)
        rc = kvr_write_jsonl_result(sink->file, &record->results[sink->written]);
    return rc;
}

int kvr_sinks_append(struct kvr_sinks *sinks, const struct kvr_run_record *record)
{
    int rc = 0;
    for (size_t i = 0; i < sinks->count && !rc; i++)
        if (sinks->items[i].format == KVR_OUT_JSONL && sinks->items[i].file)
            rc = append(&sinks->items[i], record);
    return rc;
}

static int write_whole(const struct kvr_sinks *sinks, const struct kvr_sink *sink,
                       const struct kvr_run_record *record, const struct kvr_output_style *style)
{
    if (sink->format == KVR_OUT_TABLE && sinks->table)
        return sinks->table(record, sink->file);
    return kvr_write(sink->file, sink->format, record, style);
}

static int finish_sink(const struct kvr_sinks *sinks, struct kvr_sink *sink,
                       const struct kvr_run_record *record, const struct kvr_output_style *style)
{
    struct kvr_output_style plain = {0};
    bool standard = sink->file == stdout;
    int rc = 0;
    if (sink->format != KVR_OUT_JSONL) {
        if (sink->temporary[0] && (rewind(sink->file), ftruncate(fileno(sink->file), 0)))
            rc = -errno;
        if (!rc)
            rc = write_whole(sinks, sink, record, standard ? style : &plain);
    } else {
        rc = append(sink, record);
        if (!rc)
            rc = kvr_write_jsonl_trailer(sink->file, record);
    }
    return kvr_sink_close(sink, rc);
}

int kvr_sinks_finish(struct kvr_sinks *sinks, const struct kvr_run_record *record,
                     const struct kvr_output_style *style, char *error, size_t error_bytes)
{
    int first = 0;
    for (size_t i = 0; i < sinks->count; i++) {
        int rc = finish_sink(sinks, &sinks->items[i], record, style);
        if (rc && !first)
            first = fail(error, error_bytes, sinks->items[i].path, rc);
    }
    return first;
}

void kvr_sink_abandon(struct kvr_sink *sink)
{
    if (sink->file && sink->file != stdout)
        fclose(sink->file);
    if (sink->file && sink->temporary[0])
        unlink(sink->temporary);
    sink->file = NULL;
}

void kvr_sinks_abandon(struct kvr_sinks *sinks)
{
    for (size_t i = 0; i < sinks->count; i++)
        kvr_sink_abandon(&sinks->items[i]);
}
