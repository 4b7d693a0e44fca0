/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command line of `run`: what is understood, what is refused, and in which words.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/cli/cli.h"
#include "src/cli/cpus.h"

enum { MAX_WORDS = 40 };

/* A parse of one command line, and what it printed to stderr. */
struct parse {
    struct kvr_options options;
    int code, done;
    char printed[2000], line[1000], *argv[MAX_WORDS];
};

/* Words of `line` are separated by blanks; "''" is an empty one. */
static void parse(struct parse *p, const char *line)
{
    FILE *capture = tmpfile();
    int argc = 0, saved = dup(STDERR_FILENO);
    assert_true(capture && saved >= 0);
    snprintf(p->line, sizeof p->line, "run %s", line);
    for (char *rest = p->line, *word; (word = strsep(&rest, " "));) {
        if (strcmp(word, "''") == 0)
            *word = '\0';
        else if (!*word)
            continue;
        p->argv[argc++] = word;
        assert_true(argc < MAX_WORDS);
    }
    p->argv[argc] = NULL;
    fflush(stderr);
    dup2(fileno(capture), STDERR_FILENO);
    p->code = kvr_options_parse(argc, p->argv, &p->options, &p->done);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(capture);
    p->printed[fread(p->printed, 1, sizeof p->printed - 1, capture)] = '\0';
    fclose(capture);
}

static void accept(struct parse *p, const char *line)
{
    parse(p, line);
    if (p->code || *p->printed)
        fail_msg("'%s': code %d: %s", line, p->code, p->printed);
}

static void refuse(struct parse *p, int code, const char *line, const char *words)
{
    parse(p, line);
    const char *end = strchr(p->printed, '\n');
    if (p->code != code || !strstr(p->printed, words) || strncmp(p->printed, "kvroof: run: ", 13) ||
        !end)
        fail_msg("'%s': code %d, not %d, or no '%s' in: %s", line, p->code, code, words,
                 p->printed);
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct parse));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void test_nothing_given(void **state)
{
    struct parse *p = *state;
    accept(p, "");
    const struct kvr_options *o = &p->options;
    assert_null(o->profile);
    assert_true(!o->kernel_count && !o->isa_count && !o->head_dim_count && !o->tokens_count &&
                !o->bytes_count && !o->thread_count && !o->cpu_count && !o->output_count);
    assert_true(isnan(o->min_time_s) && isnan(o->budget_s) && isnan(o->peak_gb_per_s));
    assert_int_equal(o->seed, 1);
    assert_int_equal(o->stdout_format, KVR_OUT_TABLE);
    assert_int_equal(p->done, 0);
}

static void test_lists(void **state)
{
    struct parse *p = *state;
    const struct kvr_options *o = &p->options;
    accept(p, "-k lookat*@avx512*,int8.fused,fp16 -k fp16,int4 --isa auto,avx2 -d 64,128,64 "
              "-n 512,4k,1M,512 -m 2,4 --entries 16,256 --layout contiguous,heads -t 1,max,1");
    assert_int_equal(o->kernel_count, 4);
    assert_string_equal(o->kernels[0], "lookat*@avx512*");
    assert_string_equal(o->kernels[3], "int4");
    assert_int_equal(o->isa_count, 2);
    assert_int_equal(o->head_dim_count, 2);
    assert_int_equal(o->tokens_count, 3);
    assert_int_equal(o->tokens[1], 4096);
    assert_int_equal(o->tokens[2], 1 << 20);
    assert_int_equal(o->subspaces[1], 4);
    assert_int_equal(o->entries[0], 16);
    assert_string_equal(o->layouts[0], "contiguous");
    assert_int_equal(o->thread_count, 2);
    assert_int_equal(o->threads[1], UINT32_MAX);
    /* The words of argv are as they were: a result records them. */
    assert_string_equal(p->argv[2], "lookat*@avx512*,int8.fused,fp16");
}

