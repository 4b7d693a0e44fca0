/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../report/text.h"
#include "bench.h"

const char kvr_own_program[] = "/proc/self/exe";

static int start(char *const argv[], const char *log, pid_t *child)
{
    posix_spawn_file_actions_t files;
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    int rc = posix_spawn_file_actions_init(&files);
    if (rc)
        return -rc;
    rc = posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!rc && log)
        rc = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, log, flags, 0666);
    if (!rc)
        rc = posix_spawnp(child, argv[0], &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    return -rc;
}

/* Looks in now and then: what is awaited lasts for seconds, and a signal may come meanwhile. */
static int wait_for(pid_t child)
{
    const struct timespec pause = {0, 50000000};
    int status = 0, told = 0;
    for (;;) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child)
            break;
        if (ended < 0 && errno != EINTR)
            return -errno;
        if (!told && kvr_signal_number()) {
            told = kvr_signal_number();
            kill(child, told); /* the one who sent it may have meant this process alone */
        }
        nanosleep(&pause, NULL);
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int kvr_child_run(char *const argv[], const char *log)
{
    pid_t child;
    int rc = start(argv, log, &child);
    return rc ? rc : wait_for(child);
}

void kvr_child_end_text(int code, char *text, size_t bytes)
{
    if (code < 0)
        snprintf(text, bytes, "could not be started: %s", strerror(-code));
    else if (code > 128)
        snprintf(text, bytes, "was ended by signal %d (%s)", code - 128, strsignal(code - 128));
    else
        snprintf(text, bytes, "ended with exit code %d", code);
}

void kvr_last_line(const char *path, char *text, size_t bytes)
{
    char line[600];
    FILE *file = fopen(path, "re");
    *text = 0;
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (*line)
            kvr_clean_text(text, bytes, line);
    }
    if (file)
        fclose(file);
}
