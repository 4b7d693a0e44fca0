/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Prints a sample record as JSON, for tests that look at it with other tools.
 * usage: write_sample run|ops|everything|bare
 */
#include <stdio.h>
#include <string.h>

#include "../../src/report/writers.h"
#include "sample.h"

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*make)(struct kvr_run_record *);
    } samples[] = {{"run", sample_run},
                   {"ops", sample_ops},
                   {"everything", sample_everything},
                   {"bare", kvr_run_record_init}};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct kvr_run_record record;
        if (argc != 2 || strcmp(argv[1], samples[i].name))
            continue;
        samples[i].make(&record);
        int rc = kvr_write(stdout, KVR_OUT_JSON, &record, NULL);
        kvr_run_record_free(&record);
        return rc != 0;
    }
    return 2;
}
