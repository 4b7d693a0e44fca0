/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A small world for tests of the plan: three codecs, eight kernels, a host of two cores. It takes
 * the place of the real registries, so that expectations hold on every machine.
 */
#ifndef KVR_TEST_PLANNING_H
#define KVR_TEST_PLANNING_H

#include "src/study/plan.h"

/* Kernels, in this order: fp16.fused scalar, avx2, avx512; int8.fused scalar, avx512vnni;
 * lookat.f32 scalar; lookat.u8 scalar, avx512vbmi (at most 8 subspaces). A step turns int8's codes
 * back into float16, so there is int8.materialised, with the kernels of fp16.
 * Blocks are 16 keys, of lookat 64; fp16 is row-major.
 * fp16 and int8 take d in multiples of 16, lookat m that divides d and K = 16 or 256. */

/* 4 CPUs on 2 cores (0 and 2 are siblings), 1 node with os_index 0, AVX2 and AVX-512 without VNNI
 * and VBMI, 16 GiB of memory. */
struct world {
    struct kvr_options options;
    struct kvr_machine machine;
    struct kvr_plan plan;
    char error[512];
    char path[64]; /* of the profile, removed at the end */
};

int world_setup(void **state);
int world_teardown(void **state);

/* Writes `yaml` as the profile that options name. */
void world_profile(struct world *world, const char *yaml);
/* kvr_plan_make, freeing an earlier plan. */
int world_plan(struct world *world);
/* Plans, expects 0 and these names of cases, in order. */
void world_expect(struct world *world, const char *const *names, size_t count);
/* Plans, expects `status` and `words` in the error. */
void world_expect_error(struct world *world, int status, const char *words);

#define EXPECT(world, ...)                                                                         \
    world_expect(world, (const char *const[]){__VA_ARGS__},                                        \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

#endif
