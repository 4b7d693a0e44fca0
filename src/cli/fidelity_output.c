/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the figures of kvroof fidelity go.
 */
#include "fidelity_output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fidelity_table.h"
#include "outputs.h"
#include "signals.h"

static struct kvr_sink sink_of(enum kvr_output_format format, const char *path)
{
    struct kvr_sink sink = {.format = format};
    snprintf(sink.path, sizeof sink.path, "%s", path);
    return sink;
}

static int try_file(const struct kvr_output *output)
{
    struct kvr_sink sink = sink_of(output->format, output->path);
    int rc = kvr_sink_open(&sink);
    if (!rc)
        rc = kvr_output_probe(sink.file);
    kvr_sink_abandon(&sink);
    return rc;
}

int kvr_fidelity_outputs_check(const struct kvr_options *o, bool format_given)
{
    char why[1100];
    if (kvr_outputs_check(o->outputs, o->output_count, format_given, why, sizeof why))
        return kvr_fail(KVR_EXIT_USAGE, "fidelity: %s", why);
    for (size_t i = 0; i <= o->output_count; i++) {
        enum kvr_output_format format = i ? o->outputs[i - 1].format : o->stdout_format;
        if (!kvr_output_is_common(format))
            return kvr_fail(KVR_EXIT_USAGE, "fidelity: %s is not a format of its results; give "
                                            "table, json, csv or md", kvr_output_names[format]);
    }
    for (size_t i = 0; i < o->output_count; i++) {
        int rc = strcmp(o->outputs[i].path, "-") ? try_file(&o->outputs[i]) : 0;
        if (rc)
            return kvr_fail(KVR_EXIT_IO, "fidelity: cannot write %s: %s; give another file with -o",
                            o->outputs[i].path, strerror(-rc));
    }
    int rc = kvr_output_probe(stdout);
    return rc ? kvr_fail(KVR_EXIT_IO, "fidelity: cannot write stdout: %s", strerror(-rc))
              : KVR_EXIT_OK;
}

static int put(const struct kvr_fidelity_record *record, enum kvr_output_format format, FILE *out)
{
    return format == KVR_OUT_TABLE ? kvr_fidelity_print(record, out)
                                   : kvr_write_fidelity(out, format, record);
}

static int write_file(const struct kvr_fidelity_record *record, const struct kvr_output *output)
{
    struct kvr_sink sink = sink_of(output->format, output->path);
    int rc = kvr_sink_open(&sink);
    if (rc)
        return rc;
    if (sink.temporary[0]) /* else a pipe or device, which may take its time */
        kvr_signals_hold();
    rc = kvr_sink_close(&sink, put(record, sink.format, sink.file));
    if (rc && sink.temporary[0])
        unlink(sink.temporary);
    kvr_signals_release();
    return rc;
}

static int write_one(const struct kvr_fidelity_record *record, const struct kvr_output *output)
{
    int rc = strcmp(output->path, "-") ? write_file(record, output)
                                       : put(record, output->format, stdout);
    if (!rc)
        return KVR_EXIT_OK;
    return kvr_fail(KVR_EXIT_IO, "fidelity: cannot write %s: %s", output->path, strerror(-rc));
}

int kvr_fidelity_outputs_write(const struct kvr_fidelity_record *record,
                               const struct kvr_options *o)
{
    const struct kvr_output standard = {.format = o->stdout_format, .path = "-"};
    int code = KVR_EXIT_OK;
    bool to_stdout = false;
    for (size_t i = 0; i < o->output_count; i++) {
        int written = write_one(record, &o->outputs[i]);
        to_stdout |= !strcmp(o->outputs[i].path, "-");
        code = code ? code : written;
    }
    return code || to_stdout ? code : write_one(record, &standard);
}
