/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include <errno.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char *root_make(void)
{
    const char *folder = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/kvroof-root-XXXXXX", folder && folder[0] ? folder : P_tmpdir) < 0)
        fail_msg("out of memory");
    if (!mkdtemp(path))
        fail_msg("cannot make %s", path);
    return path;
}

void root_put(const char *root, const char *path, const char *text)
{
    root_put_bytes(root, path, text, strlen(text));
}

void root_put_bytes(const char *root, const char *path, const void *data, size_t bytes)
{
    char full[1024];
    int length = snprintf(full, sizeof full, "%s%s", root, path);
    assert_true(length > 0 && length < (int)sizeof full);
    for (char *c = full + strlen(root) + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        mkdir(full, 0755); /* it may be there already */
        *c = '/';
    }
    FILE *file = fopen(full, "w");
    if (!file)
        fail_msg("cannot write %s", full);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status, (void)type, (void)ftw;
    return remove(path);
}

void root_remove(char *root)
{
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(root);
}

bool forbid_call(long number)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool child_is_content(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_BLOCKED)
        return false;
    assert_int_equal(WEXITSTATUS(status), 0);
    return true;
}

const struct kvr_check *check_of(const struct kvr_checks *checks, const char *id)
{
    for (size_t i = 0; i < checks->count; i++)
        if (strcmp(checks->items[i].id, id) == 0)
            return &checks->items[i];
    fail_msg("no check %s", id);
    return NULL;
}

void use_synthetic(const char *description)
{
    if (description)
        setenv("HWLOC_SYNTHETIC", description, 1);
    else
        unsetenv("HWLOC_SYNTHETIC");
}
