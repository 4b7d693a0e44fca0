/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Results of two sides against each other: each process of each case becomes one time (the median
 * of its rounds over the median of its sentinel), and judge.h says what they show.
 */
#ifndef KVR_COMPARE_H
#define KVR_COMPARE_H

#include "judge.h"

/* The results of one side: one file, which may hold several processes, or a file per process. */
struct kvr_compare_side {
    const char *name;                             /* for messages */
    const struct kvr_run_record *const *records;  /* NULL entries: a process that left nothing */
    size_t count;
};

enum { KVR_MOST_GLOBS = 32 };

struct kvr_glob_threshold { const char *glob; double threshold; }; /* glob NULL: all cases */

struct kvr_compare_options {
    struct kvr_glob_threshold thresholds[KVR_MOST_GLOBS]; size_t threshold_count; /* later wins */
    const char *only[KVR_MOST_GLOBS], *ignore[KVR_MOST_GLOBS];
    size_t only_count, ignore_count;
    bool pairs;             /* records[i] of both sides are pair i */
    bool option_sets;       /* sides were run with different options: see kvr_match_names */
    size_t looks, look;     /* of pairs; 0: one look */
};
#define KVR_USUAL_THRESHOLD .05

/* 0 (free the comparison), -ENOMEM; -ENODATA with a sentence: no case that both sides have. */
int kvr_compare(const struct kvr_compare_side *base, const struct kvr_compare_side *other,
                const struct kvr_compare_options *options, struct kvr_comparison *comparison,
                char *error, size_t error_bytes);

/* Whether a result can be compared at all: its times are positive and of one unit, by its rounds
 * against its own summaries. 0, or -EINVAL with a sentence. */
int kvr_compare_check(const char *name, const struct kvr_run_record *record, char *error,
                      size_t error_bytes);

/* Left by --only and --ignore. */
bool kvr_case_wanted(const char *name, const struct kvr_compare_options *options);

/* The last one given that matches, or the usual one. */
double kvr_case_threshold(const char *name, const struct kvr_compare_options *options);

/* fnmatch over the whole name, over the kernel ("lookat.u8@avx2") and over "lookat.u8". */
bool kvr_case_matches(const char *name, const char *glob);

/* Names of cases that differ only in what all of `base` share and all of `other` share (option
 * sets: "/4k" against "/thp") name the same case: partner[i] is the index in `other` of base[i],
 * SIZE_MAX: none. 0 or -ENOMEM. */
int kvr_match_names(const char *const *base, size_t base_count, const char *const *other,
                    size_t other_count, size_t *partner);

/* Distinct process numbers in the rounds of a result, ascending, at most `most`; their number. */
size_t kvr_processes_of(const struct kvr_run_record *record, uint32_t *processes, size_t most);

/* What differs of two machines of different fingerprints, in words: "CPU A and B; caches". */
void kvr_machines_differ(const struct kvr_machine *a, const struct kvr_machine *b, char *text,
                         size_t bytes);
/* One machine, as far as a comparison is concerned. */
bool kvr_same_machine(const struct kvr_run_record *a, const struct kvr_run_record *b);
/* Notes on what does not make another machine: build, microcode, a partial file. */
void kvr_note_differences(const struct kvr_run_record *base, const struct kvr_run_record *other,
                          struct kvr_comparison *comparison);

#endif
