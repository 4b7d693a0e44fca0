/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Why no dense kernel computes in 16 bits: the arithmetic of instructions that would do it, in
 * double, against what the formats allow a kernel to differ from their reference. Each test fails
 * if the tolerance or the format changes so that such a kernel would do.
 *
 * vdpbf16ps multiplies keys in bfloat16 by a query in bfloat16: the query is cut in parts of 8 bits
 * each. Two leave up to 2^-17 of a value, twice the tolerance; three leave nothing, and are three
 * instructions for 32 channels. vfmadd of AVX512_FP16 rounds every product and every partial sum to
 * 11 bits, however soon they are added up in float.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guarded.h"
#include "kernels/half_value.h"
#include "problem.h"
#include "src/codec/codec.h"

enum { D = 64, QUERIES = 200, PRODUCTS = 8 };

static const struct kvr_shape shape = {.head_dim = D, .tokens = 1, .heads = 1, .queries = 1};

/* One key with its query, the reference's score, and by how much a kernel may miss it. */
struct dot {
    float key[D];
    struct kvr_prepared_dense query;
    double reference, allowed;
};

/* Values in [1, 2): of one sign, so that errors do not hide behind cancellation. */
static float one_to_two(uint64_t *random)
{
    return 1 + (float)(guarded_random(random) & 0x7fffff) * 0x1p-23f;
}

static void make(const char *codec_name, struct dot *dot)
{
    const struct kvr_codec *codec = kvr_codec_find(codec_name);
    const struct kvr_format *format = codec->formats[0];
    void *codes = aligned_bytes(format->segment_bytes(&shape, 1));
    assert_int_equal(codec->encode(&shape, NULL, dot->key, 1, codes), 0);
    codec->decode(&shape, NULL, codes, 1, dot->key);
    format->reference(&shape, 1, codes, NULL, &dot->query, &dot->reference);
    dot->allowed = allowed_difference(format, &shape, 1, codes, &dot->query);
    free(codes);
}

static void make_random(const char *codec_name, struct dot *dot, uint64_t *random)
{
    for (uint32_t c = 0; c < D; c++) {
        dot->key[c] = one_to_two(random);
        dot->query.query[c] = one_to_two(random);
    }
    make(codec_name, dot);
}

/* The error, in units of what is allowed, of the exact product with a query of so many parts. */
static double error_of_parts(const struct dot *dot, int parts)
{
    double sum = 0;
    for (uint32_t c = 0; c < D; c++) {
        float left = dot->query.query[c];
        for (int i = 0; i < parts; i++) {
            float part = kvr_bf16_to_float(kvr_float_to_bf16(left));
            sum += (double)part * (double)dot->key[c];
            left -= part;
        }
    }
    return fabs(sum - dot->reference) / dot->allowed;
}

static void test_bf16_queries(void **state)
{
    struct dot dot;
    uint64_t random = 1;
    double worst[4] = {0};
    (void)state;
    for (uint32_t i = 0; i < QUERIES; i++) {
        make_random("bf16", &dot, &random);
        for (int parts = 1; parts <= 3; parts++)
            worst[parts] = fmax(worst[parts], error_of_parts(&dot, parts));
    }
    print_message("random queries of 1, 2 and 3 parts: %.3g, %.3g, %.3g of the tolerance\n",
                  worst[1], worst[2], worst[3]);
    assert_true(worst[3] == 0);
    /* 1 + 2^-8 - 2^-17: the first part is 1, what is left ends in a tie of the second */
    for (uint32_t c = 0; c < D; c++) {
        dot.key[c] = 1;
        dot.query.query[c] = 1 + 0x1p-8f - 0x1p-17f;
    }
    make("bf16", &dot);
    print_message("worst query of 2 parts: %.3g of the tolerance\n", error_of_parts(&dot, 2));
    assert_true(error_of_parts(&dot, 2) > 1.9);
    assert_true(error_of_parts(&dot, 3) == 0);
}

/* The error, in units of what is allowed, of sums of so many products in float16, which are then
 * added exactly. The query is left as it is: that it too would be a float16 comes on top. */
static double error_of_half_sums(const struct dot *dot, uint32_t products)
{
    double sum = 0;
    for (uint32_t c = 0; c < D; c += products) {
        double partial = 0;
        for (uint32_t j = 0; j < products; j++)
            partial = kvr_nearest_half(partial + (double)dot->query.query[c + j] *
                                                     (double)dot->key[c + j]);
        sum += partial;
    }
    return fabs(sum - dot->reference) / dot->allowed;
}

static void test_half_sums(void **state)
{
    struct dot dot;
    uint64_t random = 1;
    (void)state;
    for (uint32_t products = 1; products <= PRODUCTS; products *= 2) {
        double worst = 0;
        for (uint32_t i = 0; i < QUERIES; i++) {
            make_random("fp16", &dot, &random);
            worst = fmax(worst, error_of_half_sums(&dot, products));
        }
        print_message("float16 sums of %u products: %.3g times the tolerance\n", products, worst);
        assert_true(worst > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bf16_queries),
                                       cmocka_unit_test(test_half_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
