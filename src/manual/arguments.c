/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What may stand behind an option. The kind follows from the name of the argument in the option's
 * row; the words are those of the option's own parser.
 */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "../study/values.h"
#include "manual.h"

bool kvr_is_end(const struct argp_option *option)
{
    return !option->name && !option->key && !option->doc;
}

bool kvr_is_option(const struct argp_option *option)
{
    return option->name && !(option->flags & OPTION_HIDDEN);
}

bool kvr_has_letter(const struct argp_option *option)
{
    return option->key > 0 && option->key < 128 && isalnum(option->key);
}

static const char *const outputs[] = {"json:", "jsonl:", "csv:", "md:", "table:", "gbench:",
                                      "gha-bigger:", "gha-smaller:", "bmf:", "openmetrics:",
                                      "junit:", NULL};
static const char *const roofs_outputs[] = {"json:", "table:", NULL};
static const char *const formats[] = {"table", "json", "jsonl", "csv", "md", NULL};
static const char *const compare_formats[] = {"table", "json", "csv", "md", "junit", NULL};
static const char *const common_formats[] = {"table", "json", "csv", "md", NULL};
static const char *const fidelity_outputs[] = {"json:", "csv:", "md:", "table:", NULL};
static const char *const channel_orders[] = {"natural", "rope-pairs", NULL};
static const char *const orders[] = {"case", "machine", "ns", "ratio", "roof", "balance", "bound",
                                     "speedup", "cost", NULL};
static const char *const table_or_json[] = {"table", "json", NULL};
static const char *const isa[] = {"auto", "all", "scalar", "avx2", "avx512", NULL};
static const char *const verify_isa[] = {"all", "scalar", "avx2", "avx512", NULL};
static const char *const layouts[] = {"heads", "contiguous", "pages:16", NULL};
static const char *const threads[] = {"1", "max", NULL};
static const char *const mem[] = {"local", "interleave", "first-touch", "node:0", NULL};
static const char *const pages[] = {"4k", "thp", "2m", "1g", NULL};
static const char *const progress[] = {"auto", "plain", "off", NULL};
static const char *const color[] = {"auto", "always", "never", NULL};
static const char *const pictures[] = {"svg", "png", "pdf", "txt", NULL};
static const char *const kinds[] = {"roofline", "ladder", "scaling", "realism", "shift",
                                    "speedup", "quality", "samples", "compare", "numa",
                                    "fleet", "all", NULL};
static const char *const machines[] = {"server", "laptop", NULL};
static const char *const counters[] = {"auto", "off", "perf", "likwid", NULL};
static const char *const topics[] = {"kernels", "codecs", "profiles", "isa", "topology", "checks",
                                     "counters", NULL};

/* The first row that fits is taken; NULL is any command. */
static const struct {
    const char *command, *option;
    const char *const *words;
} known[] = {
    {"compare", "format", compare_formats}, {"compare", "sort", orders},
    {"fidelity", "format", common_formats}, {"fidelity", "output", fidelity_outputs},
    {"fleet", "format", common_formats}, {NULL, "channel-order", channel_orders},
    {"plot", "format", pictures}, {"run", "format", formats},   {"show", "format", formats},
    {NULL, "format", table_or_json}, {"verify", "isa", verify_isa}, {NULL, "isa", isa},
    {NULL, "layout", layouts},    {NULL, "threads", threads},   {NULL, "mem", mem},
    {NULL, "pages", pages},       {NULL, "progress", progress}, {NULL, "color", color},
    {"plot", "kind", kinds},      {NULL, "on", machines},       {NULL, "op", kvr_op_names},
    {"run", "output", outputs},   {"export", "output", outputs},
    {"roofs", "output", roofs_outputs},
    {NULL, "counters", counters},
    {NULL, "codebook", kvr_codebook_names}, {NULL, "codebook-residency", kvr_residency_names},
    {NULL, "value-format", kvr_value_format_names},
};

static const char *const *words_of(const char *command, const char *option)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].option, option) &&
            (!known[i].command || !strcmp(known[i].command, command)))
            return known[i].words;
    return NULL;
}

struct kvr_argument kvr_argument_of(const struct kvr_command *command,
                                    const struct argp_option *option)
{
    struct kvr_argument a = {KVR_VALUES_NONE, words_of(command->name, option->name),
                             strstr(option->arg, ",...") != NULL, false};
    if (a.words) {
        a.values = KVR_VALUES_WORDS;
        a.file = !strcmp(option->arg, "MACHINE");
    } else if (!strncmp(option->arg, "FILE", 4)) {
        a.values = KVR_VALUES_FILE;
    } else if (!strcmp(option->arg, "DIR") || !strcmp(option->arg, "FOLDER")) {
        a.values = KVR_VALUES_FOLDER;
    } else if (!strncmp(option->arg, "GLOB", 4)) {
        a.values = KVR_VALUES_KERNELS;
    } else if (!strcmp(option->name, "profile")) {
        a.values = KVR_VALUES_PROFILES;
    }
    return a;
}

struct kvr_argument kvr_operand_of(const struct kvr_command *command)
{
    const char *text = command->argp->args_doc;
    struct kvr_argument a = {KVR_VALUES_NONE, NULL, false, false};
    if (text && strstr(text, "RESULT")) {
        a.values = KVR_VALUES_FILE;
    } else if (text && strchr(text, '|')) {
        a.values = KVR_VALUES_WORDS;
        a.words = topics;
    }
    return a;
}
