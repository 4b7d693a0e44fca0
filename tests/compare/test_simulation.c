/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What compare --run would say on simulated machines whose truth is known: how often it cries wolf,
 * and how often it finds a case that became a tenth slower. Prints what it counts; fixed seeds.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/compare/judge.h"

enum { CASES = 20, ROUNDS = 9, LEAST = 5, MOST = 20, PLANTED = 7 };
#define THRESHOLD .05

/* Standard deviations and sizes as fractions of a time. */
struct machine {
    const char *name;
    double run;           /* of a process: all its cases and its sentinel */
    double residual;      /* of a case in a process; the sentinel's own is 1 % */
    double round;         /* of a round */
    double drift;         /* of all cases and the sentinel, from one process to the next */
    double burst_chance;  /* that a part of a process is disturbed */
    double burst;         /* by how much its rounds are slower */
    double clock;         /* the slower of two clocks, which a process has or has not; */
    bool clock_of_core;   /* that of the core only: every other case and no sentinel */
    double memory_wave;   /* of the sentinel's and all times, within a process */
};

static uint64_t state;

static double uniform(void)
{
    state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    uint64_t z = state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + .5) / 9007199254740992.0;
}

/* Box and Muller's pair, one at a time. */
static double normal(void)
{
    static double kept;
    static bool have;
    have = !have;
    if (!have)
        return kept;
    double radius = sqrt(-2 * log(uniform())), angle = 6.283185307179586 * uniform();
    kept = radius * sin(angle);
    return radius * cos(angle);
}

struct process { double cases[CASES], sentinel; };

/* Log times of a process: each is the median of its rounds, as compare takes them. */
static void run_process(const struct machine *m, double position, double slower,
                        struct process *out)
{
    double common = m->run * normal() + m->drift * position;
    bool slow_clock = uniform() < .5, disturbed = uniform() < m->burst_chance;
    unsigned first = (unsigned)(uniform() * ROUNDS), length = 1 + (unsigned)(uniform() * 3);
    double weather[ROUNDS];
    for (unsigned r = 0; r < ROUNDS; r++)
        weather[r] = m->memory_wave * normal() +
                     (disturbed && r >= first && r < first + length ? log1p(m->burst) : 0);
    for (unsigned c = 0; c <= CASES; c++) {
        double values[ROUNDS], own = common;
        own += (c == CASES ? .01 : m->residual) * normal();
        bool clocked = slow_clock && (!m->clock_of_core || (c < CASES && c % 2));
        own += clocked ? log1p(m->clock) : 0;
        for (unsigned r = 0; r < ROUNDS; r++)
            values[r] = own + weather[r] + m->round * normal();
        double value = kvr_process_median(values, ROUNDS);
        if (c == CASES)
            out->sentinel = value;
        else
            out->cases[c] = value + (c == PLANTED ? slower : 0);
    }
    for (unsigned c = 0; c < CASES; c++)
        out->cases[c] -= out->sentinel;
}

struct trial {
    double values[2][CASES + 1][MOST];
    struct kvr_series series[CASES], sentinel;
    struct kvr_compared_case cases[CASES];
    struct kvr_comparison comparison;
};

/* One comparison, looked at after looks[] pairs until all is decided; the pairs it took. */
static size_t compare(const struct machine *m, double slower, const size_t *looks, size_t count,
                      struct trial *t)
{
    double alpha = kvr_pocock_alpha(count);
    size_t done = 0;
    t->comparison = (struct kvr_comparison){.pairs = true, .level = 1 - alpha, .cases = t->cases,
                                            .case_count = CASES};
    for (size_t look = 0; look < count; look++) {
        for (; done < looks[look]; done++) {
            for (int turn = 0; turn < 2; turn++) { /* A B, then B A */
                int side = (int)((done + (size_t)turn) % 2);
                struct process p;
                run_process(m, (double)(2 * done) + turn, side ? slower : 0, &p);
                for (unsigned c = 0; c < CASES; c++)
                    t->values[side][c][done] = p.cases[c];
                t->values[side][CASES][done] = p.sentinel;
            }
        }
        for (unsigned c = 0; c <= CASES; c++) {
            struct kvr_series *s = c == CASES ? &t->sentinel : &t->series[c];
            *s = (struct kvr_series){t->values[0][c], t->values[1][c], done, done};
            if (c < CASES)
                t->cases[c].threshold = THRESHOLD;
        }
        kvr_judge(t->series, &t->sentinel, THRESHOLD, &t->comparison);
        if (kvr_all_decided(&t->comparison))
            break;
    }
    return done;
}

struct tally { double alarms, found, inconclusive, pairs; };

