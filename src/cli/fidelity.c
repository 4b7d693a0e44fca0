/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof fidelity: closeness to exact attention on real tensors.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../fidelity/fidelity.h"
#include "../study/values.h"
#include "commands.h"
#include "fidelity_output.h"
#include "option_values.h"
#include "signals.h"

enum { KEY_CODEC = 0x300, KEY_FIRST_QUERY, KEY_SEEDS, KEY_ORDER, KEY_ROPE_BASE, KEY_SKIP,
       KEY_KEYS_PREROPE, KEY_CALIBRATION_PREROPE, MOST_SEEDS = 100 };

struct fidelity_state {
    struct option_state options; /* first: the parser takes it for the whole */
    struct kvr_fidelity_request request;
    struct kvr_patterns patterns;
    bool base_given;
};

static const struct argp_option options_table[] = {
    {NULL, 0, NULL, 0, "On which tensors (a pattern in quotes, or the option again for each file; "
     "without any, the built-in set):", 1},
    {"keys", KEY_KEYS, "FILE.npy", 0, "keys of a text, [layers, KV heads, tokens, channels]", 0},
    {"queries", KEY_QUERIES, "FILE.npy", 0, "its queries; files pair by their order", 0},
    {"values", KEY_VALUES, "FILE.npy", 0, "its values", 0},
    {"calibration", KEY_CALIBRATION, "FILE.npy", 0, "keys of other texts, to fit codebooks to; "
     "LABEL=FILE.npy: files of one label are a set, and every set is tried on every text", 0},
    {"keys-prerope", KEY_KEYS_PREROPE, "FILE.npy", 0, "the keys before rotation: codecs are also "
     "tried on those, and decoded keys rotated", 0},
    {"calibration-prerope", KEY_CALIBRATION_PREROPE, "FILE.npy", 0, "calibration keys before "
     "rotation", 0},
    {"rope-base", KEY_ROPE_BASE, "X", 0, "base of that rotation [10000]", 0},
    {NULL, 0, NULL, 0, "Which codecs (a list multiplies out):", 2},
    {"codec", KEY_CODEC, "NAME,...", 0, "names of kvroof list codecs [all]", 0},
    {"subspaces", 'm', "N,...", 0, "tables of a look-up codec [2,4,8,16]", 0},
    {"entries", KEY_ENTRIES, "N,...", 0, "centroids of a table [256]", 0},
    {"channel-order", KEY_ORDER, "NAME", 0, "natural, or rope-pairs: the two channels that rotate "
     "together share a subspace [natural]", 0},
    KVR_ENCODER_OPTIONS,
    {"seeds", KEY_SEEDS, "N", 0, "k-means seeds; differences below their spread are named [1]", 0},
    {NULL, 0, NULL, 0, "Of which part:", 3},
    {"tokens", 'n', "SIZE,...", 0, "the first tokens of each text [the shortest text's]", 0},
    {"first-query", KEY_FIRST_QUERY, "N", 0, "queries before it are left out [32]", 0},
    {"skip-sinks", KEY_SKIP, "N,...", 0, "first keys that stay float16 [0]", 0},
    {NULL, 0, NULL, 0, "Result:", 4},
    {"output", 'o', "FORMAT:FILE", 0, "json, csv, md or table; - is stdout; may be repeated", 0},
    {"format", KEY_FORMAT, "FORMAT", 0, "of stdout [table]", 0},
    {"quiet", 'q', NULL, 0, "no notes", 0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}};

/* ---- options ---- */

static error_t add_pattern(struct fidelity_state *s, enum kvr_input input, const char *text)
{
    if (!*text)
        return kvr_args_fail(&s->options.args, KVR_EXIT_USAGE, "%s: the path is empty",
                             kvr_input_options[input]);
    if (s->patterns.counts[input] == KVR_MAX_PATTERNS)
        return kvr_option_too_many(&s->options, kvr_input_options[input] + 2, KVR_MAX_PATTERNS);
    s->patterns.items[input][s->patterns.counts[input]++] = text;
    return 0;
}

static error_t add_codec(struct fidelity_state *s, const char *name)
{
    const char *names[64];
    size_t count = 0;
    const struct kvr_codec *codec = kvr_codec_find(name);
    for (; kvr_codecs()[count] && count < 64; count++)
        names[count] = kvr_codecs()[count]->name;
    if (!codec) {
        const char *nearest = kvr_nearest(name, names, count);
        return kvr_args_fail(&s->options.args, KVR_EXIT_USAGE,
                             "--codec: no codec '%.40s'; %s%s", name,
                             nearest ? "did you mean " : "see kvroof list codecs",
                             nearest ? nearest : "");
    }
    if (s->request.codec_count == KVR_FIDELITY_LIST)
        return kvr_option_too_many(&s->options, "codec", KVR_FIDELITY_LIST);
    s->request.codecs[s->request.codec_count++] = codec;
    return 0;
}

