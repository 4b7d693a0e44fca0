/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The one result type: what a run measured, in the terms of the schema kvroof.result/1
 * (schema/kvroof.result.1.json). Measuring fills it, writers print it, the reader restores it.
 *
 * Absence: a double that was not measured is NAN, a string "", a count in `unavailable` says why.
 * Writers leave absent fields out; they never print 0, null, NaN or Infinity for them. Times per
 * key are ns and real numbers.
 */
#ifndef KVR_RECORD_H
#define KVR_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kernels/kernel.h"
#include "../machine/checks.h"
#include "../machine/machine.h"

enum { KVR_NAME_BYTES = 192, KVR_MAX_FLAGS = 12, KVR_MAX_UNAVAILABLE = 20,
       KVR_MAX_WITNESSES = 24 };

/* The serial phases of an op; a scan has one. Names: kvr_phase_names. */
enum kvr_phase { KVR_PHASE_PREPARE, KVR_PHASE_SCAN, KVR_PHASE_SOFTMAX, KVR_PHASE_VALUES,
                 KVR_PHASES };
extern const char *const kvr_phase_names[KVR_PHASES];

struct kvr_phase_times { double t_ns, m_ns, c_ns; }; /* ns a key; 0: the op has no such phase */

struct kvr_round {
    uint32_t process;
    double t_ns, m_ns, c_ns, fp16_ns;          /* robust, ns a key */
    double fp16_m_ns, fp16_c_ns;               /* of the reference in this round */
    double t_total_ns, m_total_ns, c_total_ns; /* wall time, ns a key */
    /* Ops of several phases: m and c are sums over them, e and e_total the sums of the larger of
     * the two in each. 0: one phase, e is max(c, m). */
    double e_ns, e_total_ns;
    struct kvr_phase_times phases[KVR_PHASES]; /* of ops with several */
    double sentinel_ns;                        /* DRAM read, ns per 64-byte line */
    double stolen;                             /* of T: 1 - robust/total */
    double t_first_ns, t_first_stolen;         /* the other attempt of a repeated T; NAN: none */
    double clock_ghz;
    uint64_t keys;                             /* of T, all threads */
    uint32_t faults, switches, preemptions, migrations; /* of T, all threads */
    /* Of the machine while the round lasted; NAN: not told. Fractions of all CPUs' time that went
     * to other guests, and of the time in which some task waited for a CPU. */
    double steal, pressure, throttled_ms, interrupts_per_s;
    bool repeated, invalid;                    /* JSON: repeated, void */
};

/* The summary of one op ("scan", later "step", "attention"). */
struct kvr_op_result {
    double ns_per_key, ci95[2], cv;
    double cycles_per_key, cycles_per_line;
    double m_ns_per_key, c_ns_per_key;
    double speedup_vs_fp16, speedup_ci95[2];
    char basis[16]; /* equal-bytes, equal-tokens */
    double keys_per_s, gb_per_s, lookups_per_s, flops_per_s;
    double arithmetic_intensity, ridge_point;
    double percent_of_roof, percent_of_roof_ci95[2], percent_of_read_roof;
    char roof[8];   /* memory, core */
    double prepare_share;
};

/* Evidence beside T, M and C, see study/verdict.h. */
struct kvr_witness_record {
    char id[32];      /* concurrency, translation, short-stream, sensitivity-load ... */
    double value, ci95[2];
    char says[16];    /* stands, falls; of a sensitivity: full, slack, between */
};

struct kvr_phase_record {
    double t_ns, m_ns, c_ns;
    char bound[12]; /* "" = the op has no such phase */
};

struct kvr_verdict_record {
    char side[12], bound[12], resource[16], cause[24], m_cause[24];
    double attained, balance, balance_ci95[2], overlap;
    double e_ns, s_ns;             /* time with perfect overlap of core and memory, and with none */
    double confidence;             /* that the true ratios are on these sides of their thresholds */
    double core_limit_ns;          /* P: declared work over measured rates, ns a key */
    char core_limit_resource[16];  /* what P is the time of */
    double core_limit_rate;        /* of it, instructions (gather: elements) a ns of one core */
    char core_limit_ceiling[96];   /* the ceiling whose value that is, by its id */
    bool control_failed;
    struct kvr_phase_record phases[KVR_PHASES];
    struct kvr_witness_record witnesses[KVR_MAX_WITNESSES];
    size_t witness_count;
    char shift_vs[24], shift_says[12];
    double shift_ln_b, shift_ci95[2];
    char why[320];
};

struct kvr_unavailable { char what[48], why[256]; };

