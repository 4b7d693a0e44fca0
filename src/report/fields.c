/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fields.h"

#include <math.h>
#include <string.h>

enum {
    POS = KVR_FIELD_POSITIVE, REQ = KVR_FIELD_REQUIRED, ZERO = KVR_FIELD_OMIT_ZERO,
    ID = KVR_FIELD_IDENTIFIES, WHOLE = KVR_FIELD_WHOLE, MEASURED = KVR_FIELD_MEASURED
};

uint64_t kvr_field_integer(const struct kvr_field *field, const void *base)
{
    const char *at = (const char *)base + field->offset;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    if (field->kind == KVR_FIELD_U32) {
        memcpy(&u32, at, sizeof u32);
        return u32;
    }
    memcpy(&u64, at, sizeof u64);
    return u64;
}

void kvr_fields_clear(const struct kvr_field *field, void *base)
{
    for (; field->name; field++) {
        double absent[2] = {NAN, NAN};
        if (field->kind == KVR_FIELD_STRUCT)
            kvr_fields_clear(field->fields, base);
        else if ((field->kind == KVR_FIELD_DOUBLE || field->kind == KVR_FIELD_PAIR) &&
                 !(field->flags & KVR_FIELD_OMIT_ZERO))
            memcpy((char *)base + field->offset, absent, field->bytes);
    }
}

/* ---- the run ---- */
#define F(member, json, unit, how) KVR_FIELD(struct kvr_run_record, member, json, unit, how)
static const struct kvr_field tool_fields[] = {
    F(version, "version", "", 0),
    F(git, "git", "", 0),
    F(compiler, "compiler", "", 0),
    F(flags, "flags", "", 0),
    KVR_FIELD_END,
};
const struct kvr_field kvr_record_fields[] = {
    F(complete, "complete", "", REQ),
    KVR_FIELD_OBJECT("tool", 0, tool_fields),
    F(started, "started", "", 0),
    F(duration_s, "duration_s", "s", 0),
    F(label, "label", "", 0),
    KVR_FIELD_END,
};
const struct kvr_field kvr_verdict_test_fields[] = {
    F(verdict_settings, "settings", "", 0),
    F(verdict_right, "right", "", 0),
    F(verdict_wrong, "wrong", "", 0),
    F(verdict_undecided, "undecided", "", 0),
    KVR_FIELD_END,
};
#undef F

/* ---- the machine ---- */
#define F(member, json, unit, how) KVR_FIELD(struct kvr_machine, member, json, unit, how)
const struct kvr_field kvr_cpu_fields[] = {
    F(isa.vendor, "vendor", "", 0),
    F(isa.family, "family", "", 0),
    F(isa.model, "model", "", 0),
    F(isa.stepping, "stepping", "", 0),
    F(isa.name, "name", "", 0),
    F(isa.tsc_hz, "tsc_hz", "Hz", ZERO),
    F(isa.invariant_tsc, "invariant_tsc", "", 0),
    KVR_FIELD_END,
};
const struct kvr_field kvr_machine_fields[] = {
    F(fingerprint, "fingerprint", "", 0),
    F(hostname, "hostname", "", 0),
    F(kernel, "kernel", "", 0),
    F(microcode, "microcode", "", 0),
    F(thp, "thp", "", 0),
    F(clocksource, "clocksource", "", 0),
    F(smt, "smt", "", 0),
    F(governor, "governor", "", 0),
    F(core_count, "cores", "", ZERO),
    F(mem_total_bytes, "memory_total_bytes", "bytes", ZERO),
    F(mem_available_bytes, "memory_available_bytes", "bytes", ZERO),
    F(this_system, "this_system", "", 0),
    KVR_FIELD_END,
};
const struct kvr_field kvr_cgroup_fields[] = {
    F(cgroup_cpus, "quota", "CPUs", ZERO),
    F(cgroup_memory_bytes, "memory", "bytes", ZERO),
    KVR_FIELD_END,
};
#undef F

#define F(member, json, unit, how) KVR_FIELD(struct kvr_cache_level, member, json, unit, how)
const struct kvr_field kvr_cache_fields[] = {
    F(level, "level", "", REQ),
    F(size_bytes, "size_bytes", "bytes", ZERO),
    F(shared_by, "shared_by", "CPUs", ZERO),
    F(measured_plateau_bytes, "measured_plateau_bytes", "bytes", ZERO),
    KVR_FIELD_END,
};
#undef F

