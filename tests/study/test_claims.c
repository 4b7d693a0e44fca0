/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The claims ledger from made-up records: every row, every value of `holds` that a row can take,
 * both sides of thresholds. No time is measured.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "src/study/claims.h"

static struct kvr_result *add(struct kvr_run_record *record, const char *kernel, const char *op,
                              uint32_t tokens, double bytes, double ns)
{
    struct kvr_result r;
    kvr_result_init(&r);
    r.measured = true;
    sscanf(kernel, "%23[^.].%23s", r.codec, r.variant);
    snprintf(r.isa, sizeof r.isa, "avx512");
    snprintf(r.op, sizeof r.op, "%s", op);
    snprintf(r.level, sizeof r.level, "DRAM");
    snprintf(r.layout, sizeof r.layout, "heads");
    snprintf(r.pages, sizeof r.pages, "thp");
    snprintf(r.name, sizeof r.name, "%s/%s/%u/%zu", kernel, op, tokens, record->result_count);
    r.head_dim = 64;
    r.tokens = tokens;
    r.threads = 1;
    if (!strcmp(r.codec, "lookat")) {
        r.subspaces = 4;
        r.entries = 256;
    }
    r.key_bytes = bytes;
    r.traffic.mem_read = bytes;
    r.traffic.mem_write = r.traffic.mem_allocate = 0;
    r.result.ns_per_key = ns;
    r.result.speedup_vs_fp16 = 8 / ns;
    return kvr_record_add_result(record, &r);
}

/* The row `id`, decided anew. */
static const struct kvr_claim *decide(struct kvr_run_record *record, const char *id)
{
    assert_int_equal(kvr_claims_decide(record), 0);
    assert_int_equal(record->claim_count, KVR_CLAIMS);
    for (size_t i = 0; i < record->claim_count; i++)
        if (!strcmp(record->claims[i].id, id))
            return &record->claims[i];
    fail_msg("no row %s", id);
    return NULL;
}

static void check(struct kvr_run_record *record, const char *id, const char *holds,
                  const char *type, const char *measured)
{
    const struct kvr_claim *c = decide(record, id);
    assert_string_equal(c->holds, holds);
    assert_string_equal(c->type, type);
    if (measured)
        assert_string_equal(c->measured, measured);
}

static void check_why(struct kvr_run_record *record, const char *id, const char *part)
{
    const struct kvr_claim *c = decide(record, id);
    if (!strstr(c->why, part))
        fail_msg("%s lacks \"%s\": %s", id, part, c->why);
}

static void check_lacks(struct kvr_run_record *record, const char *id, const char *part)
{
    const struct kvr_claim *c = decide(record, id);
    if (strstr(c->why, part))
        fail_msg("%s says \"%s\": %s", id, part, c->why);
}

/* Whatever a record holds: every row has all its parts, none of them cut. */
static void check_rows(struct kvr_run_record *record)
{
    static const char *const types[] = {"arithmetic", "timing", "fidelity"};
    static const char *const values[] = {"yes", "no", "partly", "not decidable here",
                                         "not measured"};
    assert_int_equal(kvr_claims_decide(record), 0);
    for (size_t i = 0; i < record->claim_count; i++) {
        const struct kvr_claim *c = &record->claims[i];
        size_t type = 0, value = 0;
        while (type < 3 && strcmp(c->type, types[type]))
            type++;
        while (value < 5 && strcmp(c->holds, values[value]))
            value++;
        assert_true(type < 3 && value < 5);
        assert_string_equal(c->source, !strncmp(c->id, "squat", 5) ? "arXiv 2503.24358"
                                       : !strncmp(c->id, "rvq", 3) ? "arXiv 2410.15704"
                                                                   : "arXiv 2601.10155");
        assert_true(c->claim[0] && c->claimed[0] && c->unit[0] && c->why[0]);
        assert_true(c->measured[0] || value == 4);
        assert_true(strlen(c->why) < sizeof c->why - 1);
        assert_true(strlen(c->claim) < sizeof c->claim - 1);
        assert_true(strlen(c->unit) < sizeof c->unit - 1);
        assert_true(strlen(c->measured) < sizeof c->measured - 1);
        assert_null(strstr(c->why, "nan"));
        assert_null(strstr(c->why, "impossible"));
        assert_true(value == 4 || !strncmp(c->why, "Most favourable:", 16));
        assert_true(value == 4 || strstr(c->why, "Finding"));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(record->claims[j].id, c->id);
    }
}

