/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Event files: every shipped one, which machine gets which, PMUs of a system, and what is refused.
 */
#include "tests/machine/support.h"

#include <errno.h>
#include <glob.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"
#include "src/study/event_set.h"

static const char folder[] = KVR_SHIPPED_PROFILES "/events";
static char *root;
static struct kvr_machine machine;

#define DEVICES "/sys/bus/event_source/devices/"

/* A system that has every PMU that a shipped file may name. */
static const struct { const char *path, *type; } pmus[] = {
    {DEVICES "cpu_core/type", "4\n"},          {DEVICES "cpu_atom/type", "10\n"},
    {DEVICES "uncore_imc/type", "11\n"},       {DEVICES "uncore_imc_10/type", "22\n"},
    {DEVICES "uncore_imc_2/type", "21\n"},     {DEVICES "uncore_imc_free_running_0/type", "31\n"},
    {DEVICES "uncore_imc_free_running_1/type", "32\n"},
    {DEVICES "amd_umc_0/type", "41\n"},        {DEVICES "amd_umc_1/type", "42\n"},
    {DEVICES "amd_df/type", "51\n"},           {DEVICES "amd_l3/type", "52\n"},
    {DEVICES "power/type", "61\n"},
};

static int set_up(void **state)
{
    (void)state;
    root = root_make();
    for (size_t i = 0; i < sizeof pmus / sizeof *pmus; i++)
        root_put(root, pmus[i].path, pmus[i].type);
    snprintf(machine.root, sizeof machine.root, "%s", root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    root_remove(root);
    return 0;
}

static void become(const char *vendor, uint32_t family, uint32_t model)
{
    bool arm = !strcmp(vendor, "arm64");
    machine.isa = (struct kvr_isa_info){.family = family, .model = model,
                                        .usable = arm ? KVR_ISA_NEON : 0};
    snprintf(machine.isa.vendor, sizeof machine.isa.vendor, "%s", arm ? "" : vendor);
}

static void load(struct kvr_event_set *set)
{
    char error[400] = "";
    if (kvr_events_load_from(folder, &machine, set, error, sizeof error))
        fail_msg("%s", error);
}

static const struct kvr_event *find(const struct kvr_event_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (!strcmp(set->events[i].name, name))
            return &set->events[i];
    return NULL;
}

static char *read_text(const char *path, size_t *bytes)
{
    char *text = malloc(1 << 16);
    FILE *file = fopen(path, "re");
    assert_true(file && text);
    *bytes = fread(text, 1, 1 << 16, file);
    fclose(file);
    return text;
}

/* Bits of a code that the formats of these PMUs have. */
static uint64_t bits_of(const struct kvr_event *event)
{
    if (event->type == PERF_TYPE_HARDWARE)
        return 0xf;
    if (event->type == 51)
        return UINT64_C(0xf0000ffff); /* amd_df: event in 0-7 and 32-35, umask in 8-15 */
    return 0xffff; /* event and umask on x86, 16 bits of event on Arm */
}

static void check_set(const char *path, const struct kvr_event_set *set)
{
    assert_true(set->count >= 4 && set->group_count >= 2);
    assert_true(find(set, "cycles") && find(set, "instructions"));
    for (size_t g = 0; g < set->group_count; g++) {
        assert_string_equal(set->groups[g].missing, "");
        assert_true(set->groups[g].count > 0);
    }
    for (size_t i = 0; i < set->count; i++) {
        const struct kvr_event *event = &set->events[i];
        if (event->config & ~bits_of(event) || event->config1)
            fail_msg("%s: %s: code 0x%llx", path, event->name, (unsigned long long)event->config);
        assert_true(event->scale > 0 && *event->meaning && *event->name);
        for (size_t j = 0; j < i; j++)
            if (!strcmp(set->events[j].name, event->name))
                fail_msg("%s: %s is there twice", path, event->name);
            else if (set->events[j].type == event->type && set->events[j].config == event->config)
                fail_msg("%s: %s and %s are one code", path, event->name, set->events[j].name);
    }
}

static void test_shipped(void **state)
{
    glob_t files;
    (void)state;
    assert_int_equal(glob(KVR_SHIPPED_PROFILES "/events/*.yaml", 0, NULL, &files), 0);
    assert_true(files.gl_pathc >= 16);
    become("", 0, 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct kvr_event_set set;
        enum kvr_event_fit fit;
        char error[400] = "";
        size_t bytes;
        char *text = read_text(files.gl_pathv[i], &bytes);
        if (kvr_event_set_parse(files.gl_pathv[i], text, bytes, &machine, &set, &fit, error,
                                sizeof error))
            fail_msg("%s", error);
        check_set(files.gl_pathv[i], &set);
        assert_true(strlen(set.source) > 20);
        free(text);
        kvr_event_set_free(&set);
    }
    globfree(&files);
}

static const struct {
    const char *vendor;
    uint32_t family, model;
    const char *file;
} machines[] = {
    {"GenuineIntel", 6, 0x5e, "intel-skylake"},   {"GenuineIntel", 6, 0x8e, "intel-skylake"},
    {"GenuineIntel", 6, 0x55, "intel-skylake-server"},
    {"GenuineIntel", 6, 0x7e, "intel-icelake"},   {"GenuineIntel", 6, 0xa7, "intel-icelake"},
    {"GenuineIntel", 6, 0x6a, "intel-icelake-server"},
    {"GenuineIntel", 6, 0x8c, "intel-tigerlake"}, {"GenuineIntel", 6, 0x97, "intel-alderlake"},
    {"GenuineIntel", 6, 0xb7, "intel-alderlake"},
    {"GenuineIntel", 6, 0x8f, "intel-sapphire-rapids"},
    {"AuthenticAMD", 23, 0x31, "amd-zen2"},       {"AuthenticAMD", 23, 0x71, "amd-zen2"},
    {"AuthenticAMD", 25, 0x01, "amd-zen3"},       {"AuthenticAMD", 25, 0x21, "amd-zen3"},
    {"AuthenticAMD", 25, 0x11, "amd-zen4"},       {"AuthenticAMD", 25, 0x61, "amd-zen4"},
    {"AuthenticAMD", 25, 0xa0, "amd-zen4"},       {"AuthenticAMD", 26, 0x02, "amd-zen5"},
    {"AuthenticAMD", 26, 0x44, "amd-zen5"},       {"arm64", 0x41, 0xd0c, "arm-neoverse-n1"},
    {"arm64", 0x41, 0xd40, "arm-neoverse-v1"},    {"arm64", 0x41, 0xd4f, "arm-neoverse-v2"},
    {"arm64", 0x41, 0xd03, "arm-architected"},    {"arm64", 0x46, 0x001, "arm-architected"},
    /* unknown: an older core, a coming one, another maker, nothing known at all */
    {"GenuineIntel", 6, 0x3c, "generic"},         {"GenuineIntel", 19, 0x01, "generic"},
    {"AuthenticAMD", 23, 0x01, "generic"},        {"AuthenticAMD", 26, 0x50, "generic"},
    {"AuthenticAMD", 6, 0x8f, "generic"},         {"HygonGenuine", 24, 0x00, "generic"},
    {"", 0, 0, "generic"},
};

static void test_machines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        struct kvr_event_set set;
        char expected[64];
        become(machines[i].vendor, machines[i].family, machines[i].model);
        load(&set);
        snprintf(expected, sizeof expected, "/%s.yaml", machines[i].file);
        if (!strstr(set.path, expected))
            fail_msg("%s %u 0x%x gets %s instead of %s", machines[i].vendor, machines[i].family,
                     machines[i].model, set.path, expected);
        kvr_event_set_free(&set);
    }
}

