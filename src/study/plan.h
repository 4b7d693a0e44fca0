/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * options + profile + machine -> plan: the cases to measure, and the rows that cannot be measured
 * here with their reason. Pure but for reading the profile's file; nothing is measured yet.
 */
#ifndef KVR_PLAN_H
#define KVR_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kernels/steps.h"
#include "../codec/codec.h"
#include "../machine/machine.h"
#include "../machine/memory.h"
#include "../report/writers.h"

enum { KVR_MAX_LIST = 32, KVR_MAX_OUTPUTS = 16 };

struct kvr_output {
    enum kvr_output_format format;
    char path[1024]; /* "-": stdout */
    bool append;     /* to what the file holds: of --step-summary */
};

/* What the command line of `run` says. A count of 0 (or NULL, or NAN) means "not given": the
 * profile decides. Strings point into argv, those of comma lists into list_text: so the struct is
 * not to be copied. */
struct kvr_options {
    const char *profile;                       /* NULL: quick */
    const char *kernels[KVR_MAX_LIST]; size_t kernel_count;   /* globs; "all" */
    const char *isas[KVR_MAX_LIST]; size_t isa_count;         /* auto, all, scalar, avx2 ... */
    uint32_t head_dims[KVR_MAX_LIST]; size_t head_dim_count;
    uint32_t tokens[KVR_MAX_LIST]; size_t tokens_count;
    uint32_t heads;                            /* 0: not given */
    uint64_t bytes[KVR_MAX_LIST]; size_t bytes_count;         /* ranges already expanded */
    uint32_t subspaces[KVR_MAX_LIST]; size_t subspace_count;
    uint32_t entries[KVR_MAX_LIST]; size_t entry_count;
    const char *layouts[KVR_MAX_LIST]; size_t layout_count;   /* heads, contiguous, pages:N */
    const char *ops[KVR_MAX_LIST]; size_t op_count;           /* scan, step, attention */
    const char *codebooks[KVR_MAX_LIST]; size_t codebook_count;   /* f16, f32 */
    const char *residencies[KVR_MAX_LIST]; size_t residency_count; /* cold, warm */
    const char *value_formats[KVR_MAX_LIST]; size_t value_format_count; /* fp16, q8 */
    uint32_t batches[KVR_MAX_LIST]; size_t batch_count;
    uint32_t group_queries[KVR_MAX_LIST]; size_t group_query_count;
    bool evict_given; uint64_t evict_bytes;
    struct kvr_squat_settings squat;           /* 0: not given */
    uint32_t kivi_residual;                    /* 0: not given, or the default, 32 */
    const char *keys, *queries, *values, *calibration;
    uint32_t threads[KVR_MAX_LIST]; size_t thread_count;      /* UINT32_MAX: max */
    uint32_t cpus[KVR_MAX_CPUS]; size_t cpu_count;            /* -c; 0: all allowed */
    bool mem_given; enum kvr_mem_policy mem; uint32_t mem_node;
    bool pages_given; enum kvr_pages pages;
    uint32_t rounds;                           /* 0: not given */
    double min_time_s, budget_s;               /* NAN: not given */
    uint32_t processes;                        /* 1 */
    /* Of a process of another run: its only output, and its budget (NAN: as given). NULL: none. */
    const char *process_file; double process_budget_s;
    uint64_t seed;                             /* 1 */
    double peak_gb_per_s;                      /* NAN */
    bool deep;                                 /* more evidence for each verdict */
    bool prove;                                /* every sample under the proof of bypass */
    const char *counters;                      /* as given; NULL: auto */
    const char *roofs;                         /* result whose ceilings are used; NULL: none */
    uint64_t max_mem_bytes;                    /* 0: 60 % of what is usable */
    bool strict, dry_run, quiet, verbose;
    struct kvr_output outputs[KVR_MAX_OUTPUTS]; size_t output_count;
    enum kvr_output_format stdout_format;      /* --format */
    const char *label; const char *tags[KVR_MAX_LIST]; size_t tag_count;
    enum { KVR_PROGRESS_AUTO, KVR_PROGRESS_PLAIN, KVR_PROGRESS_OFF } progress;
    enum { KVR_COLOR_AUTO, KVR_COLOR_ALWAYS, KVR_COLOR_NEVER } color;
    char list_text[4096]; size_t list_text_bytes;
};

