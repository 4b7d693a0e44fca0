/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_VERIFY_REAL_H
#define KVR_VERIFY_REAL_H

#include <stdint.h>

#include "../study/select.h"

/* One kernel of one codec under test. */
struct kvr_suspect {
    const struct kvr_codec *codec;
    const struct kvr_kernel *kernel;
    uint32_t cases, mismatches;
};

/* Verifies suspects[first .. first + count), which share a codec, on real keys of the built-in set
 * at `head_dim`: the codec's own codebooks or scales, several heads and queries. Adds to their
 * counts; a mismatch is a line to report(). 0; -ENOTSUP: the codec refuses the shape; -errno with
 * a sentence in error. */
int kvr_verify_real(struct kvr_suspect *suspects, size_t count, uint32_t head_dim, uint64_t seed,
                    void (*report)(const char *line), char *error, size_t error_bytes);

#endif
