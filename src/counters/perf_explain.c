/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "../machine/files.h"
#include "../machine/perf_refusal.h"
#include "perf.h"

void kvr_perf_explain(const struct kvr_machine *machine, int error, char *text, size_t bytes)
{
    const struct kvr_perf_refusal *refusal = kvr_perf_refusal(-error);
    char level[16];
    if (kvr_file_text(machine->root, "/proc/sys/kernel/perf_event_paranoid", level, sizeof level))
        snprintf(level, sizeof level, "not told");
    snprintf(text, bytes, "%s, perf_event_paranoid %s%s%s%s%s", strerrorname_np(-error), level,
             refusal ? ": " : "", refusal ? refusal->what : "", refusal ? "; what helps: " : "",
             refusal ? refusal->fix : "");
}