/* One case before the host has chosen among its candidates. */
struct kvr_case {
    const struct kvr_codec *codec;
    const char *variant;
    const struct kvr_kernel *candidates[8]; /* same codec and variant, all usable on this host */
    size_t candidate_count;                 /* 1, or several under --isa auto */
    struct kvr_shape shape;                 /* heads: as --heads says, else 0 (from bytes);
                                               queries: that share a key (GQA) */
    char level[8];                          /* L1 L2 L3 DRAM: asked for by the profile, else "" */
    uint64_t working_set_bytes;             /* asked for; 0: the level decides (measured sizes) */
    char layout[16];                        /* contiguous, heads, pages:N */
    uint32_t page_tokens;                   /* N of pages:N; 0 otherwise */
    char op[12];                            /* scan, step, attention */
    /* In step and attention, of codecs that have one (else NONE, false): the codebook that queries
     * are prepared from, and whether one hot codebook serves all heads. NONE and true: the scan
     * itself reads one, which is hot. */
    enum kvr_codebook codebook;
    bool codebook_warm;
    bool values_q8;                         /* of attention: values of 8 bits instead of FP16 */
    uint32_t batch;                         /* sequences that share a codebook; 1 in a scan */
    uint64_t evict_bytes;                   /* read between passes; KVR_EVICT_AUTO with --heads */
    uint32_t threads;
    enum kvr_pages pages;
    enum kvr_mem_policy mem; uint32_t mem_node;
};

/* Twice the size of the last cache, as measured when the run starts. */
#define KVR_EVICT_AUTO UINT64_MAX

struct kvr_skip { char name[192]; char what[48]; char why[200]; };

struct kvr_plan {
    char profile[64], profile_path[512];
    char *profile_json;        /* the merged profile; owned */
    struct kvr_case *cases; size_t case_count;     /* owned */
    struct kvr_skip *skips; size_t skip_count;     /* owned; a profile's wishes not granted */
    uint32_t rounds;           /* 9 */
    double min_time_s;         /* .02 */
    double budget_s;           /* NAN: none */
    uint64_t arena_half_bytes; /* DRAM working set: profile's or 1 GiB, within max_mem */
    bool arena_reduced;        /* max_mem made it smaller than the profile wished */
    uint64_t max_mem_bytes;
    uint32_t ladder_points_per_octave; /* 1 */
    bool full_ceilings;        /* copy, triad, latency and the read family per level, as roofs */
    bool deep;                 /* look for the evidence behind each verdict, whatever it costs */
    bool mini_keys;            /* keys: mini, or no --keys */
    bool verdict_test;         /* run the short verdict test; not with -k and no -p */
};

/* 0; -EINVAL: usage (exit 2); -ENODEV: impossible here (exit 3); -ENOENT: no such profile (exit 2);
 * -errno otherwise. error names the thing, the option and the nearest valid name. What a flag asks
 * for and the host or shape refuses is an error; what a profile lists becomes a skip. */
int kvr_plan_make(const struct kvr_options *options, const struct kvr_machine *machine,
                  struct kvr_plan *plan, char *error, size_t error_bytes);
void kvr_plan_free(struct kvr_plan *plan);

/* The variant of codecs whose codes a step turns back into float16, to be scanned as fp16 is: its
 * candidates are dense kernels, its codes those of codec->formats[0]. */
extern const char kvr_materialised[];
bool kvr_case_materialises(const struct kvr_case *c);

/* Bytes that one head streams (plan_bytes.c): its codes, in pages whole ones; a materialised copy;
 * the values of an attention; and its share of a cold codebook, which a batch divides. */
uint64_t kvr_case_head_bytes(const struct kvr_case *c);
/* The same of FP16 keys of as many tokens, the reference beside the case. */
uint64_t kvr_case_reference_bytes(const struct kvr_case *c);
/* What encodes the values of an attention. */
const struct kvr_codec *kvr_case_values(const struct kvr_case *c);
/* Bytes of the codebook that a head's queries are prepared from; 0: the case reads none. */
uint64_t kvr_case_codebook_bytes(const struct kvr_case *c);
/* Heads in a row that share one: the batch, of each KV head of a layer where it is the layer's. */
uint32_t kvr_case_book_heads(const struct kvr_case *c);
/* Bytes of codebooks that no head's share counts: a warm one, or what a thread's last codebook is
 * larger than the shares of the heads that it serves, at most. */
uint64_t kvr_case_more_codebook_bytes(const struct kvr_case *c);

/* "lookat.u8@avx512vbmi/d64/m4/K256/n512/W1G/1t/scan/heads/thp"; with isa == NULL "@auto". After
 * the page size, what is not the default: /q8 queries a key, /b8 batch, /cb32 float32 codebook,
 * /cbwarm, /evict64M, and the memory policy. */
void kvr_case_name(const struct kvr_case *c, const char *isa, uint64_t working_set_bytes,
                   char *name, size_t bytes);
/* "512", "4k", "1G", "96M": powers of 1024, shortest exact form. */
void kvr_size_text(uint64_t value, char *text, size_t bytes);

/* The known name nearest to `text` by edit distance (at most half its length), or NULL. */
const char *kvr_nearest(const char *text, const char *const *names, size_t count);

#endif
