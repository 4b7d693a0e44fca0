/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The memory's theoretical bandwidth from recorded SMBIOS entries of type 17.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/machine/checks.h"
#include "../../src/machine/dmi.h"
#include "../skips.h"

enum { NOBODY = 65534 };

/* A module as firmware describes it; lengths of the formatted part as of SMBIOS 2.6 to 3.3. */
struct entry {
    uint16_t size, width, speed, configured;
    uint32_t extended_speed, extended_configured;
    const char *device, *bank; /* locators; NULL: no string */
    unsigned char length;      /* 0: 0x5c, all fields */
};

static void put_word(unsigned char *at, uint32_t value)
{
    at[0] = (unsigned char)value;
    at[1] = (unsigned char)(value >> 8);
}

static void put(const char *root, unsigned instance, const struct entry *e)
{
    unsigned char raw[256] = {17};
    char path[64];
    size_t end = raw[1] = e->length ? e->length : 0x5c;
    put_word(raw + 0x0a, e->width);
    put_word(raw + 0x0c, e->size);
    put_word(raw + 0x15, e->speed);
    put_word(raw + 0x20, e->configured);
    put_word(raw + 0x54, e->extended_speed);
    put_word(raw + 0x56, e->extended_speed >> 16);
    put_word(raw + 0x58, e->extended_configured);
    put_word(raw + 0x5a, e->extended_configured >> 16);
    memset(raw + end, 0, sizeof raw - end);
    const char *const strings[] = {e->device, e->bank};
    for (unsigned i = 0, number = 0; i < 2; i++) {
        if (!strings[i])
            continue;
        raw[0x10 + i] = (unsigned char)++number;
        strcpy((char *)raw + end, strings[i]);
        end += strlen(strings[i]) + 1;
    }
    snprintf(path, sizeof path, "/sys/firmware/dmi/entries/17-%u/raw", instance);
    root_put_bytes(root, path, raw, end + 1);
}

/* Loads `count` entries from a root of their own. */
static struct kvr_memory_peak load(const struct entry *entries, unsigned count)
{
    struct kvr_memory_peak peak;
    char *root = root_make();
    for (unsigned i = 0; i < count; i++)
        put(root, i, &entries[i]);
    kvr_memory_peak_load(root, &peak);
    root_remove(root);
    assert_true(peak.text[0]);
    assert_true(strlen(peak.text) < sizeof peak.text - 1);
    return peak;
}

#define EXPECT_GB(peak, expected)                                                                  \
    assert_true((peak).gb_per_s > (expected)-1e-6 && (peak).gb_per_s < (expected) + 1e-6)

static void modules_on_one_channel_count_once(void **state)
{
    (void)state;
    /* Two of four slots of each channel: 2 channels of 3200 MT/s x 8 bytes. */
    const struct entry entries[] = {
        {16384, 64, 3200, 3200, 0, 0, "DIMM 0", "P0 CHANNEL A", 0},
        {16384, 64, 3200, 3200, 0, 0, "DIMM 1", "P0 CHANNEL A", 0},
        {16384, 64, 3200, 3200, 0, 0, "DIMM 0", "P0 CHANNEL B", 0},
        {16384, 64, 3200, 3200, 0, 0, "DIMM 1", "P0 CHANNEL B", 0},
        {0, 64, 3200, 3200, 0, 0, "DIMM 0", "P0 CHANNEL C", 0},
    };
    struct kvr_memory_peak peak = load(entries, 5);
    EXPECT_GB(peak, 51.2);
    assert_false(peak.upper_bound);
    assert_int_equal(peak.modules, 4);
    assert_int_equal(peak.channels, 2);
    assert_int_equal(peak.mt_per_s, 3200);
    assert_non_null(strstr(peak.text, "2 channels"));
}

