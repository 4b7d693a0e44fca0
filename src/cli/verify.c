/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof verify: every kernel against its format's reference. Correctness only, no timing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../study/values.h"
#include "../study/verify.h"
#include "args.h"
#include "commands.h"
#include "list_rows.h"
#include "signals.h"
#include "verify_real.h"
#include "verify_verdict.h"

enum { KEY_KERNEL = 0x100, KEY_ISA, KEY_CASES, KEY_SEED, KEY_FORMAT, KEY_VERDICT };
enum { DEFAULT_CASES = 64, WHY_BYTES = 240 };

struct verify {
    struct kvr_args args; /* first: see args.h */
    const char *kernel, *isa;
    uint32_t cases;
    uint64_t seed;
    bool json, verdict;
    const char *of_kernels; /* an option that chooses among them; NULL: none was given */
    struct kvr_machine machine;
    struct kvr_suspect *suspects;
    size_t count; /* owned; those of a codec are neighbours */
    size_t unusable;
};

static const struct argp_option options_table[] = {
    {"kernel", KEY_KERNEL, "GLOB", 0, "codec, codec.variant or codec.variant@isa [all]", 0},
    {"isa", KEY_ISA, "NAME", 0, "scalar, avx2, avx512 ... [all]", 0},
    {"cases", KEY_CASES, "N", 0, "random shapes and fills per kernel [64]", 0},
    {"seed", KEY_SEED, "N", 0, "of the random cases [1]", 0},
    {"verdict", KEY_VERDICT, NULL, 0,
     "test the verdict itself: dial kernels of known side, under 45 s", 0},
    {"format", KEY_FORMAT, "FORMAT", 0, "table or json [table]", 0},
    KVR_HELP_OPTION,
    {NULL, 0, NULL, 0, NULL, 0}};

static error_t parse_key(int key, char *text, struct argp_state *state)
{
    static const char *const formats[] = {"table", "json", NULL};
    struct verify *v = state->input;
    const char *option = key == KEY_CASES ? "cases" : key == KEY_SEED ? "seed" : "format";
    char why[WHY_BYTES];
    uint64_t cases = v->cases;
    int status = 0;
    switch (key) {
    case KEY_KERNEL:
        v->kernel = text;
        v->of_kernels = "kernel";
        return 0;
    case KEY_ISA:
        v->isa = text;
        v->of_kernels = "isa";
        return 0;
    case KEY_CASES:
        v->of_kernels = "cases";
        status = kvr_count_parse(text, 1, 1000000, &cases, why, sizeof why);
        v->cases = (uint32_t)cases;
        break;
    case KEY_SEED:
        status = kvr_count_parse(text, 0, UINT64_MAX, &v->seed, why, sizeof why);
        break;
    case KEY_VERDICT:
        v->verdict = true;
        return 0;
    case KEY_FORMAT:
        status = kvr_word_parse(text, formats, why, sizeof why);
        v->json = strcmp(text, "json") == 0;
        break;
    default:
        return kvr_args_key(key, text, state);
    }
    return status ? kvr_args_fail(&v->args, KVR_EXIT_USAGE, "--%s: '%.80s' %s", option, text, why)
                  : 0;
}

const struct argp kvr_verify_argp = {
    .options = options_table,
    .parser = parse_key,
    .args_doc = "",
    .doc = "Checks every kernel that this host can execute against its format's reference in "
           "double precision: random shapes and fills, then real keys. Exit code 1: a mismatch."
           "\vExamples:\n"
           "  kvroof verify\n"
           "  kvroof verify --kernel 'lookat.u8*' --cases 1000\n"
           "  kvroof verify --isa scalar --format json\n"
           "  kvroof verify --verdict\n",
};

static void report_line(const char *line)
{
    fprintf(stderr, "mismatch: %s\n", line);
}

static bool is_suspect(const struct verify *v, const struct kvr_codec *codec,
                       const struct kvr_kernel *kernel)
{
    for (size_t i = 0; i < v->count; i++) {
        if (v->suspects[i].codec == codec && v->suspects[i].kernel == kernel)
            return true;
    }
    return false;
}

static int add_suspect(struct verify *v, const struct kvr_codec *codec,
                       const struct kvr_kernel *kernel)
{
    if (is_suspect(v, codec, kernel))
        return 0;
    void *grown = reallocarray(v->suspects, v->count + 1, sizeof *v->suspects);
    if (!grown)
        return -ENOMEM;
    v->suspects = grown;
    v->suspects[v->count++] = (struct kvr_suspect){.codec = codec, .kernel = kernel};
    return 0;
}

/* All usable kernels that the pattern and the ISA name mean. Returns an exit code. */
static int find_suspects(struct verify *v)
{
    char why[WHY_BYTES];
    int code = KVR_EXIT_OK;
    bool copies = false;
    struct kvr_selections *found = malloc(sizeof *found);
    int status = found ? kvr_isa_check(v->isa, v->machine.isa.usable, why, sizeof why) : -ENOMEM;
    if (status == -ENOMEM) {
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "verify: out of memory");
        goto out;
    }
    if (status) {
        code = kvr_fail(status == -ENODEV ? KVR_EXIT_IMPOSSIBLE : KVR_EXIT_USAGE,
                        "verify: --isa: '%.40s' %s", v->isa, why);
        goto out;
    }
    status = kvr_select(v->kernel, v->isa, v->machine.isa.usable, found, why, sizeof why);
    if (status) {
        code = kvr_fail(status == -ENODEV ? KVR_EXIT_IMPOSSIBLE : KVR_EXIT_USAGE,
                        "verify: --kernel: '%.60s' %s", v->kernel, why);
        goto out;
    }
    for (size_t s = 0; s < found->count; s++) {
        const struct kvr_selection *selection = &found->items[s];
        if (selection->variant == kvr_materialised) { /* fp16's kernels, on other keys */
            copies = true;
            continue;
        }
        v->unusable += selection->unusable != NULL;
        for (size_t k = 0; k < selection->usable_count && !status; k++)
            status = add_suspect(v, selection->codec, selection->usable[k]);
        if (selection->unusable)
            kvr_explain_unusable(selection, &v->machine.isa, why, sizeof why);
    }
    if (status)
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "verify: out of memory");
    else if (!v->count && v->unusable)
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "verify: %s", why);
    else if (!v->count && copies)
        code = kvr_fail(KVR_EXIT_USAGE,
                        "verify: '%.60s' has no kernel of its own: fp16.fused scans its copy",
                        v->kernel);
    else if (!v->count)
        code = kvr_fail(KVR_EXIT_USAGE, "verify: '%.60s' has no kernel for %s", v->kernel, v->isa);
