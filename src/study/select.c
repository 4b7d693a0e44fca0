/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "select.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 96, MAX_NAMES = 256 };

bool kvr_codec_serves(const struct kvr_codec *codec, const struct kvr_kernel *kernel)
{
    for (size_t i = 0; codec->formats[i]; i++) {
        if (codec->formats[i] == kernel->format)
            return true;
    }
    return false;
}

bool kvr_codec_dequantises(const struct kvr_codec *codec, uint64_t usable)
{
    size_t count = 0;
    const struct kvr_dequantise_step *const *steps = kvr_dequantise_steps(&count);
    if (codec->book) /* what the query takes of such a codec, a copy of the codes lacks */
        return false;
    for (size_t i = 0; i < count; i++) {
        if (steps[i]->format == codec->formats[0] && !(steps[i]->isa & ~usable))
            return true;
    }
    return false;
}

const char *kvr_codec_variant(const struct kvr_codec *codec, const struct kvr_kernel *kernel,
                              bool materialised, uint64_t usable)
{
    if (!materialised)
        return kvr_codec_serves(codec, kernel) ? kernel->variant : NULL;
    /* By name: the plan's tests have formats of their own. Of several dense variants the plain one,
     * or two kernels would share a name. */
    if (strcmp(kernel->format->name, "dense_f16") || strcmp(kernel->variant, "fused") ||
        !kvr_codec_dequantises(codec, usable))
        return NULL;
    return kvr_materialised;
}

bool kvr_format_looks_up(const struct kvr_format *format)
{
    const struct kvr_shape shape = {
        .head_dim = 64, .tokens = 64, .heads = 1, .queries = 1, .tables = 4, .entries = 256};
    struct kvr_cost cost = {.lookups = 0};
    format->cost(&shape, &cost);
    return cost.lookups > 0;
}

static bool matches(const char *pattern, const struct kvr_codec *codec, const char *variant,
                    const struct kvr_kernel *kernel)
{
    char name[NAME_BYTES];
    if (strcmp(pattern, "all") == 0)
        return true;
    if (strchr(pattern, '@')) {
        snprintf(name, sizeof name, "%s.%s@%s", codec->name, variant, kernel->isa_name);
        return fnmatch(pattern, name, 0) == 0;
    }
    snprintf(name, sizeof name, "%s.%s", codec->name, variant);
    if (fnmatch(pattern, name, 0) == 0)
        return true;
    return !strchr(pattern, '.') && fnmatch(pattern, codec->name, 0) == 0;
}

/* An ISA name means the kernels that are built for it; "avx512" also every extension of it. */
static bool isa_means(const char *isa, const struct kvr_kernel *kernel)
{
    if (strcmp(isa, "auto") == 0 || strcmp(isa, "all") == 0)
        return true;
    if (strcmp(isa, "avx512") == 0)
        return kernel->isa & KVR_ISA_AVX512;
    return strcmp(isa, kernel->isa_name) == 0;
}

/* The kernel that a selection has first, usable or not; NULL: none yet. */
static const struct kvr_kernel *first_kernel(const struct kvr_selection *selection)
{
    return selection->usable_count ? selection->usable[0] : selection->unusable;
}

/* every_isa: each instruction set is a selection. Kernels of one name that serve other numbers of
 * entries belong together: the shape chooses among them. */
static struct kvr_selection *selection_of(struct kvr_selections *selections,
                                          const struct kvr_codec *codec, const char *variant,
                                          const struct kvr_kernel *kernel, bool every_isa)
{
    for (size_t i = 0; i < selections->count; i++) {
        struct kvr_selection *known = &selections->items[i];
        if (known->codec != codec || strcmp(known->variant, variant))
            continue;
        const struct kvr_kernel *first = first_kernel(known);
        if (!every_isa || (first && strcmp(first->isa_name, kernel->isa_name) == 0))
            return known;
    }
    if (selections->count == KVR_MAX_SELECTIONS)
        return NULL;
    struct kvr_selection *added = &selections->items[selections->count++];
    *added = (struct kvr_selection){
        .codec = codec, .variant = variant, .of_many_isas = every_isa};
    return added;
}

