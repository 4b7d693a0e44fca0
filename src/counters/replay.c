/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts from a file, for tests of all that stands on counters. Its lines:
 *   kvroof-counters 1
 *   machine FINGERPRINT
 *   event NAME SCALE WIDTH UNIT      (WIDTH bits; UNIT - for none)
 *   mark THREAD ENABLED_NS RUNNING_NS VALUE...      (a value for each event)
 *   end MARKS                        (how many there are: a file that was cut off has none)
 * Marks of a thread come one after the other as it asks for readings.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"

struct mark_line { unsigned thread; struct kvr_mark mark; };

struct replay_state {
    struct mark_line *marks;
    size_t count;
    size_t next[KVR_MAX_CPUS]; /* of each thread: where to look for its next mark */
};

static int read_event(struct kvr_counters *c, const char *line)
{
    struct kvr_event *e = &c->events[c->count];
    if (c->count == KVR_MAX_EVENTS ||
        sscanf(line, "event %47s %lf %" SCNu32 " %15s", e->name, &e->scale, &c->widths[c->count],
               e->unit) != 4)
        return -EINVAL;
    if (!strcmp(e->unit, "-"))
        e->unit[0] = 0;
    c->count++;
    return 0;
}

static int read_mark(const struct kvr_counters *c, struct replay_state *s, const char *line)
{
    struct mark_line m = {.thread = 0};
    struct kvr_reading common;
    int at = 0;
    if (sscanf(line, "mark %u %" SCNu64 " %" SCNu64 "%n", &m.thread, &common.enabled_ns,
               &common.running_ns, &at) != 3 || m.thread >= KVR_MAX_CPUS)
        return -EINVAL;
    for (size_t i = 0; i < c->count; i++) {
        int used = 0;
        if (sscanf(line + at, "%" SCNu64 "%n", &common.value, &used) != 1)
            return -EINVAL;
        m.mark.readings[i] = common;
        at += used;
    }
    struct mark_line *marks = realloc(s->marks, (s->count + 1) * sizeof *marks);
    if (!marks)
        return -ENOMEM;
    s->marks = marks;
    s->marks[s->count++] = m;
    return 0;
}

/* Each mark of a thread against its one before: a recording that goes back is of no use. */
static const char *find_backwards(const struct kvr_counters *c, const struct replay_state *s,
                                  size_t at)
{
    size_t before = at;
    while (before-- > 0)
        if (s->marks[before].thread == s->marks[at].thread)
            break;
    for (size_t i = 0; before < at && i < c->count; i++) {
        struct kvr_count_sum sum = {0};
        kvr_count_add(&sum, &s->marks[before].mark.readings[i], &s->marks[at].mark.readings[i],
                      c->widths[i]);
        if (sum.backwards)
            return c->events[i].name;
    }
    return NULL;
}

struct replay_file { FILE *file; char line[1024]; size_t number; bool of_machine, ended; };

static int read_line(struct kvr_counters *c, struct replay_state *s, struct replay_file *f,
                     char *why, size_t why_bytes)
{
    char text[64];
    size_t marks;
    int rc = -EINVAL;
    if (f->number == 1) {
        rc = strcmp(f->line, "kvroof-counters 1\n") ? -EINVAL : 0;
    } else if (sscanf(f->line, "machine %63s", text) == 1) {
        rc = 0;
        f->of_machine = true;
        if (strcmp(text, c->machine->fingerprint)) {
            snprintf(why, why_bytes, "was recorded on another machine: its fingerprint is %.20s, "
                     "this one's %s", text, c->machine->fingerprint);
            return -EINVAL;
        }
    } else if (!strncmp(f->line, "event ", 6) && !s->count) {
        rc = read_event(c, f->line);
    } else if (!strncmp(f->line, "mark ", 5)) {
        rc = read_mark(c, s, f->line);
        const char *event = rc ? NULL : find_backwards(c, s, s->count - 1);
        if (event) {
            snprintf(why, why_bytes, "line %zu: %s counts backwards", f->number, event);
            return -EINVAL;
        }
    } else if (sscanf(f->line, "end %zu", &marks) == 1) {
        f->ended = true;
        rc = marks == s->count ? 0 : -EINVAL;
    }
    if (rc && f->number == 1)
        snprintf(why, why_bytes, "is no recording of counters: its first line is not "
                 "kvroof-counters 1");
    else if (rc)
        snprintf(why, why_bytes, "line %zu cannot be read: %.40s", f->number, f->line);
    return rc;
}

static void replay_close(struct kvr_counters *c)
{
    struct replay_state *s = c->state;
    free(s ? s->marks : NULL);
    free(s);
    c->state = NULL;
}

static int replay_open(struct kvr_counters *c, const char *path, char *why, size_t why_bytes)
{
    struct replay_state *s = calloc(1, sizeof *s);
    struct replay_file f = {.file = path ? fopen(path, "r") : NULL};
    int rc = s ? 0 : -ENOMEM;
    c->state = s;
    c->count = 0;
    if (!f.file) {
        rc = -EINVAL;
        snprintf(why, why_bytes, "cannot be opened: %s", path ? strerror(errno) : "no file named");
    }
    while (!rc && fgets(f.line, sizeof f.line, f.file)) {
        f.number++;
        rc = read_line(c, s, &f, why, why_bytes);
    }
    if (!rc && (!f.ended || !f.of_machine)) {
        snprintf(why, why_bytes, "is cut off after line %zu: its line \"%s\" is missing", f.number,
                 f.ended ? "machine" : "end");
        rc = -EINVAL;
    }
    if (f.file)
        fclose(f.file);
    if (rc)
        replay_close(c);
    return rc;
}

static void replay_enroll(struct kvr_counters *c, unsigned thread, unsigned threads,
                          const uint32_t *cpus, int errors[KVR_MAX_EVENTS])
{
    (void)c, (void)thread, (void)threads, (void)cpus;
    memset(errors, 0, KVR_MAX_EVENTS * sizeof *errors);
}

static void replay_dismiss(struct kvr_counters *c, unsigned thread)
{
    (void)c, (void)thread;
}

static void replay_mark(struct kvr_counters *c, unsigned thread, struct kvr_mark *mark)
{
    struct replay_state *s = c->state;
    size_t at = s->next[thread];
    while (at < s->count && s->marks[at].thread != thread)
        at++;
    s->next[thread] = at + 1;
    if (at < s->count)
        *mark = s->marks[at].mark;
    else
        *mark = (struct kvr_mark){.error = -ENODATA};
}

static const char *replay_how(const struct kvr_counters *c)
{
    (void)c;
    return "replayed from a file, not counted here";
}

static void replay_explain(const struct kvr_counters *c, int error, char *text, size_t bytes)
{
    (void)c;
    snprintf(text, bytes, "%s", strerror(-error));
}

const struct kvr_counter_backend kvr_counters_replay = {
    .name = "replay",
    .replayed = true,
    .open = replay_open,
    .close = replay_close,
    .enroll = replay_enroll,
    .dismiss = replay_dismiss,
    .mark = replay_mark,
    .how = replay_how,
    .explain = replay_explain,
};
