/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Formats with scales per channel: layout, sizes and costs worked out by hand.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "problem.h"

static const struct {
    const struct kvr_format *format;
    uint32_t bits, key_bytes; /* the latter of whole groups at d = 64 */
    int q8;                   /* 1: the query is rounded for each group */
} all[] = {{&kvr_format_channel1, 1, 16, 0},    {&kvr_format_channel2, 2, 24, 0},
           {&kvr_format_channel4, 4, 40, 0},    {&kvr_format_channel1_q8, 1, 16, 1},
           {&kvr_format_channel2_q8, 2, 24, 1}, {&kvr_format_channel4_q8, 4, 40, 1}};
enum { FORMATS = sizeof all / sizeof *all };

/* 100 keys, two queries: 3 groups, and 4 keys of 32 places of 128 bytes. A group has 2 converts and
 * 3 operations a channel beside those of the keys; a rounded query one more of both, and then
 * integers, of whose sum a key makes its score. */
static void costs(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORMATS; i++) {
        const struct kvr_shape shape = {.head_dim = 64, .tokens = 100, .heads = 3, .queries = 2,
                                        .group = 32};
        struct kvr_cost cost;
        all[i].format->cost(&shape, &cost);
        assert_true(cost.stream_bytes == 96 * all[i].key_bytes + 32 * 128);
        assert_true(cost.stream_bytes == (double)all[i].format->segment_bytes(&shape, 100));
        assert_true(cost.side_bytes == 512 && cost.score_bytes == 800);
        assert_true(cost.useful_flops == 25600);
        if (all[i].q8) {
            assert_true(cost.executed_flops == 2 * (4 * 3 * 64 + 96 * 2 + 4 * 128));
            assert_true(cost.converts == 2 * (3 * 3 * 64 + 96 + 4 * 64));
        } else {
            assert_true(cost.executed_flops == 25600 + 2 * 3 * 3 * 64);
            assert_true(cost.converts == 12800 + 2 * 2 * 3 * 64);
        }
        assert_true(cost.int_ops == (all[i].q8 ? 2 * 96 * 128 : 0));
        assert_true(cost.written_bytes == 0 && cost.lookups == 0);
    }
}

/* R = 128: of 100 keys none is coded, of 300 keys 256; the other 44 are two blocks, of which the
 * second begins 32 lines of d behind the first. */
static void a_long_residual(void **state)
{
    struct kvr_prepared_dense *p = aligned_bytes(sizeof *p);
    double scores[300];
    (void)state;
    p->query[2] = 1;
    for (size_t i = 0; i < FORMATS; i++) {
        const struct kvr_format *format = all[i].format;
        const struct kvr_shape shape = {.head_dim = 64, .tokens = 300, .queries = 1, .group = 32,
                                        .residual = 128};
        const size_t groups = 256 * all[i].key_bytes, bytes = groups + 2 * 4096;
        unsigned char *codes = aligned_bytes(bytes);
        struct kvr_cost cost;
        assert_int_equal(format->segment_bytes(&shape, 100), 4 * 4096);
        assert_int_equal(format->segment_bytes(&shape, 300), bytes);
        assert_int_equal(kvr_residual_keys(format, &shape, 300), 44);
        assert_int_equal(kvr_block_bytes(format, &shape), 32 * all[i].key_bytes);
        format->cost(&shape, &cost);
        assert_true(cost.stream_bytes == (double)bytes);
        assert_true(cost.converts ==
                    (all[i].q8 ? 3 * 8 * 64 + 256 + 44 * 64 : 64 * 300 + 2 * 8 * 64));
        uint16_t *halves = (uint16_t *)(void *)(codes + groups);
        halves[2 * 32 + 31] = 0x4200;        /* key 287, channel 2: 3 */
        halves[2048 + 2 * 32 + 11] = 0x4400; /* key 299: 4 */
        format->reference(&shape, 300, codes, NULL, p, scores);
        for (uint32_t k = 0; k < 300; k++)
            assert_true(scores[k] == (k == 287 ? 3 : k == 299 ? 4 : 0));
        free(codes);
    }
    free(p);
}

/* d = 32, 34 keys: a group of 128 bytes of scales and zeros and one or more units of 128 bytes,
 * then two keys as float16. A rounded query has 127 for channel 0, whose product of 20 with the
 * scale is the largest, and for channel 31's of -0.5 -3: -3.175 before. */
static void by_hand(void **state)
{
    const struct kvr_shape shape = {.head_dim = 32, .tokens = 34, .queries = 1, .group = 32};
    struct kvr_prepared_dense *p = aligned_bytes(sizeof *p);
    double scores[34];
    (void)state;
    p->query[0] = 10;
    p->query[31] = -1;
    for (size_t i = 0; i < FORMATS; i++) {
        const struct kvr_format *format = all[i].format;
        const uint32_t bits = all[i].bits, most = (1u << bits) - 1;
        const size_t group = 128 + 128 * bits;
        unsigned char *codes = aligned_bytes(group + 32 * 64);
        uint16_t *halves = (uint16_t *)(void *)codes;
        assert_int_equal(format->segment_bytes(&shape, 34), group + 32 * 64);
        halves[0] = 0x4000;       /* scale of channel 0: 2 */
        halves[31] = 0x3800;      /* of channel 31: 0.5 */
        halves[32] = 0xc200;      /* zero of channel 0: -3 */
        halves[32 + 31] = 0x4400; /* of channel 31: 4 */
        codes[128 + 5 * 4] = 1;   /* key 5, channel 0: bit 0 of its first dword */
        /* channel 31: the uppermost bits of its last */
        codes[group - 128 + 5 * 4 + 3] |= (unsigned char)(most << (8 - bits));
        halves[group / 2 + 1] = 0x3c00;           /* key 33, channel 0: 1 */
        halves[group / 2 + 31 * 32 + 1] = 0x4200; /* channel 31: 3 */
        format->reference(&shape, 34, codes, NULL, p, scores);
        const double step = (double)(20 * (1.0f / 127)), codes_of_5 = 127 - 3.0 * most;
        if (all[i].q8)
            assert_true(fabs(scores[5] - (step * codes_of_5 - 34)) < 1e-12);
        else
            assert_true(scores[5] == 10 * (2 - 3) - (.5 * most + 4));
        assert_true(scores[4] == 10 * -3 - 4);
        assert_true(scores[33] == 10 - 3 && scores[32] == 0);
        assert_true(format->scale(&shape, p) == 11);
        assert_true(format->magnitude(&shape, 34, codes) == fmax(2 * most + 3, .5 * most + 4));
        free(codes);
    }
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(costs), cmocka_unit_test(by_hand),
                                       cmocka_unit_test(a_long_residual)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