static error_t add_skip(struct fidelity_state *s, const char *text)
{
    char why[240];
    uint64_t value = 0;
    if (kvr_count_parse(text, 0, UINT32_MAX, &value, why, sizeof why))
        return kvr_option_refuse(&s->options, KVR_EXIT_USAGE, "skip-sinks", text, why);
    if (s->request.skip_count == KVR_FIDELITY_LIST)
        return kvr_option_too_many(&s->options, "skip-sinks", KVR_FIDELITY_LIST);
    s->request.skip_sinks[s->request.skip_count++] = (uint32_t)value;
    return 0;
}

static error_t each(struct fidelity_state *s, const char *list,
                    error_t (*add)(struct fidelity_state *, const char *))
{
    char element[64];
    error_t error = 0;
    for (const char *at = list; !error; at++) {
        size_t length = strcspn(at, ",");
        snprintf(element, sizeof element, "%.*s", (int)length, at);
        error = add(s, element);
        at += length;
        if (!*at)
            break;
    }
    return error;
}

static error_t set_count(struct fidelity_state *s, const char *option, const char *text,
                         uint64_t least, uint64_t most, uint32_t *count)
{
    char why[240];
    uint64_t value = 0;
    if (kvr_count_parse(text, least, most, &value, why, sizeof why))
        return kvr_option_refuse(&s->options, KVR_EXIT_USAGE, option, text, why);
    *count = (uint32_t)value;
    return 0;
}

static error_t set_base(struct fidelity_state *s, const char *text)
{
    char why[240];
    s->base_given = true;
    if (kvr_positive_parse(text, &s->request.rope_base, why, sizeof why))
        return kvr_option_refuse(&s->options, KVR_EXIT_USAGE, "rope-base", text, why);
    return 0;
}

static error_t set_order(struct fidelity_state *s, const char *text)
{
    static const char *const orders[] = {"natural", "rope-pairs", NULL};
    char why[240];
    if (kvr_word_parse(text, orders, why, sizeof why))
        return kvr_option_refuse(&s->options, KVR_EXIT_USAGE, "channel-order", text, why);
    s->request.rope_pairs = !strcmp(text, orders[1]);
    return 0;
}

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    struct fidelity_state *s = state->input;
    switch (key) {
    case KEY_KEYS: return add_pattern(s, KVR_INPUT_KEYS, text);
    case KEY_QUERIES: return add_pattern(s, KVR_INPUT_QUERIES, text);
    case KEY_VALUES: return add_pattern(s, KVR_INPUT_VALUES, text);
    case KEY_CALIBRATION: return add_pattern(s, KVR_INPUT_CALIBRATION, text);
    case KEY_KEYS_PREROPE: return add_pattern(s, KVR_INPUT_KEYS_PREROPE, text);
    case KEY_CALIBRATION_PREROPE: return add_pattern(s, KVR_INPUT_CALIBRATION_PREROPE, text);
    case KEY_CODEC: return strcmp(text, "all") ? each(s, text, add_codec) : 0; /* its default */
    case KEY_SKIP: return each(s, text, add_skip);
    case KEY_ORDER: return set_order(s, text);
    case KEY_ROPE_BASE: return set_base(s, text);
    case KEY_SEEDS:
        return set_count(s, "seeds", text, 1, MOST_SEEDS, &s->request.seeds);
    case KEY_FIRST_QUERY:
        return set_count(s, "first-query", text, 0, UINT32_MAX, &s->request.first_query);
    case ARGP_KEY_ARG:
        return kvr_args_fail(&s->options.args, KVR_EXIT_USAGE, "'%.80s' is not an option; quote a "
                             "pattern (--keys 'a*_k.npy'), or repeat the option for each file",
                             text);
    default: {
        error_t error = kvr_option_set(&s->options, key, text);
        return error == ARGP_ERR_UNKNOWN ? kvr_args_key(key, text, state) : error;
    }
    }
}

const struct argp kvr_fidelity_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "",
    .doc = "How close each codec's attention comes to exact attention, on real queries, keys and "
           "values: causal, in double, from the keys, queries and values as stored. Controls that "
           "know nothing of the keys' order (uniform, shuffled, random) stand beside it: a figure "
           "means something by its distance from theirs. values.q8 has exact scores and "
           "values of 8 bits."
           "\vExamples:\n"
           "  kvroof fidelity\n"
           "  kvroof fidelity --codec int4,lookat -m 4 -n 64,512 -o json:fidelity.json\n"
           "  kvroof fidelity --keys 'test_*_k.npy' --queries 'test_*_q.npy' \\\n"
           "    --values 'test_*_v.npy' --calibration 'calib_*_k.npy' --seeds 5\n"
           "Means are over queries, heads, layers, texts and seeds; rho_p5 is what 5 % of the "
           "queries do not reach, rho_worst_head the mean of the worst head. skill is cos with "
           "uniform attention as 0. Codebooks without --calibration are fitted to the keys that "
           "they then code: such rows are flagged leaking.",
};

