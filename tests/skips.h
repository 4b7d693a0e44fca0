/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A test that this host cannot run says why, and its program exits with 77 where nothing failed:
 * cmocka alone would exit with 0, which is a pass. Include after cmocka.h.
 */
#ifndef KVR_TESTS_SKIPS_H
#define KVR_TESTS_SKIPS_H

#include <stdio.h>

static unsigned skipped_tests;

/* Ends the test. */
#define SKIP_BECAUSE(why)                                                                          \
    do {                                                                                           \
        printf("skipped: %s\n", why);                                                              \
        skipped_tests++;                                                                           \
        skip();                                                                                    \
    } while (0)

/* failed: what cmocka_run_group_tests returned. */
static inline int exit_code(int failed)
{
    return failed ? 1 : skipped_tests ? 77 : 0;
}

#endif
