/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading profiles: values, defects with file and line, the search, and the shipped ones.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/study/profile.h"
#include "src/study/select.h"

static void expect_defect(const char *yaml, const char *message)
{
    struct kvr_profile profile;
    char error[400] = "";
    int status = kvr_profile_parse("a/b.yaml", yaml, strlen(yaml), &profile, error, sizeof error);
    if (status != -EINVAL || !strstr(error, message) || strncmp(error, "a/b.yaml", 8))
        fail_msg("status %d, or no '%s' in: %s", status, message, error);
    assert_null(profile.groups);
    assert_null(profile.document);
}

static void test_values(void **state)
{
    (void)state;
    static const char yaml[] = "description: \"of everything: one\"\n"
                               "budget_s: 1.5\nrounds: 11\nmin_time_s: .25\ndram_bytes: 2GiB\n"
                               "keys: mini\n"
                               "ladder_points_per_octave: 4\nceilings: full\ndeep: true\n"
                               "groups:\n"
                               "  - kernels: [fp16, 'lookat*@avx512*']\n"
                               "    head_dims: [64, 128, 64]\n"
                               "    subspaces: [2]\n"
                               "    entries: [16]\n"
                               "    tokens: [512, 4k, 128k]\n"
                               "    layouts: [contiguous, heads, pages:16, 'pages:4k']\n"
                               "    levels: [L3, DRAM]\n"
                               "    bytes: [32k..512k:x4, 1G]\n"
                               "    threads: [1, max]\n"
                               "    ops: [scan, attention]\n"
                               "    codebooks: [f32, f16]\n"
                               "    codebook_residencies: [warm]\n"
                               "    batches: [8, 1]\n"
                               "    group_queries: [4]\n"
                               "    evict: 96M\n"
                               "    pages: 2m\n"
                               "    mem: node:1\n"
                               "  - kernels: [int8]\n";
    struct kvr_profile p;
    char error[400];
    assert_int_equal(kvr_profile_parse("x/all.yaml", yaml, strlen(yaml), &p, error, sizeof error),
                     0);
    assert_string_equal(p.name, "all");
    assert_string_equal(p.path, "x/all.yaml");
    assert_string_equal(p.description, "of everything: one");
    assert_true(p.budget_s == 1.5 && p.min_time_s == .25 && p.rounds == 11 && p.mini_keys);
    assert_int_equal(p.dram_bytes, UINT64_C(2) << 30);
    assert_int_equal(p.ladder_points_per_octave, 4);
    assert_true(p.full_ceilings && p.deep);
    assert_int_equal(p.group_count, 2);
    const struct kvr_group *g = &p.groups[0];
    assert_int_equal(g->kernel_count, 2);
    assert_string_equal(g->kernels[1], "lookat*@avx512*");
    assert_int_equal(g->head_dim_count, 2);
    assert_int_equal(g->entries[0], 16);
    assert_int_equal(g->tokens[2], 128 << 10);
    assert_string_equal(g->layouts[0], "contiguous");
    assert_string_equal(g->levels[1], "DRAM");
    assert_int_equal(g->bytes_count, 4);
    assert_int_equal(g->bytes[2], 512 << 10);
    assert_int_equal(g->threads[1], UINT32_MAX);
    assert_string_equal(g->layouts[2], "pages:16");
    assert_int_equal(g->layout_count, 4);
    assert_string_equal(g->ops[1], "attention");
    assert_string_equal(g->codebooks[0], "f32");
    assert_int_equal(g->codebook_count, 2);
    assert_string_equal(g->residencies[0], "warm");
    assert_int_equal(g->batches[0], 8);
    assert_int_equal(g->batch_count, 2);
    assert_int_equal(g->group_queries[0], 4);
    assert_true(g->evict_given && g->evict_bytes == 96 << 20);
    assert_int_equal(g->pages, KVR_PAGES_2M);
    assert_int_equal(g->mem, KVR_MEM_NODE);
    assert_int_equal(g->mem_node, 1);
    g = &p.groups[1];
    assert_int_equal(g->head_dims[0], 64);
    assert_int_equal(g->tokens[0], 512);
    assert_string_equal(g->levels[0], "DRAM");
    assert_int_equal(g->pages, KVR_PAGES_THP);
    assert_string_equal(g->ops[0], "scan");
    assert_string_equal(g->codebooks[0], "f16");
    assert_string_equal(g->residencies[0], "cold");
    assert_true(g->op_count == 1 && g->batches[0] == 1 && g->group_queries[0] == 1);
    assert_false(g->evict_given);
    kvr_profile_free(&p);
    assert_null(p.groups);
}