static void a_socket_has_channels_of_its_own(void **state)
{
    (void)state;
    const struct entry entries[] = {
        {16384, 64, 4800, 4800, 0, 0, "ChannelA-DIMM0", "NODE 0", 0},
        {16384, 64, 4800, 4800, 0, 0, "ChannelA-DIMM1", "NODE 0", 0},
        {16384, 64, 4800, 4800, 0, 0, "ChannelA-DIMM0", "NODE 1", 0},
        {16384, 64, 4800, 4800, 0, 0, "ChannelA-DIMM1", "NODE 1", 0},
    };
    struct kvr_memory_peak peak = load(entries, 4);
    EXPECT_GB(peak, 2 * 38.4);
    assert_int_equal(peak.channels, 2);
    assert_false(peak.upper_bound);
}

static void a_channel_runs_at_its_slowest_module(void **state)
{
    (void)state;
    const struct entry entries[] = {
        {16384, 64, 5600, 5600, 0, 0, "Controller0-ChannelA-DIMM0", "BANK 0", 0},
        {16384, 64, 5600, 4400, 0, 0, "Controller0-ChannelA-DIMM1", "BANK 1", 0},
    };
    struct kvr_memory_peak peak = load(entries, 2);
    EXPECT_GB(peak, 35.2);
    assert_int_equal(peak.channels, 1);
}

static void unclear_locators_give_a_bound_from_above(void **state)
{
    (void)state;
    /* A letter is a channel with one maker and a socket with another; "CHANNEL" alone is no name;
     * a locator of the other kind that is not understood spoils it, too. */
    static const char *const locators[][2] = {{"A1", NULL},
                                              {"DIMM_A1", "BANK 0"},
                                              {"CHANNEL", "BANK 0"},
                                              {"ChannelA-DIMM0", "somewhere"},
                                              {NULL, NULL}};
    for (size_t i = 0; i < sizeof locators / sizeof *locators; i++) {
        struct entry entries[2] = {{16384, 64, 3200, 2933, 0, 0, NULL, NULL, 0}};
        entries[0].device = locators[i][0];
        entries[0].bank = locators[i][1];
        entries[1] = entries[0];
        struct kvr_memory_peak peak = load(entries, 2);
        EXPECT_GB(peak, 2 * 2933 * 8 / 1e3);
        assert_true(peak.upper_bound);
        assert_int_equal(peak.channels, 0);
        assert_non_null(strstr(peak.text, "at most"));
        peak = load(entries, 1); /* one module shares its channel with nobody */
        assert_false(peak.upper_bound);
    }
}

static void speeds_have_fallbacks(void **state)
{
    (void)state;
    const struct {
        struct entry entry;
        double gb_per_s;
    } cases[] = {
        {{16384, 64, 3200, 0, 0, 0, NULL, NULL, 0}, 25.6},    /* not configured: the rated */
        {{16384, 64, 3200, 0, 0, 0, NULL, NULL, 0x1b}, 25.6}, /* SMBIOS 2.3: no such field */
        {{16384, 64, 0xffff, 0xffff, 70400, 70000, NULL, NULL, 0}, 560},
        {{16384, 64, 0xffff, 0, 70400, 0, NULL, NULL, 0}, 563.2},
        {{16384, 32, 6400, 6400, 0, 0, NULL, NULL, 0}, 25.6},
        {{16384, 64, 0, 0, 0, 0, NULL, NULL, 0}, 0}, /* a hypervisor's module */
        {{16384, 0xffff, 3200, 3200, 0, 0, NULL, NULL, 0}, 0},
        {{16384, 0, 3200, 3200, 0, 0, NULL, NULL, 0}, 0},
        {{0, 64, 3200, 3200, 0, 0, NULL, NULL, 0}, 0}, /* an empty slot */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kvr_memory_peak peak = load(&cases[i].entry, 1);
        EXPECT_GB(peak, cases[i].gb_per_s);
        assert_true(cases[i].gb_per_s > 0 || peak.fix[0]);
    }
}

