/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The crossings of the sample records.
 */
#include "sample.h"

#include <math.h>
#include <stdio.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

void sample_add_crossings(struct kvr_run_record *record)
{
    static const struct kvr_crossing crossings[] = {
        {"balance-1", "tokens", "lookat.f32-gather@avx512/d64/m4/n*/DRAM/1t/scan/heads/thp",
         1945.6, {1536, 2457.6}, true, false,
         "B falls from 5.9 to 0.62 between 512 and 4096 tokens; 2 more crossings above"},
        {"prepare-equals-scan", "head_dim", "odd|n* \x1b", 96.5, {NAN, NAN}, true, true,
         "prepare/scan rises from 0.8 to 1.2 between d 64 and 128; noisy at d 64"},
        {"faster-than-fp16", "tokens", "lookat.u8@avx512/d64/m4/n*/DRAM/1t/scan/heads/thp", NAN,
         {NAN, NAN}, false, true,
         "the speed-up stays above 1 from 512 to 4096 tokens (11.2 to 26.4); noisy at 4096 tokens"},
    };
    for (size_t i = 0; i < sizeof crossings / sizeof *crossings; i++)
        kvr_record_add_crossing(record, &crossings[i]);
}

void sample_fill_crossing(struct kvr_run_record *record)
{
    struct kvr_crossing c;
    kvr_crossing_init(&c);
    SET(c.what, "faster-than-fp16");
    SET(c.axis, "group_queries");
    SET(c.series, "lookat.u8@avx512/d64/m4/K256/n512/W1G/2t/step/pages:64/2m/q*");
    c.at = 3.3000000000000003; /* needs 17 digits */
    c.ci95[0] = 3;
    c.ci95[1] = 4;
    c.reached = c.flagged = true;
    SET(c.why, "the speed-up is 1 at 3.3 queries a KV head");
    kvr_record_add_crossing(record, &c);
}
