/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ledger's rows on SQuat and RVQ, against ratios counted by hand. No time is measured.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "src/study/claims.h"

static void add(struct kvr_run_record *record, const char *codec, const char *op, uint32_t head_dim,
                double bytes, double ns)
{
    struct kvr_result r;
    kvr_result_init(&r);
    snprintf(r.codec, sizeof r.codec, "%s", codec);
    snprintf(r.variant, sizeof r.variant, "fused");
    snprintf(r.op, sizeof r.op, "%s", op);
    snprintf(r.level, sizeof r.level, "DRAM");
    snprintf(r.name, sizeof r.name, "%s/%s/%zu", codec, op, record->result_count);
    r.measured = true;
    r.head_dim = head_dim;
    r.tokens = 4096;
    r.threads = 1;
    r.key_bytes = bytes;
    r.result.ns_per_key = ns;
    assert_non_null(kvr_record_add_result(record, &r));
}

static void check(struct kvr_run_record *record, const char *id, const char *holds,
                  const char *measured, const char *why)
{
    const struct kvr_claim *c = NULL;
    assert_int_equal(kvr_claims_decide(record), 0);
    for (size_t i = 0; i < record->claim_count; i++)
        if (!strcmp(record->claims[i].id, id))
            c = &record->claims[i];
    assert_non_null(c);
    assert_string_equal(c->holds, holds);
    assert_string_equal(c->measured, measured);
    assert_true(strlen(c->why) < sizeof c->why - 1); /* not cut */
    assert_null(strstr(c->why, "inf"));
    if (!strstr(c->why, why))
        fail_msg("%s lacks \"%s\": %s", id, why, c->why);
}

static void test_absent(void **state)
{
    static const char *const ids[] = {"squat-peak-memory", "squat-throughput", "rvq-compression"};
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    add(&r, "fp16", "scan", 64, 128, 8);
    for (size_t i = 0; i < 3; i++)
        check(&r, ids[i], "not measured", "", "no such row in this result");
    check(&r, "rvq-compression", "not measured", "", "kvroof run -k fp16,rvq");
    kvr_run_record_free(&r);
}

static void test_squat(void **state)
{
    const char *open = "not decidable here"; /* a system is no scan */
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    add(&r, "squat2", "scan", 64, 24, 2);
    check(&r, "squat-peak-memory", open, "keys: x5.33", "with FP16 values it shrinks x1.68");
    check(&r, "squat-peak-memory", open, "keys: x5.33", "2.17 needs 66 %, 2.82 needs 79 %");
    check(&r, "squat-throughput", "not measured", "", "no such row"); /* FP16 is not beside it */
    add(&r, "fp16", "scan", 64, 128, 8);
    check(&r, "squat-throughput", open, "scan of keys: x4.00", "2.45 needs 79 %, 3.60 needs 96 %");
    add(&r, "squat2", "attention", 64, 24, 6);
    add(&r, "fp16", "attention", 64, 128, 12);
    check(&r, "squat-throughput", open, "scan of keys: x4.00", "softmax and FP16 values: x2.00");
    r.results[0].result.ns_per_key = 3;
    kvr_result_flag(&r.results[0], "noisy");
    check(&r, "squat-throughput", open, "scan of keys: x2.67", "3.60 is out of its reach");
    check(&r, "squat-throughput", open, "scan of keys: x2.67", "flagged noisy");
    r.results[0].result.ns_per_key = 9; /* slower than FP16: no share helps */
    check(&r, "squat-throughput", open, "scan of keys: x0.89", "2.45 is out of its reach");
    kvr_run_record_free(&r);
}

static void test_rvq(void **state)
{
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    add(&r, "rvq", "scan", 128, 46, 30);
    check(&r, "rvq-compression", "yes", "5.57 at d 128", "46 bytes at d 128, beside FP16's 256");
    r.results[0].head_dim = 64;
    r.results[0].key_bytes = 24;
    check(&r, "rvq-compression", "yes", "5.33 at d 64", "1024 KiB in FP16, so that it takes 10083");
    r.results[0].key_bytes = 40;
    check(&r, "rvq-compression", "no", "3.20 at d 64", "x3.20");
    kvr_run_record_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absent), cmocka_unit_test(test_squat), cmocka_unit_test(test_rvq),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