struct kvr_tuning {
    uint32_t ahead_segments, ahead_bytes, streams;
    char alternatives[320]; /* "0:5.31 s1:4.02 s2:3.99 b512:4.4": ns a key of each one tried */
    uint32_t ahead_codebooks;       /* of the preparation, over codebooks; 0: none */
    char codebook_alternatives[64]; /* "0:5.31 c1:4.02": ns a key of preparation and scan */
    /* Of attention: the step over the values, as the first four are the scan's. */
    uint32_t values_ahead_segments, values_ahead_bytes, values_streams;
    char values_alternatives[320];
};

/* What one thread of a team counted: a key of its own. */
struct kvr_counter_thread {
    uint32_t thread;
    double value, running;
    char quality[12];
};

/* What a counter said of T, or what the model says beside it. */
struct kvr_counter_record {
    char name[48];
    double value;          /* a key, or as `unit` says */
    double total;          /* over all samples and threads; NAN: none */
    /* Of single threads, a key of their own; NAN: there is but one. */
    double thread_least, thread_most;
    double running;        /* share of the time on a counter; NAN: nothing of the kind */
    char quality[12];      /* modelled, scaled, measured */
    char unit[24];
    /* Owned. Of a team of several, each thread that counts it; what is the system's and no
     * thread's, such as memory and energy, has none. */
    struct kvr_counter_thread *threads;
    size_t thread_count;
};

/* Bytes a key. */
struct kvr_traffic { double l1, l1_l2, l2_l3, mem_read, mem_write, mem_allocate; };

struct kvr_fidelity_record; /* fidelity.h */
struct kvr_fidelity_row;

struct kvr_result {
    char name[KVR_NAME_BYTES]; /* unique and stable, see INTERFACE "Names" */
    char codec[24], variant[24], isa[24], op[12], level[8];
    uint32_t head_dim, tokens, heads, group_queries, batch, subspaces, entries, group;
    uint32_t codebook_heads; /* that share a cold codebook: the batch, times a layer's KV heads */
    char table[8];          /* f32, u8; "" where there is no table */
    char encoder[48];       /* its settings, as of fidelity.h; "": none */
    char layout[16], codebook[8], codebook_residency[8];
    char value_format[8]; /* of an attention's values: fp16, q8; "": none */
    uint64_t evict_bytes;
    struct kvr_tuning tuning;
    uint32_t threads;
    uint32_t cpus[64];
    char mem[24], pages[8];
    uint64_t working_set_bytes;
    double key_bytes;       /* physical bytes a key without padding */
    /* R, until which keys stay float16 (KIVI's residual); 0: does not apply. key_bytes where L is
     * the next multiple of R, all of them coded just now, and a key before; NAN: does not apply. */
    uint32_t residual;
    double key_bytes_after_flush, key_bytes_before_flush;
    struct kvr_cost cost;   /* per scan of one head */
    double prepare_flops;
    struct kvr_traffic traffic;
    bool verified;
    char checksum[20];      /* of the scores, hex */
    char flags[KVR_MAX_FLAGS][24];
    char m_member[64];      /* which reader M was most often */
    double fp16_ns_per_key;
    double ceiling_raised_percent; /* NAN unless flagged */
    double huge_fraction;   /* of the arena half behind huge pages, NAN unknown */
    double placed_fraction; /* of the pages, its own and FP16's: on the node asked; NAN unknown */
    double lines_in_flight; /* 64-byte lines on their way from memory, all threads; NAN unknown */
    /* t*: threads at which the case, scaling from one, meets the node's read roof; NAN unknown */
    double threads_to_node_roof;
    struct kvr_round *rounds; /* owned */
    size_t round_count;
    struct kvr_op_result result; /* printed under the name of op */
    struct kvr_verdict_record verdict; /* side "" = no verdict yet in this version */
    struct kvr_counter_record *counters; /* owned */
    size_t counter_count;
    struct kvr_unavailable unavailable[KVR_MAX_UNAVAILABLE];
    size_t unavailable_count;
    bool measured;          /* false: a row with its reasons only */
    /* Of a fidelity result that was read beside this one (quality.h), not owned, never stored;
     * NULL: none. */
    const struct kvr_fidelity_row *closeness;
};

struct kvr_ceiling_member { char name[40]; double value; };

struct kvr_ceiling {
    char id[96];
    char kind[12];   /* bandwidth, rate, latency */
    char type[16];   /* read, read-family, copy, triad, peak; load, shuffle, fma ... */
    char dtype[8], level[8], isa[24];
    uint32_t threads;
    char pages[8], layout[16];
    uint64_t working_set_bytes, segment_bytes; /* 0: does not apply */
    double value, ci95[2];
    char unit[16];   /* GB/s, Gop/s, GHz, ns */
    struct kvr_ceiling_member *family; /* owned; those that were chosen come first, best first */
    size_t family_count;
    char method[160];
};