static void test_empty(void **state)
{
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    check_rows(&r);
    check(&r, "key-bytes-int8-int4", "no", "arithmetic", "64 and 32");
    check(&r, "rho-above-95", "partly", "arithmetic", "0.928 in its own table");
    check_why(&r, "rho-above-95", "0.928 at L = 1024"); /* both statements */
    check_why(&r, "rho-above-95", "supports it with rho 0.957");
    check_why(&r, "rho-above-95", "its own table by length contradicts it");
    check_why(&r, "rho-above-95", "nothing is measured here");
    check(&r, "rho-bound", "not decidable here", "fidelity", "1 - rho x1.05, not x8");
    check_why(&r, "rho-bound", "kvroof fidelity does, of the keys");
    check(&r, "kl-above-uniform", "not decidable here", "fidelity", "uniform: at most 6.93");
    check_why(&r, "kl-above-uniform", "above ln 1024");
    check_why(&r, "kl-above-uniform", "kvroof fidelity does, of the model");
    check(&r, "ten-times-fewer-flops", "no", "arithmetic", "1.78");
    check_why(&r, "ten-times-fewer-flops", "16384 MAC");
    check_why(&r, "ten-times-fewer-flops", "L = 273");
    check(&r, "bandwidth-32x-at-512", "partly", "arithmetic", "1.88 cold, 32.0 hot");
    check_why(&r, "bandwidth-32x-at-512", "x3.56 at 1024");
    check_why(&r, "bandwidth-32x-at-512", "32 KiB at any m in FP16, the default");
    check_why(&r, "bandwidth-32x-at-512", "Decided by arithmetic.");
    check(&r, "dequantising-moves-fp16", "not measured", "timing", "");
    check_why(&r, "dequantising-moves-fp16", "int8.materialised");
    check(&r, "values-cap-saving", "partly", "arithmetic", "1.94 with values");
    check(&r, "memory-to-compute-shift", "not measured", "timing", "");
    check(&r, "encoding-cost", "no", "arithmetic", "16384");
    check_why(&r, "encoding-cost", "L = 1024, the longest of the paper, that is 25 %");
    check_why(&r, "encoding-cost", "from L = 5120 on");
    kvr_run_record_free(&r);
}

/* ---- bandwidth ---- */

static const char bandwidth[] = "bandwidth-32x-at-512";

static void test_bandwidth_scan(void **state)
{
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    add(&r, "fp16.fused", "scan", 512, 128, 8);
    check(&r, bandwidth, "partly", "arithmetic", "1.88 cold, 32.0 hot"); /* no LOOKAT yet */
    add(&r, "lookat.u8", "scan", 512, 4.01, .5);
    check(&r, bandwidth, "partly", "arithmetic", "1.88 cold, 31.9 hot");
    check_why(&r, bandwidth, "no cold step");
    r.results[1].traffic.mem_read = 4.44; /* 28.83: just reaches .9 of 32 */
    check(&r, bandwidth, "partly", "arithmetic", "1.88 cold, 28.8 hot");
    r.results[1].traffic.mem_read = 4.45; /* 28.76 */
    check(&r, bandwidth, "no", "arithmetic", "1.88 cold, 28.8 hot");
    check_rows(&r);
    kvr_run_record_free(&r);
}

