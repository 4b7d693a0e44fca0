/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A run of scans, steps and attentions over three lengths, from simple costs of a head.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sample.h"

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

static const uint32_t lengths[] = {512, 4096, 32768};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

/* ns a key of the scan at each length, heads in random order; ns a head of the preparation. */
static const struct kernel {
    const char *codec, *variant, *isa;
    uint32_t subspaces;
    double key_bytes, scan[LENGTHS], contiguous, warm, cold;
    const char *bound[LENGTHS];
} kernels[] = {
    {"fp16", "fused", "avx512", 0, 128, {3.5, 3.3, 3.25}, .97, 0, 0,
     {"memory", "memory", "memory"}},
    {"int8q8", "fused", "avx512vnni", 0, 64, {1.9, 1.72, 1.68}, .96, 30, 30,
     {"memory", "memory", "memory"}},
    {"lookat", "u8", "avx512vbmi", 4, 4, {.205, .125, .108}, .93, 170, 1250,
     {"latency", "memory", "memory"}},
    {"lookat", "f32-gather", "avx512", 4, 4, {1.25, 1.2, 1.19}, .9, 120, 1150,
     {"core", "core", "core"}},
};
enum { KERNELS = sizeof kernels / sizeof *kernels };

static const struct setting {
    const char *op, *layout, *residency;
    uint64_t evict_bytes;
} settings[] = {
    {"scan", "contiguous", "", 0}, {"scan", "heads", "", 0}, {"step", "heads", "warm", 0},
    {"step", "heads", "cold", 0}, {"attention", "heads", "cold", 0},
    {"attention", "heads", "cold", 1 << 26}, {"attention", "pages:16", "cold", 0},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

struct times { double phases[KVR_PHASES], all; };

static struct times times_of(const struct kernel *k, const struct setting *s, size_t length)
{
    struct times t = {{0}, 0};
    double scan = k->scan[length], n = lengths[length];
    if (!strcmp(s->layout, "contiguous"))
        scan *= k->contiguous;
    if (!strcmp(s->layout, "pages:16"))
        scan = 1.05 * scan + .15;
    t.phases[KVR_PHASE_SCAN] = s->evict_bytes ? 1.04 * scan : scan;
    if (strcmp(s->op, "scan"))
        t.phases[KVR_PHASE_PREPARE] = (strcmp(s->residency, "warm") ? k->cold : k->warm) / n;
    if (!strcmp(s->op, "attention")) {
        t.phases[KVR_PHASE_SOFTMAX] = .4;
        t.phases[KVR_PHASE_VALUES] = 3.3;
    }
    for (size_t i = 0; i < KVR_PHASES; i++)
        t.all += t.phases[i];
    return t;
}

/* What most of the time goes to names the whole; two that are alike balance each other. */
static void judge(const struct kernel *k, const struct setting *s, size_t length,
                  const struct times *t, struct kvr_verdict_record *v)
{
    const char *prepare = strcmp(s->residency, "warm") ? "memory" : "core";
    const char *names[KVR_PHASES] = {[KVR_PHASE_PREPARE] = k->subspaces ? prepare : "core",
                                     [KVR_PHASE_SCAN] = k->bound[length],
                                     [KVR_PHASE_SOFTMAX] = "core", [KVR_PHASE_VALUES] = "memory"};
    SET(v->side, "memory");
    SET(v->bound, "balanced");
    for (size_t i = 0; i < KVR_PHASES; i++) {
        if (t->phases[i] > .55 * t->all)
            SET(v->bound, "%s", names[i]);
        if (!strcmp(s->op, "scan") || !(t->phases[i] > 0))
            continue;
        bool core = !strcmp(names[i], "core");
        v->phases[i] = (struct kvr_phase_record){t->phases[i], (core ? .3 : .97) * t->phases[i],
                                                 (core ? .96 : .2) * t->phases[i], ""};
        SET(v->phases[i].bound, "%s", names[i]);
    }
}

static void measure(const struct kernel *k, const struct setting *s, size_t length,
                    struct kvr_result *r)
{
    struct kvr_op_result *o = &r->result;
    struct times t = times_of(k, s, length), fp16 = times_of(&kernels[0], s, length);
    o->ns_per_key = t.all;
    o->ci95[0] = .97 * t.all;
    o->ci95[1] = 1.04 * t.all;
    o->m_ns_per_key = .9 * t.all;
    o->c_ns_per_key = .4 * t.all;
    o->gb_per_s = k->key_bytes / t.all;
    o->speedup_vs_fp16 = fp16.all / t.all;
    o->speedup_ci95[0] = (lengths[length] == 512 ? .85 : .95) * o->speedup_vs_fp16;
    o->speedup_ci95[1] = 1.06 * o->speedup_vs_fp16;
    if (strcmp(s->op, "scan"))
        o->prepare_share = t.phases[KVR_PHASE_PREPARE] / t.all;
    r->fp16_ns_per_key = fp16.all;
    judge(k, s, length, &t, &r->verdict);
}

static void add_case(struct kvr_run_record *record, const struct kernel *k,
                     const struct setting *s, size_t length)
{
    struct kvr_result r;
    char tables[24] = "";
    kvr_result_init(&r);
    r.measured = r.verified = true;
    SET(r.codec, "%s", k->codec);
    SET(r.variant, "%s", k->variant);
    SET(r.isa, "%s", k->isa);
    SET(r.op, "%s", s->op);
    SET(r.level, "DRAM");
    SET(r.layout, "%s", s->layout);
    SET(r.pages, "thp");
    SET(r.mem, "local");
    r.head_dim = 64;
    r.tokens = lengths[length];
    r.group_queries = r.batch = r.threads = 1;
    r.working_set_bytes = 1 << 30;
    r.key_bytes = k->key_bytes;
    r.evict_bytes = s->evict_bytes;
    r.cost.stream_bytes = k->key_bytes * r.tokens;
    if (k->subspaces) {
        r.subspaces = k->subspaces;
        r.entries = 256;
        SET(r.codebook, "%s", strcmp(s->op, "scan") ? "f16" : "");
        SET(r.codebook_residency, "%s", s->residency);
        snprintf(tables, sizeof tables, "/m%u/K256", r.subspaces);
    }
    SET(r.name, "%s.%s@%s/d64%s/n%u/W1G/1t/%s/%s/thp%s%s", k->codec, k->variant, k->isa, tables,
        r.tokens, s->op, s->layout,
        k->subspaces && !strcmp(s->residency, "warm") ? "/cbwarm" : "",
        s->evict_bytes ? "/evict64M" : "");
    measure(k, s, length, &r);
    if (r.subspaces && r.tokens == 4096 && s->evict_bytes)
        kvr_result_flag(&r, "noisy");
    kvr_record_add_result(record, &r);
}

void sample_ops(struct kvr_run_record *record)
{
    struct kvr_run_record run;
    kvr_run_record_init(record);
    sample_run(&run);
    record->machine = run.machine;
    record->complete = true;
    SET(record->started, "%s", run.started);
    SET(record->version, "%s", run.version);
    record->clock_ghz = run.clock_ghz;
    kvr_run_record_free(&run);
    for (size_t s = 0; s < SETTINGS; s++)
        for (size_t length = LENGTHS; length-- > 0;) /* unordered on purpose */
            for (size_t k = 0; k < KERNELS; k++) {
                /* A warm and a cold codebook are one case for what has none. */
                if (strcmp(settings[s].residency, "warm") || kernels[k].subspaces)
                    add_case(record, &kernels[k], &settings[s], length);
            }
}
