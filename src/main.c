/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What kvroof says of itself, and the way to its commands.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/version.h"

static void introduce(void)
{
    printf("kvroof %s\n\n", kvr_purpose);
    puts("Next:\n"
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
    for (size_t i = 0; i < kvr_command_count; i++)
        printf("  %-8s %s\n", kvr_commands[i].name, kvr_commands[i].summary);
    puts("\n  --version  version and commit\n"
         "  --help     this help; COMMAND --help: its options and examples\n"
         "\nExamples:\n"
         "  kvroof run -k fp16,lookat.u8 -n 512,4k\n"
         "  kvroof verify --kernel lookat\n");
    printf("Exit codes:");
    for (size_t i = 0; i < kvr_exit_meaning_count; i++)
        printf("%s %d %s", i ? "," : "", kvr_exit_meanings[i].code, kvr_exit_meanings[i].meaning);
    puts(".");
}

static int unknown(const char *name)
{
    enum { MAX_COMMANDS = 32 };
    const char *names[MAX_COMMANDS];
    size_t count = 0;
    for (; count < kvr_command_count && count < MAX_COMMANDS; count++)
        names[count] = kvr_commands[count].name;
    const char *nearest = kvr_nearest(name, names, count);
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
        for (size_t i = 0; i <= kvr_command_count; i++) {
            if (i == kvr_command_count)
                return unknown(argv[1]);
            if (strcmp(argv[1], kvr_commands[i].name) == 0)
                return kvr_commands[i].run(argc - 1, argv + 1);
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
