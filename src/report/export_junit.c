/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JUnit XML, in the order of elements that Jenkins and GitLab read.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "html.h"

/* ` name="text"`; nothing without a text. */
static void put_attribute(FILE *out, const char *name, const char *text)
{
    if (!*text)
        return;
    fprintf(out, " %s=\"", name);
    kvr_html_text(out, text); /* the marks and what is no text are XML's, too */
    fputc('"', out);
}

static void put_property(FILE *out, const char *name, const char *value)
{
    fputs("      <property", out);
    put_attribute(out, "name", name);
    fputs(" value=\"", out);
    kvr_html_text(out, value);
    fputs("\"/>\n", out);
}

static void put_properties(FILE *out, const struct kvr_run_record *record)
{
    fputs("    <properties>\n", out);
    put_property(out, "fingerprint", record->machine.fingerprint);
    put_property(out, "cpu", record->machine.isa.name);
    put_property(out, "kernel", record->machine.kernel);
    put_property(out, "version", record->version);
    put_property(out, "git", record->git);
    put_property(out, "label", record->label);
    put_property(out, "complete", record->complete ? "true" : "false");
    fputs("    </properties>\n", out);
}

static void put_case(FILE *out, const struct kvr_junit_case *c)
{
    static const char *const elements[] = {
        [KVR_JUNIT_FAILED] = "failure", [KVR_JUNIT_SKIPPED] = "skipped"};
    fputs("    <testcase", out);
    put_attribute(out, "classname", c->group);
    put_attribute(out, "name", c->name);
    fputs(">\n", out);
    if (c->outcome != KVR_JUNIT_PASSED) {
        fprintf(out, "      <%s", elements[c->outcome]);
        put_attribute(out, "message", c->why);
        fputs("/>\n", out);
    }
    if (*c->text) {
        fputs("      <system-out>", out);
        kvr_html_text(out, c->text);
        fputs("</system-out>\n", out);
    }
    fputs("    </testcase>\n", out);
}

static size_t count_of(const struct kvr_junit_case *cases, size_t count,
                       enum kvr_junit_outcome outcome)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += cases[i].outcome == outcome;
    return n;
}

void kvr_junit_begin(FILE *out)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", out);
}

void kvr_junit_end(FILE *out)
{
    fputs("</testsuites>\n", out);
}

void kvr_put_junit_suite(FILE *out, const char *suite, const struct kvr_run_record *record,
                         const struct kvr_junit_case *cases, size_t count)
{
    fputs("  <testsuite", out);
    put_attribute(out, "name", suite);
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\"", count,
            count_of(cases, count, KVR_JUNIT_FAILED), count_of(cases, count, KVR_JUNIT_SKIPPED));
    if (isfinite(record->duration_s))
        fprintf(out, " time=\"%.3f\"", record->duration_s);
    put_attribute(out, "timestamp", record->started);
    put_attribute(out, "hostname", record->machine.hostname);
    fputs(">\n", out);
    put_properties(out, record);
    for (size_t i = 0; i < count; i++)
        put_case(out, &cases[i]);
    fputs("  </testsuite>\n", out);
}

struct texts { char group[40], why[320], sentence[400]; };

static void judge(const struct kvr_result *r, struct texts *t, struct kvr_junit_case *c)
{
    const struct kvr_unavailable *u = r->unavailable_count ? &r->unavailable[0] : NULL;
    snprintf(t->group, sizeof t->group, "%s%s%s", r->op, *r->op && *r->level ? "." : "", r->level);
    if (kvr_is_exported(r))
        kvr_case_sentence(r, t->sentence, sizeof t->sentence);
    c->outcome = KVR_JUNIT_PASSED;
    if (!r->measured) {
        c->outcome = KVR_JUNIT_SKIPPED;
        snprintf(t->why, sizeof t->why, "not measured%s%s%s%s", u ? ": " : "", u ? u->what : "",
                 u ? ": " : "", u ? u->why : "");
    } else if (!r->verified || kvr_result_flagged(r, "mismatch")) {
        c->outcome = KVR_JUNIT_FAILED;
        snprintf(t->why, sizeof t->why, "the scores differ from their reference");
    }
    c->group = *t->group ? t->group : "kvroof";
    c->name = r->name;
    c->why = t->why;
    c->text = t->sentence;
}

int kvr_put_junit(FILE *out, const struct kvr_run_record *record)
{
    size_t count = record->result_count;
    struct kvr_junit_case *cases = calloc(count + 1, sizeof *cases);
    struct texts *texts = calloc(count + 1, sizeof *texts);
    int rc = cases && texts ? 0 : -ENOMEM;
    for (size_t i = 0; !rc && i < count; i++)
        judge(&record->results[i], &texts[i], &cases[i]);
    if (!rc) {
        kvr_junit_begin(out);
        kvr_put_junit_suite(out, "kvroof run", record, cases, count);
        kvr_junit_end(out);
    }
    free(cases);
    free(texts);
    return rc;
}
