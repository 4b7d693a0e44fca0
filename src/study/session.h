/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What lives as long as a run: clock, arena, team, measured cache sizes, key sets, the deadline.
 */
#ifndef KVR_SESSION_H
#define KVR_SESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "../data/keyset.h"
#include "../machine/memory.h"
#include "../measure/bypass.h"
#include "../measure/clock.h"
#include "../measure/sampler.h"
#include "../measure/stats.h"
#include "../report/record.h"
#include "counting.h"
#include "material.h"
#include "plan.h"
#include "scan.h"

enum { KVR_MAX_KEYSETS = 8, KVR_MAX_FAMILIES = 512, KVR_BEST_READERS = 3,
       KVR_MAX_REFERENCES = 128, KVR_MAX_MATERIALS = 32,
       KVR_MAX_VERIFIED = 256 };

/* A reader with its look-ahead: one member of the read family. */
struct kvr_member {
    const struct kvr_peak *reader;
    uint32_t ahead_segments, ahead_bytes;
    double gb_per_s; /* in the selection; orientation only, rounds measure again */
};
/* Makes `scan` run this member. */
void kvr_scan_set_member(struct kvr_scan *scan, const struct kvr_member *member);
void kvr_member_name(const struct kvr_member *member, char *name, size_t bytes);

/* The best members for one kind of list. */
struct kvr_family {
    char level[8], layout[16];
    unsigned threads;
    uint64_t segment_class; /* segment bytes rounded to a power of two */
    bool evicted;           /* chosen over passes that start with cold caches */
    struct kvr_member best[KVR_BEST_READERS];
    size_t best_count;
};

/* The FP16 reference's kernel and look-ahead for one kind of list: found once, used by every cohort
 * that is held against it. */
struct kvr_reference_choice {
    const struct kvr_kernel *kernel;
    uint32_t head_dim, tokens;
    unsigned threads;
    uint64_t working_set_bytes, evict_bytes, segment_bytes, heads;
    char layout[16], level[8];
    struct kvr_tuning tuning;
    double dram_ratio; /* of its list, see kvr_cohort_work; NAN: not proven yet */
};

/* One half of the arena. */
struct kvr_half {
    struct kvr_memory memory;
    struct kvr_material filled; /* borrowed pointers only: what lies there */
    struct kvr_residuals residuals;
    uint64_t filled_bytes;
    uint64_t used_bytes;   /* from the start: shared out among the team last */
    double huge_fraction;  /* NAN: unknown */
    double placed_fraction; /* of the pages used: where they were asked; NAN: unknown */
};

struct kvr_session {
    const struct kvr_machine *machine;
    const struct kvr_options *options;
    const struct kvr_plan *plan;
    struct kvr_run_record *record;
    struct kvr_clock clock;
    struct kvr_half reference, subject; /* FP16 keys; the format in work */
    double least_placed;       /* the least placed_fraction so far, that of check placement */
    struct kvr_keyset keysets[KVR_MAX_KEYSETS];
    size_t keyset_count;
    struct kvr_material materials[KVR_MAX_MATERIALS];
    bool material_of_values[KVR_MAX_MATERIALS];
    size_t material_count;
    struct { /* kernels that scored a pool right: the reference is slow, the pool the same */
        const struct kvr_kernel *kernel;
        const unsigned char *pool;
    } verified[KVR_MAX_VERIFIED];
    size_t verified_count;
    struct kvr_family families[KVR_MAX_FAMILIES];
    size_t family_count;
    struct kvr_reference_choice references[KVR_MAX_REFERENCES];
    size_t reference_count;
    struct kvr_team *team;
    struct kvr_sampler *sampler;
    struct kvr_bypass *bypass;      /* --prove, else NULL */
    struct kvr_counting *counting;  /* borrowed; NULL: --counters off */
    struct kvr_estimate proof_cost; /* T with the proof over T without */
    unsigned threads; /* of the current team; 0: none */
    uint32_t cpus[KVR_MAX_THREADS];
    uint32_t missing_cpu;      /* after -ENODEV of kvr_session_team */
    uint64_t l1_bytes, l2_bytes, l3_bytes; /* measured where possible, else reported; 0: no L3 */
    double started_s, deadline_s;          /* deadline: INFINITY without a budget */
    unsigned shared_from;      /* threads of the smallest team seen to share cores; 0: none */
    bool controls_failed;      /* the dial's known sides were not found: no verdict */
    double reserved_s; /* of the budget, for the cases still to come: witnesses leave it alone */
    double repeats_left_s;                 /* of the tenth of the budget that repeats may take */
    const volatile sig_atomic_t *interrupted;
};

