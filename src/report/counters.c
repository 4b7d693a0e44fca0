/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts as fields, and as a line of text.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "table.h"
#include "text.h"

#define F(member, json, unit) KVR_FIELD(struct kvr_counter_record, member, json, unit, 0)
const struct kvr_field kvr_counter_fields[] = {
    F(value, "value", ""),
    F(quality, "quality", ""),
    F(running, "running", ""),
    F(unit, "unit", ""),
    F(total, "total", ""),
    F(thread_least, "thread_least", ""),
    F(thread_most, "thread_most", ""),
    KVR_FIELD_END,
};
#undef F

#define F(member, how) KVR_FIELD(struct kvr_counter_thread, member, #member, "", how)
const struct kvr_field kvr_counter_thread_fields[] = {
    F(thread, KVR_FIELD_REQUIRED), F(value, KVR_FIELD_REQUIRED), F(running, 0),
    F(quality, KVR_FIELD_REQUIRED), KVR_FIELD_END,
};
#undef F

/* "; ipc 2.31 instructions/cycle", beside it least and most of several threads, what the model
 * says, and the share of a scaled one. */
static int put_one(const struct kvr_result *r, const struct kvr_counter_record *c, char *text,
                   size_t bytes)
{
    char value[16], model[16] = "", share[16] = "", name[sizeof c->name + 8], clean[64], unit[32];
    snprintf(name, sizeof name, "%s-model", c->name);
    const struct kvr_counter_record *modelled = kvr_result_counter(r, name);
    kvr_figure_text(c->value, 3, value, sizeof value);
    if (modelled)
        kvr_figure_text(modelled->value, 3, model, sizeof model);
    if (!strcmp(c->quality, "scaled"))
        kvr_figure_text(100 * c->running, 2, share, sizeof share);
    kvr_clean_text(clean, sizeof clean, c->name);
    kvr_clean_text(unit, sizeof unit, c->unit);
    char threads[48] = "";
    if (isfinite(c->thread_least) && isfinite(c->thread_most)) {
        char least[16], most[16];
        kvr_figure_text(c->thread_least, 3, least, sizeof least);
        kvr_figure_text(c->thread_most, 3, most, sizeof most);
        snprintf(threads, sizeof threads, " (threads %s to %s)", least, most);
    }
    return snprintf(text, bytes, "; %s %s %s%s%s%s%s%s%s", clean, value, unit, threads,
                    *model ? ", by the model " : "", model, *share ? ", counted " : "", share,
                    *share ? " % of the time" : "");
}

void kvr_put_counters(FILE *out, const struct kvr_result *r, int width)
{
    char line[1600] = "- counted";
    size_t n = strlen(line), start = n;
    for (size_t i = 0; i < r->counter_count && n < sizeof line - 200; i++)
        if (strcmp(r->counters[i].quality, "modelled"))
            n += (size_t)put_one(r, &r->counters[i], line + n, sizeof line - n);
    if (n == start)
        return;
    line[start] = ':';
    kvr_put_wrapped(out, line, width);
}
