/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../data/places.h"
#include "plotdata.h"
#include "text.h"

extern char **environ;

const char *kvr_plot_folder(const char *script, char *buffer, size_t bytes)
{
    return kvr_place_with(script, getenv("KVROOF_PLOTS"), "plots", buffer, bytes);
}

/* Keeps the last of what gnuplot says: warnings come first, the error at the end. */
static void drain(int fd, char *error, size_t error_bytes)
{
    char all[4096], chunk[1024];
    size_t used = 0;
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0 || (got < 0 && errno == EINTR)) {
        size_t n = got > 0 ? (size_t)got : 0;
        if (used + n >= sizeof all) {
            size_t cut = used + n - sizeof all + 1;
            memmove(all, all + cut, used - cut);
            used -= cut;
        }
        memcpy(all + used, chunk, n);
        used += n;
    }
    while (used && strchr("\n ", all[used - 1]))
        used--;
    all[used] = 0;
    size_t last = used > error_bytes - 1 ? used - (error_bytes - 1) : 0;
    for (char *c = all; *c; c++)
        if (*c == '\n')
            *c = ' ';
    kvr_clean_text(error, error_bytes, all + last);
}

static int spawn(const char *folder, char *const argv[], int err, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return -rc;
    rc = posix_spawn_file_actions_addchdir_np(&actions, folder);
    if (!rc)
        rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!rc)
        rc = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(&actions, err, 2);
    if (!rc)
        rc = posix_spawnp(child, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

bool kvr_plot_is_whole(const char *path, const char *format)
{
    static const struct { const char *format, *end; } ends[] = {
        {"svg", "</svg>\n"}, {"png", "IEND\xae\x42\x60\x82"}, {"pdf", "%%EOF\n"}, {"txt", "\n"},
    };
    char tail[16];
    FILE *in = fopen(path, "re");
    if (!in)
        return false;
    bool seeks = !fseek(in, 0, SEEK_END) && !fseek(in, -(long)sizeof tail, SEEK_CUR);
    size_t got = seeks ? fread(tail, 1, sizeof tail, in) : 0;
    bool whole = got > 0;
    fclose(in);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (whole && !strcmp(format, ends[i].format))
            whole = memmem(tail, got, ends[i].end, strlen(ends[i].end)) != NULL;
    return whole;
}

int kvr_plot_gnuplot(const char *folder, const char *script, const char *format, char *error,
                     size_t error_bytes)
{
    char setting[40];
    int ends[2] = {-1, -1}, status = 0;
    pid_t child = -1;
    snprintf(setting, sizeof setting, "FORMAT=\"%s\"", format);
    char *const argv[] = {"gnuplot", "-e", setting, (char *)(uintptr_t)script, NULL};
    *error = 0;
    if (pipe2(ends, O_CLOEXEC))
        return -errno;
    int rc = spawn(folder, argv, ends[1], &child);
    close(ends[1]);
    if (!rc) {
        drain(ends[0], error, error_bytes);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            rc = -EIO;
    }
    close(ends[0]);
    return rc;
}
