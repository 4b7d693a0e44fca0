/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof's own kernels: of all that this host can run the fastest counts, with the prefetch
 * distance and streams that measure best at each place, as `kvroof run` chooses them.
 */
#include "probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/steps.h"
#include "../../src/codec/codec.h"
#include "../../src/machine/isa.h"

enum { LIST = 1 << 18, SCORE_ALIGN = 64 };

struct tuning {
    uint32_t segments, bytes, streams;
};
static const struct tuning tunings[] = {
    {0, 0, 1},   {1, 0, 1},    {2, 0, 1},    {4, 0, 1}, {8, 0, 1}, {0, 256, 1}, {0, 512, 1},
    {0, 1024, 1}, {0, 2048, 1}, {0, 0, 2},   {2, 0, 2}, {0, 0, 4}, {1, 0, 4},   {2, 0, 4},
    {4, 0, 4},   {8, 0, 4},    {0, 512, 4}};

/* One codec at one place. */
struct scan {
    struct kvr_shape shape;
    struct kvr_segments keys, values;
    const struct kvr_kernel *kernel;
    const void *side;
    const float *query;
    unsigned char *prepared; /* [query][stride_bytes] */
    size_t stride_bytes;
    float *scores; /* [query][PEERS_SEGMENT] */
    /* Of attention only. */
    const struct kvr_prepare_step *prepare;
    const struct kvr_softmax_step *softmax;
    const struct kvr_values_step *weigh;
    float *output;
};

struct request {
    char codec[32], variant[32];
    uint32_t tables, entries, queries;
};

static void scan_run(void *state, uint32_t segment)
{
    const struct scan *scan = state;
    for (uint32_t q = 0, served = 1; q < scan->shape.queries; q += served) {
        const struct kvr_score_group *group =
            kvr_next_group(scan->kernel, scan->shape.queries - q);
        const struct kvr_query_group queries = {.prepared = scan->prepared + q * scan->stride_bytes,
            .scores = scan->scores + (size_t)q * PEERS_SEGMENT,
            .prepared_stride_bytes = scan->stride_bytes, .scores_stride = PEERS_SEGMENT};
        served = group ? group->queries : 1;
        if (group)
            group->score(&scan->shape, &scan->keys, segment, scan->side, &queries);
        else
            scan->kernel->score(&scan->shape, &scan->keys, segment, scan->side, queries.prepared,
                                queries.scores);
    }
}

static void attention_run(void *state, uint32_t segment)
{
    const struct scan *scan = state;
    struct kvr_softmax softmax = {-INFINITY, 0, 0};
    scan->prepare->prepare(&scan->shape, NULL, NULL, scan->query, scan->prepared);
    scan_run(state, segment);
    scan->softmax->softmax(scan->scores, scan->keys.tokens, &softmax);
    scan->weigh->values(&scan->shape, &scan->values, segment, scan->scores, softmax.rescale,
                        scan->output);
    for (uint32_t c = 0; c < scan->shape.head_dim; c++)
        scan->output[c] /= softmax.sum;
}

static void tune(struct scan *scan, const struct tuning *tuning)
{
    struct kvr_segments *lists[] = {&scan->keys, &scan->values};
    for (int i = 0; i < 2; i++) {
        lists[i]->ahead_segments = tuning->segments;
        lists[i]->ahead_bytes = tuning->bytes;
        lists[i]->streams = tuning->streams;
    }
}

/* Tries all distances at one place and keeps the best. */
static void tune_best(struct peers_work *work, char *note, size_t note_bytes)
{
    const struct tuning *best = NULL;
    double best_ns = 0;
    for (size_t i = 0; i < sizeof tunings / sizeof *tunings; i++) {
        tune(work->state, tunings + i);
        double ns = peers_trial(work);
        if (!best || ns < best_ns)
            best = tunings + i, best_ns = ns;
    }
    tune(work->state, best);
    snprintf(note, note_bytes, "%ux%s%u", best->streams, best->segments ? "s" : "b",
             best->segments ? best->segments : best->bytes);
}

