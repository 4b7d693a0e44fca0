/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../kernels/peak.h"

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

enum { CALIBRATE_MS = 5, STEPS = 2000 };

double kvr_clock_check(const struct kvr_clock *clock, struct kvr_checks *checks)
{
    double imul = kvr_clock_ghz(clock, kvr_imul_chain, 3, 9);
    double rol = kvr_clock_ghz(clock, kvr_rol_chain, 1, 9);
    bool agree = fabs(imul / rol - 1) <= .01;
    struct kvr_check *c = kvr_check_add(
        checks, "clock-real", agree ? KVR_CHECK_OK : KVR_CHECK_WARN,
        "core clock %.3f GHz by a multiply chain, %.3f GHz by a rotate chain%s", imul, rol,
        agree ? "" : ": they differ by more than 1 %, cycle figures are not to be trusted");
    SET(c->value, "%.4f", imul);
    if (!agree)
        SET(c->fix, "measure again when no other work runs here");
    return imul;
}

void kvr_resolution_check(const struct kvr_clock *clock, struct kvr_checks *checks)
{
    uint64_t least = UINT64_MAX, last = clock->now(clock->state);
    for (int i = 0; i < STEPS; i++) {
        uint64_t now = clock->now(clock->state);
        if (now > last && now - last < least)
            least = now - last;
        last = now;
    }
    if (least == UINT64_MAX) {
        kvr_check_add(checks, "clock-resolution", KVR_CHECK_WARN,
                      "%s did not move in %d readings: no time can be taken from it",
                      clock->method, STEPS);
        return;
    }
    double ns = (double)least / clock->ticks_per_ns;
    bool fine = ns <= 1000; /* a thousandth of the shortest slice */
    struct kvr_check *c = kvr_check_add(
        checks, "clock-resolution", fine ? KVR_CHECK_OK : KVR_CHECK_WARN,
        "%s steps by %.3g ns between two readings; slices of a sample last 1 to 5 ms%s",
        clock->method, ns, fine ? "" : ": times of a slice are coarse");
    SET(c->value, "%.3g", ns);
    if (!fine)
        SET(c->fix, "raise --min-time");
}

/* What only a run can know. */
static void add_unknown(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    static const struct {
        const char *id, *text;
    } rows[] = {
        {"cache-l1", "by run: where the plateau of L1 ends, beside what is reported"},
        {"cache-l2", "by run: where the plateau of L2 ends, beside what is reported"},
        {"cache-l3", "by run: where the plateau of L3 ends, beside what is reported"},
        {"dram-proven", "by run with every ceiling (profile roofline) and by roofs: whether a "
                        "half and a quarter of the largest working set read as fast as it does"},
        {"placement", "by run: whether the pages of the keys lie where --mem asks for them"},
        {"sentinel", "by run: the same plain read of main memory at start, middle and end, "
                     "which a neighbour changes"},
        {"verdict-controls", "by run: dial kernels of known side, before any verdict is believed"},
        {"faults", "by run: page faults inside samples, which make them void"},
        {"switches", "by run: voluntary switches inside samples"},
        {"preemptions", "by run: preemptions inside samples; their time is counted as stolen"},
        {"migrations", "by run: moves to another CPU inside samples, which make them void"},
        {"bypass", "by run --prove: system calls, faults and switches between the time stamps"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        kvr_check_add(checks, rows[i].id, KVR_CHECK_UNKNOWN, "measured %s", rows[i].text);
    if (machine->cpu_count > 1)
        kvr_check_add(checks, "fma-pair", KVR_CHECK_UNKNOWN,
                      "measured by run with several threads: whether two CPUs share a core's "
                      "units, whatever the topology says");
}

void kvr_facts_check(const struct kvr_machine *machine, struct kvr_checks *checks)
{
    struct kvr_clock clock;
    kvr_machine_checks(machine, checks);
    kvr_clock_real(&clock, CALIBRATE_MS);
    kvr_clock_check(&clock, checks);
    kvr_resolution_check(&clock, checks);
    add_unknown(machine, checks);
}

/* ---- after a run ---- */

struct sums {
    uint64_t rounds, faults, switches, preemptions, migrations, invalid;
};

static void add_rounds(const struct kvr_result *result, struct sums *sum)
{
    for (uint32_t i = 0; i < result->round_count; i++) {
        const struct kvr_round *round = &result->rounds[i];
        sum->rounds++;
        sum->faults += round->faults;
        sum->switches += round->switches;
        sum->preemptions += round->preemptions;
        sum->migrations += round->migrations;
        sum->invalid += round->invalid;
    }
}

static struct kvr_check *check_count(struct kvr_checks *checks, const char *id,
                                     enum kvr_check_status status, uint64_t count,
                                     const struct sums *sum, const char *what)
{
    struct kvr_check *c = kvr_check_add(checks, id, status, "%llu in %llu rounds of T; %s",
                                        (unsigned long long)count,
                                        (unsigned long long)sum->rounds, what);
    SET(c->value, "%llu", (unsigned long long)count);
    return c;
}

void kvr_rounds_check(struct kvr_run_record *record)
{
    struct kvr_checks *checks = &record->checks;
    struct sums sum = {0};
    for (size_t i = 0; i < record->result_count; i++)
        add_rounds(&record->results[i], &sum);
    if (!sum.rounds)
        return; /* "measured by run" stays */
    check_count(checks, "faults", sum.faults ? KVR_CHECK_INFO : KVR_CHECK_OK, sum.faults, &sum,
                "a page fault inside makes a sample void");
    check_count(checks, "switches", sum.switches ? KVR_CHECK_INFO : KVR_CHECK_OK, sum.switches,
                &sum, "voluntary switches: the measured code asks for none");
    check_count(checks, "preemptions", KVR_CHECK_OK, sum.preemptions, &sum,
                "they cannot be refused; the time they take is counted as stolen");
    check_count(checks, "migrations", sum.migrations ? KVR_CHECK_INFO : KVR_CHECK_OK,
                sum.migrations, &sum, "a move to another CPU makes a sample void");
    struct kvr_check *c = check_count(
        checks, "void-rounds", sum.invalid ? KVR_CHECK_WARN : KVR_CHECK_OK, sum.invalid, &sum,
        sum.invalid ? "void even when repeated: no time of these rounds is used"
                    : "no round is void");
    if (sum.invalid)
        SET(c->fix, "free memory, turn off NUMA balancing and swap, and measure again");
}
