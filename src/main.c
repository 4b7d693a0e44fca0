/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command table.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/version.h"

static const struct kvr_command commands[] = {
    {"run", "measure kernels; print a table and the verdict, write results", kvr_cmd_run},
    {"roofs", "the machine's own ceilings: bandwidth per level, a rate per core resource",
     kvr_cmd_roofs},
    {"show", "table, verdicts and claims of a stored result", kvr_cmd_show},
    {"verify", "check every kernel against its reference", kvr_cmd_verify},
    {"plot", "pictures of stored results", kvr_cmd_plot},
    {"report", "one self-contained HTML page of stored results", kvr_cmd_report},
    {"doctor", "what this machine can and cannot measure, why, and what would help",
     kvr_cmd_doctor},
    {"list", "kernels, codecs, profiles, instruction sets, topology, checks", kvr_cmd_list},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void introduce(void)
{
    puts("kvroof measures attention score kernels over compressed KV-cache keys on this machine\n"
         "and says what binds each of them: the memory or the core.\n"
         "\n"
         "Next:\n"
         "  kvroof list kernels      what there is, and what can run here\n"
         "  kvroof doctor            what this machine can and cannot measure, and why\n"
         "  kvroof run               measure the quick profile (about a minute)\n"
         "  kvroof show RESULT       read a stored result again\n"
         "\n"
         "kvroof --help names all commands; kvroof COMMAND --help their options.");
}

static void help(void)
{
    puts("Usage: kvroof COMMAND [OPTION...]\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].summary);
    puts("\n  --version  version and commit\n"
         "  --help     this help; COMMAND --help: its options and examples\n"
         "\nExamples:\n"
         "  kvroof run -k fp16,lookat.u8 -n 512,4k\n"
         "  kvroof verify --kernel lookat\n"
         "\nExit codes: 0 done, 1 the answer is no, 2 usage, 3 impossible here, 5 input or output, "
         "130 interrupted.");
}

static int unknown(const char *name)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    const char *nearest = kvr_nearest(name, names, COMMANDS);
    if (nearest)
        return kvr_fail(KVR_EXIT_USAGE, "there is no command '%s'; did you mean %s?", name,
                        nearest);
    return kvr_fail(KVR_EXIT_USAGE, "there is no command '%s'; kvroof --help names them", name);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2)
        introduce();
    else if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        help();
    else if (strcmp(argv[1], "--version") == 0)
        printf("kvroof %s (%s)\n", KVR_VERSION, KVR_GIT);
    else
        for (size_t i = 0; i <= COMMANDS; i++) {
            if (i == COMMANDS)
                return unknown(argv[1]);
            if (strcmp(argv[1], commands[i].name) == 0)
                return commands[i].run(argc - 1, argv + 1);
        }
    return KVR_EXIT_OK;
}

int main(int argc, char **argv)
{
    /* A closed pipe is an error of the write, with its own exit code. */
    signal(SIGPIPE, SIG_IGN);
    int code = dispatch(argc, argv);
    if ((fflush(stdout) || ferror(stdout)) && code == KVR_EXIT_OK)
        code = kvr_fail(KVR_EXIT_IO, "cannot write to stdout: %s", strerror(errno));
    return code;
}