/* Names like `text`: codecs, codec.variant, or codec.variant@isa, as the text is written. */
static void offer_nearest(const char *text, char *why, size_t why_bytes)
{
    char names[MAX_NAMES][NAME_BYTES];
    const char *pointers[MAX_NAMES];
    size_t count = 0, kernel_count = 0;
    const struct kvr_kernel *const *kernels = kvr_kernels(&kernel_count);
    bool dot = strchr(text, '.'), at = strchr(text, '@');
    for (size_t c = 0; kvr_codecs()[c]; c++) {
        const struct kvr_codec *codec = kvr_codecs()[c];
        if (!dot && !at && count < MAX_NAMES)
            snprintf(names[count++], NAME_BYTES, "%s", codec->name);
        for (size_t k = 0; k < 2 * kernel_count && (dot || at); k++) {
            const struct kvr_kernel *kernel = kernels[k % kernel_count];
            const char *variant = kvr_codec_variant(codec, kernel, k >= kernel_count, UINT64_MAX);
            if (!variant || count == MAX_NAMES)
                continue;
            snprintf(names[count++], NAME_BYTES, "%s.%s%s%s", codec->name, variant, at ? "@" : "",
                     at ? kernel->isa_name : "");
        }
    }
    for (size_t i = 0; i < count; i++)
        pointers[i] = names[i];
    const char *nearest = kvr_nearest(text, pointers, count);
    snprintf(why, why_bytes, "means no kernel%s%s%s",
             nearest ? "; did you mean " : "; `kvroof list kernels` names them",
             nearest ? nearest : "", nearest ? "?" : "");
}

/* A pattern that no kernel matches: either an unknown name, or a kernel of an instruction set that
 * this build or host does not have. */
static int explain_nothing(const char *pattern, uint64_t usable, char *why, size_t why_bytes)
{
    const char *at = strchr(pattern, '@');
    char name[NAME_BYTES], reason[240];
    size_t kernel_count = 0;
    const struct kvr_kernel *const *kernels = kvr_kernels(&kernel_count);
    bool known = false;
    snprintf(name, sizeof name, "%.*s", at ? (int)(at - pattern) : 0, pattern);
    for (size_t c = 0; at && kvr_codecs()[c]; c++) {
        for (size_t k = 0; k < 2 * kernel_count && !known; k++) {
            const struct kvr_kernel *kernel = kernels[k % kernel_count];
            const char *variant =
                kvr_codec_variant(kvr_codecs()[c], kernel, k >= kernel_count, UINT64_MAX);
            known = variant && matches(name, kvr_codecs()[c], variant, kernel);
        }
    }
    int isa = known ? kvr_isa_check(at + 1, usable, reason, sizeof reason) : -EINVAL;
    if (isa == -ENODEV) {
        snprintf(why, why_bytes, "cannot run: %s %s", at + 1, reason);
        return -ENODEV;
    }
    if (!isa && !strchr(name, '.')) {
        snprintf(why, why_bytes, "names an instruction set and no variant; '%s.*@%s' means all of "
                 "them", name, at + 1);
        return -EINVAL;
    }
    offer_nearest(pattern, why, why_bytes);
    return -EINVAL;
}

int kvr_select(const char *pattern, const char *isa, uint64_t usable,
               struct kvr_selections *selections, char *why, size_t why_bytes)
{
    size_t kernel_count = 0;
    const struct kvr_kernel *const *kernels = kvr_kernels(&kernel_count);
    const bool every_isa = strcmp(isa, "all") == 0;
    selections->count = 0;
    for (size_t c = 0; kvr_codecs()[c]; c++) {
        /* A codec's own kernels, then those that scan a copy. */
        for (size_t k = 0; k < 2 * kernel_count; k++) {
            const struct kvr_kernel *kernel = kernels[k % kernel_count];
            const char *variant =
                kvr_codec_variant(kvr_codecs()[c], kernel, k >= kernel_count, usable);
            if (!variant || !matches(pattern, kvr_codecs()[c], variant, kernel))
                continue;
            struct kvr_selection *selection =
                selection_of(selections, kvr_codecs()[c], variant, kernel, every_isa);
            if (!selection) {
                snprintf(why, why_bytes, "means more than %d kernels", KVR_MAX_SELECTIONS);
                return -EINVAL;
            }
            if (!isa_means(isa, kernel))
                continue;
            if (kernel->isa & ~usable)
                selection->unusable = kernel;
            else if (selection->usable_count < KVR_MAX_CANDIDATES)
                selection->usable[selection->usable_count++] = kernel;
        }
    }
    return selections->count ? 0 : explain_nothing(pattern, usable, why, why_bytes);
}