#define F(member, json, unit, how) KVR_FIELD(struct kvr_node, member, json, unit, how)
const struct kvr_field kvr_node_fields[] = {
    F(os_index, "node", "", REQ),
    F(cpu_count, "cpu_count", "", 0),
    F(total_bytes, "total_bytes", "bytes", ZERO),
    F(free_bytes, "free_bytes", "bytes", ZERO),
    KVR_FIELD_END,
};
#undef F

#define F(member, json, unit, how) KVR_FIELD(struct kvr_cpu, member, json, unit, how)
const struct kvr_field kvr_place_fields[] = {
    F(os_index, "cpu", "", REQ),
    F(core, "core", "", 0),
    F(package, "package", "", 0),
    F(node, "node", "", 0),
    F(cache, "cache", "", 0),
    KVR_FIELD_END,
};
#undef F

/* ---- checks, ceilings, claims, crossings ---- */
#define F(member, json, unit, how) KVR_FIELD(struct kvr_check, member, json, unit, how)
const struct kvr_field kvr_check_fields[] = {
    F(id, "id", "", REQ | WHOLE),
    F(text, "text", "", 0),
    F(fix, "fix", "", 0),
    KVR_FIELD_END,
};
#undef F

#define F(member, json, unit, how) KVR_FIELD(struct kvr_bypass_value, member, json, unit, how)
const struct kvr_field kvr_bypass_fields[] = {
    F(regions, "regions", "", REQ),
    F(syscalls, "syscalls", "", REQ),
    F(vdso_calls, "vdso_calls", "", 0),
    F(faults, "faults", "", REQ),
    F(switches, "switches", "", REQ),
    F(preemptions, "preemptions", "", 0),
    F(migrations, "migrations", "", 0),
    F(stolen_percent, "stolen_percent", "%", 0),
    F(ready_us, "ready_us", "us", 0),
    F(t_ratio, "t_ratio", "", 0),
    F(t_ratio_ci95, "t_ratio_ci95", "", 0),
    F(method, "method", "", 0),
    KVR_FIELD_END,
};
#undef F

#define F(member, json, unit, how) KVR_FIELD(struct kvr_ceiling, member, json, unit, how)
const struct kvr_field kvr_ceiling_fields[] = {
    F(id, "id", "", REQ | WHOLE),
    F(kind, "kind", "", REQ),
    F(type, "type", "", 0),
    F(dtype, "dtype", "", 0),
    F(level, "level", "", 0),
    F(isa, "isa", "", 0),
    F(threads, "threads", "", ZERO),
    F(pages, "pages", "", 0),
    F(layout, "layout", "", 0),
    F(working_set_bytes, "working_set_bytes", "bytes", ZERO),
    F(segment_bytes, "segment_bytes", "bytes", ZERO),
    F(value, "value", "", POS),
    F(unit, "unit", "", 0),
    F(ci95, "ci95", "", 0),
    F(method, "method", "", 0),
    KVR_FIELD_END,
};
#undef F

#define F(member, json, unit, how) KVR_FIELD(struct kvr_claim, member, json, unit, how)
const struct kvr_field kvr_claim_fields[] = {
    F(id, "id", "", REQ | WHOLE),
    F(source, "source", "", 0),
    F(claim, "claim", "", 0),
    F(type, "type", "", 0),
    F(claimed, "claimed", "", 0),
    F(measured, "measured", "", 0),
    F(unit, "unit", "", 0),
    F(holds, "holds", "", 0),
    F(why, "why", "", 0),
    KVR_FIELD_END,
};
#undef F

#define F(member, json, unit, how) KVR_FIELD(struct kvr_numa_cell, member, json, unit, how)
const struct kvr_field kvr_numa_cell_fields[] = {
    F(cpu_node, "cpu_node", "", REQ),
    F(mem_node, "mem_node", "", REQ),
    F(gb_per_s, "gb_per_s", "GB/s", POS),
    F(latency_ns, "latency_ns", "ns", POS),
    F(distance, "distance", "", ZERO),
    F(threads, "threads", "", ZERO),
    F(working_set_bytes, "working_set_bytes", "bytes", ZERO),
    F(reader, "reader", "", 0),
    F(placed_fraction, "placed_fraction", "", 0),
    KVR_FIELD_END,
};
#undef F