/* Per cent of `trials`: alarms of any case that did not change, the planted one found. */
static struct tally simulate(const struct machine *m, double slower, const size_t *looks,
                             size_t count, unsigned trials)
{
    static struct trial t;
    struct tally tally = {0, 0, 0, 0};
    for (unsigned i = 0; i < trials; i++) {
        tally.pairs += (double)compare(m, slower, looks, count, &t) / trials;
        bool alarm = false, open = false;
        for (unsigned c = 0; c < CASES; c++) {
            enum kvr_outcome outcome = t.cases[c].change.outcome;
            bool changed = c == PLANTED && slower > 0;
            alarm |= outcome == KVR_REGRESSED && !changed;
            open |= outcome == KVR_INCONCLUSIVE;
            tally.found += outcome == KVR_REGRESSED && changed ? 100.0 / trials : 0;
        }
        tally.alarms += alarm ? 100.0 / trials : 0;
        tally.inconclusive += open ? 100.0 / trials : 0;
    }
    return tally;
}

static const struct machine machines[] = {
    {"run effect 1 %", .01, .01, .01, 0, 0, 0, 0, false, 0},
    {"run effect 3 %", .03, .01, .01, 0, 0, 0, 0, false, 0},
    {"run effect 6 %", .06, .01, .01, 0, 0, 0, 0, false, 0},
    {"3 %, drift of .5 % a process", .03, .01, .01, .005, 0, 0, 0, false, .02},
    {"3 %, bursts of steal", .03, .01, .02, 0, .4, .6, 0, false, .02},
    {"6 %, two clocks, 15 % apart", .06, .01, .01, 0, 0, 0, .15, false, .01},
    {"6 %, drift, bursts, two clocks", .06, .01, .02, .005, .4, .6, .15, false, .02},
};
/* A clock that the sentinel does not see: found late or not at all, but never a false alarm. */
static const struct machine core_clock = {"3 %, two clocks of the core alone", .03, .01, .01, 0, 0,
                                          0, .15, true, .01};

enum { TRIALS = 250 };

static void put_row(const struct machine *m, const struct tally *null,
                    const struct tally *planted)
{
    printf("# %-36s %6.2f %8.1f %12.1f %7.1f %12.1f\n", m->name, null->alarms, null->pairs,
           null->inconclusive, planted->found, planted->pairs);
}

static void test_alarms_and_power(void **unused)
{
    (void)unused;
    size_t looks[KVR_MOST_LOOKS], count = kvr_looks_of(LEAST, MOST, looks);
    double alarms = 0, worst_found = 100;
    const double rows = sizeof machines / sizeof *machines;
    state = 20240117;
    printf("# %d comparisons of %d cases a row and column; threshold 5 %%, %d to %d pairs\n"
           "# %-36s %6s %8s %12s %7s %12s\n", TRIALS, CASES, LEAST, MOST, "machine", "alarms",
           "pairs", "inconclusive", "found", "pairs then");
    for (size_t i = 0; i <= rows; i++) {
        const struct machine *m = i < rows ? &machines[i] : &core_clock;
        struct tally null = simulate(m, 0, looks, count, TRIALS);
        struct tally planted = simulate(m, log(1.1), looks, count, TRIALS);
        put_row(m, &null, &planted);
        alarms += (null.alarms + planted.alarms) / (2 * (rows + 1));
        if (i < rows)
            worst_found = fmin(worst_found, planted.found);
        assert_true(null.alarms <= 1 && planted.alarms <= 1);
    }
    printf("# all: %.2f %% of %.0f comparisons are false alarms; the least found is %.1f %%\n",
           alarms, 2 * (rows + 1) * TRIALS, worst_found);
    assert_true(alarms <= 1);
    assert_true(worst_found >= 95);
}

/* Effects that no sentinel shares: power over pairs, each number its own single look. */
static void test_pairs_needed(void **unused)
{
    (void)unused;
    static const double effects[] = {.01, .03, .06};
    static const size_t pairs[] = {5, 10, 15, 20};
    double found[3][5];
    state = 4711;
    printf("# effects of a case alone; found of a case that is 10 %% slower, by pairs\n"
           "# %8s %6s %6s %6s %6s %10s\n", "effect", "5", "10", "15", "20", "5 to 20");
    for (size_t e = 0; e < 3; e++) {
        struct machine m = {.run = .03, .residual = effects[e]};
        size_t looks[KVR_MOST_LOOKS], count = kvr_looks_of(LEAST, MOST, looks);
        for (size_t n = 0; n < 4; n++)
            found[e][n] = simulate(&m, log(1.1), &pairs[n], 1, TRIALS).found;
        found[e][4] = simulate(&m, log(1.1), looks, count, TRIALS).found;
        printf("# %6.0f %% %6.1f %6.1f %6.1f %6.1f %10.1f\n", 100 * effects[e], found[e][0],
               found[e][1], found[e][2], found[e][3], found[e][4]);
    }
    assert_true(found[0][0] >= 90 && found[0][4] >= 95); /* one percent: five pairs */
    assert_true(found[1][3] >= 95); /* three: twenty */
    assert_true(found[1][0] < 60);  /* and five are too few */
    assert_true(found[2][3] < found[1][3]);
    for (size_t e = 0; e < 3; e++)
        for (size_t n = 1; n < 4; n++)
            assert_true(found[e][n] >= found[e][n - 1] - 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alarms_and_power),
        cmocka_unit_test(test_pairs_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