static void test_bandwidth_step(void **state)
{
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    add(&r, "fp16.fused", "scan", 512, 128, 8);
    add(&r, "lookat.u8", "scan", 512, 4, .5);
    add(&r, "fp16.fused", "step", 512, 128, 8);
    struct kvr_result *step = add(&r, "lookat.u8", "step", 512, 68, 4);
    check(&r, bandwidth, "partly", "timing", "1.88 cold, 32.0 hot");
    check_why(&r, bandwidth, "x2 in time");
    check_why(&r, bandwidth, "this run's step, computed from the layouts");
    check_why(&r, bandwidth, "Decided by bytes computed from the layouts, not counted");
    snprintf(step->codebook_residency, sizeof step->codebook_residency, "warm");
    check(&r, bandwidth, "partly", "arithmetic", NULL); /* a warm one says nothing about cold */
    step->codebook_residency[0] = 0;
    snprintf(step->codebook, sizeof step->codebook, "f32"); /* the claim's is in FP16 */
    check(&r, bandwidth, "partly", "arithmetic", NULL);
    snprintf(step->codebook, sizeof step->codebook, "f16");
    check(&r, bandwidth, "partly", "timing", "1.88 cold, 32.0 hot");
    step->traffic.mem_read = 4.44;
    check(&r, bandwidth, "yes", "timing", "28.83 cold, 32.0 hot");
    step->traffic.mem_read = 4.45;
    check(&r, bandwidth, "partly", "timing", "28.76 cold, 32.0 hot");
    r.results[1].traffic.mem_read = 8;
    check(&r, bandwidth, "no", "timing", "28.76 cold, 16.0 hot");
    step->subspaces = r.results[1].subspaces = 8; /* LOOKAT-8 does not speak for LOOKAT-4 */
    check(&r, bandwidth, "partly", "arithmetic", "1.88 cold, 32.0 hot");
    kvr_run_record_free(&r);
}

/* The length nearest 512, on one thread. */
static void test_bandwidth_choice(void **state)
{
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    for (uint32_t tokens = 256; tokens <= 4096; tokens *= 4) {
        add(&r, "fp16.fused", "step", tokens, 128, 8);
        add(&r, "lookat.u8", "step", tokens, 4 + 32768. / tokens, 1);
    }
    check(&r, bandwidth, "partly", "timing", "3.56 cold, 32.0 hot"); /* of two as near the longer */
    add(&r, "fp16.fused", "step", 512, 128, 8)->threads = 2;
    add(&r, "lookat.u8", "step", 512, 100, 1)->threads = 2;
    check(&r, bandwidth, "partly", "timing", "3.56 cold, 32.0 hot");
    snprintf(r.results[3].level, sizeof r.results[3].level, "L2");
    check(&r, bandwidth, "partly", "timing", "0.97 cold, 32.0 hot"); /* then 256 tokens */
    kvr_run_record_free(&r);
}

/* What is compared differs in one thing: FP16 in the format, the hot scan in the op. */
static void test_bandwidth_alike(void **state)
{
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    add(&r, "fp16.fused", "scan", 4096, 128, 8);
    add(&r, "lookat.u8", "scan", 4096, 8, .5);
    add(&r, "fp16.fused", "step", 512, 128, 8);
    add(&r, "lookat.u8", "step", 512, 68, 4);
    check(&r, bandwidth, "partly", "timing", "1.88 cold, 32.0 hot"); /* that scan is of another L */
    r.results[0].tokens = r.results[1].tokens = 512;
    check(&r, bandwidth, "no", "timing", "1.88 cold, 16.0 hot");
    struct kvr_result *dense = &r.results[2];
    dense->group_queries = 8;
    check(&r, bandwidth, "no", "arithmetic", "1.88 cold, 16.0 hot"); /* no FP16 beside the step */
    check_why(&r, bandwidth, "no cold step");
    dense->group_queries = 0;
    snprintf(dense->mem, sizeof dense->mem, "interleave");
    check(&r, bandwidth, "no", "arithmetic", NULL);
    dense->mem[0] = 0;
    dense->working_set_bytes = 1 << 30; /* another --bytes */
    check(&r, bandwidth, "no", "arithmetic", NULL);
    dense->working_set_bytes = 0;
    dense->batch = 8;
    check(&r, bandwidth, "no", "arithmetic", NULL);
    dense->batch = 0;
    check(&r, bandwidth, "no", "timing", "1.88 cold, 16.0 hot");
    kvr_run_record_free(&r);
}