static void set_defaults(struct fidelity_state *s)
{
    static const uint32_t subspaces[] = {2, 4, 8, 16};
    const struct kvr_options *o = s->options.options;
    struct kvr_fidelity_request *r = &s->request;
    r->squat = o->squat;
    r->kivi_residual = o->kivi_residual;
    r->codecs_named = r->codec_count;
    r->ordered = r->codec_count || o->subspace_count || o->entry_count;
    for (size_t i = 0; i < o->subspace_count; i++)
        r->subspaces[r->subspace_count++] = o->subspaces[i];
    for (size_t i = 0; !o->subspace_count && i < 4; i++)
        r->subspaces[r->subspace_count++] = subspaces[i];
    for (size_t i = 0; i < o->entry_count; i++)
        r->entries[r->entry_count++] = o->entries[i];
    if (!r->entry_count)
        r->entries[r->entry_count++] = 256;
    for (size_t i = 0; i < o->tokens_count; i++)
        r->tokens[r->token_count++] = o->tokens[i];
    if (!r->skip_count)
        r->skip_sinks[r->skip_count++] = 0;
    for (size_t i = 0; !r->codec_count && kvr_codecs()[i] && i < KVR_FIDELITY_LIST; i++)
        r->codecs[i] = kvr_codecs()[i];
    for (; r->codec_count < KVR_FIDELITY_LIST && r->codecs[r->codec_count]; r->codec_count++)
        ;
}

/* ---- the command ---- */

static void put_notes(const struct fidelity_state *s, const struct kvr_fidelity_record *record)
{
    bool leaking = false, paired = false;
    for (size_t i = 0; i < record->absent_count; i++)
        fprintf(stderr, "kvroof: fidelity: without %s: %s\n", record->absent[i].name,
                record->absent[i].why);
    for (size_t i = 0; i < record->row_count; i++)
        leaking |= record->rows[i].leaking;
    for (size_t i = 0; i < record->row_count; i++)
        paired |= record->rows[i].rope_pairs;
    if (s->request.rope_pairs && !paired)
        fputs("kvroof: fidelity: --channel-order rope-pairs has no effect: none of these codecs "
              "has subspaces for channels to share, as lookat has\n", stderr);
    if (leaking)
        fputs("kvroof: fidelity: flagged leaking: codebooks were fitted to keys that they then "
              "code, which flatters them; give --calibration with keys of other texts\n", stderr);
    fprintf(stderr, "kvroof: fidelity: %.1f s, of which codebooks %.1f s\n", record->duration_s,
            record->training_s);
}

static void show_progress(const struct kvr_progress *progress, size_t done, size_t count)
{
    fprintf(stderr, "\r\033[K[%zu/%zu] %s", done, count, progress->what);
    fflush(stderr);
}

static int run(struct fidelity_state *s)
{
    const bool shows = !s->options.options->quiet && isatty(STDERR_FILENO);
    struct kvr_inputs inputs = {0};
    struct kvr_fidelity_record record = {0};
    char error[1200] = "";
    kvr_signals_end("kvroof: fidelity: interrupted before its figures, which are means over all "
                    "heads, were complete: nothing is written, and files that were there are kept"
                    "\n");
    int code = KVR_EXIT_OK, rc = kvr_inputs_load(&s->patterns, &inputs, error, sizeof error);
    s->request.show_progress = shows ? show_progress : NULL;
    if (!rc)
        rc = kvr_fidelity_run(&s->request, &inputs, &record, error, sizeof error);
    if (shows)
        fputs("\r\033[K", stderr);
    if (rc)
        code = kvr_fail(rc == -ENOMEM ? KVR_EXIT_IMPOSSIBLE : KVR_EXIT_USAGE, "fidelity: %s",
                        error[0] ? error : strerror(-rc));
    if (!rc && !s->options.options->quiet)
        put_notes(s, &record);
    if (!rc)
        code = kvr_fidelity_outputs_write(&record, s->options.options);
    kvr_fidelity_free(&record);
    kvr_inputs_free(&inputs);
    return code;
}

int kvr_cmd_fidelity(int argc, char **argv)
{
    struct kvr_options *options = calloc(1, sizeof *options);
    struct fidelity_state *s = calloc(1, sizeof *s);
    int code = KVR_EXIT_IMPOSSIBLE;
    if (!options || !s) {
        code = kvr_fail(code, "out of memory");
        goto out;
    }
    options->stdout_format = KVR_OUT_TABLE;
    s->options = (struct option_state){.args = {.command = "kvroof fidelity"}, .options = options};
    s->request.first_query = 32;
    s->request.seeds = 1;
    s->request.rope_base = 10000;
    code = kvr_args_parse(&kvr_fidelity_argp, &s->options.args, argc, argv);
    kvr_option_state_free(&s->options);
    if (code || s->options.args.done)
        goto out;
    if (s->base_given && !s->patterns.counts[KVR_INPUT_KEYS_PREROPE]) {
        code = kvr_fail(KVR_EXIT_USAGE, "fidelity: --rope-base needs --keys-prerope");
        goto out;
    }
    set_defaults(s);
    code = kvr_fidelity_outputs_check(s->options.options, s->options.format_given);
    if (!code)
        code = run(s);
out:
    free(options);
    free(s);
    return code;
}
