/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "planning.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static size_t whole(uint32_t tokens, uint32_t block)
{
    return ((size_t)tokens + block - 1) / block * block;
}

static size_t dense_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    return whole(tokens, 16) * 2 * shape->head_dim;
}

static size_t int8_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    return whole(tokens, 16) * shape->head_dim;
}

static size_t lookup_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    return whole(tokens, 64) * shape->tables;
}

static void no_lookups(const struct kvr_shape *shape, struct kvr_cost *cost)
{
    (void)shape;
    *cost = (struct kvr_cost){.stream_bytes = 1};
}

static void lookups(const struct kvr_shape *shape, struct kvr_cost *cost)
{
    *cost = (struct kvr_cost){.lookups = (double)shape->tables * shape->tokens};
}

static const struct kvr_format dense = {
    .name = "dense_f16", .block_keys = 16, .segment_bytes = dense_bytes, .cost = no_lookups,
    .row_major = 1};
static const struct kvr_format affine = {
    .name = "affine", .block_keys = 16, .segment_bytes = int8_bytes, .cost = no_lookups};
static const struct kvr_format table_f32 = {
    .name = "table_f32", .block_keys = 64, .segment_bytes = lookup_bytes, .cost = lookups};
static const struct kvr_format table_u8 = {
    .name = "table_u8", .block_keys = 64, .segment_bytes = lookup_bytes, .cost = lookups};

enum {
    AVX2 = KVR_ISA_AVX2 | KVR_ISA_FMA | KVR_ISA_F16C,
    AVX512 = AVX2 | KVR_ISA_AVX512,
    VNNI = AVX512 | KVR_ISA_VNNI,
    VBMI = AVX512 | KVR_ISA_VBMI
};

static const struct kvr_kernel kernel_objects[] = {
    {.variant = "fused", .isa_name = "scalar", .format = &dense},
    {.variant = "fused", .isa_name = "avx2", .format = &dense, .isa = AVX2},
    {.variant = "fused", .isa_name = "avx512", .format = &dense, .isa = AVX512},
    {.variant = "fused", .isa_name = "scalar", .format = &affine},
    {.variant = "fused", .isa_name = "avx512vnni", .format = &affine, .isa = VNNI},
    {.variant = "f32", .isa_name = "scalar", .format = &table_f32},
    {.variant = "u8", .isa_name = "scalar", .format = &table_u8},
    {.variant = "u8", .isa_name = "avx512vbmi", .format = &table_u8, .isa = VBMI, .max_tables = 8},
};

const struct kvr_kernel *const *kvr_kernels(size_t *count)
{
    static const struct kvr_kernel *const kernels[] = {
        &kernel_objects[0], &kernel_objects[1], &kernel_objects[2], &kernel_objects[3],
        &kernel_objects[4], &kernel_objects[5], &kernel_objects[6], &kernel_objects[7]};
    *count = sizeof kernels / sizeof *kernels;
    return kernels;
}

const struct kvr_dequantise_step *const *kvr_dequantise_steps(size_t *count)
{
    static const struct kvr_dequantise_step scalar = {.isa_name = "scalar", .format = &affine};
    static const struct kvr_dequantise_step *const steps[] = {&scalar};
    *count = 1;
    return steps;
}

static const char *refuses_rows(const struct kvr_shape *shape)
{
    return shape->head_dim % 16 ? "d is no multiple of 16" : NULL;
}

static const char *refuses_tables(const struct kvr_shape *shape)
{
    if (!shape->tables || shape->head_dim % shape->tables)
        return "m does not divide d";
    return shape->entries == 16 || shape->entries == 256 ? NULL : "K is neither 16 nor 256";
}

static size_t value_q8_bytes(const struct kvr_shape *shape, uint32_t tokens)
{
    return whole(tokens, 16) * shape->head_dim / 32 * 34;
}

static const char *refuses_values(const struct kvr_shape *shape)
{
    return shape->head_dim % 32 ? "d is no multiple of 32" : NULL;
}

