/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "comparison.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *const kvr_outcome_names[KVR_OUTCOMES] = {"inconclusive", "ok", "improved",
                                                     "regressed"};

void kvr_comparison_free(struct kvr_comparison *k)
{
    free(k->cases);
    free(k->missing);
    free(k->added);
    *k = (struct kvr_comparison){0};
}

void kvr_comparison_note(struct kvr_comparison *k, const char *format, ...)
{
    va_list arguments;
    for (size_t i = 0; i < sizeof k->notes / sizeof *k->notes; i++)
        if (!k->notes[i][0]) {
            va_start(arguments, format);
            vsnprintf(k->notes[i], sizeof k->notes[i], format, arguments);
            va_end(arguments);
            return;
        }
}

bool kvr_verdict_changed(const struct kvr_compared_case *c)
{
    return strcmp(c->base_verdict, c->new_verdict) && c->base_verdict[0] && c->new_verdict[0];
}

enum kvr_outcome kvr_worse_outcome(enum kvr_outcome a, enum kvr_outcome b)
{
    if (a == KVR_REGRESSED || b == KVR_REGRESSED)
        return KVR_REGRESSED;
    return a == KVR_INCONCLUSIVE || b == KVR_INCONCLUSIVE ? KVR_INCONCLUSIVE : KVR_OK;
}

void kvr_outcome_counts(const struct kvr_comparison *k, char *text, size_t bytes)
{
    size_t count[KVR_OUTCOMES] = {0};
    for (size_t i = 0; i < k->case_count; i++)
        count[k->cases[i].change.outcome]++;
    snprintf(text, bytes, "regressed %zu, improved %zu, inconclusive %zu, ok %zu",
             count[KVR_REGRESSED], count[KVR_IMPROVED], count[KVR_INCONCLUSIVE], count[KVR_OK]);
}