static void test_defects_of_structure(void **state)
{
    (void)state;
    expect_defect("", "is empty");
    expect_defect("# nothing\n", "is empty");
    expect_defect("42\n", "MAPPING");
    expect_defect("- 1\n- 2\n", "MAPPING");
    expect_defect("description: x\n", "groups");
    expect_defect("groups: [\n", "line");
    expect_defect("groups: []\n", "near line 1");
    expect_defect("groups:\n  - tokens: [512]\n", "kernels");
    expect_defect("groups:\n  - kernels: fp16\n", "near line 2");
    expect_defect("groups:\n  - kernels: [fp16, {a: b}]\n", "near line 2");
    expect_defect("groups:\n  - kernels: [fp16]\n    pages: [4k]\n", "near line 3");
    expect_defect("groups:\n  - kernels: [fp16]\n    kernels: [int8]\n", "kernels");
    expect_defect("budget: 60\ngroups:\n  - kernels: [fp16]\n",
                  "near line 1: Unexpected key: budget; did you mean budget_s?");
    expect_defect("groups:\n  - kernels: [fp16]\n    levels: [L2]\n    tokns: [4k]\n",
                  "near line 4: Unexpected key: tokns; did you mean tokens?");
    expect_defect("description: x\n\tgroups:\n", "line");
    expect_defect("# one\n---\ngroups:\n  - kernels: [fp16]\n---\ngroups: []\n",
                  "line 5: a second document");
    expect_defect("groups:\n  - kernels: [fp16]\n...\n\ngroups: []\n",
                  "line 5: a second document");
    expect_defect("\x01\x02", "a/b.yaml");
    char many[2000] = "groups:\n  - kernels: [fp16]\n    tokens: [1";
    for (int i = 2; i < 40; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), ", %d", i);
    strcat(many, "]\n");
    expect_defect(many, "near line 3");
}

