/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof list: what this program and this machine have.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/peak.h"
#include "../codec/codec.h"
#include "../machine/isa.h"
#include "../machine/machine.h"
#include "../study/counting.h"
#include "../study/facts.h"
#include "../study/profile.h"
#include "../study/select.h"
#include "args.h"
#include "check_rows.h"
#include "codec_rows.h"
#include "commands.h"
#include "list_rows.h"

#define COLUMNS(array) (array), sizeof(array) / sizeof *(array)

/* Keys beyond the characters: long options only. */
enum { OPTION_FORMAT = 256, OPTION_ALL };

struct arguments {
    struct kvr_args args; /* first: see args.h */
    const char *topic;
    bool json, all;
};

/* ---- topology ---- */

static const struct kvr_list_column topology_columns[] = {
    {"object", KVR_LIST_TEXT},      {"index", KVR_LIST_NUMBER}, {"package", KVR_LIST_NUMBER},
    {"core", KVR_LIST_NUMBER},      {"node", KVR_LIST_NUMBER},  {"cache", KVR_LIST_NUMBER},
    {"cpus", KVR_LIST_NUMBER},      {"size_bytes", KVR_LIST_BYTES},
    {"free_bytes", KVR_LIST_BYTES}, {"note", KVR_LIST_TEXT},
};

static void add_bytes(struct kvr_rows *rows, uint64_t bytes)
{
    if (bytes)
        kvr_rows_add(rows, "%" PRIu64, bytes);
    else
        kvr_rows_add(rows, "%s", ""); /* not told */
}

static void add_blank(struct kvr_rows *rows, size_t count)
{
    while (count--)
        kvr_rows_add(rows, "%s", "");
}

static void add_node(struct kvr_rows *rows, const struct kvr_machine *machine,
                     const struct kvr_node *node)
{
    char distances[512] = "";
    size_t length = 0;
    for (size_t i = 0; i < machine->node_count && length < sizeof distances; i++)
        if (node->distances[i])
            length += (size_t)snprintf(distances + length, sizeof distances - length,
                                       "%s%" PRIu32, length ? " " : "distances ",
                                       node->distances[i]);
    kvr_rows_add(rows, "node");
    kvr_rows_add(rows, "%" PRIu32, node->os_index);
    add_blank(rows, 4);
    kvr_rows_add(rows, "%" PRIu32, node->cpu_count);
    add_bytes(rows, node->total_bytes);
    add_bytes(rows, node->free_bytes);
    kvr_rows_add(rows, "%s", distances);
}

static void add_machine(struct kvr_rows *rows, const struct kvr_machine *machine)
{
    kvr_rows_add(rows, "machine");
    add_blank(rows, 5);
    kvr_rows_add(rows, "%zu", machine->cpu_count);
    add_bytes(rows, machine->mem_total_bytes);
    add_bytes(rows, kvr_machine_usable_bytes(machine));
    kvr_rows_add(rows, "%zu core%s, %zu node%s, %s, fingerprint %s", machine->core_count,
                 machine->core_count == 1 ? "" : "s", machine->node_count,
                 machine->node_count == 1 ? "" : "s", machine->this_system ? "this system" :
                 "a foreign topology: nothing is pinned", machine->fingerprint);
}

static void list_topology(struct kvr_rows *rows, const struct kvr_machine *machine)
{
    for (size_t i = 0; i < machine->cpu_count; i++) {
        const struct kvr_cpu *cpu = &machine->cpus[i];
        kvr_rows_add(rows, "cpu");
        kvr_rows_add(rows, "%" PRIu32, cpu->os_index);
        kvr_rows_add(rows, "%" PRIu32, cpu->package);
        kvr_rows_add(rows, "%" PRIu32, cpu->core);
        kvr_rows_add(rows, "%" PRIu32, cpu->node);
        kvr_rows_add(rows, "%" PRIu32, cpu->cache);
        kvr_rows_end(rows);
    }
    for (size_t i = 0; i < machine->cache_count; i++) {
        const struct kvr_cache_level *cache = &machine->caches[i];
        kvr_rows_add(rows, "cache");
        kvr_rows_add(rows, "%" PRIu32, cache->level);
        add_blank(rows, 4);
        kvr_rows_add(rows, "%" PRIu32, cache->shared_by);
        add_bytes(rows, cache->size_bytes);
        add_blank(rows, 1);
        kvr_rows_add(rows, "as reported");
    }
    for (size_t i = 0; i < machine->node_count; i++)
        add_node(rows, machine, &machine->nodes[i]);
    add_machine(rows, machine);
}

/* ---- isa, kernels ---- */

static const struct kvr_list_column isa_columns[] = {{"name", KVR_LIST_TEXT},
                                                     {"state", KVR_LIST_TEXT}};