#define F(member, json, unit, how) KVR_FIELD(struct kvr_crossing, member, json, unit, how)
const struct kvr_field kvr_crossing_fields[] = {
    F(what, "what", "", REQ),
    F(axis, "axis", "", REQ),
    F(series, "series", "", REQ),
    F(reached, "reached", "", REQ),
    F(at, "at", "", POS),
    F(ci95, "ci95", "", 0),
    F(flagged, "flagged", "", 0),
    F(why, "why", "", 0),
    KVR_FIELD_END,
};
#undef F

/* ---- results ---- */
#define F(member, json, unit, how) KVR_FIELD(struct kvr_result, member, json, unit, how)
static const struct kvr_field tuning_fields[] = {
    F(tuning.ahead_segments, "ahead_segments", "", 0),
    F(tuning.ahead_bytes, "ahead_bytes", "bytes", 0),
    F(tuning.streams, "streams", "", ZERO),
    F(tuning.alternatives, "alternatives", "", 0),
    F(tuning.ahead_codebooks, "ahead_codebooks", "", ZERO),
    F(tuning.codebook_alternatives, "codebook_alternatives", "", 0),
    F(tuning.values_ahead_segments, "values_ahead_segments", "", ZERO),
    F(tuning.values_ahead_bytes, "values_ahead_bytes", "bytes", ZERO),
    F(tuning.values_streams, "values_streams", "", ZERO),
    F(tuning.values_alternatives, "values_alternatives", "", 0),
    KVR_FIELD_END,
};
static const struct kvr_field cost_fields[] = {
    F(cost.stream_bytes, "stream_bytes", "bytes", 0),
    F(cost.side_bytes, "side_bytes", "bytes", 0),
    F(cost.score_bytes, "score_bytes", "bytes", 0),
    F(cost.written_bytes, "written_bytes", "bytes", 0),
    F(cost.useful_flops, "useful_flops", "", 0),
    F(cost.executed_flops, "executed_flops", "", 0),
    F(cost.int_ops, "int_ops", "", 0),
    F(cost.lookups, "lookups", "", 0),
    F(cost.converts, "converts", "", 0),
    F(prepare_flops, "prepare_flops", "", 0),
    KVR_FIELD_END,
};
static const struct kvr_field traffic_fields[] = {
    F(traffic.l1, "l1", "bytes/key", 0),
    F(traffic.l1_l2, "l1_l2", "bytes/key", 0),
    F(traffic.l2_l3, "l2_l3", "bytes/key", 0),
    F(traffic.mem_read, "mem_read", "bytes/key", 0),
    F(traffic.mem_write, "mem_write", "bytes/key", 0),
    F(traffic.mem_allocate, "mem_allocate", "bytes/key", 0),
    KVR_FIELD_END,
};
const struct kvr_field kvr_result_fields[] = {
    F(name, "name", "", REQ | ID | WHOLE),
    F(codec, "codec", "", MEASURED | ID),
    F(variant, "variant", "", MEASURED | ID),
    F(isa, "isa", "", ID),
    F(op, "op", "", MEASURED | ID | WHOLE),
    F(level, "level", "", ID),
    F(head_dim, "head_dim", "", MEASURED | ID),
    F(tokens, "tokens", "", MEASURED | ID),
    F(heads, "heads", "", ZERO | ID),
    F(group_queries, "group_queries", "", ZERO | ID),
    F(batch, "batch", "", ZERO | ID),
    F(subspaces, "subspaces", "", ZERO | ID),
    F(entries, "entries", "", ZERO | ID),
    F(group, "group", "", ZERO | ID),
    F(table, "table", "", ID),
    F(encoder, "encoder", "", 0),
    F(layout, "layout", "", ID),
    F(codebook, "codebook", "", ID),
    F(codebook_residency, "codebook_residency", "", ID),
    F(codebook_heads, "codebook_heads", "", ZERO),
    F(value_format, "value_format", "", ID),
    F(evict_bytes, "evict_bytes", "bytes", ID),
    F(threads, "threads", "", MEASURED | ID),
    F(mem, "mem", "", ID),
    F(pages, "pages", "", ID),
    F(working_set_bytes, "working_set_bytes", "bytes", ZERO | ID),
    F(key_bytes, "key_bytes", "bytes/key", 0),
    F(residual, "residual", "keys", ZERO),
    F(key_bytes_after_flush, "key_bytes_after_flush", "bytes/key", 0),
    F(key_bytes_before_flush, "key_bytes_before_flush", "bytes/key", 0),
    KVR_FIELD_OBJECT("tuning", 0, tuning_fields),
    KVR_FIELD_OBJECT("cost", 0, cost_fields),
    KVR_FIELD_OBJECT("traffic", 0, traffic_fields),
    F(verified, "verified", "", 0),
    F(checksum, "checksum", "", 0),
    F(m_member, "m_member", "", 0),
    F(fp16_ns_per_key, "fp16_ns_per_key", "ns/key", POS),
    F(ceiling_raised_percent, "ceiling_raised_percent", "%", POS),
    F(huge_fraction, "huge_fraction", "", 0),
    F(placed_fraction, "placed_fraction", "", 0),
    F(lines_in_flight, "lines_in_flight", "lines", POS),
    F(threads_to_node_roof, "threads_to_node_roof", "threads", POS),
    KVR_FIELD_END,
};
#undef F

