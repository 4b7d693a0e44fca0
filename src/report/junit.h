/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JUnit XML of named cases, for whoever judges them.
 */
#ifndef KVR_JUNIT_H
#define KVR_JUNIT_H

#include <stdio.h>

#include "record.h"

enum kvr_junit_outcome { KVR_JUNIT_PASSED, KVR_JUNIT_FAILED, KVR_JUNIT_SKIPPED };

struct kvr_junit_case {
    const char *group;   /* "scan.DRAM" */
    const char *name;
    enum kvr_junit_outcome outcome;
    const char *why;     /* of a failure or a skip */
    const char *text;    /* what was found; "" for nothing */
};

/* A document is begun, has suites, and is ended. A suite is described by what `record` says of the
 * run and its machine. The numeric locale is set (text.h); errors of the stream stay in it. */
void kvr_junit_begin(FILE *out);
void kvr_put_junit_suite(FILE *out, const char *suite, const struct kvr_run_record *record,
                         const struct kvr_junit_case *cases, size_t count);
void kvr_junit_end(FILE *out);

#endif
