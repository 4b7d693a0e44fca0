/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prove.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../measure/stats.h"

enum { PAIRS = 15, SEGMENT_BYTES = 4096 };
#define SAMPLE_S 3e-3

const char kvr_flag_entered[] = "kernel-entry";

int kvr_prove_open(struct kvr_session *s, char *error, size_t error_bytes)
{
    char why[400] = "";
    int rc = kvr_bypass_open(&s->bypass, NULL, why, sizeof why);
    if (rc)
        snprintf(error, error_bytes,
                 "--prove: nothing here catches the system calls of measured code: %s; run without "
                 "--prove",
                 rc == -ENOMEM ? strerror(-rc) : why);
    return rc;
}

/* Something to time that hardly varies: a plain read of half the innermost cache. */
static int open_probe(struct kvr_session *s, struct kvr_lists *lists,
                      struct kvr_score_buffers *buffers, struct kvr_scan *scan, uint32_t *cursors)
{
    static const struct kvr_member none;
    struct kvr_member member = none;
    size_t count;
    const struct kvr_peak *const *peaks = kvr_peaks(&count);
    for (size_t i = 0; i < count && !member.reader; i++)
        if (peaks[i]->kind == KVR_PEAK_READ && !(peaks[i]->isa & ~s->machine->isa.usable))
            member.reader = peaks[i];
    int rc = kvr_lists_plain(s->reference.memory.base, s->l1_bytes / 2 * s->threads, SEGMENT_BYTES,
                             s->threads, lists);
    if (!rc)
        rc = kvr_score_buffers_new(s->threads, 64, buffers);
    *scan = (struct kvr_scan){.lists = lists, .buffers = buffers, .cursors = cursors};
    if (!rc)
        kvr_scan_set_member(scan, &member);
    return rc;
}

int kvr_prove_cost(struct kvr_session *s)
{
    struct kvr_lists lists = {0};
    struct kvr_score_buffers buffers = {0};
    struct kvr_scan scan;
    uint32_t cursors[KVR_MAX_THREADS] = {0};
    double ratios[PAIRS];
    int rc = s->bypass ? open_probe(s, &lists, &buffers, &scan, cursors) : 0;
    if (!rc && s->bypass) {
        struct kvr_sample_request request = kvr_scan_request(&scan);
        request.warm_segments = lists.counts[0];
        kvr_sample_plan(s->sampler, &request, SAMPLE_S);
        for (int i = 0; i < PAIRS; i++) {
            struct kvr_sample with, without;
            kvr_sample_take(s->sampler, &request, &with);
            kvr_sampler_prove(s->sampler, NULL);
            kvr_sample_take(s->sampler, &request, &without);
            kvr_sampler_prove(s->sampler, s->bypass);
            ratios[i] = with.robust_ns / without.robust_ns;
        }
        s->proof_cost = kvr_median(ratios, PAIRS);
    }
    kvr_score_buffers_free(&buffers);
    kvr_lists_free(&lists);
    return rc;
}

/* "3 system calls (the first: getpid by thread 1 in lookat.u8@avx2, CASE)" */
static size_t put_entry(const struct kvr_entry *e, const char *what, char *text, size_t bytes)
{
    int n =
        snprintf(text, bytes, "%llu %s%s (the first: %s by thread %u%s%s%s%s)",
                 (unsigned long long)e->count, what, e->count == 1 ? "" : "s", e->name, e->thread,
                 e->code[0] ? " in " : "", e->code, e->subject[0] ? ", " : "", e->subject);
    return (size_t)n < bytes ? (size_t)n : bytes;
}

void kvr_prove_text(const struct kvr_bypass_counts *counts, char *text, size_t bytes)
{
    static const char *const kinds[] = {"system call", "vDSO call", "page fault",
                                        "voluntary switch"};
    char interrupts[48] = "";
    size_t at = 0;
    for (int kind = 0; kind < KVR_ENTRY_KINDS && at < bytes; kind++)
        if (counts->entries[kind].count) {
            at += (size_t)snprintf(text + at, bytes - at, "%s",
                                   at ? "; " : "the measured code entered the kernel: ");
            if (at < bytes)
                at += put_entry(&counts->entries[kind], kinds[kind], text + at, bytes - at);
        }
    if (at)
        return;
    if (counts->interrupts_known)
        snprintf(interrupts, sizeof interrupts, " and %llu interrupts",
                 (unsigned long long)counts->interrupts);
    snprintf(text, bytes,
             "%llu regions: no kernel entry requested by the measured code; %llu preemptions%s, "
             "%.2f %% of time",
             (unsigned long long)counts->regions, (unsigned long long)counts->preemptions,
             interrupts, counts->total_ns > 0 ? 100 * counts->stolen_ns / counts->total_ns : 0);
}

static void fill_value(const struct kvr_session *s, const struct kvr_bypass_counts *counts,
                       struct kvr_bypass_value *v)
{
    *v = (struct kvr_bypass_value){
        .regions = counts->regions,
        .syscalls = counts->entries[KVR_ENTRY_CALL].count,
        .vdso_calls = counts->entries[KVR_ENTRY_VDSO].count,
        .faults = counts->entries[KVR_ENTRY_FAULT].count,
        .switches = counts->entries[KVR_ENTRY_SWITCH].count,
        .preemptions = counts->preemptions,
        .migrations = counts->migrations,
        .interrupts = counts->interrupts,
        .interrupts_known = counts->interrupts_known,
        .stolen_percent = counts->total_ns > 0 ? 100 * counts->stolen_ns / counts->total_ns : NAN,
        .ready_us = counts->samples ? counts->ready_ns / (double)counts->samples / 1e3 : NAN,
        .t_ratio = NAN,
        .t_ratio_ci95 = {NAN, NAN}};
    if (s->proof_cost.interval) {
        v->t_ratio = s->proof_cost.median;
        v->t_ratio_ci95[0] = s->proof_cost.low;
        v->t_ratio_ci95[1] = s->proof_cost.high;
    }
    snprintf(v->method, sizeof v->method, "%s", kvr_bypass_how(s->bypass));
}

void kvr_prove_conclude(const struct kvr_session *s)
{
    struct kvr_checks *checks = &s->record->checks;
    char text[sizeof((struct kvr_check *)0)->text];
    struct kvr_check *c;
    if (!s->options->prove) {
        c = kvr_check_add(checks, "bypass", KVR_CHECK_UNKNOWN,
                          "whether measured code enters the kernel was not proven");
        snprintf(c->fix, sizeof c->fix, "run with --prove");
        return;
    }
    if (!s->bypass)
        return; /* the run has ended with the reason */
    const struct kvr_bypass_counts *counts = kvr_bypass_counted(s->bypass);
    if (!counts->regions) {
        kvr_check_add(checks, "bypass", KVR_CHECK_UNKNOWN,
                      "the run ended before a region was timed");
        return;
    }
    kvr_prove_text(counts, text, sizeof text);
    c = kvr_check_add(checks, "bypass",
                      kvr_bypass_entries(s->bypass) ? KVR_CHECK_REFUSE : KVR_CHECK_OK, "%s", text);
    if (counts->entries[KVR_ENTRY_FAULT].count || counts->entries[KVR_ENTRY_SWITCH].count)
        snprintf(c->fix, sizeof c->fix,
                 "run again: a page fault that does not recur was the kernel's own doing (huge "
                 "pages collected, pages moved between nodes)");
    fill_value(s, counts, &c->bypass);
}
