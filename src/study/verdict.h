/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The verdict: memory-bound or compute-bound, by how much, and why. A pure function of rounds,
 * declared work and rates, so that it can be tested with tables and computed again from a stored
 * result.
 *
 * Per round: E = max(C, M) is the time with perfect overlap of core and memory, S = C + M the time
 * with none, B = C / M the balance (an ECM model with measured parts; Treibig and Hager, PPAM 2009;
 * Stengel et al., ICS 2015). An op of several serial phases has E = sum of max(C_p, M_p).
 */
#ifndef KVR_VERDICT_H
#define KVR_VERDICT_H

#include <stdbool.h>

#include "../measure/stats.h"
#include "../report/record.h"

#define KVR_NEAR 1.15       /* within this factor of a bound counts as reaching it */
#define KVR_NO_OVERLAP 1.10 /* above this factor of S neither core nor memory explains T */
#define KVR_HALF_WIDTH .03  /* a ratio known less well than this decides nothing */

enum kvr_side { KVR_SIDE_UNDECIDED, KVR_SIDE_MEMORY, KVR_SIDE_CORE, KVR_SIDE_EVEN };
enum kvr_bound { KVR_BOUND_UNDECIDED, KVR_BOUND_MEMORY, KVR_BOUND_CORE, KVR_BOUND_BALANCED,
                 KVR_BOUND_OVERLAP, KVR_BOUND_LATENCY };

/* Evidence for waiting: an intervention that should not help if core or memory were full. */
struct kvr_witness_value {
    char id[24];       /* concurrency, translation, short-stream */
    double ratio;      /* what T (concurrency) or T/E (the others) fell to, relative */
    double low, high;  /* its 95 % interval; NAN: none */
    bool stands;       /* fell by 10 % or more, C and M unharmed where the rule asks for it */
};

struct kvr_verdict_input {
    const struct kvr_round *rounds;
    size_t round_count;
    bool in_l1;            /* C is T there: no verdict */
    bool control_failed;
    bool ceiling_bug;      /* the roof itself is wrong */
    bool ceiling_raised;   /* T beat M: it takes M's place in every round where it is less */
    /* P: max over resources of count / rate for the scan, wall ns a key of the case: all queries,
     * divided by the threads, as T and C are; NAN: not known */
    double core_limit_ns;
    const char *resource;  /* that resource; NULL with NAN */
    const char *memory_cause; /* on several threads "node" or "core"; NULL: one thread, not known */
    const struct kvr_witness_value *witnesses;
    size_t witness_count;
    const char *no_witness_because; /* none was looked for; NULL: those there are were */
};

struct kvr_verdict {
    enum kvr_side side;
    enum kvr_bound bound;
    char resource[16];     /* core: load, store, shuffle, ... or dependency; "" otherwise */
    char cause[24];        /* latency: the witness that stands; memory: memory_cause */
    double attained;       /* median E/T */
    double e_ns, s_ns;     /* medians, ns a key */
    /* The least sign-test confidence of the ratios that side and bound rest on; NAN: no side. */
    double confidence;
    struct kvr_estimate balance, t_over_e, t_over_s;
    double overlap;        /* omega; NAN where min/max < .25, or with several phases */
    char why[320];
};

void kvr_verdict_decide(const struct kvr_verdict_input *input, struct kvr_verdict *verdict);

/* The bound of one phase by itself, from its own times in the rounds. */
enum kvr_bound kvr_phase_bound(const struct kvr_verdict_input *input, enum kvr_phase phase);

/* Shift against FP16: ln B - ln B_fp16 per round. */
enum kvr_shift { KVR_SHIFT_ABSENT, KVR_SHIFT_NONE, KVR_SHIFT_MOVED, KVR_SHIFT_SHIFTED };
struct kvr_shift_result {
    enum kvr_shift says;
    struct kvr_estimate ln_b;
    const char *absent_because; /* static; with KVR_SHIFT_ABSENT */
};
/* ceiling_raised: as in the verdict, T takes M's place where it is less. */
void kvr_shift_decide(const struct kvr_round *rounds, size_t round_count, bool ceiling_raised,
                      enum kvr_side side, enum kvr_side fp16_side, struct kvr_shift_result *shift);

/* The side of FP16 from the reference's own C and M in these rounds. */
enum kvr_side kvr_fp16_side(const struct kvr_round *rounds, size_t round_count);

/* By the interval of B alone. */
enum kvr_side kvr_side_of_balance(const struct kvr_estimate *balance);

const char *kvr_side_name(enum kvr_side side);
const char *kvr_bound_name(enum kvr_bound bound);
const char *kvr_shift_name(enum kvr_shift shift);

/* Fills result->verdict from result->rounds (decide, then shift). `input` gives what the rounds
 * do not tell; its rounds are replaced by the result's. */
void kvr_verdict_record_fill(struct kvr_result *result, const struct kvr_verdict_input *input);

/* The verdict of a stored result again, from its rounds and evidence. True if it is the same. */
bool kvr_verdict_recompute(const struct kvr_result *stored, struct kvr_verdict_record *again);
/* As it counts there: equal but for rounding, or both absent. */
bool kvr_verdict_same_number(double a, double b);

#endif
