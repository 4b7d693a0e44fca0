/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two results of one machine, or of two: what says so.
 */
#include <stdio.h>
#include <string.h>

#include "compare.h"

bool kvr_same_machine(const struct kvr_run_record *a, const struct kvr_run_record *b)
{
    return a->machine.fingerprint[0] &&
           !strcmp(a->machine.fingerprint, b->machine.fingerprint);
}

static void add(char *text, size_t bytes, const char *what, const char *a, const char *b)
{
    size_t used = strlen(text);
    if (strcmp(a, b))
        snprintf(text + used, bytes - used, "%s%s %s and %s", used ? "; " : "", what,
                 *a ? a : "unknown", *b ? b : "unknown");
}

static void cpu_text(const struct kvr_machine *m, char *text, size_t bytes)
{
    snprintf(text, bytes, "%.63s (family %u, model %u, stepping %u)", m->isa.name, m->isa.family,
             m->isa.model, m->isa.stepping);
}

static void shape_text(const struct kvr_machine *m, char *text, size_t bytes)
{
    size_t used = (size_t)snprintf(text, bytes, "%zu node%s", m->node_count,
                                   m->node_count == 1 ? "" : "s");
    for (size_t i = 0; i < m->cache_count && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, ", L%u of %llu KiB",
                                 m->caches[i].level,
                                 (unsigned long long)m->caches[i].size_bytes >> 10);
}

static void kernel_text(const struct kvr_machine *m, char *text, size_t bytes)
{
    unsigned major = 0, minor = 0;
    *text = 0;
    if (sscanf(m->kernel, "%u.%u", &major, &minor) == 2)
        snprintf(text, bytes, "%u.%u", major, minor);
}

void kvr_machines_differ(const struct kvr_machine *a, const struct kvr_machine *b, char *text,
                         size_t bytes)
{
    char x[200], y[200];
    *text = 0;
    cpu_text(a, x, sizeof x);
    cpu_text(b, y, sizeof y);
    add(text, bytes, "CPU", x, y);
    shape_text(a, x, sizeof x);
    shape_text(b, y, sizeof y);
    add(text, bytes, "shape", x, y);
    add(text, bytes, "hypervisor", a->isa.hypervisor ? a->isa.hypervisor_name : "none",
        b->isa.hypervisor ? b->isa.hypervisor_name : "none");
    kernel_text(a, x, sizeof x);
    kernel_text(b, y, sizeof y);
    add(text, bytes, "Linux", x, y);
    add(text, bytes, "transparent huge pages", a->thp, b->thp);
    size_t used = strlen(text);
    if (a->isa.usable != b->isa.usable)
        snprintf(text + used, bytes - used, "%sinstruction sets", used ? "; " : "");
    if (!*text)
        add(text, bytes, "fingerprint", a->fingerprint, b->fingerprint);
    if (!*text)
        snprintf(text, bytes, "a result without a fingerprint");
}

void kvr_note_differences(const struct kvr_run_record *base, const struct kvr_run_record *other,
                          struct kvr_comparison *k)
{
    const char *a = base->machine.microcode, *b = other->machine.microcode;
    if (strcmp(base->version, other->version) || strcmp(base->git, other->git) ||
        strcmp(base->compiler, other->compiler) || strcmp(base->flags, other->flags))
        kvr_comparison_note(k, "builds differ: base is kvroof %s (%s, %s), new is kvroof %s "
                            "(%s, %s)", base->version, base->git, base->compiler, other->version,
                            other->git, other->compiler);
    if (strcmp(a, b))
        kvr_comparison_note(k, "microcode differs: base ran on %s, new on %s", *a ? a : "unknown",
                            *b ? b : "unknown");
    if (!base->complete)
        kvr_comparison_note(k, "the base is partial: its run did not reach its end");
    if (!other->complete)
        kvr_comparison_note(k, "the new one is partial: its run did not reach its end");
}
