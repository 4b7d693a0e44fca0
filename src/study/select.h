/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Kernels by name: which kernels of which codecs a pattern and an ISA name mean, and which of them
 * this host can execute.
 */
#ifndef KVR_SELECT_H
#define KVR_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

enum { KVR_MAX_CANDIDATES = 8, KVR_MAX_SELECTIONS = 256 };

/* One codec and variant with the kernels meant. Under ISA "all" every instruction set is a
 * selection. Kernels that serve different shapes may be together. The
 * variant "materialised" of a codec has the kernels of dense_f16. */
struct kvr_selection {
    const struct kvr_codec *codec;
    const char *variant;
    bool named; /* by its variant in an option, so that it is an order and not a part of a glob */
    bool of_many_isas; /* one of all instruction sets: no order of this one */
    const struct kvr_kernel *usable[KVR_MAX_CANDIDATES]; size_t usable_count;
    const struct kvr_kernel *unusable; /* one that this host lacks, or NULL */
};

struct kvr_selections {
    struct kvr_selection items[KVR_MAX_SELECTIONS];
    size_t count;
};

/* True if `codec` can be attended with `kernel`. */
bool kvr_codec_serves(const struct kvr_codec *codec, const struct kvr_kernel *kernel);
/* True if a step that `usable` ISA bits can execute turns this codec's codes into float16: then it
 * has the variant "materialised". */
bool kvr_codec_dequantises(const struct kvr_codec *codec, uint64_t usable);
/* The variant of `codec` whose scan `kernel` is, or NULL. Materialised: ask for those variants
 * that scan a copy of the codes instead of the codes. */
const char *kvr_codec_variant(const struct kvr_codec *codec, const struct kvr_kernel *kernel,
                              bool materialised, uint64_t usable);
/* True for a format of the look-up family: its shape has tables and entries. */
bool kvr_format_looks_up(const struct kvr_format *format);

/* Selections of one pattern and one ISA name, both already known to be valid names; usable: the
 * host's ISA bits. An entry with usable_count == 0 and unusable == NULL has no kernel for that
 * ISA. 0; -EINVAL when the pattern means nothing, with a clause in `why` ("means no kernel; did you
 * mean ...?"); -ENODEV when it names an ISA that this host or build lacks. */
int kvr_select(const char *pattern, const char *isa, uint64_t usable,
               struct kvr_selections *selections, char *why, size_t why_bytes);

/* 0; -EINVAL for an unknown name (why offers the nearest); -ENODEV for a known one without a
 * kernel that this host can execute. "auto" and "all" are valid. */
int kvr_isa_check(const char *isa, uint64_t usable, char *why, size_t why_bytes);

/* "lookat.u8@avx512vbmi needs avx512vbmi, which this host lacks". */
void kvr_explain_unusable(const struct kvr_selection *selection, const struct kvr_isa_info *host,
                          char *why, size_t why_bytes);

#endif