static void list_isa(struct kvr_rows *rows, const struct kvr_machine *machine)
{
    for (unsigned i = 0; i < kvr_isa_bit_count(); i++) {
        uint64_t bit = UINT64_C(1) << i;
        kvr_rows_add(rows, "%s", kvr_isa_bit_name(bit));
        kvr_rows_add(rows, "%s", machine->isa.usable & bit   ? "usable"
                                 : machine->isa.hidden & bit ? "withheld"
                                                             : "absent");
    }
}

static const struct kvr_list_column kernel_columns[] = {
    {"name", KVR_LIST_TEXT},
    {"format", KVR_LIST_TEXT},
    {"usable", KVR_LIST_TEXT},
    {"why", KVR_LIST_TEXT},
};

/* The cells `usable` and `why`: which required bits are missing, and whether the CPU or the
 * operating system is the cause. */
static void add_usable(struct kvr_rows *rows, const struct kvr_isa_info *isa, uint64_t required)
{
    char why[256] = "";
    size_t length = 0;
    uint64_t missing = required & ~isa->usable;
    for (unsigned i = 0; i < kvr_isa_bit_count() && length < sizeof why; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if (missing & bit)
            length += (size_t)snprintf(why + length, sizeof why - length, "%s%s%s",
                                       length ? ", " : "needs ", kvr_isa_bit_name(bit),
                                       isa->hidden & bit ? " (withheld)" : "");
    }
    kvr_rows_add(rows, "%s", missing ? "no" : "yes");
    kvr_rows_add(rows, "%s", missing && !why[0] ? "needs an unknown feature" : why);
}

static void add_kernel(struct kvr_rows *rows, const struct kvr_isa_info *isa, const char *codec,
                       const char *variant, const struct kvr_kernel *kernel)
{
    kvr_rows_add(rows, "%s.%s@%s", codec, variant, kernel->isa_name);
    kvr_rows_add(rows, "%s", kernel->format->name);
    add_usable(rows, isa, kernel->isa);
}

static void list_kernels(struct kvr_rows *rows, const struct kvr_machine *machine, bool all)
{
    size_t count = 0, peak_count = 0;
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    const struct kvr_peak *const *peaks = kvr_peaks(&peak_count);
    for (size_t i = 0; i < 2 * count; i++) { /* of the codes, then of a copy of them */
        const struct kvr_kernel *kernel = kernels[i % count];
        bool used = i >= count;
        for (const struct kvr_codec *const *codec = kvr_codecs(); *codec; codec++) {
            const char *variant = kvr_codec_variant(*codec, kernel, i >= count, UINT64_MAX);
            if (!variant)
                continue;
            add_kernel(rows, &machine->isa, (*codec)->name, variant, kernel);
            used = true;
        }
        if (!used) /* an instrument of its own, under its format's name */
            add_kernel(rows, &machine->isa, kernel->format->name, kernel->variant, kernel);
    }
    for (size_t i = 0; all && i < peak_count; i++) {
        kvr_rows_add(rows, "peak.%s@%s", peaks[i]->name, peaks[i]->isa_name);
        kvr_rows_add(rows, "%s", peaks[i]->kind == KVR_PEAK_READ ? "reader" : "rate");
        add_usable(rows, &machine->isa, peaks[i]->isa);
    }
}

/* ---- profiles ---- */

static const struct kvr_list_column profile_columns[] = {
    {"name", KVR_LIST_TEXT},
    {"description", KVR_LIST_TEXT},
    {"path", KVR_LIST_NOTE},
};

static void add_profile(const char *name, const char *description, const char *path, void *arg)
{
    struct kvr_rows *rows = arg;
    kvr_rows_add(rows, "%s", name);
    kvr_rows_add(rows, "%s", description);
    kvr_rows_add(rows, "%s", path);
}

static void list_checks(struct kvr_rows *rows, const struct kvr_machine *machine)
{
    struct kvr_checks checks = {0};
    kvr_facts_check(machine, &checks);
    kvr_check_rows(&checks, rows);
    kvr_checks_free(&checks);
}

/* ---- counters ---- */

static const struct kvr_list_column counter_columns[] = {
    {"name", KVR_LIST_TEXT},
    {"unit", KVR_LIST_TEXT},
    {"state", KVR_LIST_TEXT},
    {"meaning", KVR_LIST_TEXT},
    {"why", KVR_LIST_NOTE},
};

static void add_counter(const struct kvr_event *event, const char *why, void *arg)
{
    struct kvr_rows *rows = arg;
    kvr_rows_add(rows, "%s", event->name);
    kvr_rows_add(rows, "%s", event->unit[0] ? event->unit : "events");
    kvr_rows_add(rows, "%s", why[0] ? "unavailable" : "counts");
    kvr_rows_add(rows, "%s", event->meaning);
    kvr_rows_add(rows, "%s", why);
}

/* ---- the command ---- */

struct topic {
    const char *name;
    const struct kvr_list_column *columns; /* NULL: those of check_rows.c */
    size_t column_count;
    bool needs_machine;
};

