/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SET(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

static char **strings(size_t count, ...)
{
    char **list = calloc(count + 1, sizeof *list);
    va_list arguments;
    va_start(arguments, count);
    for (size_t i = 0; list && i < count; i++)
        list[i] = strdup(va_arg(arguments, const char *));
    va_end(arguments);
    return list;
}

static void fill_machine(struct kvr_machine *m)
{
    m->isa.usable = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C | KVR_ISA_AVX512 | KVR_ISA_VNNI;
    m->isa.hidden = KVR_ISA_AMX_INT8;
    SET(m->isa.vendor, "GenuineSample");
    SET(m->isa.name, "Sample 9000 (R)");
    m->isa.family = 6;
    m->isa.model = 143;
    m->isa.stepping = 8;
    m->isa.hypervisor = true;
    SET(m->isa.hypervisor_name, "KVMKVMKVM");
    m->isa.tsc_hz = 2.1e9;
    m->isa.invariant_tsc = true;
    m->cpu_count = 3;
    m->core_count = 2;
    m->cpus[0] = (struct kvr_cpu){0, 0, 0, 0, 0};
    m->cpus[1] = (struct kvr_cpu){2, 1, 0, 1, 1};
    m->cpus[2] = (struct kvr_cpu){3, 1, 1, 1, 2};
    m->cache_count = 2;
    m->caches[0] = (struct kvr_cache_level){1, 32768, 2, 34000};
    m->caches[1] = (struct kvr_cache_level){3, 503316480, 3, 33554432};
    m->node_count = 2;
    m->nodes[0] = (struct kvr_node){.os_index = 0, .total_bytes = 8589934592,
                                    .free_bytes = 4294967296, .cpu_count = 1,
                                    .distances = {10, 21}};
    m->nodes[1] = (struct kvr_node){.os_index = 1, .total_bytes = 8589934593, .free_bytes = 5,
                                    .cpu_count = 2, .distances = {21, 10}};
    m->this_system = true;
    m->mem_total_bytes = 17179869184;
    m->mem_available_bytes = 12345678901;
    m->cgroup_memory_bytes = 9999999999;
    m->cgroup_cpus = 1.5;
    SET(m->kernel, "6.1.0-sample");
    SET(m->hostname, "node7");
    SET(m->thp, "madvise");
    SET(m->clocksource, "tsc");
    SET(m->governor, "performance");
    SET(m->smt, "on");
    SET(m->fingerprint, "0123456789abcdef");
}

static void fill_run(struct kvr_run_record *r)
{
    kvr_run_record_init(r);
    r->complete = true;
    SET(r->version, "0.1.0");
    SET(r->git, "abcdef0-dirty");
    SET(r->compiler, "gcc 12.2.0");
    SET(r->flags, "-O3 -ffp-contract=off");
    SET(r->started, "2026-01-02T03:04:05Z");
    r->duration_s = 41.25;
    r->command = strings(3, "kvroof", "run", "--label=a b");
    r->profile_json = strdup("{\"name\":\"sample\",\"rounds\":9,\"groups\":[{\"tokens\":[512]}]}");
    SET(r->label, "before \"the\" change, \xc3\xbc");
    r->tags = strings(2, "branch=main", "empty=");
    fill_machine(&r->machine);
    r->clock_ghz = 3.1;
    struct kvr_check *check = kvr_check_add(&r->checks, "cache-l3", KVR_CHECK_WARN,
                                            "L3: reported 480M, the plateau ends at 32M");
    SET(check->value, "33554432");
    SET(check->fix, "none needed: the measured size is used");
    kvr_check_add(&r->checks, "counters", KVR_CHECK_UNKNOWN, "measured by run");
    check = kvr_check_add(&r->checks, "bypass", KVR_CHECK_OK,
                          "4321 regions: no kernel entry requested by the measured code; 65 "
                          "preemptions and 9876 interrupts, 1.25 %% of time");
    struct kvr_bypass_value *bypass = &check->bypass;
    bypass->regions = 4321;
    bypass->preemptions = 65;
    bypass->migrations = 2;
    bypass->interrupts = 9876;
    bypass->interrupts_known = true;
    bypass->stolen_percent = 1.25;
    bypass->ready_us = 87.5;
    bypass->t_ratio = 1.0005;
    bypass->t_ratio_ci95[0] = .9985;
    bypass->t_ratio_ci95[1] = 1.0025;
    SET(bypass->method, "syscall user dispatch; vDSO pages closed");
}

static void add_ladder(struct kvr_run_record *record)
{
    static const struct { uint64_t bytes; double value[2]; const char *level; } points[] = {
        {8192, {180.5, 351.25}, "L1"}, {65536, {95.125, 190}, "L2"},
        {1 << 24, {60, 110.75}, "L3"}, {1 << 30, {27.5, 39.4}, "DRAM"},
    };
    for (size_t t = 0; t < 2; t++)
        for (size_t i = 4; i-- > 0;) { /* unordered on purpose */
            struct kvr_ceiling c;
            kvr_ceiling_init(&c);
            SET(c.id, "read/ladder/%zu/%zut", i, t + 1);
            SET(c.kind, "bandwidth");
            SET(c.type, "read");
            SET(c.level, "%s", points[i].level);
            SET(c.layout, "contiguous");
            SET(c.pages, "thp");
            SET(c.unit, "GB/s");
            SET(c.method, "best reader read512x2 of the contiguous family");
            c.threads = (uint32_t)t + 1;
            c.working_set_bytes = points[i].bytes;
            c.value = points[i].value[t];
            if (i != 1) {
                c.ci95[0] = .98 * c.value;
                c.ci95[1] = 1.03 * c.value;
            }
            kvr_record_add_ceiling(record, &c);
        }
}

struct case_line {
    const char *codec, *variant, *isa, *level;
    uint32_t subspaces, tokens, threads;
    uint64_t working_set_bytes;
    double key_bytes, t, m, c, fp16;
    const char *flag;
};

static void add_case(struct kvr_run_record *record, const struct case_line *line)
{
    struct kvr_result r;
    kvr_result_init(&r);
    struct kvr_op_result *o = &r.result;
    r.measured = r.verified = true;
    SET(r.codec, "%s", line->codec);
    SET(r.variant, "%s", line->variant);
    SET(r.isa, "%s", line->isa);
    SET(r.op, "scan");
    SET(r.level, "%s", line->level);
    SET(r.layout, "heads");
    SET(r.pages, "thp");
    SET(r.mem, "local");
    SET(r.checksum, "00ff00ff00ff00ff");
    SET(r.name, "%s.%s@%s/d64/m%u/n%u/%s/%ut/scan/heads/thp", line->codec, line->variant,
        line->isa, line->subspaces, line->tokens, line->level, line->threads);
    r.head_dim = 64;
    r.tokens = line->tokens;
    r.heads = 2048;
    r.group_queries = r.batch = 1;
    r.subspaces = line->subspaces;
    r.entries = line->subspaces ? 256 : 0;
    r.threads = line->threads;
    r.cpus[1] = line->threads > 1 ? 2 : 0;
    r.working_set_bytes = line->working_set_bytes;
    r.key_bytes = line->key_bytes;
    r.cost.stream_bytes = line->key_bytes * line->tokens;
    r.fp16_ns_per_key = line->fp16;
    o->ns_per_key = line->t;
    o->ci95[0] = .992 * line->t;
    o->ci95[1] = 1.008 * line->t;
    o->m_ns_per_key = line->m;
    o->c_ns_per_key = line->c;
    o->gb_per_s = line->key_bytes / line->t;
    o->speedup_vs_fp16 = line->fp16 / line->t;
    o->speedup_ci95[0] = .98 * o->speedup_vs_fp16;
    o->speedup_ci95[1] = 1.02 * o->speedup_vs_fp16;
    o->percent_of_roof = 100 * fmax(line->m, line->c) / line->t;
    o->percent_of_read_roof = 100 * line->m / line->t;
    SET(o->roof, "%s", line->m >= line->c ? "memory" : "core");
    SET(o->basis, "equal-bytes");
    r.rounds = calloc(2, sizeof *r.rounds);
    r.round_count = 2;
    for (size_t i = 0; i < 2; i++) {
        struct kvr_round *x = &r.rounds[i];
        *x = (struct kvr_round){.t_ns = line->t * (1 + .0078125 * (double)i), .m_ns = line->m,
                                .c_ns = line->c, .fp16_ns = line->fp16, .fp16_m_ns = NAN,
                                .fp16_c_ns = NAN, .t_total_ns = NAN, .m_total_ns = NAN,
                                .c_total_ns = NAN, .sentinel_ns = 2.25, .stolen = .015625,
                                .t_first_ns = NAN, .t_first_stolen = NAN, .steal = NAN,
                                .pressure = NAN, .throttled_ms = NAN, .interrupts_per_s = NAN,
                                .clock_ghz = 3.1, .keys = 8388608, .preemptions = (uint32_t)i};
    }
    if (line->flag)
        kvr_result_flag(&r, line->flag);
    if (!strcmp(line->codec, "lookat") && line->tokens == 4096 && line->threads == 1)
        kvr_result_flag(&r, "noisy");
    if (line->flag && !strcmp(line->flag, "ceiling-raised"))
        r.ceiling_raised_percent = 104.5;
    kvr_result_unavailable(&r, "faults", "the kernel refuses to count them (%s)", "EACCES");
    kvr_record_add_result(record, &r);
}

static void add_skips(struct kvr_run_record *record)
{
    struct kvr_result r;
    kvr_result_init(&r);
    SET(r.name, "lookat.u8@avx512vbmi/d64/m4/K256/n512/W1G/1t/scan/heads/thp");
    SET(r.codec, "lookat");
    r.head_dim = 64;
    kvr_result_unavailable(&r, "isa", "this CPU has no avx512vbmi");
    kvr_record_add_result(record, &r);
    kvr_result_init(&r);
    SET(r.name, "odd|name with \x1b[31m control and *stars*");
    kvr_result_unavailable(&r, "budget", "the budget of 60 s was spent");
    kvr_record_add_result(record, &r);
}

static void add_claims(struct kvr_run_record *record)
{
    static const struct kvr_claim claims[] = {
        {"values-cap-saving", "arXiv 2601.10155", "32 times compression of the KV cache",
         "arithmetic", "32", "1.94 with values", "times smaller", "partly",
         "Most favourable: of the keys it is 32 times. Finding: with FP16 values the whole cache "
         "shrinks 1.94 times, and never 2 times."},
        {"kl-above-uniform", "arXiv 2601.10155", "a claim with | and <b>", "fidelity", "8.291",
         "at most 6.93", "nats", "not decidable here", "A timing run holds no model."},
        {"memory-to-compute-shift", "arXiv 2601.10155", "from memory-bound to compute-bound",
         "timing", "shifted", "0 of 2", "", "no", "No kernel we built became\ncompute-bound."},
    };
    record->claims = calloc(3, sizeof *record->claims);
    memcpy(record->claims, claims, sizeof claims);
    record->claim_count = 3;
}

void sample_run(struct kvr_run_record *record)
{
    static const struct case_line lines[] = {
        {"fp16", "fused", "avx512", "DRAM", 0, 512, 1, 1 << 30, 128, 3.5, 3.4, 1.1, 3.5, NULL},
        {"fp16", "fused", "avx512", "DRAM", 0, 4096, 1, 1 << 30, 128, 3.3, 3.2, 1.1, 3.3, NULL},
        {"int8q8", "fused", "avx512vnni", "DRAM", 0, 4096, 1, 1 << 30, 64, 1.72, 1.8, .4, 3.3,
         "ceiling-raised"},
        {"lookat", "f32-gather", "avx512", "DRAM", 4, 512, 1, 1 << 30, 4, 1.25, .21, 1.24, 3.5,
         NULL},
        {"lookat", "u8", "avx512", "DRAM", 4, 512, 1, 1 << 30, 4, .3125, .21, .1, 3.5, NULL},
        {"lookat", "u8", "avx512", "DRAM", 4, 4096, 1, 1 << 30, 4, .125, .119, .08, 3.3,
         "dram-unproven"},
        {"fp16", "fused", "avx512", "DRAM", 0, 4096, 2, 1 << 30, 128, 1.9, 1.85, .55, 1.9, NULL},
        {"lookat", "u8", "avx512", "DRAM", 4, 4096, 2, 1 << 30, 4, .0655, .0625, .04, 1.9, NULL},
        {"lookat", "u8", "avx512", "L2", 4, 512, 1, 1 << 20, 4, .0955, .03, .09, NAN, NULL},
        {"lookat", "u8", "avx512", "L3", 4, 512, 1, 1 << 24, 4, .0995, .06, .09, NAN, NULL},
    };
    fill_run(record);
    add_ladder(record);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        add_case(record, &lines[i]);
    add_skips(record);
    add_claims(record);
    sample_add_crossings(record);
}

static void fill_ceiling(struct kvr_ceiling *c)
{
    kvr_ceiling_init(c);
    SET(c->id, "read/DRAM/2t/heads/8K");
    SET(c->kind, "bandwidth");
    SET(c->type, "read");
    SET(c->dtype, "u8");
    SET(c->level, "DRAM");
    SET(c->isa, "avx512");
    SET(c->pages, "thp");
    SET(c->layout, "heads");
    SET(c->unit, "GB/s");
    SET(c->method, "best of 81");
    c->threads = 2;
    c->working_set_bytes = 1 << 30;
    c->segment_bytes = 8192;
    c->value = 39.400000000000006; /* needs 17 digits */
    c->ci95[0] = 1. / 3;
    c->ci95[1] = 1e300;
    c->family_count = 2;
    c->family = calloc(2, sizeof *c->family);
    SET(c->family[0].name, "read512x2+0");
    c->family[0].value = 38.1;
    SET(c->family[1].name, "read256x1+s4");
    c->family[1].value = 39.400000000000006;
}

static void fill_claim(struct kvr_run_record *record)
{
    record->claims = calloc(1, sizeof *record->claims);
    record->claim_count = 1;
    struct kvr_claim *c = record->claims;
    SET(c->id, "dequantised-traffic");
    SET(c->source, "arXiv 2601.10155");
    SET(c->claim, "INT4 still needs the bandwidth of FP16");
    SET(c->type, "timing");
    SET(c->claimed, "1");
    SET(c->measured, ".31");
    SET(c->unit, "ratio");
    SET(c->holds, "partly");
    SET(c->why, "only for the materialised variant");
}

static void fill_round(struct kvr_round *x)
{
    *x = (struct kvr_round){.process = 1, .t_ns = .1, .m_ns = .2, .c_ns = .3, .fp16_ns = .4,
                            .fp16_m_ns = .5, .fp16_c_ns = .6, .t_total_ns = .7, .m_total_ns = .8,
                            .c_total_ns = .9, .sentinel_ns = 1.1, .stolen = .01,
                            .t_first_ns = .15, .t_first_stolen = .25,
                            .clock_ghz = 3.7, .keys = 1ull << 40, .faults = 2, .switches = 3,
                            .preemptions = 4, .migrations = 5, .steal = .125,
                            .pressure = .25, .throttled_ms = 1.5, .interrupts_per_s = 353.5,
                            .repeated = true,
                            .invalid = false,
                            .e_ns = .35, .e_total_ns = .95,
                            .phases = {{.01, .02, .03}, {.04, .05, .06}, {.07, .08, .09},
                                       {.1, .11, .12}}};
}

static void fill_op(struct kvr_op_result *o)
{
    *o = (struct kvr_op_result){.ns_per_key = .11, .ci95 = {.1, .12}, .cv = .013,
                                .cycles_per_key = .34, .cycles_per_line = 5.4,
                                .m_ns_per_key = .105, .c_ns_per_key = .05,
                                .speedup_vs_fp16 = 30.5, .speedup_ci95 = {30, 31},
                                .keys_per_s = 9.09e9, .gb_per_s = 36.4, .lookups_per_s = 3.6e10,
                                .flops_per_s = 1e9, .arithmetic_intensity = .25,
                                .ridge_point = 11.5, .percent_of_roof = 95.5,
                                .percent_of_roof_ci95 = {94, 97}, .percent_of_read_roof = 95.4,
                                .prepare_share = .0625};
    SET(o->basis, "equal-tokens");
    SET(o->roof, "memory");
}

static void fill_verdict(struct kvr_verdict_record *v)
{
    *v = (struct kvr_verdict_record){.attained = .54, .balance = .36, .balance_ci95 = {.35, .37},
                                     .overlap = .75, .core_limit_ns = .21, .shift_ln_b = .405,
                                     .shift_ci95 = {.39, .42}};
    for (size_t i = 0; i < KVR_MAX_WITNESSES; i++)
        v->witnesses[i].value = v->witnesses[i].ci95[0] = v->witnesses[i].ci95[1] = NAN;
    SET(v->side, "memory");
    SET(v->bound, "latency");
    SET(v->resource, "dependency");
    SET(v->cause, "concurrency");
    SET(v->m_cause, "translation");
    SET(v->shift_vs, "fp16");
    SET(v->shift_says, "moved");
    SET(v->why, "T is %s S", "above");
    snprintf(v->core_limit_resource, sizeof v->core_limit_resource, "load");
    snprintf(v->core_limit_ceiling, sizeof v->core_limit_ceiling, "load/avx512");
    v->core_limit_rate = 7.5;
    v->control_failed = true;
    v->e_ns = .105;
    v->s_ns = .155;
    v->confidence = .998046875;
    v->phases[KVR_PHASE_PREPARE] = (struct kvr_phase_record){.01, .02, .03, "core"};
    v->phases[KVR_PHASE_SCAN] = (struct kvr_phase_record){.04, .05, .06, "memory"};
    v->phases[KVR_PHASE_SOFTMAX] = (struct kvr_phase_record){.07, .08, .09, "balanced"};
    v->phases[KVR_PHASE_VALUES] = (struct kvr_phase_record){.1, .11, .12, "undecided"};
    v->witness_count = 2;
    v->witnesses[0] = (struct kvr_witness_record){"short-stream", .625, {.6, .65}, "stands"};
    v->witnesses[1] = (struct kvr_witness_record){"sensitivity-load", .875, {NAN, NAN}, "full"};
}

static void fill_result(struct kvr_result *r)
{
    kvr_result_init(r);
    SET(r->name, "lookat.u8@avx512/d64/m4/K256/n512/W1G/2t/step/pages:64/2m");
    SET(r->codec, "lookat");
    SET(r->variant, "u8");
    SET(r->isa, "avx512");
    SET(r->op, "step");
    SET(r->level, "DRAM");
    r->head_dim = 64;
    r->tokens = 512;
    r->heads = 99;
    r->group_queries = 8;
    r->batch = 2;
    r->subspaces = 4;
    r->entries = 256;
    r->group = 32;
    SET(r->table, "u8");
    SET(r->encoder, "r5/lambda0.01/block32");
    SET(r->layout, "pages:64");
    SET(r->codebook, "f16");
    SET(r->codebook_residency, "warm");
    SET(r->value_format, "q8");
    r->evict_bytes = 1ull << 33;
    r->tuning = (struct kvr_tuning){.ahead_segments = 8, .ahead_bytes = 512};
    SET(r->tuning.alternatives, "0:5.31 s1:4.02");
    r->tuning.ahead_codebooks = 2;
    SET(r->tuning.codebook_alternatives, "0:9.1 c1:8.4 c2:8.2");
    r->tuning.values_ahead_segments = 4;
    r->tuning.values_ahead_bytes = 1024;
    r->tuning.values_streams = 2;
    SET(r->tuning.values_alternatives, "0:7.5 s4x2:6.25");
    r->codebook_heads = 16;
    r->threads = 2;
    r->cpus[0] = 3, r->cpus[1] = 2;
    SET(r->mem, "node:1, \"far\""); /* to be quoted in CSV */
    SET(r->pages, "2m");
    r->working_set_bytes = 1ull << 34;
    r->lines_in_flight = 19.5;
    r->threads_to_node_roof = 3.25;
    r->key_bytes = 4.5;
    r->residual = 128, r->key_bytes_after_flush = 4.25, r->key_bytes_before_flush = 11.75;
    r->cost = (struct kvr_cost){1, 2, 3, 4, 5, 6, 7, 8, 9};
    r->prepare_flops = 16384;
    r->traffic = (struct kvr_traffic){1.5, 2.5, 3.5, 4.5, 5.5, 6.5};
    r->verified = r->measured = true;
    SET(r->checksum, "0123456789abcdef");
    kvr_result_flag(r, "noisy");
    kvr_result_flag(r, "leaking");
    SET(r->m_member, "read512x2+s4");
    r->fp16_ns_per_key = 3.3;
    r->ceiling_raised_percent = 103.5;
    r->huge_fraction = .875;
    r->placed_fraction = .9375;
    fill_op(&r->result);
    fill_verdict(&r->verdict);
    kvr_result_unavailable(r, "counters", "ENOENT: not exposed by the hypervisor");
    r->rounds = calloc(3, sizeof *r->rounds);
    r->round_count = 3;
    fill_round(&r->rounds[0]);
    fill_round(&r->rounds[1]);
    fill_round(&r->rounds[2]);
    r->rounds[1].t_ns = NAN;
    r->rounds[1].invalid = true;
}

void sample_everything(struct kvr_run_record *record)
{
    struct kvr_ceiling ceiling;
    struct kvr_result result;
    fill_run(record);
    record->verdict_settings = 44;
    record->verdict_right = 40;
    record->verdict_wrong = 1;
    record->verdict_undecided = 3;
    fill_ceiling(&ceiling);
    kvr_record_add_ceiling(record, &ceiling);
    fill_result(&result);
    kvr_record_add_result(record, &result);
    add_skips(record);
    fill_claim(record);
    sample_fill_crossing(record);
    sample_add_numa(record);
}
