/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "option_values.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../study/values.h"
#include "cpus.h"
#include "outputs.h"

enum { WHY_BYTES = 240 };

error_t kvr_option_refuse(struct option_state *state, int code, const char *option,
                          const char *text, const char *why)
{
    return kvr_args_fail(&state->args, code, "--%s: '%.80s' %s", option, text, why);
}

error_t kvr_option_too_many(struct option_state *state, const char *option, size_t most)
{
    return kvr_args_fail(&state->args, KVR_EXIT_USAGE, "--%s: more than %zu values", option, most);
}

static struct kvr_machine *load_machine(struct option_state *state)
{
    const char *why = NULL;
    if (state->machine)
        return state->machine;
    struct kvr_machine *machine = malloc(sizeof *machine);
    int status = machine ? kvr_machine_load(machine, NULL, &why) : -ENOMEM;
    if (status) {
        kvr_args_fail(&state->args, KVR_EXIT_IMPOSSIBLE, "this machine cannot be described: %s",
                      why ? why : strerror(-status));
        free(machine);
        return NULL;
    }
    state->machine = machine;
    return machine;
}

void kvr_option_state_free(struct option_state *state)
{
    free(state->machine);
    state->machine = NULL;
}

static error_t set_cpus(struct option_state *state, const char *text)
{
    char why[WHY_BYTES];
    struct kvr_options *o = state->options;
    const struct kvr_machine *machine = NULL;
    if (kvr_cpus_by_domain(text) && !(machine = load_machine(state)))
        return EINVAL;
    int status =
        kvr_cpus_parse(text, machine, o->cpus, KVR_MAX_CPUS, &o->cpu_count, why, sizeof why);
    if (status)
        return kvr_option_refuse(state, status == -ENODEV ? KVR_EXIT_IMPOSSIBLE : KVR_EXIT_USAGE,
                                 "cpus", text, why);
    return 0;
}

static error_t set_max_mem(struct option_state *state, const char *text)
{
    char why[WHY_BYTES], number[64];
    size_t length = strlen(text);
    uint64_t percent = 0;
    if (!length || text[length - 1] != '%') {
        if (kvr_size_parse(text, 1 << 22, UINT64_C(1) << 50, &state->options->max_mem_bytes, why,
                           sizeof why))
            return kvr_option_refuse(state, KVR_EXIT_USAGE, "max-mem", text, why);
        return 0;
    }
    snprintf(number, sizeof number, "%.*s", (int)length - 1, text);
    if (kvr_count_parse(number, 1, 100, &percent, why, sizeof why))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, "max-mem", text, why);
    const struct kvr_machine *machine = load_machine(state);
    if (!machine)
        return EINVAL;
    uint64_t usable = kvr_machine_usable_bytes(machine);
    if (!usable)
        return kvr_option_refuse(
            state, KVR_EXIT_IMPOSSIBLE, "max-mem", text,
            "of an unknown amount: this system does not tell its memory; give bytes");
    state->options->max_mem_bytes = usable / 100 * percent;
    return 0;
}

static error_t set_evict(struct option_state *state, const char *text)
{
    char why[WHY_BYTES];
    struct kvr_options *o = state->options;
    o->evict_given = true;
    if (kvr_size_parse(text, 0, KVR_MAX_EVICT_BYTES, &o->evict_bytes, why, sizeof why))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, "evict", text, why);
    return 0;
}

static error_t set_output(struct option_state *state, const char *text)
{
    struct kvr_options *o = state->options;
    char why[400];
    if (o->output_count == KVR_MAX_OUTPUTS)
        return kvr_option_too_many(state, "output", KVR_MAX_OUTPUTS);
    if (kvr_output_parse(text, &o->outputs[o->output_count], why, sizeof why))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, "output", text, why);
    o->output_count++;
    return 0;
}

static error_t set_step_summary(struct option_state *state)
{
    struct kvr_options *o = state->options;
    if (o->output_count == KVR_MAX_OUTPUTS)
        return kvr_option_too_many(state, "output", KVR_MAX_OUTPUTS);
    if (kvr_output_step_summary(&o->outputs[o->output_count]))
        return kvr_args_fail(&state->args, KVR_EXIT_IMPOSSIBLE, "%s", kvr_no_step_summary);
    o->output_count++;
    return 0;
}