/* A flagged figure is never printed without its flag. */
static void test_flagged(void **state)
{
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    add(&r, "fp16.fused", "scan", 512, 128, 8);
    add(&r, "lookat.u8", "scan", 512, 4, .5);
    add(&r, "fp16.fused", "step", 512, 128, 8);
    add(&r, "lookat.u8", "step", 512, 68, 4);
    kvr_result_flag(&r.results[3], "noisy");
    kvr_result_flag(&r.results[3], "leaking");
    kvr_result_flag(&r.results[2], "dram-unproven");
    check_why(&r, bandwidth,
              "(this run's step, computed from the layouts; flagged noisy, leaking; FP16 flagged "
              "dram-unproven)");
    check_why(&r, bandwidth, "(this run's scan, computed from the layouts)");
    static const char *const more[] = {"ceiling-raised", "c-unstable", "shared-core", "evicted",
                                       "ceiling-bug", "one-more", "another", "the-last"};
    for (size_t n = 0; n < 4; n++)
        for (size_t i = 0; i < 8; i++)
            kvr_result_flag(&r.results[n], more[i]);
    check_why(&r, bandwidth, " more)"); /* too many to name: counted */
    check_rows(&r);
    kvr_run_record_free(&r);
}

/* ---- dequantising ---- */

static const char dequantising[] = "dequantising-moves-fp16";

static void test_dequantising(void **state)
{
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    add(&r, "fp16.fused", "scan", 512, 128, 8);
    struct kvr_result *copy = add(&r, "int8.materialised", "scan", 512, 192, 20);
    copy->key_bytes = 64;
    copy->traffic.mem_write = copy->traffic.mem_allocate = 128;
    check(&r, dequantising, "partly", "timing", "3.50 copied, 0.50 fused");
    check_why(&r, dequantising, "not timed in this run");
    check_why(&r, dequantising, "x2.50 of its time");
    check_why(&r, dequantising, "computed from the layouts");
    check_lacks(&r, dequantising, "property of the kernel"); /* only one was run */
    add(&r, "int8.fused", "scan", 512, 64.5, 4);
    check_why(&r, dequantising, "x0.50 of its time");
    check_why(&r, dequantising, "property of the kernel");
    kvr_result_flag(&r.results[2], "noisy");
    kvr_result_flag(&r.results[1], "c-unstable");
    check_why(&r, dequantising, "x0.50 of its time; flagged noisy)");
    check_why(&r, dequantising, "1 thread; flagged c-unstable)");
    r.results[2].flags[0][0] = r.results[1].flags[0][0] = 0;
    check_rows(&r);
    r.results[2].traffic.mem_read = 115.3; /* .9008 */
    check(&r, dequantising, "yes", "timing", "3.50 copied, 0.90 fused");
    check_lacks(&r, dequantising, "property of the kernel"); /* both on one side */
    r.results[2].traffic.mem_read = 115.1; /* .8992 */
    check(&r, dequantising, "partly", "timing", "3.50 copied, 0.90 fused");
    r.results[1].traffic.mem_read = 115.1;
    r.results[1].traffic.mem_write = r.results[1].traffic.mem_allocate = 0;
    check(&r, dequantising, "no", "timing", "0.90 copied, 0.90 fused");
    r.results[0].measured = false; /* nothing to compare with */
    check(&r, dequantising, "not measured", "timing", "");
    kvr_run_record_free(&r);
}

static void test_dequantising_choice(void **state)
{
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    add(&r, "fp16.fused", "scan", 512, 128, 8);
    add(&r, "int4.materialised", "scan", 512, 256, 20)->key_bytes = 32;
    check(&r, dequantising, "partly", "timing", "2.00 copied, 0.25 fused");
    add(&r, "int8.materialised", "scan", 512, 384, 20)->key_bytes = 64;
    check(&r, dequantising, "partly", "timing", "3.00 copied, 0.50 fused");
    kvr_result_flag(&r.results[2], "mismatch"); /* a wrong result is no evidence */
    check(&r, dequantising, "partly", "timing", "2.00 copied, 0.25 fused");
    kvr_run_record_free(&r);
}

/* ---- the shift ---- */

static const char shift[] = "memory-to-compute-shift";

static struct kvr_result *add_shift(struct kvr_run_record *record, const char *kernel, double ns,
                                    double balance, const char *says)
{
    struct kvr_result *r = add(record, kernel, "scan", 512, 4, ns);
    snprintf(r->verdict.side, sizeof r->verdict.side, "%s",
             !says[0] ? "undecided" : balance > 1 ? "core" : "memory");
    snprintf(r->verdict.shift_says, sizeof r->verdict.shift_says, "%s", says);
    r->verdict.balance = balance;
    if (!says[0])
        kvr_result_unavailable(r, "shift", "the side of this case is undecided");
    return r;
}

