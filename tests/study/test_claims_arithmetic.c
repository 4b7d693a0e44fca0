/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The arithmetic of the claims ledger against hand counts.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "src/study/claims.h"

static void near(double found, double by_hand)
{
    if (!(fabs(found - by_hand) <= 5e-4 * fabs(by_hand)))
        fail_msg("%.6g, not %.6g", found, by_hand);
}

static void test_arithmetic_64(void **state)
{
    struct kvr_claim_shape s = {.head_dim = 64, .tables = 4, .entries = 256, .tokens = 512};
    (void)state;
    near(kvr_claim_code_bytes(8, s.head_dim), 64);
    near(kvr_claim_code_bytes(4, s.head_dim), 32);
    near(kvr_claim_table_macs(&s), 16384);
    near(kvr_claim_encode_macs(&s), 16384);
    near(kvr_claim_codebook_bytes(&s), 32768);
    near(kvr_claim_operations_ratio(&s), 32768. / 18432);      /* 1.78 */
    near(kvr_claim_operations_ratio_cheap(&s), 32768. / 3072); /* the paper's ten */
    near(kvr_claim_tokens_for(&s, 1), 16384. / 60);            /* 273 */
    near(kvr_claim_tokens_for(&s, 10), 163840. / 24);
    assert_true(isinf(kvr_claim_tokens_for(&s, 16))); /* d/m itself is never reached */
    near(kvr_claim_hot_bytes_ratio(&s), 32);
    near(kvr_claim_cold_bytes_ratio(&s), 65536. / 34816); /* 1.88 */
    near(kvr_claim_kv_ratio(&s), 256. / 132);
    near(kvr_claim_bound_term(&s), .0625);
    s.tokens = 1024;
    near(kvr_claim_cold_bytes_ratio(&s), 131072. / 36864); /* 3.56 */
    s.tokens = 1e9;
    near(kvr_claim_cold_bytes_ratio(&s), 32);
    near(kvr_claim_uniform_kl_nats(1024), 6.9315);
    /* The break-even is one: as many operations as dense. */
    s.tokens = kvr_claim_tokens_for(&s, 1);
    near(kvr_claim_operations_ratio(&s), 1);
}

static void test_arithmetic_128(void **state)
{
    struct kvr_claim_shape s = {.head_dim = 128, .tables = 8, .entries = 256, .tokens = 512};
    (void)state;
    near(kvr_claim_code_bytes(8, s.head_dim), 128);
    near(kvr_claim_code_bytes(4, s.head_dim), 64);
    near(kvr_claim_table_macs(&s), 32768);
    near(kvr_claim_encode_macs(&s), 32768);
    near(kvr_claim_codebook_bytes(&s), 65536);
    near(kvr_claim_operations_ratio(&s), 65536. / 36864);
    near(kvr_claim_operations_ratio_cheap(&s), 65536. / 6144);
    near(kvr_claim_tokens_for(&s, 1), 32768. / 120);
    near(kvr_claim_tokens_for(&s, 10), 327680. / 48);
    near(kvr_claim_hot_bytes_ratio(&s), 32);
    near(kvr_claim_cold_bytes_ratio(&s), 131072. / 69632); /* 4096 of codes, 65536 of codebook */
    near(kvr_claim_kv_ratio(&s), 512. / 264);
    near(kvr_claim_bound_term(&s), .0625);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic_64),
        cmocka_unit_test(test_arithmetic_128),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