out:
    free(found);
    return code;
}

static int check_random(struct verify *v)
{
    for (size_t i = 0; i < v->count; i++) {
        struct kvr_suspect *suspect = &v->suspects[i];
        uint32_t cases = 0, mismatches = 0;
        int status = kvr_verify_random(suspect->kernel, suspect->codec, v->cases, v->seed, &cases,
                                       &mismatches, report_line);
        if (status)
            return kvr_fail(KVR_EXIT_IMPOSSIBLE, "verify: %s.%s@%s: %s", suspect->codec->name,
                            suspect->kernel->variant, suspect->kernel->isa_name, strerror(-status));
        suspect->cases += cases;
        suspect->mismatches += mismatches;
    }
    return KVR_EXIT_OK;
}

static int check_real(struct verify *v)
{
    static const uint32_t head_dims[] = {64, 128};
    char error[400];
    for (size_t first = 0, next = 0; first < v->count; first = next) {
        for (next = first; next < v->count && v->suspects[next].codec == v->suspects[first].codec;)
            next++;
        for (size_t d = 0; d < sizeof head_dims / sizeof *head_dims; d++) {
            int status = kvr_verify_real(&v->suspects[first], next - first, head_dims[d], v->seed,
                                         report_line, error, sizeof error);
            if (status && status != -ENOTSUP)
                return kvr_fail(status == -ENOMEM ? KVR_EXIT_IMPOSSIBLE : KVR_EXIT_USAGE,
                                "verify: %s", error);
        }
    }
    return KVR_EXIT_OK;
}

/* Prints the table; the answer is its sum. */
static int print_suspects(const struct verify *v)
{
    static const struct kvr_list_column columns[] = {
        {"kernel", KVR_LIST_TEXT}, {"cases", KVR_LIST_NUMBER}, {"mismatches", KVR_LIST_NUMBER}};
    struct kvr_rows rows = {.columns = columns, .column_count = 3};
    uint32_t mismatches = 0;
    for (size_t i = 0; i < v->count; i++) {
        const struct kvr_suspect *suspect = &v->suspects[i];
        const uint32_t entries = suspect->kernel->format->entries;
        char few[16] = ""; /* as in the names of results, where two kernels would have one name */
        if (entries && entries != suspect->codec->formats[0]->entries)
            snprintf(few, sizeof few, "/K%u", entries);
        kvr_rows_add(&rows, "%s.%s@%s%s", suspect->codec->name, suspect->kernel->variant,
                     suspect->kernel->isa_name, few);
        kvr_rows_add(&rows, "%u", suspect->cases);
        kvr_rows_add(&rows, "%u", suspect->mismatches);
        mismatches += suspect->mismatches;
    }
    int status = v->json ? kvr_rows_json(&rows, stdout) : kvr_rows_table(&rows, stdout);
    kvr_rows_free(&rows);
    if (status)
        return kvr_fail(KVR_EXIT_IO, "verify: cannot print: %s", strerror(-status));
    return mismatches ? KVR_EXIT_NO : KVR_EXIT_OK;
}

int kvr_cmd_verify(int argc, char **argv)
{
    const char *why = NULL;
    struct verify *v = calloc(1, sizeof *v);
    if (!v)
        return kvr_fail(KVR_EXIT_IMPOSSIBLE, "out of memory");
    v->args.command = "kvroof verify";
    v->kernel = v->isa = "all";
    v->cases = DEFAULT_CASES;
    v->seed = 1;
    int code = kvr_args_parse(&kvr_verify_argp, &v->args, argc, argv);
    if (code || v->args.done)
        goto out;
    if (v->verdict && v->of_kernels) {
        code = kvr_fail(KVR_EXIT_USAGE, "verify: --verdict tests dial kernels of its own, so that "
                        "--%s has nothing to choose: leave one of them out", v->of_kernels);
        goto out;
    }
    if (v->verdict) {
        code = kvr_verify_verdict(v->seed, v->json);
        goto out;
    }
    if (kvr_machine_load(&v->machine, NULL, &why)) {
        code = kvr_fail(KVR_EXIT_IMPOSSIBLE, "this machine cannot be described: %s", why);
        goto out;
    }
    kvr_signals_end("kvroof: verify: interrupted: not all cases were tried\n");
    code = find_suspects(v);
    if (!code)
        code = check_random(v);
    if (!code)
        code = check_real(v);
    if (!code)
        code = print_suspects(v);
    if (v->unusable && (code == KVR_EXIT_OK || code == KVR_EXIT_NO))
        fprintf(stderr, "%zu more need what this host lacks: kvroof list kernels\n", v->unusable);
out:
    free(v->suspects);
    free(v);
    return code;
}