/* One list for all places, as long as the longest. */
static const uint32_t *in_order(void)
{
    static uint32_t order[LIST];
    for (uint32_t i = 0; i < LIST; i++)
        order[i] = i;
    return order;
}

/* A segment of `bytes`, repeated: `count` copies behind one that the cache place uses. */
static bool repeat(struct kvr_segments *cache, struct kvr_segments *dram, const void *segment,
                   size_t bytes, uint32_t count)
{
    unsigned char *arena = peers_arena((count + 1) * bytes);
    if (!arena)
        return false;
    for (uint32_t i = 0; i <= count; i++)
        memcpy(arena + i * bytes, segment, bytes);
    *dram = (struct kvr_segments){.base = arena + bytes, .stride_bytes = bytes,
        .order = in_order(), .count = count, .tokens = PEERS_SEGMENT, .streams = 1};
    *cache = *dram;
    cache->base = arena;
    cache->count = 1;
    return true;
}

static void *aligned(size_t bytes)
{
    return aligned_alloc(SCORE_ALIGN, (bytes + SCORE_ALIGN) / SCORE_ALIGN * SCORE_ALIGN);
}

/* Trains and encodes PEERS_SEGMENT keys, prepares the queries, fills both places. */
static bool fill(const struct peers_data *data, const struct kvr_codec *codec, size_t value_bytes,
                 struct scan *cache, struct scan *dram, struct peers_entry *entry)
{
    const struct kvr_shape *shape = &dram->shape;
    const struct kvr_format *format = dram->kernel->format;
    void *side = aligned(codec->side_bytes(shape));
    size_t bytes = kvr_codec_layout(codec, shape)->segment_bytes(shape, PEERS_SEGMENT);
    void *codes = aligned(bytes);
    size_t count = entry->dram_bytes / (bytes + value_bytes);
    if (!side || !codes || count == 0 || count >= LIST)
        return peers_absent(entry, "no memory, or %zu bytes hold no head", entry->dram_bytes);
    int status = codec->calibrated ? codec->train(shape, data->calibration,
                                                  data->calibration_count, 1, side)
                                   : codec->train(shape, data->keys, PEERS_KEYS, 1, side);
    if (!status)
        status = codec->encode(shape, side, data->keys, PEERS_SEGMENT, codes);
    if (status)
        return peers_absent(entry, "cannot encode: %s", strerror(-status));
    if (!repeat(&cache->keys, &dram->keys, codes, bytes, (uint32_t)count))
        return peers_absent(entry, "no memory for %zu bytes of keys", entry->dram_bytes);
    free(codes);
    dram->stride_bytes = (format->prepared_bytes(shape) + 63) / 64 * 64;
    dram->prepared = aligned(PEERS_QUERIES * dram->stride_bytes);
    dram->scores = aligned(sizeof(float) * PEERS_QUERIES * PEERS_SEGMENT);
    if (!dram->prepared || !dram->scores)
        return peers_absent(entry, "no memory for the queries");
    for (uint32_t q = 0; q < PEERS_QUERIES; q++)
        codec->prepare(shape, format, side, data->queries + q * PEERS_DIM,
                       dram->prepared + q * dram->stride_bytes);
    dram->side = side;
    dram->query = data->queries;
    entry->bytes_per_unit = codec->key_bytes(shape);
    return true;
}

/* The last of the kernels that this host can run, the shape needs and the request names, or the
 * one after `before` in that order. NULL: none. */
static const struct kvr_kernel *next_kernel(const struct kvr_codec *codec,
                                            const struct request *request,
                                            const struct kvr_shape *shape, uint64_t usable,
                                            const struct kvr_kernel *before)
{
    size_t count;
    const struct kvr_kernel *const *all = kvr_kernels(&count);
    for (size_t i = count; i-- > 0;) {
        if (before) {
            before = all[i] == before ? NULL : before;
            continue;
        }
        bool serves = false;
        for (size_t f = 0; codec->formats[f]; f++)
            serves |= codec->formats[f] == all[i]->format;
        if (serves && !(all[i]->isa & ~usable) && !strcmp(all[i]->variant, request->variant) &&
            kvr_kernel_serves(all[i], shape))
            return all[i];
    }
    return NULL;
}