static void test_operations(void **state)
{
    struct parse *p = *state;
    const struct kvr_options *o = &p->options;
    accept(p, "");
    assert_true(!o->op_count && !o->codebook_count && !o->residency_count && !o->batch_count &&
                !o->group_query_count && !o->evict_given);
    accept(p, "--op step,attention,step --codebook f32,f16 --codebook-residency warm --batch 1,8 "
              "--value-format q8,fp16 --group-queries 1,2,16,2 --evict 96M "
              "--layout pages:16,heads,pages:4k");
    assert_int_equal(o->op_count, 2);
    assert_string_equal(o->ops[1], "attention");
    assert_int_equal(o->codebook_count, 2);
    assert_string_equal(o->codebooks[0], "f32");
    assert_string_equal(o->residencies[0], "warm");
    assert_int_equal(o->value_format_count, 2);
    assert_string_equal(o->value_formats[0], "q8");
    assert_int_equal(o->batches[1], 8);
    assert_int_equal(o->group_query_count, 3);
    assert_int_equal(o->group_queries[2], 16);
    assert_true(o->evict_given && o->evict_bytes == 96 << 20);
    assert_int_equal(o->layout_count, 3);
    assert_string_equal(o->layouts[2], "pages:4k");
    accept(p, "--evict 0 --codebook f16");
    assert_true(o->evict_given && o->evict_bytes == 0);
    assert_int_equal(o->residency_count, 0);
}

static void test_operations_refused(void **state)
{
    struct parse *p = *state;
    refuse(p, 2, "--op stp", "--op: 'stp' is not one of scan, step, attention; did you mean step?");
    refuse(p, 2, "--op scan,", "--op: 'scan,' has an empty element");
    refuse(p, 2, "--codebook f64", "--codebook: 'f64' is not one of f16, f32");
    refuse(p, 2, "--codebook-residency cool", "did you mean cold?");
    refuse(p, 2, "--value-format q9", "--value-format: 'q9' is not one of fp16, q8");
    refuse(p, 2, "--batch 0", "--batch: '0' is too small");
    refuse(p, 2, "--batch 8k", "--batch: '8k' has 'k' after the number");
    refuse(p, 2, "--batch 65537", "too large");
    refuse(p, 2, "--group-queries 17", "--group-queries: '17' is too large: the most is 16");
    refuse(p, 2, "--group-queries -1", "is negative");
    refuse(p, 2, "--evict -1", "--evict: '-1' is negative");
    refuse(p, 2, "--evict all", "--evict: 'all' is not a number");
    refuse(p, 2, "--layout pages", "did you mean pages:N?");
    refuse(p, 2, "--layout pages:", "--layout: 'pages:' has pages of '' keys, which is empty");
    refuse(p, 2, "--layout pages:0", "has pages of '0' keys, which is too small");
    refuse(p, 2, "--layout pages:x", "which is not a number");
    refuse(p, 2, "--layout pages:2M", "which is too large: the most is 1M");
}

static void test_bytes(void **state)
{
    struct parse *p = *state;
    const struct kvr_options *o = &p->options;
    accept(p, "--bytes 32k..4M:x4,1G,1GiB,64K..256k");
    static const uint64_t expected[] = {32 << 10, 128 << 10, 512 << 10, 2 << 20,
                                        1 << 30,  64 << 10,  256 << 10};
    assert_int_equal(o->bytes_count, 7);
    assert_memory_equal(o->bytes, expected, sizeof expected);
    accept(p, "--bytes 96M..96M");
    assert_int_equal(o->bytes_count, 1);
    refuse(p, 2, "--bytes 4M..1M", "--bytes: '4M..1M' ends below its start");
    refuse(p, 2, "--bytes 1M..4M:x1", "step");
    refuse(p, 2, "--bytes 1M..4M:4", "step");
    refuse(p, 2, "--bytes 1M..4M:x", "step");
    refuse(p, 2, "--bytes 1M..", "ends at ''");
    refuse(p, 2, "--bytes ..1M", "starts at ''");
}

