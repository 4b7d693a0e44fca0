/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a measured case would take on another machine, from the two machines' roofs. With C the core
 * alone, M the memory alone and T both, omega = (C + M - T) / min(C, M) is how well this kernel
 * hides one behind the other. It is taken along; C is scaled by the rate of the resource that is
 * full (by the clock where none is), M by the read bandwidth of the level:
 *
 *     T' = max(C', M') + (1 - omega) min(C', M')
 *
 * and for serial phases (steps, attention, scans that copy their keys first) the sum of it. A phase
 * that reads no memory of its own goes as C does. What a phase writes is in its M. All times are
 * wall ns a key: of all threads together, over all their keys.
 *
 * What waits (T above C + M) is refused: it goes by latency, which no roof holds.
 */
#ifndef KVR_PREDICT_H
#define KVR_PREDICT_H

#include "../report/record.h"
#include "machine_yaml.h"

struct kvr_scaling {
    double c;       /* C'/C of the scan */
    double c_other; /* of the other phases, whose resources are not declared */
    double m;       /* M'/M */
};

struct kvr_prediction {
    const struct kvr_result *result; /* of the record */
    double measured_ns;
    double predicted_ns, balance;    /* ns a key there, C'/M'; NAN where refused */
    char side[12];                   /* memory, core, even by C'/M'; "" where refused */
    char scaled_by[24];              /* of C: a resource, or clock */
    char refused[160];               /* "" or why there is no prediction */
};

/* A case predicted from another one of the same record, against what was measured. */
struct kvr_prediction_check {
    const struct kvr_result *of, *from;
    const char *over;                /* threads, level, head dim: what differs; static */
    struct kvr_prediction predicted; /* predicted.result is `of` */
    double error_percent;            /* NAN where refused */
};

/* True if its time is the sum of serial phases, each with its own T, M and C in the verdict. */
bool kvr_has_phases(const struct kvr_result *result);

/* T' of one result. Fills all but scaled_by. */
void kvr_predict_time(const struct kvr_result *result, const struct kvr_scaling *scaling,
                      struct kvr_prediction *prediction);

/* Every measured result of the record on `machine`. *predictions is the caller's to free; 0 or
 * -ENOMEM. */
int kvr_predict(const struct kvr_run_record *record, const struct kvr_other_machine *machine,
                struct kvr_prediction **predictions, size_t *count);

/* The same method within the record: several threads from one, a cache from DRAM, one head dim from
 * another, wherever it holds two cases that differ in that alone. Roofs and the source case are
 * used, never the target's times. From one head dim to another only scans of one phase are
 * predicted: what prepares or copies keys is another part of the whole there and reads other bytes;
 * such a pair is refused, with that reason. *checks is the caller's to free; 0 or -ENOMEM. */
int kvr_predict_check(const struct kvr_run_record *record, struct kvr_prediction_check **checks,
                      size_t *count);

/* Median of |error| over the checks that were not refused; NAN: none. */
double kvr_predict_median_error(const struct kvr_prediction_check *checks, size_t count);

/* GB/s that this record read at a level with so many threads: the ladder's point nearest to the
 * working set, else the best of the read families. NAN: not measured. */
double kvr_read_roof(const struct kvr_run_record *record, const char *level, uint32_t threads,
                     uint64_t working_set_bytes);

#endif