static void test_defects_of_values(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } head[] = {
        {"budget_s: nan\n", "line 2: budget_s: 'nan' is not a number"},
        {"budget_s: -1\n", "line 2: budget_s: '-1' is negative"},
        {"budget_s: .inf\n", "line 2: budget_s"},
        {"budget_s: 0\n", "line 2: budget_s: '0' is 0"},
        {"min_time_s: 1e999\n", "is too large"},
        {"min_time_s: 1 s\n", "has ' s' after the number"},
        {"rounds: 0\n", "line 2: rounds: '0' is too small: the least is 1"},
        {"rounds: 2.5\n", "line 2: rounds: '2.5' has '.5' after the number"},
        {"ladder_points_per_octave: 0\n", "line 2: ladder_points_per_octave: '0'"},
        {"ceilings: most\n", "line 2: ceilings: 'most' is not one of short, full"},
        {"deep: yes\n", "line 2: deep: 'yes' is not one of true, false"},
        {"dram_bytes: 1Q\n", "line 2: dram_bytes: '1Q' has 'Q'"},
        {"keys: other\n", "line 2: keys: 'other' is not mini"},
        {"rounds: ~\n", "line 2: rounds: '~' is not a number"},
    };
    static const struct {
        const char *line, *message;
    } group[] = {
        {"head_dims: [64, -4]\n", "line 4: head_dims: '-4' is negative"},
        {"head_dims: [512]\n", "line 4: head_dims: '512' is too large: the most is 256"},
        {"subspaces:\n      - 4\n      - nan\n", "line 6: subspaces: 'nan' is not a number"},
        {"tokens: [99999999999G]\n", "line 4: tokens"},
        {"tokens: [0]\n", "line 4: tokens: '0' is too small"},
        {"tokens: ['']\n", "line 4: tokens: '' is empty"},
        {"entries: [256x]\n", "line 4: entries: '256x' has 'x'"},
        {"layouts: [hedas]\n", "line 4: layouts: 'hedas' is not one of heads, contiguous, pages:N; "
                               "did you mean heads?"},
        {"layouts: [heads, 'pages:0']\n",
         "line 4: layouts: 'pages:0' has pages of '0' keys, which is too small: the least is 1"},
        {"levels: [L4]\n", "line 4: levels: 'L4' is not one of L1, L2, L3, DRAM"},
        {"bytes: [4M..1M]\n", "line 4: bytes: '4M..1M' ends below its start"},
        {"threads: [many]\n", "line 4: threads: 'many' is not a number"},
        {"ops: [steps]\n", "line 4: ops: 'steps' is not one of scan, step, attention; did you "
                           "mean step?"},
        {"codebooks: [f64]\n", "line 4: codebooks: 'f64' is not one of f16, f32"},
        {"codebook_residencies: [cool]\n", "line 4: codebook_residencies: 'cool' is not one of "
                                           "cold, warm; did you mean cold?"},
        {"batches: [0]\n", "line 4: batches: '0' is too small: the least is 1"},
        {"group_queries: [8, 17]\n", "line 4: group_queries: '17' is too large: the most is 16"},
        {"evict: much\n", "line 4: evict: 'much' is not a number"},
        {"pages: 3m\n", "line 4: pages: '3m' is not one of 4k, thp, 2m, 1g"},
        {"mem: node\n", "line 4: mem: 'node' is not one of local"},
    };
    char yaml[400];
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        snprintf(yaml, sizeof yaml, "# head\n%sgroups:\n  - kernels: [fp16]\n", head[i].line);
        expect_defect(yaml, head[i].message);
    }
    for (size_t i = 0; i < sizeof group / sizeof *group; i++) {
        snprintf(yaml, sizeof yaml, "groups:\n  - kernels: [fp16]\n  - kernels: [int8]\n    %s",
                 group[i].line);
        expect_defect(yaml, group[i].message);
    }
    /* The line of the second use of a key, not of the first. */
    expect_defect("groups:\n  - kernels: [fp16]\n    head_dims: [64]\n    tokens: [512]\n"
                  "  - kernels: [fp16]\n    head_dims: [512]\n",
                  "line 6: head_dims: '512' is too large");
    /* And of a key, not of a layout that begins like one. */
    expect_defect("groups:\n  - layouts: [pages:16]\n    kernels: [3m]\n    pages: 3m\n",
                  "line 4: pages: '3m' is not one of");
}

/* A user's folder of profiles. */
struct home {
    char path[64], config[96];
};

static void write_profile(const struct home *home, const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/kvroof/%s", home->config, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int home_setup(void **state)
{
    char folder[200];
    struct home *home = calloc(1, sizeof *home);
    if (!home)
        return -1;
    snprintf(home->path, sizeof home->path, "./profiles-XXXXXX");
    if (!mkdtemp(home->path))
        return -1;
    snprintf(home->config, sizeof home->config, "%s/config", home->path);
    snprintf(folder, sizeof folder, "%s/kvroof", home->config);
    *state = home;
    return mkdir(home->config, 0700) || mkdir(folder, 0700) ||
           setenv("XDG_CONFIG_HOME", home->config, 1);
}

static int home_teardown(void **state)
{
    static const char *const files[] = {"mine.yaml", "quick.yaml", "bad.yaml", "notes.txt"};
    struct home *home = *state;
    char path[200];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/kvroof/%s", home->config, files[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/kvroof", home->config);
    int status = rmdir(path) || rmdir(home->config) || rmdir(home->path);
    free(home);
    return status;
}

static void note_name(const char *name, const char *description, const char *path, void *arg)
{
    char *text = arg;
    assert_non_null(strstr(path, name));
    snprintf(text + strlen(text), 2000 - strlen(text), "%s: %s\n", name, description);
}

