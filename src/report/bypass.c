/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sentence.h"
#include "table.h"

static void put_cost(struct kvr_sentence *w, const struct kvr_bypass_value *b)
{
    if (isfinite(b->ready_us)) {
        fputs("; made ready outside the stamps, in ", w->line);
        kvr_sentence_figure(w, b->ready_us, 3);
        fputs(" us a sample", w->line);
    }
    if (!isfinite(b->t_ratio))
        return;
    fputs("; a plain read takes ", w->line);
    kvr_sentence_figure(w, b->t_ratio, 4);
    fputs(" times as long as without", w->line);
    if (isfinite(b->t_ratio_ci95[0]) && isfinite(b->t_ratio_ci95[1])) {
        fputs(" (95 % interval ", w->line);
        kvr_sentence_figure(w, b->t_ratio_ci95[0], 4);
        fputs(" to ", w->line);
        kvr_sentence_figure(w, b->t_ratio_ci95[1], 4);
        fputc(')', w->line);
    }
}

int kvr_put_bypass(FILE *out, const struct kvr_run_record *record, const char *bullet,
                   const char *quote, int width)
{
    struct kvr_sentence w = {.out = out, .bullet = bullet, .width = width};
    for (size_t i = 0; i < record->checks.count; i++) {
        const struct kvr_check *c = &record->checks.items[i];
        if (!c->bypass.regions)
            continue;
        int rc = kvr_sentence_begin(&w);
        if (rc)
            return rc;
        if (c->status != KVR_CHECK_REFUSE) /* no names in it */
            quote = "";
        fprintf(w.line, "bypass: %s%s%s", quote, c->text, quote);
        if (c->fix[0])
            fprintf(w.line, "; what would help: %s", c->fix);
        fprintf(w.line, "; method: %s", c->bypass.method);
        put_cost(&w, &c->bypass);
        fputc('.', w.line);
        return kvr_sentence_end(&w);
    }
    return 0;
}
