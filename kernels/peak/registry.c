/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The lists of the peak family, from peaks.inc.
 */
#include "../peak.h"

#define PEAK(symbol) extern const struct kvr_peak symbol;
#define STREAM(symbol) extern const struct kvr_peak_stream symbol;
#define EXPAND(symbol) extern const struct kvr_peak_expand symbol;
#define DIAL(symbol) extern const struct kvr_dial symbol;
#include "../peaks.inc"

static const struct kvr_peak *const peaks[] = {
#define PEAK(symbol) &symbol,
#include "../peaks.inc"
};

static const struct kvr_peak_stream *const streams[] = {
#define STREAM(symbol) &symbol,
#include "../peaks.inc"
};

const struct kvr_peak *const *kvr_peaks(size_t *count)
{
    *count = sizeof peaks / sizeof *peaks;
    return peaks;
}

const struct kvr_peak_stream *const *kvr_peak_streams(size_t *count)
{
    *count = sizeof streams / sizeof *streams;
    return streams;
}

static const struct kvr_dial *const dials[] = {
#define DIAL(symbol) &symbol,
#include "../peaks.inc"
};

const struct kvr_dial *const *kvr_dials(size_t *count)
{
    *count = sizeof dials / sizeof *dials;
    return dials;
}

static const struct kvr_peak_expand *const expands[] = {
#define EXPAND(symbol) &symbol,
#include "../peaks.inc"
};

const struct kvr_peak_expand *const *kvr_peak_expands(size_t *count)
{
    *count = sizeof expands / sizeof *expands;
    return expands;
}
