/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "predict.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "verdict.h"

static double clamp(double value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

bool kvr_has_phases(const struct kvr_result *r)
{
    return strcmp(r->op, "scan") != 0 || strcmp(r->variant, kvr_materialised) == 0;
}

/* The times of one phase; false: the op has no such phase. */
static bool phase_times(const struct kvr_result *r, int phase, struct kvr_phase_times *times)
{
    const struct kvr_phase_record *p = &r->verdict.phases[phase];
    if (kvr_has_phases(r))
        *times = (struct kvr_phase_times){p->t_ns, p->m_ns, p->c_ns};
    else if (phase == KVR_PHASE_SCAN)
        *times = (struct kvr_phase_times){r->result.ns_per_key, r->result.m_ns_per_key,
                                          r->result.c_ns_per_key};
    else
        return false;
    return times->t_ns > 0;
}

static double overlap(const struct kvr_result *r, const struct kvr_phase_times *x)
{
    if (!kvr_has_phases(r) && isfinite(r->verdict.overlap))
        return clamp(r->verdict.overlap);
    return clamp((x->c_ns + x->m_ns - x->t_ns) / fmin(x->c_ns, x->m_ns));
}

static void refuse_waiting(const struct kvr_result *r, int phase, double factor,
                           struct kvr_prediction *p)
{
    snprintf(p->refused, sizeof p->refused,
             "%s%sit waits (T is %.2f of C + M): the other machine's latency is needed",
             kvr_has_phases(r) ? kvr_phase_names[phase] : "", kvr_has_phases(r) ? ": " : "",
             factor);
}

static bool add_phase(const struct kvr_result *r, int phase, const struct kvr_scaling *s,
                      struct kvr_prediction *p, struct kvr_phase_times *sum)
{
    struct kvr_phase_times x;
    if (!phase_times(r, phase, &x))
        return true;
    const char *bound = kvr_has_phases(r) ? r->verdict.phases[phase].bound : r->verdict.bound;
    double scale = phase == KVR_PHASE_SCAN ? s->c : s->c_other;
    double c = x.c_ns * scale, m = x.m_ns * s->m;
    bool memory = x.m_ns > 0;
    if (!(x.c_ns > 0) || (!memory && !kvr_has_phases(r))) {
        snprintf(p->refused, sizeof p->refused, "%s: memory or core alone was not measured",
                 kvr_phase_names[phase]);
        return false;
    }
    sum->c_ns += c;
    if (!memory) { /* a phase that reads none of its own: all of it goes with the core */
        sum->t_ns += x.t_ns * scale;
        return true;
    }
    double waits = x.t_ns / (x.c_ns + x.m_ns);
    if (!strcmp(bound, "latency") || waits > KVR_NO_OVERLAP) {
        refuse_waiting(r, phase, waits, p);
        return false;
    }
    sum->t_ns += fmax(c, m) + (1 - overlap(r, &x)) * fmin(c, m);
    sum->m_ns += m;
    return true;
}

void kvr_predict_time(const struct kvr_result *r, const struct kvr_scaling *s,
                      struct kvr_prediction *p)
{
    struct kvr_phase_times sum = {0};
    *p = (struct kvr_prediction){.result = r,
                                 .measured_ns = r->result.ns_per_key,
                                 .predicted_ns = NAN,
                                 .balance = NAN};
    if (kvr_result_flagged(r, "mismatch") || kvr_result_flagged(r, "ceiling-bug")) {
        snprintf(p->refused, sizeof p->refused, "its own measurement is flagged as wrong");
        return;
    }
    if (!strcmp(r->level, "L1")) { /* C is T there */
        p->predicted_ns = p->measured_ns * s->c;
        snprintf(p->side, sizeof p->side, "core");
        return;
    }
    for (int phase = 0; phase < KVR_PHASES; phase++)
        if (!add_phase(r, phase, s, p, &sum))
            return;
    if (!(sum.t_ns > 0) || !isfinite(sum.t_ns)) {
        snprintf(p->refused, sizeof p->refused, "the times of its phases were not measured");
        return;
    }
    p->predicted_ns = sum.t_ns;
    p->balance = sum.c_ns / sum.m_ns;
    snprintf(p->side, sizeof p->side, "%s",
             p->balance <= 1 / KVR_NEAR ? "memory" : p->balance >= KVR_NEAR ? "core" : "even");
}

double kvr_read_roof(const struct kvr_run_record *record, const char *level, uint32_t threads,
                     uint64_t working_set_bytes)
{
    double value = NAN, nearest = INFINITY, family = NAN;
    for (size_t i = 0; i < record->ceiling_count; i++) {
        const struct kvr_ceiling *c = &record->ceilings[i];
        if (strcmp(c->kind, "bandwidth") || strcmp(c->level, level) || c->threads != threads)
            continue;
        if (!strcmp(c->type, "read-family") && !(c->value <= family))
            family = c->value;
        double away = fabs(log2((double)c->working_set_bytes / (double)working_set_bytes));
        if (!strcmp(c->type, "read") && (away < nearest || (isnan(value) && isnan(away)))) {
            nearest = away;
            value = c->value;
        }
    }
    return isnan(value) ? family : value;
}

static bool can_run(const struct kvr_other_machine *machine, const char *isa)
{
    if (!machine->isa_count || !strcmp(isa, "scalar"))
        return true;
    for (size_t i = 0; i < machine->isa_count; i++)
        if (!strcmp(machine->isas[i], isa))
            return true;
    return false;
}

/* The rate that P rests on, if another machine's is of the same kind; NAN: none. What is said there
 * of shuffles and converts is of the plain ones: of bytes by a vector, of float16. */
static double rate_of_limit(const struct kvr_run_record *record,
                            const struct kvr_verdict_record *v)
{
    static const char *const plain[][2] = {{"shuffle", "byte"}, {"convert", "f16"}};
    const struct kvr_ceiling *c = NULL;
    for (size_t i = 0; i < record->ceiling_count && !c; i++)
        if (!strcmp(record->ceilings[i].id, v->core_limit_ceiling))
            c = &record->ceilings[i];
    for (size_t i = 0; c && i < 2; i++)
        if (!strcmp(c->type, plain[i][0]) && strcmp(c->dtype, plain[i][1]))
            return NAN;
    return c ? v->core_limit_rate : NAN;
}

/* C'/C of the scan: by the resource that P names if C is near P, so that it is full. */
static double core_scaling(const struct kvr_run_record *record,
                           const struct kvr_other_machine *machine, const struct kvr_result *r,
                           double clock, char *by, size_t by_bytes)
{
    const char *resource = r->verdict.core_limit_resource;
    double here = rate_of_limit(record, &r->verdict);
    double there = kvr_other_rate(machine, resource, r->isa);
    /* Both are wall time of all threads over all their keys. */
    double core_ns = kvr_has_phases(r) ? r->verdict.phases[KVR_PHASE_SCAN].c_ns
                                       : r->result.c_ns_per_key;
    bool full = *resource && core_ns <= KVR_NEAR * r->verdict.core_limit_ns;
    if (full && here > 0 && there > 0) {
        snprintf(by, by_bytes, "%s", resource);
        return here / there;
    }
    snprintf(by, by_bytes, "clock");
    return clock;
}

static void predict_one(const struct kvr_run_record *record,
                        const struct kvr_other_machine *machine, const struct kvr_result *r,
                        struct kvr_prediction *p)
{
    char by[sizeof p->scaled_by], refused[sizeof p->refused] = "";
    double clock = record->clock_ghz / machine->clock_ghz;
    double here = kvr_read_roof(record, r->level, r->threads, r->working_set_bytes);
    double there = kvr_other_bandwidth(machine, r->level, r->threads);
    struct kvr_scaling s = {.c_other = clock, .m = here / there};
    bool in_l1 = !strcmp(r->level, "L1");
    s.c = core_scaling(record, machine, r, clock, by, sizeof by);
    if (!can_run(machine, r->isa))
        snprintf(refused, sizeof refused, "%.23s is not among that machine's isas; measure here "
                 "with --isa what it has", r->isa);
    else if (r->threads > machine->cores)
        snprintf(refused, sizeof refused, "that machine has %u cores, this case %u thread(s)",
                 machine->cores, r->threads);
    else if (!isfinite(s.c) || !isfinite(s.c_other))
        snprintf(refused, sizeof refused, "the clock of this run is not known");
    else if (!in_l1 && !(there > 0))
        snprintf(refused, sizeof refused, "that file gives no bandwidth of %s for one core or for "
                 "%u thread(s)", r->level, r->threads);
    else if (!in_l1 && !(here > 0))
        snprintf(refused, sizeof refused, "this result holds no read bandwidth of %s with %u "
                 "threads", r->level, r->threads);
    if (refused[0])
        s.c = s.c_other = s.m = NAN;
    kvr_predict_time(r, &s, p);
    if (refused[0]) {
        memcpy(p->refused, refused, sizeof p->refused);
        p->predicted_ns = p->balance = NAN;
        p->side[0] = 0;
    }
    if (!p->refused[0])
        memcpy(p->scaled_by, by, sizeof by);
}

int kvr_predict(const struct kvr_run_record *record, const struct kvr_other_machine *machine,
                struct kvr_prediction **predictions, size_t *count)
{
    *count = 0;
    *predictions = calloc(record->result_count + 1, sizeof **predictions);
    if (!*predictions)
        return -ENOMEM;
    for (size_t i = 0; i < record->result_count; i++)
        if (record->results[i].measured && record->results[i].result.ns_per_key > 0)
            predict_one(record, machine, &record->results[i], &(*predictions)[(*count)++]);
    return 0;
}
