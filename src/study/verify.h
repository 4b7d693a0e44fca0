/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_VERIFY_H
#define KVR_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "../codec/codec.h"

enum { KVR_VERIFY_MAX_MISMATCHES = 10 };

/* Checks `kernel` against its format's reference on `tokens` keys of one segment: `codes`, `side`
 * and `prepared` as the codec made them. 0 if every score is within tolerance; -EDOM with a
 * sentence in error (index, kernel's and reference's score, allowed difference); -ENOMEM. Runs the
 * kernel without look-ahead and with both kinds of it. */
int kvr_verify_scores(const struct kvr_kernel *kernel, const struct kvr_shape *shape,
                      uint32_t tokens, const void *codes, const void *side, const void *prepared,
                      char *error, size_t error_bytes);

/* Random shapes, token counts, keys (extremes among them) and queries for one kernel and codec;
 * counts cases and mismatches. Stops after KVR_VERIFY_MAX_MISMATCHES, each a line to report().
 * *checked stays 0 if no shape suits both. 0 or -ENOMEM; -errno of train() if calibration fails. */
int kvr_verify_random(const struct kvr_kernel *kernel, const struct kvr_codec *codec,
                      uint32_t cases, uint64_t seed, uint32_t *checked, uint32_t *mismatches,
                      void (*report)(const char *line));

#endif