static void test_single_values(void **state)
{
    struct parse *p = *state;
    const struct kvr_options *o = &p->options;
    accept(p, "-p ci --heads 12 --mem node:3 --pages 2m -r 5 --min-time .5 --budget 90 --seed 0 "
              "--peak-gb-per-s 204.8 --max-mem 3G --strict --dry-run -v --label night "
              "--tag a=b --tag c= --progress plain --color never");
    assert_string_equal(o->profile, "ci");
    assert_int_equal(o->heads, 12);
    assert_true(o->mem_given && o->mem == KVR_MEM_NODE && o->mem_node == 3);
    assert_true(o->pages_given && o->pages == KVR_PAGES_2M);
    assert_int_equal(o->rounds, 5);
    assert_true(o->min_time_s == .5 && o->budget_s == 90 && o->peak_gb_per_s == 204.8);
    assert_int_equal(o->seed, 0);
    assert_int_equal(o->max_mem_bytes, UINT64_C(3) << 30);
    assert_true(o->strict && o->dry_run && o->verbose && !o->quiet);
    assert_string_equal(o->label, "night");
    assert_int_equal(o->tag_count, 2);
    assert_string_equal(o->tags[1], "c=");
    assert_int_equal(o->progress, KVR_PROGRESS_PLAIN);
    assert_int_equal(o->color, KVR_COLOR_NEVER);
    accept(p, "--keys k.npy --queries q.npy --values v.npy --calibration c.npy --seed "
              "18446744073709551615 --toke 512");
    assert_string_equal(o->calibration, "c.npy");
    assert_true(o->seed == UINT64_MAX);
    assert_int_equal(o->tokens_count, 1); /* an unambiguous beginning of an option */
    accept(p, "--max-mem 50%");
    assert_true(o->max_mem_bytes > 0);
}

static void test_numbers_refused(void **state)
{
    static const char *const options[] = {"-d", "-n", "-m", "--entries", "--heads", "-t", "-r"};
    static const char *const texts[] = {
        "0",    "-1",  "abc", "''", "1.5",   "12x", "99999999999999999999", "18446744073709551616",
        "0x40", "nan", "inf", "+4", "1,,2x", ",1"};
    struct parse *p = *state;
    char line[100];
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        for (size_t j = 0; j < sizeof texts / sizeof *texts; j++) {
            snprintf(line, sizeof line, "%s %s", options[i], texts[j]);
            refuse(p, 2, line, "--");
        }
    }
    refuse(p, 2, "-n 12x", "--tokens: '12x' has 'x' after the number; the suffixes are k, M, G");
    refuse(p, 2, "-n -4", "--tokens: '-4' is negative");
    refuse(p, 2, "-n 512,0", "--tokens: '0' is too small: the least is 1");
    refuse(p, 2, "-n 512,,4k", "--tokens: '512,,4k' has an empty element");
    refuse(p, 2, "--bytes 1T", "has 'T' after the number");
    refuse(p, 2, "-n 512,", "has an empty element");
    refuse(p, 2, "-d 512", "--head-dim: '512' is too large: the most is 256");
    refuse(p, 2, "-n 17179869184G", "too large");
    refuse(p, 2, "-t many", "(or max: one per core)");
    refuse(p, 2, "--budget nan", "--budget: 'nan' is not a number");
    refuse(p, 2, "--budget -1", "is negative");
    refuse(p, 2, "--budget 0x1p3", "--budget: '0x1p3' is not a number");
    refuse(p, 2, "--min-time 0", "--min-time: '0' is 0");
    refuse(p, 2, "--min-time 1e999", "too large");
    refuse(p, 2, "--peak-gb-per-s 12GB", "has 'GB' after the number");
    refuse(p, 2, "--seed -1", "--seed: '-1' is negative");
    refuse(p, 2, "--max-mem 0%", "--max-mem: '0%' is too small");
    refuse(p, 2, "--max-mem 101%", "too large");
    refuse(p, 2, "--max-mem %", "is empty");
    refuse(p, 2, "--max-mem 1", "the least is 4M");
}

static void test_too_many_values(void **state)
{
    struct parse *p = *state;
    char line[400] = "-n 1";
    for (int i = 2; i <= KVR_MAX_LIST; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), ",%d", i);
    accept(p, line);
    assert_int_equal(p->options.tokens_count, KVR_MAX_LIST);
    strcat(line, ",1000");
    refuse(p, 2, line, "--tokens: more than 32 values");
    refuse(p, 2, "--bytes 1k,2k..2048G:x2,3k,5k,7k", "makes more than 32 sizes");
}