/* Every ISA name: those of the kernels compiled in and those of the feature bits, once each. */
static size_t isa_names(const char **names, size_t max)
{
    size_t count = 0, kernel_count = 0;
    const struct kvr_kernel *const *kernels = kvr_kernels(&kernel_count);
    names[count++] = "auto";
    names[count++] = "all";
    names[count++] = "scalar";
    for (size_t k = 0; k < kernel_count + kvr_isa_bit_count() && count < max; k++) {
        const char *name = k < kernel_count ? kernels[k]->isa_name
                                            : kvr_isa_bit_name(UINT64_C(1) << (k - kernel_count));
        bool known = !name;
        for (size_t i = 0; i < count && !known; i++)
            known = strcmp(names[i], name) == 0;
        if (!known)
            names[count++] = name;
    }
    return count;
}

static void list_usable_isas(uint64_t usable, char *text, size_t bytes)
{
    const char *names[64];
    size_t count = isa_names(names, 64), kernel_count = 0, used = 0;
    const struct kvr_kernel *const *kernels = kvr_kernels(&kernel_count);
    *text = '\0';
    for (size_t i = 2; i < count; i++) {
        bool has = false;
        for (size_t k = 0; k < kernel_count && !has; k++)
            has = strcmp(kernels[k]->isa_name, names[i]) == 0 && !(kernels[k]->isa & ~usable);
        if (has && used < bytes)
            used += (size_t)snprintf(text + used, bytes - used, "%s%s", used ? ", " : "", names[i]);
    }
}

int kvr_isa_check(const char *isa, uint64_t usable, char *why, size_t why_bytes)
{
    const char *names[64];
    char have[160];
    size_t count = isa_names(names, 64), kernel_count = 0;
    const struct kvr_kernel *const *kernels = kvr_kernels(&kernel_count);
    bool known = false, built = false;
    for (size_t i = 0; i < count && !known; i++)
        known = strcmp(names[i], isa) == 0;
    if (!known) {
        const char *nearest = kvr_nearest(isa, names, count);
        snprintf(why, why_bytes, "is no instruction set that kvroof knows%s%s%s",
                 nearest ? "; did you mean " : "; `kvroof list isa` names them",
                 nearest ? nearest : "", nearest ? "?" : "");
        return -EINVAL;
    }
    for (size_t k = 0; k < kernel_count; k++) {
        if (!isa_means(isa, kernels[k]))
            continue;
        if (!(kernels[k]->isa & ~usable))
            return 0;
        built = true;
    }
    list_usable_isas(usable, have, sizeof have);
    snprintf(why, why_bytes, "%s; there are kernels for %s",
             built ? "is not usable on this host" : "has no kernel in this build", have);
    return -ENODEV;
}

void kvr_explain_unusable(const struct kvr_selection *selection, const struct kvr_isa_info *host,
                          char *why, size_t why_bytes)
{
    const struct kvr_kernel *kernel = selection->unusable;
    uint64_t missing = kernel->isa & ~host->usable;
    size_t used = (size_t)snprintf(why, why_bytes, "%s.%s@%s needs", selection->codec->name,
                                   selection->variant, kernel->isa_name);
    for (unsigned i = 0; i < kvr_isa_bit_count() && used < why_bytes; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if (missing & bit)
            used += (size_t)snprintf(why + used, why_bytes - used, " %s", kvr_isa_bit_name(bit));
    }
    if (used < why_bytes)
        snprintf(why + used, why_bytes - used, ", which %s",
                 missing & host->hidden ? "the operating system withholds" : "this host lacks");
}
