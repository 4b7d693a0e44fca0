/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The verifier finds what it is there to find: kernels that are wrong in one score, in the last
 * bit, only with look-ahead, that leave a score out or give NaN; and it accepts the right ones.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "problem.h"
#include "src/machine/isa.h"
#include "src/study/verify.h"

enum { TOKENS = 77, BAD_KEY = 76 };

static const struct kvr_kernel *find(const char *format, const char *isa_name)
{
    size_t count;
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(kernels[i]->format->name, format) && !strcmp(kernels[i]->isa_name, isa_name))
            return kernels[i];
    }
    fail_msg("no kernel %s@%s", format, isa_name);
    return NULL;
}

/* A right kernel's scores, spoilt. */
typedef void spoil_fn(const struct kvr_shape *, const struct kvr_segments *, const void *prepared,
                      float *scores);
static const struct kvr_kernel *right;
static spoil_fn *spoil;

static void score_wrong(const struct kvr_shape *shape, const struct kvr_segments *segments,
                        uint32_t i, const void *side, const void *prepared, float *scores)
{
    int whole = segments->tokens > BAD_KEY;
    float untouched = whole ? scores[BAD_KEY] : 0;
    right->score(shape, segments, i, side, prepared, scores);
    if (spoil)
        spoil(shape, segments, prepared, scores);
    else if (whole)
        scores[BAD_KEY] = untouched; /* as if the kernel had left it out */
}

static void spoil_nothing(const struct kvr_shape *shape, const struct kvr_segments *segments,
                          const void *prepared, float *scores)
{
    (void)shape;
    (void)segments;
    (void)prepared;
    (void)scores;
}

static void spoil_last_bit(const struct kvr_shape *shape, const struct kvr_segments *segments,
                           const void *prepared, float *scores)
{
    (void)shape;
    (void)segments;
    (void)prepared;
    scores[BAD_KEY] = nextafterf(scores[BAD_KEY], INFINITY);
}

/* By twice what is allowed, up or down the scale. */
static void spoil_a_little(const struct kvr_shape *shape, const struct kvr_segments *segments,
                           const void *prepared, float *scores)
{
    double allowed = allowed_difference(right->format, shape, TOKENS, segments->base, prepared);
    scores[BAD_KEY] += (float)(2 * allowed);
}

static void spoil_ahead_segments(const struct kvr_shape *shape,
                                 const struct kvr_segments *segments, const void *prepared,
                                 float *scores)
{
    (void)shape;
    (void)prepared;
    if (segments->ahead_segments)
        scores[0] += 1000;
}

static void spoil_ahead_bytes(const struct kvr_shape *shape, const struct kvr_segments *segments,
                              const void *prepared, float *scores)
{
    (void)shape;
    (void)prepared;
    if (segments->ahead_bytes)
        scores[0] += 1000;
}

static void spoil_nan(const struct kvr_shape *shape, const struct kvr_segments *segments,
                      const void *prepared, float *scores)
{
    (void)shape;
    (void)segments;
    (void)prepared;
    scores[BAD_KEY] = NAN;
}

static int verify_spoilt(const char *format, spoil_fn *how, char *error, size_t error_bytes)
{
    uint64_t random = 5;
    right = find(format, "scalar");
    spoil = how;
    int lookup = right->format->block_keys == 64;
    const struct kvr_kernel wrong = {.variant = "wrong", .isa_name = "scalar",
                                     .format = right->format, .score = score_wrong};
    const struct kvr_shape shape = {.head_dim = 64, .tokens = TOKENS, .heads = 1, .queries = 1,
                                    .tables = lookup ? 4 : 0, .entries = right->format->entries};
    size_t bytes = right->format->segment_bytes(&shape, TOKENS);
    unsigned char *codes = aligned_bytes(bytes);
    void *prepared = aligned_bytes(right->format->prepared_bytes(&shape));
    fill_codes(right->format, &shape, FILL_RANDOM, codes, bytes, &random);
    fill_prepared(right->format, &shape, FILL_RANDOM, prepared, &random);
    memset(error, 0, error_bytes);
    int rc = kvr_verify_scores(&wrong, &shape, TOKENS, codes, NULL, prepared, error, error_bytes);
    free(codes);
    free(prepared);
    return rc;
}

static void check_found(const char *format, spoil_fn *how, const char *key)
{
    char error[512];
    assert_int_equal(verify_spoilt(format, how, error, sizeof error), -EDOM);
    assert_non_null(strstr(error, format));
    assert_non_null(strstr(error, "wrong@scalar"));
    assert_non_null(strstr(error, key));
}

