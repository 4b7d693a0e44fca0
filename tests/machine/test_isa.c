/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Feature bits against the compiler's own detection.
 */
#include "support.h"

#include <string.h>

#include "../../kernels/kernel.h"
#include "../../src/machine/isa.h"

static void every_bit_has_one_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < kvr_isa_bit_count(); i++) {
        assert_non_null(kvr_isa_bit_name(UINT64_C(1) << i));
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(kvr_isa_bit_name(UINT64_C(1) << i),
                                    kvr_isa_bit_name(UINT64_C(1) << j));
    }
    assert_string_equal(kvr_isa_bit_name(KVR_ISA_AVX512), "avx512");
    assert_string_equal(kvr_isa_bit_name(KVR_ISA_VNNI), "avx512vnni");
    assert_string_equal(kvr_isa_bit_name(KVR_ISA_VBMI), "avx512vbmi");
    assert_string_equal(kvr_isa_bit_name(KVR_ISA_NEON), "neon");
    assert_null(kvr_isa_bit_name(UINT64_C(1) << kvr_isa_bit_count()));
    assert_null(kvr_isa_bit_name(0));
    assert_null(kvr_isa_bit_name(KVR_ISA_AVX2 | KVR_ISA_FMA));
}

static void usable_and_hidden_are_apart(void **state)
{
    (void)state;
    struct kvr_isa_info info, again;
    kvr_isa_detect(&info);
    kvr_isa_detect(&again);
    assert_memory_equal(&info, &again, sizeof info);
    assert_true((info.usable & info.hidden) == 0);
    assert_true((info.usable | info.hidden) < UINT64_C(1) << kvr_isa_bit_count());
    if (info.usable & (KVR_ISA_VNNI | KVR_ISA_VBMI | KVR_ISA_BF16 | KVR_ISA_FP16))
        assert_true(info.usable & KVR_ISA_AVX512);
}

#if defined(__x86_64__) || defined(__i386__)
static void assert_bit(const struct kvr_isa_info *info, uint64_t bit, int supported)
{
    if (!!(info->usable & bit) != !!supported)
        fail_msg("%s: usable %d, the compiler's detection says %d", kvr_isa_bit_name(bit),
                 !!(info->usable & bit), !!supported);
}

static void agrees_with_the_compiler(void **state)
{
    (void)state;
    struct kvr_isa_info info;
    kvr_isa_detect(&info);
    __builtin_cpu_init();
    int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                 __builtin_cpu_supports("avx512cd");
    assert_bit(&info, KVR_ISA_AVX2, __builtin_cpu_supports("avx2"));
    assert_bit(&info, KVR_ISA_FMA, __builtin_cpu_supports("fma"));
    assert_bit(&info, KVR_ISA_AVX512, avx512);
    assert_bit(&info, KVR_ISA_VNNI, avx512 && __builtin_cpu_supports("avx512vnni"));
    assert_bit(&info, KVR_ISA_VBMI, avx512 && __builtin_cpu_supports("avx512vbmi"));
    assert_bit(&info, KVR_ISA_BF16, avx512 && __builtin_cpu_supports("avx512bf16"));
    assert_bit(&info, KVR_ISA_NEON, 0);
}

static void says_who_it_is(void **state)
{
    (void)state;
    struct kvr_isa_info info;
    kvr_isa_detect(&info);
    assert_int_equal(strlen(info.vendor), 12);
    assert_true(info.family > 0);
    assert_true(info.name[0] != ' ');
    assert_true(info.name[0] == '\0' || info.name[strlen(info.name) - 1] != ' ');
    assert_true(info.hypervisor || info.hypervisor_name[0] == '\0');
    /* Slower or faster than any counter ever sold is a misread leaf. */
    assert_true(info.tsc_hz == 0 || (info.tsc_hz > 1e8 && info.tsc_hz < 1e11));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_has_one_name),
        cmocka_unit_test(usable_and_hidden_are_apart),
#if defined(__x86_64__) || defined(__i386__)
        cmocka_unit_test(agrees_with_the_compiler),
        cmocka_unit_test(says_who_it_is),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