/* One event a memory channel, in the order of their numbers; uncore_imc_free_running_0 is none. */
static void test_several_units(void **state)
{
    struct kvr_event_set set;
    (void)state;
    become("GenuineIntel", 6, 0x8f);
    load(&set);
    const struct kvr_event *read = find(&set, "dram-reads@uncore_imc_2");
    assert_non_null(read);
    assert_int_equal(read[0].type, 21);
    assert_int_equal(read[0].config, 0xcf05);
    assert_string_equal(read[0].unit, "bytes");
    assert_true(read[0].scale == 64);
    assert_string_equal(read[1].name, "dram-reads@uncore_imc_10");
    assert_int_equal(read[1].type, 22);
    assert_string_equal(read[2].name, "dram-writes@uncore_imc_2");
    kvr_event_set_free(&set);
}

/* Without those PMUs the events are not there, and the group says why. */
static void test_no_such_unit(void **state)
{
    struct kvr_machine bare = {.root = ""};
    struct kvr_event_set set;
    char error[400] = "", *empty = root_make();
    (void)state;
    snprintf(bare.root, sizeof bare.root, "%s", empty);
    snprintf(bare.isa.vendor, sizeof bare.isa.vendor, "GenuineIntel");
    bare.isa.family = 6;
    bare.isa.model = 0x8f;
    assert_int_equal(kvr_events_load_from(folder, &bare, &set, error, sizeof error), 0);
    size_t dram = 0;
    while (dram < set.group_count && strcmp(set.groups[dram].name, "dram"))
        dram++;
    assert_true(dram < set.group_count);
    assert_int_equal(set.groups[dram].count, 0);
    assert_string_equal(set.groups[dram].missing, "uncore_imc_*");
    assert_int_equal(set.groups[0].count, 2);
    assert_string_equal(set.groups[0].missing, "");
    kvr_event_set_free(&set);
    root_remove(empty);
}

