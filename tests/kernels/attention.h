/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One head of attention in double, and how far kernels in float may be from it: for tests that
 * compose the steps.
 */
#ifndef KVR_TESTS_ATTENTION_H
#define KVR_TESTS_ATTENTION_H

#include <stdint.h>

#include "kernels/formats.h"
#include "kernels/steps.h"
#include "src/codec/codec.h"

/* Steps that belong together: of the preparing step's ISA, and the last usable score kernel of its
 * format. */
struct attention_steps {
    const struct kvr_prepare_step *prepare;
    const struct kvr_softmax_step *softmax;
    const struct kvr_values_step *values;
    const struct kvr_kernel *kernel;
};

enum { ATTENTION_MOST_STEPS = 24 };
/* All that serve a codec's formats on a host with these ISA bits; their number. A codec without any
 * on this host must have none at all. */
size_t attention_steps_of(const struct kvr_codec *codec, uint64_t usable_isa, uint32_t tables,
                          struct attention_steps steps[ATTENTION_MOST_STEPS]);

/* A codec's trained `side` as the step reads it: a float16 codebook has rounded values, and what
 * keys are decoded to with them is what scores belong to. free(). */
void *attention_side(const struct kvr_prepare_step *step, const struct kvr_codec *codec,
                     const struct kvr_shape *shape, const void *side);

/* q.k / sqrt(d) from the definition; keys [tokens][d]. */
void attention_scores(const float *query, const float *keys, uint32_t tokens, uint32_t d,
                      double *scores);

/* How far a format's reference scores may be from those of its keys, decoded with attention_side:
 * what the format rounds of a query, by the definitions in kernel.h. `prepared` by `step` from
 * `query`; magnitude: the format's, of the codes (kernel.h), or 0 if it has none. */
double attention_format_error(const struct kvr_prepare_step *step, const struct kvr_shape *shape,
                              const void *prepared, const float *query, const float *decoded,
                              uint32_t tokens, double magnitude);
double attention_magnitude(const struct kvr_format *format, const struct kvr_shape *shape,
                           uint32_t tokens, const void *codes);

struct attention_expected {
    double output[KVR_MAX_HEAD_DIM];
    double magnitude[KVR_MAX_HEAD_DIM]; /* sum of weight * |value|, a channel */
    double largest_score;               /* |score| */
};

/* Softmax of the scores and its product with values [tokens][d]. */
void attention_expect(const double *scores, const float *values, uint32_t tokens, uint32_t d,
                      struct attention_expected *expected);

/* How far output channel c of steps in float may be, whose scores are off by at most score_error
 * each. */
double attention_allowed(const struct attention_expected *expected, uint32_t c, uint32_t tokens,
                         uint32_t tiles, double score_error);

#endif