#define F(member, json, unit, how) KVR_FIELD(struct kvr_round, member, json, unit, how)
#define PHASE_TIMES(i, table)                                                                      \
    static const struct kvr_field table[] = {                                                      \
        F(phases[i].t_ns, "t_ns", "ns/key", POS | ZERO),                                           \
        F(phases[i].m_ns, "m_ns", "ns/key", POS | ZERO),                                           \
        F(phases[i].c_ns, "c_ns", "ns/key", POS | ZERO),                                           \
        KVR_FIELD_END,                                                                             \
    };
PHASE_TIMES(KVR_PHASE_PREPARE, round_prepare_fields)
PHASE_TIMES(KVR_PHASE_SCAN, round_scan_fields)
PHASE_TIMES(KVR_PHASE_SOFTMAX, round_softmax_fields)
PHASE_TIMES(KVR_PHASE_VALUES, round_values_fields)
#undef PHASE_TIMES
static const struct kvr_field round_phases_fields[] = {
    KVR_FIELD_OBJECT("prepare", 0, round_prepare_fields),
    KVR_FIELD_OBJECT("scan", 0, round_scan_fields),
    KVR_FIELD_OBJECT("softmax", 0, round_softmax_fields),
    KVR_FIELD_OBJECT("values", 0, round_values_fields),
    KVR_FIELD_END,
};
const struct kvr_field kvr_round_fields[] = {
    F(process, "process", "", 0),
    F(t_ns, "t_ns", "ns/key", POS),
    F(m_ns, "m_ns", "ns/key", POS),
    F(c_ns, "c_ns", "ns/key", POS),
    F(fp16_ns, "fp16_ns", "ns/key", POS),
    F(fp16_m_ns, "fp16_m_ns", "ns/key", POS),
    F(fp16_c_ns, "fp16_c_ns", "ns/key", POS),
    F(t_total_ns, "t_total_ns", "ns/key", POS),
    F(m_total_ns, "m_total_ns", "ns/key", POS),
    F(c_total_ns, "c_total_ns", "ns/key", POS),
    F(e_ns, "e_ns", "ns/key", POS | ZERO),
    F(e_total_ns, "e_total_ns", "ns/key", POS | ZERO),
    F(sentinel_ns, "sentinel_ns", "ns/line", POS),
    F(stolen, "stolen", "fraction", 0),
    F(t_first_ns, "t_first_ns", "ns/key", POS),
    F(t_first_stolen, "t_first_stolen", "fraction", 0),
    F(clock_ghz, "clock_ghz", "GHz", POS),
    KVR_FIELD_OBJECT("phases", 0, round_phases_fields),
    F(keys, "keys", "", 0),
    F(faults, "faults", "", 0),
    F(switches, "switches", "", 0),
    F(preemptions, "preemptions", "", 0),
    F(migrations, "migrations", "", 0),
    F(steal, "steal", "fraction", 0),
    F(pressure, "pressure", "fraction", 0),
    F(throttled_ms, "throttled_ms", "ms", 0),
    F(interrupts_per_s, "interrupts_per_s", "1/s", 0),
    F(repeated, "repeated", "", 0),
    F(invalid, "void", "", 0),
    KVR_FIELD_END,
};
#undef F