#define HEAD "source: a document\ngroups:\n  - group: base\n    events:\n"
#define GOOD "      - {event: a, pmu: raw, config: 0x3c, meaning: m}\n"

static void refuse(const char *text, const char *place, const char *part)
{
    struct kvr_event_set set;
    enum kvr_event_fit fit;
    char error[400] = "";
    assert_int_equal(kvr_event_set_parse("file.yaml", text, strlen(text), &machine, &set, &fit,
                                         error, sizeof error), -EINVAL);
    assert_null(set.events);
    if (strncmp(error, "file.yaml", 9) || !strstr(error, place) || !strstr(error, part))
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", error, place, part);
}

static void test_refused(void **state)
{
    (void)state;
    refuse("", "file.yaml", "is empty");
    refuse("groups: 3\n", "file.yaml, near line 1", "");
    refuse(HEAD "      - {event: a, pmu: raw, code: 1, meaning: m}\n", "line 5", "code");
    refuse("source: x\n", "file.yaml", "groups");
    refuse(HEAD GOOD "      - {event: a, pmu: raw, config: 1, meaning: m}\n", "line 6", "twice");
    refuse(HEAD GOOD "      - {event: b, pmu: raw, config: 0xg, meaning: m}\n", "line 6", "0xg");
    refuse(HEAD GOOD "      - {event: b, pmu: raw, config: -1, meaning: m}\n", "line 6", "'-1'");
    refuse(HEAD "      - {event: b, pmu: raw, config: 99999999999999999, meaning: m}\n"
           "      - {event: c, pmu: raw, config: 99999999999999999999, meaning: m}\n",
           "near line 6", "");
    refuse(HEAD GOOD "      - {event: b, pmu: raw, config: 1, scale: nan, meaning: m}\n", "line 6",
           "nan");
    refuse(HEAD GOOD "      - {event: b, pmu: raw, config: 1, unit: byte, meaning: m}\n", "line 6",
           "did you mean bytes?");
    refuse("machines:\n  - {vendor: v, family: six}\n" HEAD GOOD, "line 2", "six");
    refuse("machines:\n  - {vendor: v, models: [7-3]}\n" HEAD GOOD, "line 2", "7-3");
}

/* A file that is wrong is not passed over for another one. */
static void test_wrong_in_the_folder(void **state)
{
    struct kvr_event_set set;
    char error[400] = "", *home = root_make();
    (void)state;
    assert_int_equal(kvr_events_load_from(home, &machine, &set, error, sizeof error), -ENOENT);
    root_put(home, "/a.yaml", HEAD GOOD);
    assert_int_equal(kvr_events_load_from(home, &machine, &set, error, sizeof error), 0);
    kvr_event_set_free(&set);
    root_put(home, "/b.yaml", HEAD "      - {event: a}\n");
    assert_int_equal(kvr_events_load_from(home, &machine, &set, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "b.yaml"));
    root_remove(home);
}

/* The user's own folder comes first; where it has none for this machine the shipped ones serve. */
static void test_own_folder(void **state)
{
    struct kvr_event_set set;
    char error[400] = "", *home = root_make();
    (void)state;
    become("AuthenticAMD", 26, 0x02);
    setenv("XDG_CONFIG_HOME", home, 1);
    assert_int_equal(kvr_events_load(&machine, &set, error, sizeof error), 0);
    assert_non_null(strstr(set.path, "/events/amd-zen5.yaml"));
    kvr_event_set_free(&set);
    root_put(home, "/kvroof/events/mine.yaml",
             "machines:\n  - {vendor: AuthenticAMD}\n" HEAD GOOD);
    assert_int_equal(kvr_events_load(&machine, &set, error, sizeof error), 0);
    assert_non_null(strstr(set.path, "/kvroof/events/mine.yaml"));
    kvr_event_set_free(&set);
    become("GenuineIntel", 6, 0x8f);
    assert_int_equal(kvr_events_load(&machine, &set, error, sizeof error), 0);
    assert_non_null(strstr(set.path, "/events/intel-sapphire-rapids.yaml"));
    kvr_event_set_free(&set);
    root_remove(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped),        cmocka_unit_test(test_machines),
        cmocka_unit_test(test_several_units),  cmocka_unit_test(test_no_such_unit),
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_wrong_in_the_folder),
        cmocka_unit_test(test_own_folder),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