static void one_untold_module_leaves_the_sum_untold(void **state)
{
    (void)state;
    const struct entry entries[] = {{16384, 64, 3200, 3200, 0, 0, NULL, NULL, 0},
                                    {16384, 64, 0, 0, 0, 0, NULL, NULL, 0}};
    struct kvr_memory_peak peak = load(entries, 2);
    EXPECT_GB(peak, 0);
    assert_non_null(strstr(peak.text, "does not tell"));
}

static void damaged_entries_are_not_followed(void **state)
{
    (void)state;
    static const unsigned char damaged[][6] = {{17, 0xff, 0, 0, 0, 0}, {17, 2}, {16, 6}, {0}};
    struct kvr_memory_peak peak;
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        char *root = root_make();
        root_put_bytes(root, "/sys/firmware/dmi/entries/17-0/raw", damaged[i], 6);
        kvr_memory_peak_load(root, &peak);
        root_remove(root);
        EXPECT_GB(peak, 0);
        assert_true(peak.text[0]);
    }
    /* The last string ends with the file, and a number beyond the strings is none. */
    const struct entry last = {16384, 64, 3200, 3200, 0, 0, "CHANNEL A", NULL, 0};
    EXPECT_GB(load(&last, 1), 25.6);
}

static void the_check_says_what_is_known(void **state)
{
    (void)state;
    struct kvr_machine machine;
    struct kvr_checks checks = {0};
    const char *why = "";
    const struct entry entry = {16384, 64, 3200, 3200, 0, 0, NULL, NULL, 0};
    for (int told = 0; told < 2; told++) {
        char *root = root_make();
        if (told)
            put(root, 0, &entry);
        use_synthetic("core:1 pu:1");
        assert_int_equal(kvr_machine_load(&machine, root, &why), 0);
        use_synthetic(NULL);
        root_remove(root);
        kvr_machine_checks(&machine, &checks);
        const struct kvr_check *check = NULL;
        for (size_t i = 0; i < checks.count; i++)
            if (!strcmp(checks.items[i].id, "memory-peak"))
                check = &checks.items[i];
        assert_non_null(check);
        assert_int_equal(check->status, told ? KVR_CHECK_OK : KVR_CHECK_UNKNOWN);
        assert_string_equal(check->value, told ? "25.6" : "");
        assert_int_equal(check->fix[0] == '\0', told);
    }
    kvr_checks_free(&checks);
}

static void root_only_files_are_said_to_be_so(void **state)
{
    (void)state;
    struct kvr_memory_peak peak;
    const struct entry entry = {16384, 64, 3200, 3200, 0, 0, NULL, NULL, 0};
    char *root = root_make(), path[1024];
    put(root, 0, &entry);
    snprintf(path, sizeof path, "%s/sys/firmware/dmi/entries/17-0/raw", root);
    chmod(path, 0);
    uid_t own = geteuid();
    bool refused = own != 0 || (!chmod(root, 0755) && !seteuid(NOBODY)); /* root reads everything */
    kvr_memory_peak_load(root, &peak);
    assert_int_equal(seteuid(own), 0);
    root_remove(root);
    if (!refused)
        SKIP_BECAUSE("root cannot become somebody else here");
    EXPECT_GB(peak, 0);
    assert_non_null(strstr(peak.text, "root only"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_on_one_channel_count_once),
        cmocka_unit_test(a_socket_has_channels_of_its_own),
        cmocka_unit_test(a_channel_runs_at_its_slowest_module),
        cmocka_unit_test(unclear_locators_give_a_bound_from_above),
        cmocka_unit_test(speeds_have_fallbacks),
        cmocka_unit_test(one_untold_module_leaves_the_sum_untold),
        cmocka_unit_test(damaged_entries_are_not_followed),
        cmocka_unit_test(the_check_says_what_is_known),
        cmocka_unit_test(root_only_files_are_said_to_be_so),
    };
    return exit_code(cmocka_run_group_tests(tests, NULL, NULL));
}