static const struct kvr_format values_q8 = {
    .name = "values_q8", .block_keys = 16, .segment_bytes = value_q8_bytes};
static const struct kvr_format *const value_q8_formats[] = {&values_q8, NULL};
const struct kvr_codec kvr_codec_value_q8 = {
    .name = "q8", .formats = value_q8_formats, .refuses = refuses_values};

static const struct kvr_format *const fp16_formats[] = {&dense, NULL};
static const struct kvr_format *const int8_formats[] = {&affine, NULL};
static const struct kvr_format *const lookat_formats[] = {&table_f32, &table_u8, NULL};
static const struct kvr_codec codec_objects[] = {
    {.name = "fp16", .formats = fp16_formats, .refuses = refuses_rows},
    {.name = "int8", .formats = int8_formats, .refuses = refuses_rows},
    {.name = "lookat", .formats = lookat_formats, .refuses = refuses_tables,
     .book = KVR_BOOK_SUBSPACES},
};

const struct kvr_codec *const *kvr_codecs(void)
{
    static const struct kvr_codec *const codecs[] = {&codec_objects[0], &codec_objects[1],
                                                     &codec_objects[2], NULL};
    return codecs;
}

const struct kvr_codec *kvr_codec_find(const char *name)
{
    for (size_t i = 0; kvr_codecs()[i]; i++) {
        if (strcmp(kvr_codecs()[i]->name, name) == 0)
            return kvr_codecs()[i];
    }
    return NULL;
}

int world_setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    if (!world)
        return -1;
    struct kvr_options *o = &world->options;
    o->min_time_s = o->budget_s = o->peak_gb_per_s = NAN;
    o->seed = 1;
    struct kvr_machine *m = &world->machine;
    m->isa.usable = AVX512;
    m->cpu_count = 4;
    m->core_count = 2;
    for (uint32_t i = 0; i < 4; i++)
        m->cpus[i] = (struct kvr_cpu){.os_index = i, .core = i % 2};
    m->node_count = 1;
    m->mem_total_bytes = m->mem_available_bytes = UINT64_C(16) << 30;
    *state = world;
    return 0;
}

int world_teardown(void **state)
{
    struct world *world = *state;
    kvr_plan_free(&world->plan);
    if (*world->path)
        unlink(world->path);
    free(world);
    return 0;
}

void world_profile(struct world *world, const char *yaml)
{
    if (!*world->path) {
        snprintf(world->path, sizeof world->path, "./plan-XXXXXX.yaml");
        int descriptor = mkstemps(world->path, 5);
        assert_true(descriptor >= 0);
        close(descriptor);
    }
    FILE *file = fopen(world->path, "w");
    assert_non_null(file);
    assert_true(fputs(yaml, file) >= 0);
    assert_int_equal(fclose(file), 0);
    world->options.profile = world->path;
}

int world_plan(struct world *world)
{
    kvr_plan_free(&world->plan);
    *world->error = '\0';
    return kvr_plan_make(&world->options, &world->machine, &world->plan, world->error,
                         sizeof world->error);
}

void world_expect(struct world *world, const char *const *names, size_t count)
{
    char name[192];
    int status = world_plan(world);
    if (status)
        fail_msg("no plan: %s", world->error);
    for (size_t i = 0; i < world->plan.case_count; i++) {
        const struct kvr_case *c = &world->plan.cases[i];
        kvr_case_name(c, c->candidate_count == 1 ? c->candidates[0]->isa_name : NULL,
                      c->working_set_bytes, name, sizeof name);
        if (i >= count)
            fail_msg("one case too many: %s", name);
        assert_string_equal(name, names[i]);
    }
    assert_int_equal(world->plan.case_count, count);
}

void world_expect_error(struct world *world, int status, const char *words)
{
    int got = world_plan(world);
    if (got != status || !strstr(world->error, words))
        fail_msg("status %d, not %d, or no '%s' in: %s", got, status, words, world->error);
    assert_null(world->plan.cases);
    assert_null(world->plan.profile_json);
}
