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
    struct kvr_run_record record;
    const char *which = argc > 1 ? argv[1] : "";
    if (!strcmp(which, "run"))
        sample_run(&record);
    else if (!strcmp(which, "ops"))
        sample_ops(&record);
    else if (!strcmp(which, "everything"))
        sample_everything(&record);
    else if (!strcmp(which, "bare"))
        kvr_run_record_init(&record);
    else
        return 2;
    int rc = kvr_write(stdout, KVR_OUT_JSON, &record, NULL);
    kvr_run_record_free(&record);
    return rc != 0;
}
