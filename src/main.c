/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What kvroof says of itself, and the way to its commands.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/style.h"
#include "cli/version.h"

/* Where a line's text begins behind what it explains: "  run      measure". */
static size_t indent_of(const char *line, size_t bytes)
{
    size_t lead = strspn(line, " ");
    const char *gap = strstr(line + lead, "  ");
    return gap && gap < line + bytes ? (size_t)(gap - line) + strspn(gap, " ") : lead;
}

/* One line, broken at spaces where the terminal ends. */
static void put_line(const char *line, size_t bytes, size_t width)
{
    size_t indent = indent_of(line, bytes), room = width;
    if (indent + 20 > width)
        indent = 2;
    while (width && bytes > room) {
        size_t cut = room;
        while (cut > indent && line[cut] != ' ')
            cut--;
        if (line[cut] != ' ')
            break;
        printf("%.*s\n%*s", (int)cut, line, (int)indent, "");
        line += cut + 1;
        bytes -= cut + 1;
        room = width - indent;
    }
    printf("%.*s\n", (int)bytes, line);
}

/* Lines, none wider than the terminal. */
static void put_lines(const char *lines)
{
    int width = kvr_terminal_width();
    for (size_t bytes; *lines; lines += bytes + (lines[bytes] == '\n')) {
        bytes = strcspn(lines, "\n");
        put_line(lines, bytes, width > 0 ? (size_t)width : 0);
    }
}

static void introduce(void)
{
    char purpose[400];
    snprintf(purpose, sizeof purpose, "kvroof %s\n\n", kvr_purpose);
    put_lines(purpose);
    put_lines("Next:\n"
              "  kvroof list kernels      what there is, and what can run here\n"
              "  kvroof doctor            what this machine can and cannot measure, and why\n"
              "  kvroof run               measure the quick profile (about a minute)\n"
              "  kvroof show RESULT       read a stored result again\n"
              "\n"
              "kvroof --help names all commands; kvroof COMMAND --help their options.\n");
}

static void help(void)
{
    char line[400];
    size_t used;
    put_lines("Usage: kvroof COMMAND [OPTION...]\n\n");
    for (size_t i = 0; i < kvr_command_count; i++) {
        snprintf(line, sizeof line, "  %-8s %s", kvr_commands[i].name, kvr_commands[i].summary);
        put_lines(line);
    }
    put_lines("\n  --version  version and commit\n"
              "  --help     this help; COMMAND --help: its options and examples\n"
              "\nExamples:\n"
              "  kvroof run -k fp16,lookat.u8 -n 512,4k\n"
              "  kvroof verify --kernel lookat\n\n");
    used = (size_t)snprintf(line, sizeof line, "Exit codes:");
    for (size_t i = 0; i < kvr_exit_meaning_count && used < sizeof line; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s %d %s%s", i ? "," : "",
                                 kvr_exit_meanings[i].code, kvr_exit_meanings[i].meaning,
                                 i + 1 < kvr_exit_meaning_count ? "" : ".");
    put_lines(line);
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