static double error_of(const struct peers_data *data, struct scan *dram)
{
    double worst = 0;
    scan_run(dram, 0);
    for (uint32_t q = 0; q < dram->shape.queries; q++)
        worst = fmax(worst, peers_error(dram->scores + (size_t)q * PEERS_SEGMENT, sqrt(PEERS_DIM),
                                        data->scores[q], PEERS_KEYS));
    return worst;
}

/* The fastest kernel at either place and its tunings; the two places of the entry. */
static void choose(const struct kvr_codec *codec, const struct request *request, uint64_t usable,
                   struct peers_entry *entry)
{
    struct scan *cache = entry->cache.state, *dram = entry->dram.state;
    const struct kvr_format *format = dram->kernel->format;
    const struct kvr_kernel *best = NULL, *kernel = NULL;
    char cached[32], streamed[32];
    double best_ns = 0;
    while ((kernel = next_kernel(codec, request, &dram->shape, usable, kernel))) {
        if (kernel->format != format)
            continue;
        cache->kernel = dram->kernel = kernel;
        double ns = peers_trial(&entry->cache) + peers_trial(&entry->dram);
        if (!best || ns < best_ns)
            best = kernel, best_ns = ns;
    }
    cache->kernel = dram->kernel = best;
    tune_best(&entry->cache, cached, sizeof cached);
    tune_best(&entry->dram, streamed, sizeof streamed);
    snprintf(entry->note, sizeof entry->note, "%s.%s@%s, cache %s, DRAM %s", codec->name,
             best->variant, best->isa_name, cached, streamed);
}

static bool open_scan(const struct peers_data *data, const struct request *request, bool attention,
                      struct peers_entry *entry)
{
    static struct scan cache, dram;
    struct kvr_isa_info isa;
    kvr_isa_detect(&isa);
    const struct kvr_codec *codec = kvr_codec_find(request->codec);
    if (!codec)
        return peers_absent(entry, "this build has no codec %s", request->codec);
    dram.shape = (struct kvr_shape){.head_dim = PEERS_DIM, .tokens = PEERS_SEGMENT, .heads = 1,
        .queries = request->queries, .tables = request->tables, .entries = request->entries,
        .group = codec->group};
    const char *refusal = codec->refuses(&dram.shape);
    if (refusal)
        return peers_absent(entry, "%s", refusal);
    dram.kernel = next_kernel(codec, request, &dram.shape, isa.usable, NULL);
    if (!dram.kernel)
        return peers_absent(entry, "no kernel %s.%s for this host", codec->name, request->variant);
    size_t value_bytes = attention ? sizeof(uint16_t) * PEERS_SEGMENT * PEERS_DIM : 0;
    if (!fill(data, codec, value_bytes, &cache, &dram, entry))
        return false;
    struct kvr_segments keys = cache.keys;
    cache = dram;
    cache.keys = keys;
    cache.keys.tokens = cache.shape.tokens = (uint32_t)entry->cache_keys;
    entry->cache = (struct peers_work){scan_run, &cache, 1, (double)entry->cache_keys, 0};
    entry->dram = (struct peers_work){scan_run, &dram, dram.keys.count, PEERS_SEGMENT, 0};
    if (!attention)
        choose(codec, request, isa.usable, entry);
    entry->error = error_of(data, &dram);
    return true;
}

/* ---- attention with float16 keys and values ---- */

/* The last of a list of steps that this host can run. */
#define LAST_USABLE(chosen, list, count, usable, fits)                                             \
    for (size_t i_ = 0; i_ < (count); i_++)                                                        \
        if (!((list)[i_]->isa & ~(usable)) && (fits))                                              \
    (chosen) = (list)[i_]