#define F(member, json, unit, how) KVR_FIELD(struct kvr_op_result, member, json, unit, how)
const struct kvr_field kvr_op_fields[] = {
    F(ns_per_key, "ns_per_key", "ns/key", POS),
    F(ci95, "ci95", "ns/key", 0),
    F(cv, "cv", "", 0),
    F(cycles_per_key, "cycles_per_key", "cycles/key", POS),
    F(cycles_per_line, "cycles_per_line", "cycles/line", POS),
    F(m_ns_per_key, "m_ns_per_key", "ns/key", POS),
    F(c_ns_per_key, "c_ns_per_key", "ns/key", POS),
    F(speedup_vs_fp16, "speedup_vs_fp16", "", POS),
    F(speedup_ci95, "speedup_ci95", "", 0),
    F(basis, "basis", "", 0),
    F(keys_per_s, "keys_per_s", "1/s", 0),
    F(gb_per_s, "gb_per_s", "GB/s", 0),
    F(lookups_per_s, "lookups_per_s", "1/s", 0),
    F(flops_per_s, "flops_per_s", "1/s", 0),
    F(arithmetic_intensity, "arithmetic_intensity", "flop/byte", 0),
    F(ridge_point, "ridge_point", "flop/byte", 0),
    F(percent_of_roof, "percent_of_roof", "%", 0),
    F(percent_of_roof_ci95, "percent_of_roof_ci95", "%", 0),
    F(roof, "roof", "", 0),
    F(percent_of_read_roof, "percent_of_read_roof", "%", 0),
    F(prepare_share, "prepare_share", "", 0),
    KVR_FIELD_END,
};
#undef F

#define F(member, json, unit, how) KVR_FIELD(struct kvr_verdict_record, member, json, unit, how)
static const struct kvr_field shift_fields[] = {
    F(shift_vs, "vs", "", 0),
    F(shift_ln_b, "ln_b", "", 0),
    F(shift_ci95, "ci95", "", 0),
    F(shift_says, "says", "", 0),
    KVR_FIELD_END,
};
#define PHASE(i, table)                                                                            \
    static const struct kvr_field table[] = {                                                      \
        F(phases[i].t_ns, "t_ns", "ns/key", POS),                                                  \
        F(phases[i].m_ns, "m_ns", "ns/key", POS),                                                  \
        F(phases[i].c_ns, "c_ns", "ns/key", POS),                                                  \
        F(phases[i].bound, "bound", "", 0),                                                        \
        KVR_FIELD_END,                                                                             \
    };
PHASE(KVR_PHASE_PREPARE, prepare_fields)
PHASE(KVR_PHASE_SCAN, scan_fields)
PHASE(KVR_PHASE_SOFTMAX, softmax_fields)
PHASE(KVR_PHASE_VALUES, values_fields)
#undef PHASE
static const struct kvr_field phases_fields[] = {
    KVR_FIELD_OBJECT("prepare", 0, prepare_fields),
    KVR_FIELD_OBJECT("scan", 0, scan_fields),
    KVR_FIELD_OBJECT("softmax", 0, softmax_fields),
    KVR_FIELD_OBJECT("values", 0, values_fields),
    KVR_FIELD_END,
};
const struct kvr_field kvr_verdict_fields[] = {
    F(side, "side", "", REQ),
    F(attained, "attained", "", 0),
    F(bound, "bound", "", 0),
    F(resource, "resource", "", 0),
    F(cause, "cause", "", 0),
    F(m_cause, "m_cause", "", 0),
    F(balance, "balance", "", 0),
    F(balance_ci95, "balance_ci95", "", 0),
    F(overlap, "overlap", "", 0),
    F(e_ns, "e_ns", "ns/key", POS),
    F(s_ns, "s_ns", "ns/key", POS),
    F(confidence, "confidence", "", 0),
    F(core_limit_ns, "core_limit_ns", "ns/key", POS),
    F(core_limit_resource, "core_limit_resource", "", 0),
    F(core_limit_rate, "core_limit_rate", "Gop/s", POS),
    F(core_limit_ceiling, "core_limit_ceiling", "", 0),
    F(control_failed, "control_failed", "", 0),
    KVR_FIELD_OBJECT("phases", 0, phases_fields),
    KVR_FIELD_OBJECT("shift", 0, shift_fields),
    F(why, "why", "", 0),
    KVR_FIELD_END,
};
#undef F

#define F(member, json, unit, how) KVR_FIELD(struct kvr_witness_record, member, json, unit, how)
const struct kvr_field kvr_witness_fields[] = {
    F(id, "id", "", REQ),
    F(value, "value", "", 0),
    F(ci95, "ci95", "", 0),
    F(says, "says", "", 0),
    KVR_FIELD_END,
};
#undef F