static void test_words_refused(void **state)
{
    struct parse *p = *state;
    refuse(p, 2, "--layout hedas", "--layout: 'hedas' is not one of heads, contiguous, pages:N; "
                                   "did you mean heads?");
    refuse(p, 2, "--pages 3m", "--pages: '3m' is not one of 4k, thp, 2m, 1g");
    refuse(p, 2, "--mem nodes:1", "--mem: 'nodes:1' is not one of local, node:N");
    refuse(p, 2, "--progress plane", "did you mean plain?");
    refuse(p, 2, "--color nevr", "did you mean never?");
    refuse(p, 2, "--format yaml", "--format: 'yaml' is not one of table, json, jsonl, csv, md");
    refuse(p, 2, "--tag nothing", "--tag: 'nothing' is not KEY=VALUE");
    refuse(p, 2, "--tag =x", "is not KEY=VALUE");
    refuse(p, 2, "-k ''", "--kernel: '' is empty");
    refuse(p, 2, "-p ''", "--profile");
    refuse(p, 2, "--tokns 4k", "there is no option --tokns; did you mean --tokens?");
    refuse(p, 2, "--qqqqqqqqqqqq", "there is no option --qqqqqqqqqqqq; see kvroof run --help");
    refuse(p, 2, "quick", "'quick' is not an option; see kvroof run --help");
    refuse(p, 2, "--tokens", "requires an argument");
    refuse(p, 2, "-Z", "invalid option");
    /* An argument that looks like an option is an argument. */
    accept(p, "--label --no-such-thing");
    assert_string_equal(p->options.label, "--no-such-thing");
}

static void test_outputs(void **state)
{
    struct parse *p = *state;
    const struct kvr_options *o = &p->options;
    accept(p, "-o json:a.json -o csv:- -o md:dir/b:c.md");
    assert_int_equal(o->output_count, 3);
    assert_int_equal(o->outputs[1].format, KVR_OUT_CSV);
    assert_string_equal(o->outputs[1].path, "-");
    assert_string_equal(o->outputs[2].path, "dir/b:c.md");
    accept(p, "--format jsonl -o json:a.json");
    assert_int_equal(o->stdout_format, KVR_OUT_JSONL);
    refuse(p, 2, "-o a.json", "is not FORMAT:FILE");
    refuse(p, 2, "-o json:", "is not FORMAT:FILE");
    refuse(p, 2, "-o yaml:a.yaml", "--output: 'yaml:a.yaml' has an unknown format");
    refuse(p, 2, "-o json:a -o csv:a", "two outputs go to 'a'");
    refuse(p, 2, "-o json:- -o csv:-", "stdout can carry one format only");
    refuse(p, 2, "--format md -o csv:-", "stdout can carry one format only");
}

static void test_contradictions(void **state)
{
    struct parse *p = *state;
    refuse(p, 2, "--heads 8 --bytes 4M", "--heads and --bytes");
    refuse(p, 2, "--queries q.npy", "--queries goes with --keys");
    refuse(p, 2, "-q -v", "-q and -v");
}

static void test_help(void **state)
{
    struct parse *p = *state;
    FILE *capture = tmpfile();
    char text[8000];
    int saved = dup(STDOUT_FILENO);
    fflush(stdout);
    dup2(fileno(capture), STDOUT_FILENO);
    parse(p, "--help");
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(capture);
    text[fread(text, 1, sizeof text - 1, capture)] = '\0';
    fclose(capture);
    assert_int_equal(p->code, 0);
    assert_int_equal(p->done, 1);
    assert_string_equal(p->printed, "");
    assert_non_null(strstr(text, "Usage: kvroof run"));
    assert_non_null(strstr(text, "Examples:"));
    static const char *const of_ops[] = {"--op=NAME", "--codebook=TYPE", "--codebook-residency",
                                         "--value-format=NAME", "--batch=N",
                                         "--group-queries=N", "--evict=SIZE",
                                         "--counters=WHICH", "--processes=N"};
    for (size_t i = 0; i < sizeof of_ops / sizeof *of_ops; i++) {
        if (!strstr(text, of_ops[i]))
            fail_msg("no %s in: %s", of_ops[i], text);
    }
    assert_null(strstr(text, "--process-part")); /* between processes of one run */
}

