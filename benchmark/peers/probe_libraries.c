/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Score kernels of shared libraries: ggml's dot products and OpenBLAS, by dlopen.
 */
#include "probe.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of ggml-cpu.h, as the library exports them; a type is a number of enum ggml_type. */
struct ggml_traits {
    void (*from_float)(const float *x, void *y, int64_t count);
    void (*dot)(int n, float *s, size_t bs, const void *x, size_t bx, const void *y, size_t by,
                int rows);
    int dot_type;
    int64_t rows;
};

struct ggml_type {
    const char *name;
    int number;
    size_t row_bytes; /* of PEERS_DIM channels */
};
static const struct ggml_type ggml_types[] = {
    {"f16", 1, 128}, {"bf16", 30, 128}, {"q8_0", 8, 68}, {"q4_0", 2, 36}};

struct ggml_scan {
    const struct ggml_traits *traits;
    const unsigned char *codes;
    size_t row_bytes;
    uint32_t tokens;
    unsigned char query[256];
    float *scores;
};

static void ggml_run(void *state, uint32_t segment)
{
    const struct ggml_scan *scan = state;
    const unsigned char *codes = scan->codes + (size_t)segment * scan->tokens * scan->row_bytes;
    for (uint32_t t = 0; t < scan->tokens; t++)
        scan->traits->dot(PEERS_DIM, scan->scores + t, 0, codes + t * scan->row_bytes, 0,
                          scan->query, 0, 1);
}

/* The traits of a library that this host can run, or NULL. */
static const struct ggml_traits *ggml_load(const char *path, int type,
                                           const struct ggml_traits **query)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return NULL;
    int (*score)(void) = (int (*)(void))dlsym(library, "ggml_backend_score");
    void (*init)(void) = (void (*)(void))dlsym(library, "ggml_cpu_init");
    const struct ggml_traits *(*traits)(int) =
        (const struct ggml_traits *(*)(int))dlsym(library, "ggml_get_type_traits_cpu");
    if (!score || !init || !traits || score() == 0)
        return NULL;
    init();
    const struct ggml_traits *found = traits(type);
    if (!found || !found->dot || !found->from_float)
        return NULL;
    *query = traits(found->dot_type);
    return (*query)->from_float ? found : NULL;
}

static bool ggml_places(const struct peers_data *data, const struct ggml_type *type,
                        const struct ggml_traits *traits, struct peers_entry *entry)
{
    static struct ggml_scan cache, dram;
    size_t segment_bytes = PEERS_SEGMENT * type->row_bytes;
    uint32_t segments = (uint32_t)(entry->dram_bytes / segment_bytes);
    unsigned char *codes = peers_arena((segments + 1) * segment_bytes);
    float *scores = peers_arena(PEERS_SEGMENT * sizeof *scores);
    if (!codes || !scores || segments == 0)
        return peers_absent(entry, "no memory for %zu bytes of keys", entry->dram_bytes);
    for (size_t t = 0; t < PEERS_SEGMENT; t++)
        traits->from_float(data->keys + t * PEERS_DIM, codes + t * type->row_bytes, PEERS_DIM);
    for (uint32_t i = 1; i <= segments; i++)
        memcpy(codes + i * segment_bytes, codes, segment_bytes);
    dram = (struct ggml_scan){.codes = codes + segment_bytes, .row_bytes = type->row_bytes,
                              .tokens = PEERS_SEGMENT, .scores = scores};
    cache = dram;
    cache.codes = codes;
    cache.tokens = (uint32_t)entry->cache_keys;
    entry->cache = (struct peers_work){ggml_run, &cache, 1, (double)cache.tokens, 0};
    entry->dram = (struct peers_work){ggml_run, &dram, segments, PEERS_SEGMENT, 0};
    entry->bytes_per_unit = (double)type->row_bytes;
    return true;
}

static void ggml_use(const struct peers_data *data, const struct ggml_traits *traits,
                     const struct ggml_traits *query, struct peers_entry *entry)
{
    struct ggml_scan *places[] = {entry->cache.state, entry->dram.state};
    for (int i = 0; i < 2; i++) {
        places[i]->traits = traits;
        query->from_float(data->queries, places[i]->query, PEERS_DIM);
    }
}

bool peers_open_ggml(const struct peers_data *data, const char *spec, char **libraries, int count,
                     struct peers_entry *entry)
{
    const struct ggml_type *type = NULL;
    for (size_t i = 0; i < sizeof ggml_types / sizeof *ggml_types; i++)
        if (!strcmp(spec, ggml_types[i].name))
            type = ggml_types + i;
    if (!type)
        return peers_absent(entry, "no type %s", spec);
    const struct ggml_traits *best = NULL, *best_query = NULL;
    double best_ns = 0;
    size_t tried = 0;
    char best_name[128] = "";
    for (int i = 0; i < count; i++) {
        const struct ggml_traits *query, *traits = ggml_load(libraries[i], type->number, &query);
        if (!traits || (!entry->dram.state && !ggml_places(data, type, traits, entry)))
            continue;
        ggml_use(data, traits, query, entry);
        double ns = peers_trial(&entry->cache) + peers_trial(&entry->dram);
        tried++;
        if (!best || ns < best_ns) {
            best = traits, best_query = query, best_ns = ns;
            snprintf(best_name, sizeof best_name, "%s", strrchr(libraries[i], '/') + 1);
        }
    }
    if (!best)
        return entry->why[0] ? false : peers_absent(entry, "this host can run none of %d libraries",
                                                    count);
    ggml_use(data, best, best_query, entry);
    struct ggml_scan *dram = entry->dram.state;
    ggml_run(dram, 0);
    entry->error = peers_error(dram->scores, 1, data->scores[0], PEERS_KEYS);
    snprintf(entry->note, sizeof entry->note, "%s, the best of %zu", best_name, tried);
    return true;
}