static void test_shift(void **state)
{
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    add_shift(&r, "lookat.f32-gather", 2, 6.8, "");
    check(&r, shift, "not decidable here", "timing", "0 of 1 cases");
    check_why(&r, shift, "the side of this case is undecided");
    snprintf(r.results[0].verdict.shift_says, 8, "shifted");
    check(&r, shift, "yes", "timing", "1 of 1 cases");
    snprintf(r.results[0].verdict.side, 8, "core");
    check_lacks(&r, shift, "property of the kernel"); /* one kernel shows nothing of the sort */
    check_rows(&r);
    add_shift(&r, "lookat.u8", .5, .6, "moved");
    check(&r, shift, "partly", "timing", "1 of 2 cases");
    check_why(&r, shift, "property of the kernel");
    r.results[1].entries = 16; /* another format */
    check_lacks(&r, shift, "property of the kernel");
    r.results[1].entries = 256;
    snprintf(r.results[1].variant, sizeof r.results[1].variant, "f32-gather"); /* the same kernel */
    check_lacks(&r, shift, "property of the kernel");
    snprintf(r.results[1].variant, sizeof r.results[1].variant, "u8");
    kvr_result_flag(&r.results[1], "noisy");
    check(&r, shift, "partly", "timing", "1 of 2 cases, 1 flagged");
    check_why(&r, shift, "x16 of FP16's speed; flagged noisy)");
    r.results[1].flags[0][0] = 0;
    check_why(&r, shift, "the fastest that is decided did not: lookat.u8");
    check_rows(&r);
    r.results[1].result.speedup_vs_fp16 = 1; /* slower than the one that shifted */
    check_why(&r, shift, "so did the fastest");
    snprintf(r.results[0].verdict.shift_says, 8, "moved");
    check(&r, shift, "no", "timing", "0 of 2 cases");
    check_why(&r, shift, "no kernel we built");
    kvr_run_record_free(&r);
}

static void test_shift_undecided(void **state)
{
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    add_shift(&r, "lookat.f32", 1, 4.7, "shifted");
    add_shift(&r, "lookat.u8", .5, .9, "");
    check(&r, shift, "partly", "timing", "1 of 2 cases"); /* yes needs all */
    check_why(&r, shift, "1 undecided");
    check_rows(&r);
    snprintf(r.results[0].verdict.shift_says, 8, "none");
    check(&r, shift, "not decidable here", "timing", "0 of 2 cases"); /* so does no */
    snprintf(r.results[1].verdict.why, sizeof r.results[1].verdict.why, "control failed");
    r.results[1].unavailable_count = 0;
    check_why(&r, shift, "control failed");
    snprintf(r.results[1].level, 8, "L2"); /* caches do not count */
    check(&r, shift, "no", "timing", "0 of 1 cases");
    r.results[0].verdict.side[0] = 0; /* fewer than six rounds: no verdict at all */
    check(&r, shift, "not measured", "timing", "");
    kvr_run_record_free(&r);
}

static void test_again(void **state)
{
    struct kvr_run_record r;
    (void)state;
    kvr_run_record_init(&r);
    add_shift(&r, "lookat.f32", 1, 4.7, "shifted");
    assert_int_equal(kvr_claims_decide(&r), 0);
    struct kvr_claim *first = malloc(KVR_CLAIMS * sizeof *first);
    assert_non_null(first);
    memcpy(first, r.claims, KVR_CLAIMS * sizeof *first);
    assert_int_equal(kvr_claims_decide(&r), 0); /* replaces, and gives the same bytes */
    assert_int_equal(r.claim_count, KVR_CLAIMS);
    assert_memory_equal(first, r.claims, KVR_CLAIMS * sizeof *first);
    free(first);
    kvr_run_record_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),               cmocka_unit_test(test_bandwidth_scan),
        cmocka_unit_test(test_bandwidth_step),      cmocka_unit_test(test_bandwidth_choice),
        cmocka_unit_test(test_bandwidth_alike),     cmocka_unit_test(test_flagged),
        cmocka_unit_test(test_dequantising),        cmocka_unit_test(test_dequantising_choice),
        cmocka_unit_test(test_shift),               cmocka_unit_test(test_shift_undecided),
        cmocka_unit_test(test_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