static bool find_steps(struct scan *scan, uint64_t usable)
{
    size_t prepares, softmaxes, weighs;
    const struct kvr_prepare_step *const *prepare = kvr_prepare_steps(&prepares);
    const struct kvr_softmax_step *const *softmax = kvr_softmax_steps(&softmaxes);
    const struct kvr_values_step *const *weigh = kvr_values_steps(&weighs);
    LAST_USABLE(scan->prepare, prepare, prepares, usable,
                prepare[i_]->format == scan->kernel->format &&
                    prepare[i_]->codebook == KVR_CODEBOOK_NONE);
    LAST_USABLE(scan->softmax, softmax, softmaxes, usable, true);
    LAST_USABLE(scan->weigh, weigh, weighs, usable, weigh[i_]->format == scan->kernel->format);
    return scan->prepare && scan->softmax && scan->weigh;
}

static bool add_values(const struct peers_data *data, struct scan *cache, struct scan *dram)
{
    size_t count = (size_t)PEERS_SEGMENT * PEERS_DIM;
    uint16_t *values = malloc(count * sizeof *values);
    if (!values)
        return false;
    for (size_t i = 0; i < count; i++)
        values[i] = kvr_float_to_half(data->values[i]);
    bool ok = repeat(&cache->values, &dram->values, values, count * sizeof *values,
                     dram->keys.count);
    cache->values.tokens = cache->keys.tokens;
    free(values);
    return ok;
}

/* Of a head of the PEERS_KEYS keys whose output is known. */
static double attention_error(const struct peers_data *data, const struct scan *dram)
{
    struct scan head = *dram;
    head.keys.tokens = head.values.tokens = head.shape.tokens = PEERS_KEYS;
    attention_run(&head, 0);
    return peers_error(head.output, 1, data->output, PEERS_DIM);
}

static bool open_attention(const struct peers_data *data, struct peers_entry *entry)
{
    struct request request = {.codec = "fp16", .variant = "fused", .queries = 1};
    struct kvr_isa_info isa;
    char cached[32], streamed[32];
    kvr_isa_detect(&isa);
    if (!open_scan(data, &request, true, entry))
        return false;
    struct scan *cache = entry->cache.state, *dram = entry->dram.state;
    if (!find_steps(dram, isa.usable))
        return peers_absent(entry, "not every step of attention is there for this host");
    dram->output = aligned(sizeof(float) * PEERS_DIM);
    cache->prepare = dram->prepare;
    cache->softmax = dram->softmax;
    cache->weigh = dram->weigh;
    cache->output = dram->output;
    if (!dram->output || !add_values(data, cache, dram))
        return peers_absent(entry, "no memory for %zu bytes of values", entry->dram_bytes / 2);
    entry->cache.run = entry->dram.run = attention_run;
    entry->bytes_per_unit *= 2;
    tune_best(&entry->cache, cached, sizeof cached);
    tune_best(&entry->dram, streamed, sizeof streamed);
    entry->error = attention_error(data, dram);
    snprintf(entry->note, sizeof entry->note, "fp16@%s, cache %s, DRAM %s", dram->kernel->isa_name,
             cached, streamed);
    return true;
}

bool peers_open_kvroof(const struct peers_data *data, const char *spec, struct peers_entry *entry)
{
    struct request request = {.variant = "fused", .queries = 1};
    if (!strcmp(spec, "attention"))
        return open_attention(data, entry);
    const char *queries = strchr(spec, '*');
    sscanf(spec, "%31[^:*]:%31[^:*]:%u:%u", request.codec, request.variant, &request.tables,
           &request.entries);
    if (queries)
        request.queries = (uint32_t)strtoul(queries + 1, NULL, 10);
    if (request.queries == 0 || request.queries > PEERS_QUERIES)
        return peers_absent(entry, "1 to %d queries, not %u", PEERS_QUERIES, request.queries);
    return open_scan(data, &request, false, entry);
}