static void test_cpu_numbers(void **state)
{
    struct parse *p = *state;
    const struct kvr_options *o = &p->options;
    accept(p, "-c 3,0-2,1");
    assert_int_equal(o->cpu_count, 4);
    assert_int_equal(o->cpus[0], 3);
    assert_int_equal(o->cpus[3], 2);
    refuse(p, 2, "-c 3-1", "--cpus: '3-1' is not a CPU list");
    refuse(p, 2, "-c a", "is not a CPU list");
    refuse(p, 2, "-c ''", "is not a CPU list");
    refuse(p, 2, "-c X0:1", "has the domain 'X0:1'");
    refuse(p, 3, "-c S0:5000", "asks for place 5000 of S0");
}

/* Two sockets of two cores of two threads, numbered as Linux does: siblings far apart. */
static void test_cpu_domains(void **state)
{
    (void)state;
    struct kvr_machine *machine = calloc(1, sizeof *machine);
    uint32_t cpus[8];
    size_t count = 0;
    char why[240];
    assert_non_null(machine);
    machine->cpu_count = 8;
    for (uint32_t i = 0; i < 8; i++)
        machine->cpus[i] = (struct kvr_cpu){
            .os_index = i, .core = i % 4, .package = i % 4 / 2, .node = i % 4 / 2, .cache = i % 4};
#define PARSE(text) (count = 0, kvr_cpus_parse(text, machine, cpus, 8, &count, why, sizeof why))
    assert_int_equal(PARSE("S1:0-3"), 0);
    static const uint32_t socket[] = {2, 3, 6, 7};
    assert_int_equal(count, 4);
    assert_memory_equal(cpus, socket, sizeof socket);
    assert_int_equal(PARSE("N:0-4"), 0);
    static const uint32_t node[] = {0, 1, 2, 3, 4};
    assert_int_equal(count, 5);
    assert_memory_equal(cpus, node, sizeof node);
    assert_int_equal(PARSE("S0:0@M1:0,0@S0:0"), 0);
    assert_int_equal(count, 2);
    assert_int_equal(cpus[1], 2);
    assert_int_equal(PARSE("S1:4"), -ENODEV);
    assert_non_null(strstr(why, "place 4 of S1, which has 4 usable CPUs"));
    assert_int_equal(PARSE("M7:0"), -ENODEV);
    assert_non_null(strstr(why, "N, S0, S1, M0, M1, C0, C1, C2, C3"));
    assert_int_equal(PARSE("S1"), 0); /* all of it, cores before their siblings */
    assert_int_equal(count, 4);
    assert_memory_equal(cpus, socket, sizeof socket);
    assert_int_equal(PARSE("N"), 0);
    assert_int_equal(count, 8);
    assert_int_equal(PARSE("C3:1,0"), 0);
    static const uint32_t cache[] = {7, 3};
    assert_int_equal(count, 2);
    assert_memory_equal(cpus, cache, sizeof cache);
    assert_int_equal(PARSE("D0:0"), -EINVAL);
    assert_int_equal(PARSE("S0x"), -EINVAL);
    assert_int_equal(PARSE("S:0"), -EINVAL);
    assert_int_equal(PARSE("S0:"), -EINVAL);
    assert_int_equal(PARSE("S-1:0"), -EINVAL);
    assert_int_equal(PARSE("S0:0@"), -EINVAL);
    free(machine);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_given),
        TEST(test_lists),
        TEST(test_operations),
        TEST(test_operations_refused),
        TEST(test_bytes),
        TEST(test_single_values),
        TEST(test_numbers_refused),
        TEST(test_too_many_values),
        TEST(test_words_refused),
        TEST(test_outputs),
        TEST(test_contradictions),
        TEST(test_help),
        TEST(test_cpu_numbers),
        TEST(test_cpu_domains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