static error_t set_format(struct option_state *state, const char *text)
{
    char why[WHY_BYTES];
    state->format_given = true;
    if (kvr_word_parse(text, kvr_own_output_names, why, sizeof why) ||
        kvr_output_format_parse(text, &state->options->stdout_format))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, "format", text, why);
    return 0;
}

static error_t set_tag(struct option_state *state, const char *text)
{
    struct kvr_options *o = state->options;
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return kvr_option_refuse(state, KVR_EXIT_USAGE, "tag", text, "is not KEY=VALUE");
    if (o->tag_count == KVR_MAX_LIST)
        return kvr_option_too_many(state, "tag", KVR_MAX_LIST);
    o->tags[o->tag_count++] = text;
    return 0;
}

static error_t set_path(struct option_state *state, const char *option, const char *text,
                        const char **path)
{
    if (!*text)
        return kvr_option_refuse(state, KVR_EXIT_USAGE, option, text, "is no file name");
    *path = text;
    return 0;
}

static error_t set_positive(struct option_state *state, const char *option, const char *text,
                           double *value)
{
    char why[WHY_BYTES];
    if (kvr_positive_parse(text, value, why, sizeof why))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, option, text, why);
    return 0;
}

static error_t set_count(struct option_state *state, const char *option, const char *text,
                         uint64_t min, uint64_t max, uint64_t *value)
{
    char why[WHY_BYTES];
    if (kvr_count_parse(text, min, max, value, why, sizeof why))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, option, text, why);
    return 0;
}

/* One of the words[]; *index receives its place. */
static error_t set_word(struct option_state *state, const char *option, const char *text,
                        const char *const *words, unsigned *index)
{
    char why[WHY_BYTES];
    if (kvr_word_parse(text, words, why, sizeof why))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, option, text, why);
    for (*index = 0; strcmp(words[*index], text);)
        (*index)++;
    return 0;
}

static error_t set_place(struct option_state *state, int key, const char *text)
{
    struct kvr_options *o = state->options;
    if (key == KEY_MEM) {
        o->mem_given = true;
        if (kvr_mem_policy_parse(text, &o->mem, &o->mem_node))
            return kvr_option_refuse(state, KVR_EXIT_USAGE, "mem", text,
                                     "is not one of local, node:N, interleave, first-touch");
        return 0;
    }
    o->pages_given = true;
    if (kvr_pages_parse(text, &o->pages))
        return kvr_option_refuse(state, KVR_EXIT_USAGE, "pages", text,
                                 "is not one of 4k, thp, 2m, 1g");
    return 0;
}

static error_t set_words(struct option_state *state, int key, const char *text)
{
    static const char *const progress[] = {"auto", "plain", "off", NULL};
    static const char *const color[] = {"auto", "always", "never", NULL};
    struct kvr_options *o = state->options;
    unsigned index = 0;
    error_t error = key == KEY_COLOR ? set_word(state, "color", text, color, &index)
                                     : set_word(state, "progress", text, progress, &index);
    if (error)
        return error;
    if (key == KEY_COLOR)
        o->color = index;
    else
        o->progress = index;
    return 0;
}

static error_t set_number(struct option_state *state, int key, const char *text)
{
    struct kvr_options *o = state->options;
    uint64_t value = 0;
    error_t error = 0;
    switch (key) {
    case KEY_HEADS:
        error = set_count(state, "heads", text, 1, UINT32_MAX, &value);
        o->heads = (uint32_t)value;
        return error;
    case 'r':
        error = set_count(state, "rounds", text, 1, 10000, &value);
        o->rounds = (uint32_t)value;
        return error;
    case KEY_PROCESSES:
        error = set_count(state, "processes", text, 1, 100, &value);
        o->processes = (uint32_t)value;
        return error;
    case KEY_SEED:
        return set_count(state, "seed", text, 0, UINT64_MAX, &o->seed);
    case KEY_MIN_TIME:
        return set_positive(state, "min-time", text, &o->min_time_s);
    case KEY_BUDGET:
        return set_positive(state, "budget", text, &o->budget_s);
    default:
        return set_positive(state, "peak-gb-per-s", text, &o->peak_gb_per_s);
    }
}