/* ---- OpenBLAS ---- */

enum { ROW_MAJOR = 101, NOT_TURNED = 111, TURNED = 112 };
typedef void sgemv_fn(int order, int turn, int m, int n, float alpha, const float *a, int lda,
                      const float *x, int incx, float beta, float *y, int incy);
typedef void sgemm_fn(int order, int turn_a, int turn_b, int m, int n, int k, float alpha,
                      const float *a, int lda, const float *b, int ldb, float beta, float *c,
                      int ldc);

struct blas_scan {
    sgemv_fn *sgemv;
    sgemm_fn *sgemm;
    const float *keys, *queries;
    int tokens;
    float *scores; /* [token], or [token][PEERS_QUERIES] */
};

static void blas_sgemv(void *state, uint32_t segment)
{
    const struct blas_scan *scan = state;
    scan->sgemv(ROW_MAJOR, NOT_TURNED, scan->tokens, PEERS_DIM, 1,
                scan->keys + (size_t)segment * PEERS_SEGMENT * PEERS_DIM, PEERS_DIM, scan->queries,
                1, 0, scan->scores, 1);
}

static void blas_sgemm(void *state, uint32_t segment)
{
    const struct blas_scan *scan = state;
    scan->sgemm(ROW_MAJOR, NOT_TURNED, TURNED, scan->tokens, PEERS_QUERIES, PEERS_DIM, 1,
                scan->keys + (size_t)segment * PEERS_SEGMENT * PEERS_DIM, PEERS_DIM, scan->queries,
                PEERS_DIM, 0, scan->scores, PEERS_QUERIES);
}

/* Of all queries that the product has. */
static double blas_error(const struct peers_data *data, const float *scores, int queries)
{
    static float one[PEERS_KEYS];
    double worst = 0;
    for (int q = 0; q < queries; q++) {
        for (int t = 0; t < PEERS_KEYS; t++)
            one[t] = scores[t * queries + q];
        double error = peers_error(one, 1, data->scores[q], PEERS_KEYS);
        worst = error > worst ? error : worst;
    }
    return worst;
}

/* The interface of the system's OpenBLAS, set to one thread; *config says how it was built and
 * which core type it runs for. */
static bool blas_load(struct blas_scan *scan, const char **config, struct peers_entry *entry)
{
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return peers_absent(entry, "no libopenblas.so.0 (apt install libopenblas0)");
    void (*set_threads)(int) = (void (*)(int))dlsym(library, "openblas_set_num_threads");
    char *(*get_config)(void) = (char *(*)(void))dlsym(library, "openblas_get_config");
    scan->sgemv = (sgemv_fn *)dlsym(library, "cblas_sgemv");
    scan->sgemm = (sgemm_fn *)dlsym(library, "cblas_sgemm");
    if (!set_threads || !get_config || !scan->sgemv || !scan->sgemm)
        return peers_absent(entry, "this libopenblas.so.0 has no cblas interface");
    set_threads(1);
    *config = get_config();
    return true;
}

bool peers_open_blas(const struct peers_data *data, const char *spec, struct peers_entry *entry)
{
    static struct blas_scan cache, dram;
    const char *config = "";
    if (!blas_load(&dram, &config, entry))
        return false;
    bool product = !strcmp(spec, "sgemm");
    size_t segment_bytes = (size_t)PEERS_SEGMENT * PEERS_DIM * sizeof(float);
    uint32_t segments = (uint32_t)(entry->dram_bytes / segment_bytes);
    char *keys = peers_arena(segments * segment_bytes);
    dram.scores = peers_arena(sizeof(float) * PEERS_SEGMENT * PEERS_QUERIES);
    if (!keys || !dram.scores || segments == 0)
        return peers_absent(entry, "no memory for %zu bytes of keys", entry->dram_bytes);
    for (uint32_t i = 0; i < segments; i++)
        memcpy(keys + i * segment_bytes, data->keys, segment_bytes);
    dram.keys = (const float *)(void *)keys;
    dram.queries = data->queries;
    dram.tokens = PEERS_SEGMENT;
    cache = dram;
    cache.tokens = (int)entry->cache_keys;
    void (*run)(void *, uint32_t) = product ? blas_sgemm : blas_sgemv;
    entry->cache = (struct peers_work){run, &cache, 1, (double)cache.tokens, 0};
    entry->dram = (struct peers_work){run, &dram, segments, PEERS_SEGMENT, 0};
    run(&dram, 0);
    entry->error = blas_error(data, dram.scores, product ? PEERS_QUERIES : 1);
    entry->bytes_per_unit = PEERS_DIM * sizeof(float);
    snprintf(entry->note, sizeof entry->note, "%s", config);
    return true;
}