static void test_search(void **state)
{
    const struct home *home = *state;
    struct kvr_profile p;
    char error[400] = "", path[200], names[2000] = "";
    write_profile(home, "mine.yaml", "description: my own\ngroups:\n  - kernels: [fp16]\n");
    write_profile(home, "quick.yaml", "description: not theirs\ngroups:\n  - kernels: [int8]\n");
    write_profile(home, "bad.yaml", "groups: 3\n");
    write_profile(home, "notes.txt", "no profile\n");
    assert_int_equal(kvr_profile_load("mine", &p, error, sizeof error), 0);
    assert_string_equal(p.description, "my own");
    kvr_profile_free(&p);
    assert_int_equal(kvr_profile_load("quick", &p, error, sizeof error), 0);
    assert_string_equal(p.description, "not theirs");
    kvr_profile_free(&p);
    assert_int_equal(kvr_profile_load("bad", &p, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "bad.yaml, near line 1"));
    assert_int_equal(kvr_profile_load("mien", &p, error, sizeof error), -ENOENT);
    assert_non_null(strstr(error, "'mien'; did you mean mine?"));
    assert_int_equal(kvr_profile_load("", &p, error, sizeof error), -ENOENT);
    snprintf(path, sizeof path, "%s/kvroof/mine.yaml", home->config);
    assert_int_equal(kvr_profile_load(path, &p, error, sizeof error), 0);
    kvr_profile_free(&p);
    assert_int_equal(kvr_profile_load("./none.yaml", &p, error, sizeof error), -ENOENT);
    assert_non_null(strstr(error, "./none.yaml: No such file"));
    assert_int_equal(kvr_profile_load(home->path, &p, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "Is a directory"));
    assert_int_equal(kvr_profiles_list(note_name, names), 0);
    const char *bad = strstr(names, "bad: "), *mine = strstr(names, "mine: my own\n");
    assert_true(bad && mine && bad < mine);
    assert_non_null(strstr(names, "quick: not theirs\n"));
    assert_non_null(strstr(bad, "near line 1"));
    assert_null(strstr(names, "notes"));
}

/* Every kernel that a shipped profile names exists in this program (on x86, all are built). */
static void test_shipped(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double budget_s;
        uint32_t points;
        bool full_ceilings, deep;
    } shipped[] = {{"quick", 60, 1, false, false},
                   {"ci", 90, 0, false, false},
                   {"roofline", 300, 4, true, false},
                   {"evidence", NAN, 4, true, true},
                   {"sizing", 300, 0, false, false},
                   {"full", NAN, 0, false, false}};
    struct kvr_selections *found = malloc(sizeof *found);
    size_t steps = 0;
    assert_non_null(found);
    kvr_dequantise_steps(&steps);
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
        struct kvr_profile p;
        char path[600], error[400] = "", why[240] = "";
        snprintf(path, sizeof path, "%s/%s.yaml", KVR_SHIPPED_PROFILES, shipped[i].name);
        if (kvr_profile_load(path, &p, error, sizeof error))
            fail_msg("%s", error);
        assert_true(*p.description);
        for (size_t g = 0; g < p.group_count; g++) {
            for (size_t k = 0; k < p.groups[g].kernel_count; k++) {
                if (strstr(p.groups[g].kernels[k], ".materialised") && !steps)
                    continue; /* a build that cannot dequantise */
                if (kvr_select(p.groups[g].kernels[k], "auto", 0, found, why, sizeof why))
                    fail_msg("%s: %s %s", path, p.groups[g].kernels[k], why);
            }
        }
        assert_true(isnan(shipped[i].budget_s) ? isnan(p.budget_s)
                                               : p.budget_s == shipped[i].budget_s);
        assert_int_equal(p.ladder_points_per_octave, shipped[i].points);
        assert_int_equal(p.full_ceilings, shipped[i].full_ceilings);
        assert_int_equal(p.deep, shipped[i].deep);
        kvr_profile_free(&p);
    }
    free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_defects_of_structure),
        cmocka_unit_test(test_defects_of_values),
        cmocka_unit_test_setup_teardown(test_search, home_setup, home_teardown),
        cmocka_unit_test(test_shipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