/* Whether head dims allow them is seen where these are known. */
static error_t set_squat(struct option_state *state, int key, const char *text)
{
    struct kvr_squat_settings *squat = &state->options->squat;
    uint64_t value = 0;
    if (key == KEY_SQUAT_LAMBDA)
        return set_positive(state, "squat-lambda", text, &squat->lambda);
    error_t error = set_count(state, key == KEY_SQUAT_RANK ? "squat-rank" : "squat-block", text, 1,
                              KVR_MAX_HEAD_DIM, &value);
    *(key == KEY_SQUAT_RANK ? &squat->rank : &squat->block) = (uint32_t)value;
    return error;
}

/* The default is as good as not given: cases have one name. */
static error_t set_residual(struct option_state *state, const char *text)
{
    uint64_t value = 0;
    error_t error = set_count(state, "kivi-residual", text, KVR_RESIDUAL_STEP, KVR_MAX_RESIDUAL,
                              &value);
    if (!error && value % KVR_RESIDUAL_STEP)
        error = kvr_option_refuse(state, KVR_EXIT_USAGE, "kivi-residual", text,
                                  "is not a multiple of 32, the keys that share a scale");
    state->options->kivi_residual = value == KVR_RESIDUAL_STEP ? 0 : (uint32_t)value;
    return error;
}

/* What run --processes gives each of its processes: SECONDS:FILE, seconds 0 for no budget. */
static error_t set_process_part(struct option_state *state, const char *text)
{
    char *end;
    struct kvr_options *o = state->options;
    double seconds = strtod(text, &end);
    if (end == text || *end != ':' || !end[1] || !(seconds >= 0) ||
        strlen(end + 1) >= sizeof o->outputs->path)
        return kvr_option_refuse(state, KVR_EXIT_USAGE, "process-part", text,
                                 "is not SECONDS:FILE");
    o->process_file = end + 1;
    o->process_budget_s = seconds > 0 ? seconds : NAN;
    return 0;
}

error_t kvr_option_set(struct option_state *state, int key, const char *text)
{
    struct kvr_options *o = state->options;
    switch (key) {
    case 'p':
        return set_path(state, "profile", text, &o->profile);
    case KEY_KEYS:
        return set_path(state, "keys", text, &o->keys);
    case KEY_QUERIES:
        return set_path(state, "queries", text, &o->queries);
    case KEY_VALUES:
        return set_path(state, "values", text, &o->values);
    case KEY_CALIBRATION:
        return set_path(state, "calibration", text, &o->calibration);
    case KEY_ROOFS:
        return set_path(state, "roofs", text, &o->roofs);
    case KEY_COUNTERS:
        return set_path(state, "counters", text, &o->counters);
    case 'c':
        return set_cpus(state, text);
    case KEY_MEM:
    case KEY_PAGES:
        return set_place(state, key, text);
    case KEY_MAX_MEM:
        return set_max_mem(state, text);
    case KEY_EVICT:
        return set_evict(state, text);
    case KEY_HEADS:
    case 'r':
    case KEY_PROCESSES:
    case KEY_SEED:
    case KEY_MIN_TIME:
    case KEY_BUDGET:
    case KEY_PEAK:
        return set_number(state, key, text);
    case KEY_SQUAT_RANK:
    case KEY_SQUAT_LAMBDA:
    case KEY_SQUAT_BLOCK:
        return set_squat(state, key, text);
    case KEY_KIVI_RESIDUAL:
        return set_residual(state, text);
    case KEY_PROCESS_PART:
        return set_process_part(state, text);
    case KEY_DRY_RUN:
        o->dry_run = true;
        return 0;
    case KEY_DEEP:
        o->deep = true;
        return 0;
    case KEY_PROVE:
        o->prove = true;
        return 0;
    case KEY_STRICT:
        o->strict = true;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    case 'v':
        o->verbose = true;
        return 0;
    case 'o':
        return set_output(state, text);
    case KEY_STEP_SUMMARY:
        return set_step_summary(state);
    case KEY_FORMAT:
        return set_format(state, text);
    case KEY_LABEL:
        o->label = text;
        return 0;
    case KEY_TAG:
        return set_tag(state, text);
    case KEY_PROGRESS:
    case KEY_COLOR:
        return set_words(state, key, text);
    default:
        return kvr_option_list(state, key, text);
    }
}
