/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counters beside the samples of T: which events, from which backend, and what they say of a case.
 * They confirm the model or contradict it; no verdict rests on them.
 */
#ifndef KVR_COUNTING_H
#define KVR_COUNTING_H

#include "../counters/counters.h"
#include "../counters/trust.h"
#include "../measure/sampler.h"
#include "../report/record.h"
#include "plan.h"

/* What was counted over one case's samples. Zeroed: nothing. */
struct kvr_tally {
    struct kvr_count_sum (*sums)[KVR_MAX_EVENTS]; /* [threads], owned */
    unsigned threads;
    uint64_t segments, samples;
    double total_ns;
    int error; /* -errno of a mark that could not be read */
};
void kvr_tally_free(struct kvr_tally *tally);

struct kvr_counting;

/* --counters is TEXT (NULL: auto). *counting stays NULL for off. Events are refused by their name
 * before anything is tried: -EINVAL. Then they are opened and proven, where `probe` is set:
 * -ENODEV if what was asked for by name is not to be had here; each with a sentence. What `auto`
 * does not get is no error. The check counters-backend says what is counted. */
int kvr_counting_open(struct kvr_counting **counting, const struct kvr_options *options,
                      const struct kvr_machine *machine, bool probe, struct kvr_checks *checks,
                      char *error, size_t error_bytes);
void kvr_counting_close(struct kvr_counting *counting);
/* What is called if a backend hangs for ever (struct kvr_counters); then the process ends with exit
 * code 3. */
void kvr_counting_on_hang(struct kvr_counting *counting,
                          void (*hung)(void *context, const char *why), void *context);

/* Every thread of a new team; dismissed before it stops. An event that one of them does not get is
 * not counted in this team; why is told with each result. With counting NULL nothing is done, here
 * and below. */
void kvr_counting_enroll(struct kvr_counting *counting, struct kvr_team *team,
                         const uint32_t *cpus);
void kvr_counting_dismiss(struct kvr_counting *counting);

/* Samples from now on are added to `tally`, those after `end` to none. All that counting writes to
 * is touched here and not between the slices of a sample. */
void kvr_counting_begin(struct kvr_counting *counting, struct kvr_sampler *sampler,
                        struct kvr_tally *tally);
void kvr_counting_end(struct kvr_counting *counting, struct kvr_sampler *sampler);

/* A run of passes that T is, or is one part of. */
struct kvr_counted_part {
    const struct kvr_tally *tally;
    double segment_keys; /* keys that a segment of it stands for */
};

/* Writes counters and what follows from them to a result whose costs and traffic are known; flags
 * counter-mismatch where bytes differ from the model by more than a tenth. A value a key is the sum
 * of those of the parts, as T is. No part: this case is not counted because of `why`. Where nothing
 * at all is counted no row says so: the check counters-backend has the reason. */
void kvr_counting_store(const struct kvr_counting *counting, const struct kvr_counted_part *parts,
                        size_t part_count, const char *why, struct kvr_result *result);

/* The witness counter-bandwidth: what the memory moved by its own counters, over the read roof. It
 * is told beside the others and decides nothing. Of a case in main memory that has a verdict. */
void kvr_counting_witness(struct kvr_result *result);

/* Every event known by name here, tried one by one; why: "" if it counts. 0, -ENOMEM, or -EINVAL
 * with a sentence where the file of this CPU's events is wrong. */
int kvr_counting_list(const struct kvr_machine *machine,
                      void (*row)(const struct kvr_event *event, const char *why, void *context),
                      void *context, char *error, size_t error_bytes);

/* Inside counting*.c: those events; the caller frees. Errors as above. */
int kvr_counting_known(const struct kvr_machine *machine, struct kvr_event **events, size_t *count,
                       char *error, size_t error_bytes);
extern const struct kvr_trust_work kvr_counting_work;

/* Inside counting*.c. */
struct kvr_counting {
    struct kvr_counters counters;
    char team_why[KVR_MAX_EVENTS][256]; /* not in this team; "": counted */
    char none_why[600];                 /* why nothing at all is counted */
    struct kvr_team *team;
    const uint32_t *cpus;
    unsigned threads;
    int (*errors)[KVR_MAX_EVENTS]; /* [KVR_MAX_THREADS], of enrolling */
    struct kvr_mark *before, *after; /* [KVR_MAX_THREADS] */
    struct kvr_sample_probe probe;
    struct kvr_tally *tally;
};

#endif
