/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sweeps.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct kvr_result *sweep_add(struct kvr_run_record *record, uint32_t tokens)
{
    struct kvr_result r;
    kvr_result_init(&r);
    r.measured = true;
    snprintf(r.codec, sizeof r.codec, "lookat");
    snprintf(r.variant, sizeof r.variant, "f32");
    snprintf(r.isa, sizeof r.isa, "scalar");
    snprintf(r.op, sizeof r.op, "scan");
    snprintf(r.level, sizeof r.level, "DRAM");
    snprintf(r.layout, sizeof r.layout, "heads");
    snprintf(r.result.basis, sizeof r.result.basis, "equal-bytes");
    snprintf(r.name, sizeof r.name, "lookat.f32@scalar/d64/m4/K256/n%u/W1G/1t/scan/heads/thp",
             tokens);
    r.head_dim = 64;
    r.tokens = tokens;
    r.subspaces = 4;
    r.entries = 256;
    r.threads = r.batch = r.group_queries = 1;
    r.working_set_bytes = 1 << 30;
    return kvr_record_add_result(record, &r);
}

void sweep_balance(struct kvr_result *r, double b, double spread)
{
    snprintf(r->verdict.side, sizeof r->verdict.side, b > 1 ? "core" : "memory");
    r->verdict.balance = b;
    r->verdict.balance_ci95[0] = spread > 0 ? b / spread : NAN;
    r->verdict.balance_ci95[1] = spread > 0 ? b * spread : NAN;
}

void sweep_make(struct kvr_run_record *record, size_t count, const double *b, double spread)
{
    kvr_run_record_init(record);
    for (size_t i = 0; i < count; i++)
        sweep_balance(sweep_add(record, 64u << i), b[i], spread);
}

const struct kvr_crossing *sweep_find(struct kvr_run_record *record, const char *what,
                                      const char *axis)
{
    const struct kvr_crossing *found = NULL;
    assert_int_equal(kvr_crossings_find(record), 0);
    for (size_t i = 0; i < record->crossing_count; i++) {
        const struct kvr_crossing *c = &record->crossings[i];
        if (strcmp(c->what, what) || strcmp(c->axis, axis))
            continue;
        if (found)
            fail_msg("%s over %s twice: %s and %s", what, axis, found->series, c->series);
        found = c;
    }
    return found;
}

const struct kvr_crossing *sweep_only(struct kvr_run_record *record)
{
    const struct kvr_crossing *c = sweep_find(record, "balance-1", "tokens");
    assert_non_null(c);
    assert_int_equal(record->crossing_count, 1);
    return c;
}

void sweep_near(double found, double by_hand)
{
    if (!(fabs(found - by_hand) <= 1e-9 * fabs(by_hand)))
        fail_msg("%.12g, not %.12g", found, by_hand);
}

void sweep_says(const struct kvr_crossing *c, const char *text)
{
    if (!strstr(c->why, text))
        fail_msg("\"%s\" does not say \"%s\"", c->why, text);
}
