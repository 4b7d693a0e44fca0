/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Comparisons as JUnit: a suite each, a test for each case of either side.
 */
#include <errno.h>
#include <stdlib.h>

#include "comparison_text.h"
#include "junit.h"

struct texts { char why[1000]; };

static void judge(const struct kvr_comparison *k, const struct kvr_compared_case *c,
                  struct texts *t, struct kvr_junit_case *test)
{
    static const enum kvr_junit_outcome outcomes[KVR_OUTCOMES] = {
        [KVR_INCONCLUSIVE] = KVR_JUNIT_SKIPPED, [KVR_OK] = KVR_JUNIT_PASSED,
        [KVR_IMPROVED] = KVR_JUNIT_PASSED, [KVR_REGRESSED] = KVR_JUNIT_FAILED};
    kvr_case_outcome_text(k, c, t->why, sizeof t->why);
    *test = (struct kvr_junit_case){"kvroof.compare", c->name, outcomes[c->change.outcome],
                                    t->why, t->why};
    if (k->undecided[0]) { /* what the times show is said, and nothing is made of it */
        test->outcome = KVR_JUNIT_SKIPPED;
        test->why = k->undecided;
    }
}

static void skip(const struct kvr_lone_case *lone, size_t count, const char *what,
                 struct texts *texts, struct kvr_junit_case *tests)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(texts[i].why, sizeof texts[i].why, "%s%s%s", what, lone[i].why[0] ? ": " : "",
                 lone[i].why);
        tests[i] = (struct kvr_junit_case){"kvroof.compare", lone[i].name, KVR_JUNIT_SKIPPED,
                                           texts[i].why, ""};
    }
}

static int put_suite(FILE *out, const struct kvr_comparison *k)
{
    size_t missing = k->case_count, added = missing + k->missing_count;
    size_t count = added + k->added_count;
    struct kvr_junit_case *tests = calloc(count + 1, sizeof *tests);
    struct texts *texts = calloc(count + 1, sizeof *texts);
    int rc = tests && texts ? 0 : -ENOMEM;
    if (!rc) {
        char name[600];
        snprintf(name, sizeof name, "kvroof compare: %s against %s", k->base, k->other);
        for (size_t i = 0; i < k->case_count; i++)
            judge(k, &k->cases[i], &texts[i], &tests[i]);
        skip(k->missing, k->missing_count, "missing from the new side", texts + missing,
             tests + missing);
        skip(k->added, k->added_count, "new, without a base", texts + added, tests + added);
        kvr_put_junit_suite(out, name, k->newest, tests, count);
    }
    free(tests);
    free(texts);
    return rc;
}

int kvr_put_comparisons_junit(FILE *out, const struct kvr_comparison *comparisons, size_t count)
{
    int rc = 0;
    kvr_junit_begin(out);
    for (size_t i = 0; !rc && i < count; i++)
        rc = put_suite(out, &comparisons[i]);
    kvr_junit_end(out);
    return rc;
}