static void test_wrong_scores(void **state)
{
    static const char *const formats[] = {"dense_f16",  "affine8",    "affine4",  "affine8_q8",
                                          "affine4_q8", "lookup_f32", "lookup_u8",
                                          "lookup4_f32", "lookup4_u8"};
    char error[512];
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        assert_int_equal(verify_spoilt(formats[i], spoil_nothing, error, sizeof error), 0);
        check_found(formats[i], NULL, "key 76 of 77");
        check_found(formats[i], spoil_nan, "key 76 of 77");
        check_found(formats[i], spoil_ahead_segments, "key 0 of 77");
        check_found(formats[i], spoil_ahead_bytes, "key 0 of 77");
    }
    check_found("dense_f16", spoil_a_little, "key 76 of 77");
    check_found("affine8", spoil_a_little, "key 76 of 77");
    check_found("affine4", spoil_a_little, "key 76 of 77");
    check_found("lookup_f32", spoil_a_little, "key 76 of 77");
    check_found("affine8_q8", spoil_last_bit, "key 76 of 77");
    check_found("affine4_q8", spoil_last_bit, "key 76 of 77");
    check_found("lookup_u8", spoil_last_bit, "key 76 of 77");
}

static unsigned reported;
static char last_report[1024];

static void report(const char *line)
{
    reported++;
    snprintf(last_report, sizeof last_report, "%s", line);
}

static const struct kvr_codec *codec_for(const struct kvr_format *format)
{
    const struct kvr_codec *const *codecs = kvr_codecs();
    for (; *codecs; codecs++) {
        for (const struct kvr_format *const *f = (*codecs)->formats; *f; f++) {
            if (*f == format)
                return *codecs;
        }
    }
    return NULL;
}

static void test_random_cases(void **state)
{
    size_t count;
    struct kvr_isa_info isa;
    const struct kvr_kernel *const *kernels = kvr_kernels(&count);
    (void)state;
    kvr_isa_detect(&isa);
    for (size_t i = 0; i < count; i++) {
        const struct kvr_codec *codec = codec_for(kernels[i]->format);
        uint32_t checked, mismatches;
        if (!codec || (kernels[i]->isa & ~isa.usable))
            continue;
        uint32_t cases = codec->calibrated ? 9 : 100; /* codebooks take their time */
        reported = 0;
        assert_int_equal(kvr_verify_random(kernels[i], codec, cases, 1 + i, &checked, &mismatches,
                                           report), 0);
        if (mismatches)
            fail_msg("%s", last_report);
        assert_int_equal(checked, cases);
        assert_int_equal(reported, 0);
    }
}

static void test_random_finds(void **state)
{
    uint32_t checked, mismatches;
    (void)state;
    right = find("affine8", "scalar");
    spoil = spoil_ahead_bytes;
    const struct kvr_kernel wrong = {.variant = "wrong", .isa_name = "scalar",
                                     .format = right->format, .score = score_wrong};
    reported = 0;
    assert_int_equal(kvr_verify_random(&wrong, codec_for(right->format), 1000, 3, &checked,
                                       &mismatches, report), 0);
    assert_int_equal(mismatches, KVR_VERIFY_MAX_MISMATCHES);
    assert_int_equal(reported, KVR_VERIFY_MAX_MISMATCHES);
    assert_true(checked >= mismatches && checked < 1000);
    assert_non_null(strstr(last_report, "affine8.wrong@scalar"));
    assert_non_null(strstr(last_report, "seed"));
}

static void test_random_repeats(void **state)
{
    uint32_t checked, mismatches;
    char first[sizeof last_report];
    (void)state;
    right = find("affine4_q8", "scalar");
    spoil = spoil_ahead_segments;
    const struct kvr_kernel wrong = {.variant = "wrong", .isa_name = "scalar",
                                     .format = right->format, .score = score_wrong};
    for (int run = 0; run < 2; run++) {
        assert_int_equal(kvr_verify_random(&wrong, codec_for(right->format), 20, 42, &checked,
                                           &mismatches, report), 0);
        if (run)
            assert_string_equal(first, last_report);
        memcpy(first, last_report, sizeof first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_scores),
        cmocka_unit_test(test_random_cases),
        cmocka_unit_test(test_random_finds),
        cmocka_unit_test(test_random_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