static const struct topic topics[] = {
    {"kernels", COLUMNS(kernel_columns), true},
    {"codecs", kvr_codec_columns, KVR_CODEC_COLUMNS, false},
    {"profiles", COLUMNS(profile_columns), false}, {"isa", COLUMNS(isa_columns), true},
    {"topology", COLUMNS(topology_columns), true}, {"checks", NULL, 0, true},
    {"counters", COLUMNS(counter_columns), true},
};
enum { TOPIC_COUNT = sizeof topics / sizeof *topics };

static const struct topic *find_topic(const char *name)
{
    for (size_t i = 0; i < TOPIC_COUNT; i++)
        if (strcmp(topics[i].name, name) == 0)
            return &topics[i];
    return NULL;
}

static int unknown_topic(const char *name)
{
    const char *names[TOPIC_COUNT];
    for (size_t i = 0; i < TOPIC_COUNT; i++)
        names[i] = topics[i].name;
    const char *nearest = kvr_nearest(name, names, TOPIC_COUNT);
    if (nearest)
        return kvr_fail(KVR_EXIT_USAGE, "list: no topic \"%s\"; the nearest is \"%s\"", name,
                        nearest);
    return kvr_fail(KVR_EXIT_USAGE, "list: no topic \"%s\"; there are kernels, codecs, profiles, "
                    "isa, topology, checks and counters", name);
}

static const struct argp_option options_table[] = {
    {"format", OPTION_FORMAT, "FORMAT", 0, "table or json [table]", 0},
    {"all", OPTION_ALL, NULL, 0, "kernels: also the readers and rate loops that measure the "
     "machine's ceilings; codecs: also published systems that have no scan here, and why", 0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}};

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case OPTION_FORMAT:
        a->json = !strcmp(text, "json");
        if (!a->json && strcmp(text, "table"))
            return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "--format %.40s: give table or json",
                                 text);
        return 0;
    case OPTION_ALL:
        a->all = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->topic)
            return kvr_args_fail(&a->args, KVR_EXIT_USAGE, "one topic at a time, not \"%.40s\" and "
                                 "\"%.40s\"", a->topic, text);
        a->topic = text;
        return 0;
    default:
        return kvr_args_key(key, text, state);
    }
}

const struct argp kvr_list_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "kernels|codecs|profiles|isa|topology|checks|counters",
    .doc = "What this program and this machine have."
           "\vExamples:\n"
           "  kvroof list kernels            every kernel, and whether it can run here\n"
           "  kvroof list topology           CPUs, caches as reported, NUMA nodes\n"
           "  kvroof list checks --format json\n"
           "  kvroof list counters           what --counters perf:EVENT can name\n"
           "Key bytes of codecs are for head dimension 64; lookup codecs whose number of subspaces "
           "is free with 4.",
};

static int fill_rows(struct kvr_rows *rows, const struct topic *topic, bool all)
{
    struct kvr_machine machine;
    const char *why = "";
    int failed = 0;
    char error[400] = "";
    if (topic->needs_machine && kvr_machine_load(&machine, NULL, &why))
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "list: %s", why);
    if (topic->columns == topology_columns)
        list_topology(rows, &machine);
    else if (topic->columns == isa_columns)
        list_isa(rows, &machine);
    else if (topic->columns == kernel_columns)
        list_kernels(rows, &machine, all);
    else if (topic->columns == kvr_codec_columns)
        kvr_codec_rows(rows, all);
    else if (topic->columns == counter_columns)
        failed = kvr_counting_list(&machine, add_counter, rows, error, sizeof error);
    else if (!topic->columns)
        list_checks(rows, &machine);
    else
        failed = kvr_profiles_list(add_profile, rows);
    if (failed)
        return kvr_fail(failed == -EINVAL ? KVR_EXIT_USAGE : KVR_EXIT_IO, "list: %s",
                        error[0] ? error : "out of memory");
    return KVR_EXIT_OK;
}

int kvr_cmd_list(int argc, char **argv)
{
    struct arguments arguments = {.args.command = "kvroof list"};
    int code = kvr_args_parse(&kvr_list_argp, &arguments.args, argc, argv);
    if (code || arguments.args.done)
        return code;
    if (!arguments.topic)
        return kvr_fail(KVR_EXIT_USAGE, "list: what? kernels, codecs, profiles, isa, topology, "
                        "checks or counters");
    const struct topic *topic = find_topic(arguments.topic);
    if (!topic)
        return unknown_topic(arguments.topic);
    struct kvr_rows rows = {.columns = topic->columns, .column_count = topic->column_count};
    code = fill_rows(&rows, topic, arguments.all);
    if (code == KVR_EXIT_OK) {
        int rc = arguments.json ? kvr_rows_json(&rows, stdout) : kvr_rows_table(&rows, stdout);
        if (rc)
            code = kvr_fail(KVR_EXIT_IO, "list: cannot print: %s", strerror(-rc));
    }
    kvr_rows_free(&rows);
    return code;
}
