/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list of checks; the facts themselves are in the other files checks_*.c and in
 * disturbance.c.
 */
#include "checks.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disturbance.h"
#include "files.h"
#include "internal.h"

static struct kvr_check *find_check(struct kvr_checks *checks, const char *id)
{
    for (size_t i = 0; i < checks->count; i++)
        if (strcmp(checks->items[i].id, id) == 0)
            return &checks->items[i];
    return NULL;
}

static struct kvr_check *append_check(struct kvr_checks *checks)
{
    if (checks->count == checks->capacity) {
        size_t capacity = checks->capacity ? 2 * checks->capacity : 32;
        struct kvr_check *items = realloc(checks->items, capacity * sizeof *items);
        if (!items) {
            fputs("kvroof: out of memory\n", stderr);
            exit(EXIT_FAILURE);
        }
        checks->items = items;
        checks->capacity = capacity;
    }
    return &checks->items[checks->count++];
}

struct kvr_check *kvr_check_add(struct kvr_checks *checks, const char *id,
                                enum kvr_check_status status, const char *text, ...)
{
    va_list list;
    struct kvr_check *check = find_check(checks, id);
    if (!check)
        check = append_check(checks);
    memset(check, 0, sizeof *check);
    snprintf(check->id, sizeof check->id, "%s", id);
    check->status = status;
    va_start(list, text);
    vsnprintf(check->text, sizeof check->text, text, list);
    va_end(list);
    return check;
}

void kvr_checks_free(struct kvr_checks *checks)
{
    free(checks->items);
    *checks = (struct kvr_checks){0};
}

const char *kvr_check_status_name(enum kvr_check_status status)
{
    static const char *const names[] = {"ok", "info", "warn", "refuse", "unknown"};
    size_t i = (size_t)status;
    return i < sizeof names / sizeof *names ? names[i] : "unknown";
}

const char *kvr_errno_name(int number)
{
    static _Thread_local char other[24];
    const char *name = strerrorname_np(number);
    snprintf(other, sizeof other, "errno %d", number);
    return name ? name : other;
}

bool kvr_check_refused(const struct kvr_machine *machine, struct kvr_checks *checks, const char *id,
                       const char *path)
{
    int rc = kvr_file_refused(machine->root, path);
    if (rc)
        kvr_check_add(checks, id, KVR_CHECK_UNKNOWN, "%s cannot be read (%s): what it says of "
                      "this machine is not known", path, kvr_errno_name(-rc));
    return rc != 0;
}

void kvr_machine_checks(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    kvr_checks_system(machine, checks);
    kvr_checks_cpu(machine, checks);
    kvr_checks_places(machine, checks);
    kvr_checks_memory(machine, checks);
    kvr_checks_probes(machine, checks);
    struct kvr_disturbance so_far;
    kvr_disturbance_read(machine, &so_far);
    kvr_disturbance_checks(NULL, &so_far, machine->cpu_count, checks);
}
