/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which made-up cases are a series, and the ratios of phases and against FP16. No time is measured.
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

#include "sweeps.h"

/* ---- axes ---- */

static void over(size_t offset, const char *axis, const char *part, const char *series)
{
    struct kvr_run_record record;
    static const uint32_t values[] = {8, 2, 4}; /* unordered */
    kvr_run_record_init(&record);
    for (size_t i = 0; i < 3; i++) {
        struct kvr_result *r = sweep_add(&record, 512);
        memcpy((char *)r + offset, &values[i], sizeof values[i]);
        snprintf(r->name, sizeof r->name, part, values[i]);
        sweep_balance(r, 3. / values[i], 1.01);
    }
    const struct kvr_crossing *c = sweep_find(&record, "balance-1", axis);
    assert_non_null(c);
    assert_int_equal(record.crossing_count, 1);
    sweep_near(c->at, 3);
    assert_string_equal(c->series, series);
    kvr_run_record_free(&record);
}

static void test_axes(void **state)
{
    (void)state;
#define OVER(field, part, series) over(offsetof(struct kvr_result, field), #field, part, series)
    OVER(tokens, "m.4@n8/d64/m4/n%u/W1G/1t/scan", "m.4@n8/d64/m4/n*/W1G/1t/scan");
    OVER(subspaces, "k/d64/m%u/n512/1t/scan/2m", "k/d64/m*/n512/1t/scan/2m");
    OVER(head_dim, "k/dual/d%u/m4/n512/1t", "k/dual/d*/m4/n512/1t");
    OVER(threads, "k/d64/m4/n512/%ut/scan", "k/d64/m4/n512/*t/scan");
    OVER(batch, "k/d64/1t/scan/b%u", "k/d64/1t/scan/b*");
    OVER(group_queries, "k/d64/1t/scan/q%u", "k/d64/1t/scan/q*");
    OVER(batch, "k/d64/1t/scan|%u", "k/d64/1t/scan|8/b*"); /* a name that leaves it out */
#undef OVER
}

/* Cases that differ in something else are no series. */
static void test_apart(void **state)
{
    struct kvr_run_record record;
    (void)state;
    SWEEP(&record, 1.1, 4, .5);
    struct kvr_result kept = record.results[1], *r = &record.results[1];
#define APART(...) \
    do { \
        __VA_ARGS__; \
        assert_int_equal(kvr_crossings_find(&record), 0); \
        assert_int_equal(record.crossing_count, 0); \
        *r = kept; \
    } while (0)
    APART(r->head_dim = 128);
    APART(r->threads = 2);
    APART(r->entries = 16);
    APART(r->working_set_bytes *= 2);
    APART(r->evict_bytes = 64);
    APART(snprintf(r->variant, sizeof r->variant, "u8"));
    APART(snprintf(r->isa, sizeof r->isa, "avx2"));
    APART(snprintf(r->op, sizeof r->op, "step"));
    APART(snprintf(r->level, sizeof r->level, "L3"));
    APART(snprintf(r->layout, sizeof r->layout, "contiguous"));
    APART(snprintf(r->codebook_residency, sizeof r->codebook_residency, "warm"));
    APART(snprintf(r->pages, sizeof r->pages, "4k"));
#undef APART
    assert_true(sweep_only(&record)->reached);
    kvr_run_record_free(&record);
}

/* With --heads the bytes follow the axis; in a core's own cache, the threads. */
static void test_places(void **state)
{
    struct kvr_run_record record;
    (void)state;
    SWEEP(&record, 1.1, 4, .5);
    for (size_t i = 0; i < 2; i++) {
        struct kvr_result *r = &record.results[i];
        snprintf(r->result.basis, sizeof r->result.basis, "equal-tokens");
        r->heads = 2048;
        r->working_set_bytes <<= i;
        snprintf(r->name, sizeof r->name, "k/d64/n%u/W%zuG/1t", r->tokens, i + 1);
    }
    assert_string_equal(sweep_only(&record)->series, "k/d64/n*/W*/1t");
    record.results[1].heads = 1024;
    assert_null(sweep_find(&record, "balance-1", "tokens"));
    kvr_run_record_free(&record);

    SWEEP(&record, 1.1, 4, .5);
    for (size_t i = 0; i < 2; i++) {
        struct kvr_result *r = &record.results[i];
        r->tokens = 64;
        r->threads = 1u << i;
        r->working_set_bytes = 1u << (20 + i);
        snprintf(r->level, sizeof r->level, "L2");
        snprintf(r->name, sizeof r->name, "k/W%zuM/%ut", i + 1, r->threads);
    }
    const struct kvr_crossing *c = sweep_find(&record, "balance-1", "threads");
    assert_non_null(c);
    sweep_near(c->at, pow(2, 2. / 3));
    assert_string_equal(c->series, "k/W*/*t");
    for (size_t i = 0; i < 2; i++)
        snprintf(record.results[i].level, sizeof record.results[i].level, "DRAM");
    assert_null(sweep_find(&record, "balance-1", "threads"));
    kvr_run_record_free(&record);
}