/* Bytes of one arena half that a plan needs. */
uint64_t kvr_session_arena_bytes(const struct kvr_plan *plan);

/* Maps and touches the arena, starts the clock, pins the caller. 0 or -errno with a sentence. */
int kvr_session_open(struct kvr_session *session, char *error, size_t error_bytes);
void kvr_session_close(struct kvr_session *session);
extern const char kvr_foreign_topology[]; /* why none is opened on another system's topology */

/* Makes `threads` pinned threads the current team. 0 or -errno. */
int kvr_session_team(struct kvr_session *session, unsigned threads);
/* The same on these CPUs, whatever --cpus says. At most KVR_MAX_THREADS. */
int kvr_session_team_on(struct kvr_session *session, const uint32_t *cpus, unsigned threads);

/* The key set for a head dim, loaded on first use. NULL with a sentence in error. */
const struct kvr_keyset *kvr_session_keys(struct kvr_session *session, uint32_t head_dim,
                                          char *error, size_t error_bytes);

/* A codec's trained and encoded keys (or values, coded like keys) for one shape: made on first use,
 * because training takes longer than a round. Lives as long as the session. *rc: 0 or -errno of
 * kvr_material_make; NULL then. */
const struct kvr_material *kvr_session_material(struct kvr_session *session,
                                                const struct kvr_codec *codec,
                                                const struct kvr_shape *shape,
                                                const struct kvr_keyset *keys, bool values,
                                                int *rc);

/* True when SIGINT or SIGTERM asked to stop. */
bool kvr_session_stopped(const struct kvr_session *session);
double kvr_session_left_s(const struct kvr_session *session); /* to the deadline; may be negative */

/* Level that a working set of this size hits, by the measured sizes: "L1" ... "DRAM". */
const char *kvr_session_level(const struct kvr_session *session, uint64_t bytes, unsigned threads);
/* A working set well inside a level: half its size per thread; DRAM: the arena half. 0: no such
 * level here. */
uint64_t kvr_session_level_bytes(const struct kvr_session *session, const char *level,
                                 unsigned threads);

/* Segment bytes rounded up to a power of two: lists of one class share a choice of readers. */
uint64_t kvr_segment_class(uint64_t segment_bytes);

/* The whole read family over `scan`'s list, best first. Chosen once per level, layout, threads,
 * segment class and eviction; *scan's reader and look-ahead are used as scratch. Also adds the
 * ceiling row (none after evictions). NULL when asked to stop, and on out of memory. */
const struct kvr_family *kvr_session_family(struct kvr_session *session, struct kvr_scan *scan,
                                            const char *level, const char *layout,
                                            uint64_t working_set_bytes);

/* The best member of the whole read family over `scan`'s list in main memory; nothing is kept of
 * it. 0, -ENOMEM or -EINTR. */
int kvr_session_best_reader(struct kvr_session *session, struct kvr_scan *scan,
                            struct kvr_member *best);

/* Of a cache level as reported and as measured (0: not) the size that decides what a level is: a
 * ladder of one point an octave tells a size to a factor of two; within that, the reported one. */
uint64_t kvr_cache_size_used(uint64_t reported, uint64_t measured);
/* Where the ladder of a record found the plateau of a level to end; 0: nowhere. */
uint64_t kvr_measured_plateau(const struct kvr_run_record *record, uint32_t level);
/* Sets the session's cache sizes by plateaus[1..3] (0: not found) and the reported sizes, with the
 * checks cache-l1 to cache-l3. */
void kvr_session_set_caches(struct kvr_session *session, const uint64_t plateaus[4]);

/* Ladder over working sets, plateaus, rates per core resource: fills l1/l2/l3_bytes, ceilings and
 * checks. */
int kvr_session_ceilings(struct kvr_session *session);
/* The ladder alone, for the current team; sizes are set by that of one thread. */
int kvr_session_ladder(struct kvr_session *session);
/* The clock alone: the check clock-real and the record's clock. */
void kvr_session_clock(struct kvr_session *session);
/* One point of the ladder: GB/s of the best of its readers over `bytes`. 0 or -errno. */
int kvr_session_read(struct kvr_session *session, uint64_t bytes, double *gb_per_s);

#endif