/* One row of the claims ledger: what a paper says and what was found, see study/claims.h. */
struct kvr_claim {
    char id[40], source[40], claim[200], type[16], claimed[64], measured[64], unit[24];
    char holds[24]; /* yes, no, partly, not decidable here, not measured */
    char why[800];  /* the most favourable reading first, then the finding */
};

/* Where a ratio crosses 1 along one axis of otherwise equal cases, see study/crossings.h. */
struct kvr_crossing {
    char what[24];                /* balance-1, prepare-equals-scan, faster-than-fp16 */
    char axis[16];                /* the result's field that varies: tokens, subspaces, ... */
    char series[KVR_NAME_BYTES];  /* the cases' name with * for what varies */
    double at, ci95[2];           /* on the axis; NAN: not reached, or too few rounds */
    bool reached, flagged;        /* flagged: a case that it rests on is */
    char why[200];
};

/* What the cores of one NUMA node get from the memory of another, see study/node_matrix.h. */
struct kvr_numa_cell {
    uint32_t cpu_node, mem_node;
    double gb_per_s;      /* all cores of the node, one thread each */
    double latency_ns;    /* dependent loads of one of them */
    uint32_t distance;    /* as firmware tells it; 0: not told */
    uint32_t threads;     /* of gb_per_s */
    uint64_t working_set_bytes;
    char reader[40];      /* the best one of the family */
    double placed_fraction; /* of the pages: on mem_node; NAN unknown */
};

struct kvr_run_record {
    bool complete;
    char version[24], git[48], compiler[64], flags[128];
    char started[32];   /* RFC 3339, UTC */
    double duration_s;
    char **command;     /* owned, NULL-terminated */
    char *profile_json; /* the merged profile as a JSON object, owned; NULL: none */
    char label[128];
    char **tags;        /* owned "k=v", NULL-terminated; NULL: none */
    struct kvr_machine machine;
    double clock_ghz;
    struct kvr_checks checks;
    struct kvr_ceiling *ceilings; size_t ceiling_count;  /* owned */
    struct kvr_result *results; size_t result_count;     /* owned */
    struct kvr_claim *claims; size_t claim_count;        /* owned */
    struct kvr_crossing *crossings; size_t crossing_count; /* owned */
    struct kvr_numa_cell *numa_matrix; size_t numa_cell_count; /* owned */
    uint32_t verdict_settings, verdict_right, verdict_wrong, verdict_undecided; /* 0: no test */
    const struct kvr_fidelity_record *fidelity; /* what `closeness` points into; see there */
};

void kvr_result_init(struct kvr_result *result);      /* every double NAN, the rest zero */
void kvr_ceiling_init(struct kvr_ceiling *ceiling);
void kvr_crossing_init(struct kvr_crossing *crossing);
void kvr_numa_cell_init(struct kvr_numa_cell *cell);
void kvr_run_record_init(struct kvr_run_record *record);
void kvr_run_record_free(struct kvr_run_record *record);
/* Appends a copy (takes over owned pointers); returns its address or NULL (out of memory). */
struct kvr_result *kvr_record_add_result(struct kvr_run_record *record, const struct kvr_result *);
struct kvr_ceiling *kvr_record_add_ceiling(struct kvr_run_record *record,
                                           const struct kvr_ceiling *);
struct kvr_numa_cell *kvr_record_add_numa_cell(struct kvr_run_record *record,
                                               const struct kvr_numa_cell *);
struct kvr_crossing *kvr_record_add_crossing(struct kvr_run_record *record,
                                             const struct kvr_crossing *);
/* Appends one; NULL: out of memory. */
struct kvr_counter_record *kvr_result_add_counter(struct kvr_result *result, const char *name);
/* Appends one, of which nothing is known yet; NULL: out of memory. */
struct kvr_counter_thread *kvr_counter_add_thread(struct kvr_counter_record *counter,
                                                  uint32_t thread);
void kvr_result_free_counters(struct kvr_result *result);
/* NULL: there is none of this name. */
const struct kvr_counter_record *kvr_result_counter(const struct kvr_result *result,
                                                    const char *name);
void kvr_result_flag(struct kvr_result *result, const char *flag); /* once each */
bool kvr_result_flagged(const struct kvr_result *result, const char *flag);
/* Why something is not there, NULL: nobody said. */
const char *kvr_result_why(const struct kvr_result *result, const char *what);
void kvr_result_unavailable(struct kvr_result *result, const char *what, const char *why, ...)
    __attribute__((format(printf, 3, 4)));
/* It is there after all. */
void kvr_result_available(struct kvr_result *result, const char *what);

#endif