/* ---- the other ratios ---- */

enum { ROUNDS = 9 };

/* A step whose prepare takes `ratio` of its scan in the median over rounds, which differ by 1 %. A
 * round that does not count says something else. */
static void set_phases(struct kvr_result *r, double ratio)
{
    snprintf(r->op, sizeof r->op, "step");
    r->rounds = calloc(ROUNDS + 1, sizeof *r->rounds);
    r->round_count = ROUNDS + 1;
    for (int i = 0; i <= ROUNDS; i++) {
        r->rounds[i].phases[KVR_PHASE_SCAN].t_ns = 2 + i; /* the ratio is paired */
        r->rounds[i].phases[KVR_PHASE_PREPARE].t_ns = (2 + i) * ratio * pow(1.01, i - ROUNDS / 2);
    }
    r->rounds[ROUNDS].invalid = true;
}

static void test_phases(void **state)
{
    struct kvr_run_record record;
    static const double ratios[] = {4, 2, .5};
    (void)state;
    kvr_run_record_init(&record);
    for (size_t i = 0; i < 3; i++)
        set_phases(sweep_add(&record, 64u << i), ratios[i]);
    const struct kvr_crossing *c = sweep_find(&record, "prepare-equals-scan", "tokens");
    assert_non_null(c);
    assert_int_equal(record.crossing_count, 1);
    assert_true(c->reached && !c->flagged);
    sweep_near(c->at, 128 * sqrt(2));
    /* x2 and x8 of 9 are three steps of 1 % from the median. */
    sweep_near(c->ci95[0], 128 * pow(2, .5 - log2(1.01) * 3 / 2));
    sweep_near(c->ci95[1], 128 * pow(2, .5 + log2(1.01) * 3 / 2));
    sweep_says(c, "prepare/scan falls from 2 to 0.5 between 128 and 256 tokens");
    kvr_run_record_free(&record);
}

/* Only the medians of the phases are stored; and a scan has one phase. */
static void test_phases_of_verdict(void **state)
{
    struct kvr_run_record record;
    (void)state;
    SWEEP(&record, 1.1, 4, 4);
    for (size_t i = 0; i < 2; i++) {
        record.results[i].verdict.phases[KVR_PHASE_SCAN].t_ns = 2;
        assert_null(sweep_find(&record, "prepare-equals-scan", "tokens"));
    }
    record.results[0].verdict.phases[KVR_PHASE_PREPARE].t_ns = 4;
    record.results[1].verdict.phases[KVR_PHASE_PREPARE].t_ns = 1;
    const struct kvr_crossing *c = sweep_find(&record, "prepare-equals-scan", "tokens");
    assert_non_null(c);
    sweep_near(c->at, 64 * sqrt(2));
    assert_true(isnan(c->ci95[0]));
    kvr_run_record_free(&record);
}

static void test_speedup(void **state)
{
    struct kvr_run_record record;
    static const double speedups[] = {.5, 2};
    (void)state;
    kvr_run_record_init(&record);
    for (size_t i = 0; i < 2; i++) {
        struct kvr_result *r = sweep_add(&record, 64u << i);
        r->result.speedup_vs_fp16 = speedups[i];
        r->result.speedup_ci95[0] = speedups[i] / 1.1;
        r->result.speedup_ci95[1] = speedups[i] * 1.1;
        snprintf(r->verdict.side, sizeof r->verdict.side, "undecided"); /* says nothing of it */
    }
    const struct kvr_crossing *c = sweep_find(&record, "faster-than-fp16", "tokens");
    assert_non_null(c);
    assert_true(c->reached && !c->flagged);
    sweep_near(c->at, 64 * sqrt(2));
    sweep_near(c->ci95[0], 64 * pow(2, (1 - log2(1.1)) / 2));
    sweep_near(c->ci95[1], 64 * pow(2, (1 + log2(1.1)) / 2));
    sweep_says(c, "the speed-up rises from 0.5 to 2");
    for (size_t i = 0; i < 2; i++)
        snprintf(record.results[i].codec, sizeof record.results[i].codec, "fp16");
    assert_null(sweep_find(&record, "faster-than-fp16", "tokens")); /* not against itself */
    kvr_run_record_free(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_axes),
        cmocka_unit_test(test_apart),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_phases_of_verdict),
        cmocka_unit_test(test_speedup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
