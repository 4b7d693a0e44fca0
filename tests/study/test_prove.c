/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a proof counted becomes a check: its status, its value, and a text that names what was
 * found. The counting itself is tested in tests/measure.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "src/study/prove.h"
#include "tests/measure/fake_clock.h"

static struct kvr_bypass_counts clean(void)
{
    return (struct kvr_bypass_counts){.regions = 1234,
                                      .preemptions = 65,
                                      .interrupts = 4321,
                                      .interrupts_known = true,
                                      .total_ns = 2000,
                                      .stolen_ns = 25,
                                      .samples = 617};
}

static struct kvr_entry entry(uint64_t count, unsigned thread, const char *name)
{
    struct kvr_entry e = {.count = count, .thread = thread};
    snprintf(e.name, sizeof e.name, "%s", name);
    snprintf(e.code, sizeof e.code, "lookat.u8@avx2");
    snprintf(e.subject, sizeof e.subject, "lookat.u8@auto/d64");
    return e;
}

static void test_text_of_clean_regions(void **state)
{
    (void)state;
    char text[240];
    struct kvr_bypass_counts c = clean();
    kvr_prove_text(&c, text, sizeof text);
    assert_string_equal(text, "1234 regions: no kernel entry requested by the measured code; "
                              "65 preemptions and 4321 interrupts, 1.25 % of time");
    c.interrupts_known = false; /* not zero interrupts */
    kvr_prove_text(&c, text, sizeof text);
    assert_null(strstr(text, "interrupts"));
}

static void test_text_names_what_was_found(void **state)
{
    (void)state;
    char text[480], small[40];
    struct kvr_bypass_counts c = clean();
    c.entries[KVR_ENTRY_CALL] = entry(3, 1, "getpid");
    kvr_prove_text(&c, text, sizeof text);
    assert_string_equal(text, "the measured code entered the kernel: 3 system calls (the first: "
                              "getpid by thread 1 in lookat.u8@avx2, lookat.u8@auto/d64)");
    c.entries[KVR_ENTRY_FAULT] = entry(1, 0, "page fault");
    kvr_prove_text(&c, text, sizeof text);
    assert_non_null(strstr(text, "3 system calls"));
    assert_non_null(strstr(text, "; 1 page fault (the first: page fault by thread 0"));
    assert_null(strstr(text, "no kernel entry"));
    kvr_prove_text(&c, small, sizeof small);
    assert_true(strlen(small) < sizeof small);
}

static bool skipped;

struct bench {
    uint64_t ticks;
    struct kvr_options options;
    struct kvr_run_record record;
    struct kvr_session session;
    uint32_t count, cursor;
    bool planted;
};

static void slice(void *argument, unsigned thread, uint32_t first, uint32_t count)
{
    const struct bench *b = argument;
    (void)thread;
    (void)first;
    (void)count;
    if (b->planted)
        syscall(SYS_getpid);
}

static const struct kvr_check *bypass_check(const struct bench *b)
{
    for (size_t i = 0; i < b->record.checks.count; i++)
        if (!strcmp(b->record.checks.items[i].id, "bypass"))
            return &b->record.checks.items[i];
    return NULL;
}

static void set_up(struct bench *b, bool prove)
{
    memset(b, 0, sizeof *b);
    kvr_run_record_init(&b->record);
    b->options.prove = prove;
    b->session = (struct kvr_session){.options = &b->options, .record = &b->record, .threads = 1};
    b->session.clock = fake_clock(&b->ticks);
    b->count = 10;
}

static void tear_down(struct bench *b)
{
    kvr_bypass_dismiss(b->session.bypass);
    kvr_sampler_free(b->session.sampler);
    kvr_team_stop(b->session.team);
    kvr_bypass_close(b->session.bypass);
    kvr_run_record_free(&b->record);
}

static void test_without_the_option_nothing_is_claimed(void **state)
{
    (void)state;
    struct bench b;
    set_up(&b, false);
    kvr_prove_conclude(&b.session);
    const struct kvr_check *c = bypass_check(&b);
    assert_non_null(c);
    assert_int_equal(c->status, KVR_CHECK_UNKNOWN);
    assert_string_equal(c->fix, "run with --prove");
    assert_int_equal(c->bypass.regions, 0);
    tear_down(&b);
}

/* Samples of a session, clean ones first. */
static void test_a_session(void **state)
{
    (void)state;
    struct bench b;
    struct kvr_sample sample;
    char error[512] = "";
    const uint32_t cpu = 0;
    set_up(&b, true);
    if (kvr_prove_open(&b.session, error, sizeof error)) {
        assert_non_null(strstr(error, "--prove"));
        print_message("SKIP: %s\n", error);
        skipped = true;
        tear_down(&b);
        return;
    }
    assert_int_equal(kvr_team_start(&b.session.team, &cpu, 1, fake_pin, NULL), 0);
    assert_int_equal(kvr_bypass_enroll(b.session.bypass, b.session.team, &cpu), 0);
    b.session.sampler = kvr_sampler_new(b.session.team, &b.session.clock);
    struct kvr_sample_request request = {.run = slice,
                                         .argument = &b,
                                         .list_counts = &b.count,
                                         .cursors = &b.cursor,
                                         .slice_segments = 1,
                                         .slices = 5};
    kvr_sample_take(b.session.sampler, &request, &sample);
    kvr_sampler_prove(b.session.sampler, b.session.bypass);
    kvr_prove_conclude(&b.session);
    assert_int_equal(bypass_check(&b)->status, KVR_CHECK_UNKNOWN); /* no region yet */
    kvr_sample_take(b.session.sampler, &request, &sample);
    kvr_prove_conclude(&b.session);
    assert_int_equal(bypass_check(&b)->status, KVR_CHECK_OK);
    assert_int_equal(bypass_check(&b)->bypass.regions, 1);
    assert_true(bypass_check(&b)->bypass.method[0]);
    b.planted = true;
    kvr_sample_take(b.session.sampler, &request, &sample);
    kvr_prove_conclude(&b.session);
    assert_int_equal(bypass_check(&b)->status, KVR_CHECK_REFUSE);
    assert_int_equal(bypass_check(&b)->bypass.regions, 2);
    assert_int_equal(bypass_check(&b)->bypass.syscalls, 1);
    assert_non_null(strstr(bypass_check(&b)->text, "getpid by thread 0"));
    assert_true(isnan(bypass_check(&b)->bypass.t_ratio));
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_of_clean_regions),
        cmocka_unit_test(test_text_names_what_was_found),
        cmocka_unit_test(test_without_the_option_nothing_is_claimed),
        cmocka_unit_test(test_a_session),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed ? failed : skipped ? 77 : 0;
}
