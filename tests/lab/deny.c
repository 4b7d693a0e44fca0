/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Starts a program whose system calls fail as a container's filter or an old kernel makes them
 * fail: deny CALL[:LEAST]=ERRNO ... -- PROGRAM ARGUMENT...
 * With LEAST only calls whose second argument, a length, is at least that many bytes fail.
 * Exit code 77: this kernel has no such filter; 78: this architecture has no such call.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST_RULES = 16, MOST_STEPS = 8 * MOST_RULES + 8, USAGE = 2, NO_FILTER = 77, NO_CALL = 78 };

static const struct call {
    const char *name;
    long number;
    uint32_t first; /* only with this first argument; 0: any */
} calls[] = {
    {"mbind", SYS_mbind, 0},
    {"set_mempolicy", SYS_set_mempolicy, 0},
    {"get_mempolicy", SYS_get_mempolicy, 0},
    {"move_pages", SYS_move_pages, 0},
    {"mlock", SYS_mlock, 0},
    {"madvise", SYS_madvise, 0},
    {"mmap", SYS_mmap, 0},
    {"mprotect", SYS_mprotect, 0},
    {"sched_setaffinity", SYS_sched_setaffinity, 0},
    {"sched_getaffinity", SYS_sched_getaffinity, 0},
    {"perf_event_open", SYS_perf_event_open, 0},
    {"clone", SYS_clone, 0},
    {"clone3", SYS_clone3, 0},
    {"prctl", SYS_prctl, 0},
    {"prlimit64", SYS_prlimit64, 0},
    {"getrusage", SYS_getrusage, 0},
    {"faccessat2", SYS_faccessat2, 0},
    {"uname", SYS_uname, 0},
#ifdef SYS_fork
    {"fork", SYS_fork, 0},
#endif
#ifdef SYS_arch_prctl
    {"arch_prctl", SYS_arch_prctl, 0x1023}, /* permission to use AMX; others start the program */
#endif
};

static const struct {
    const char *name;
    int number;
} errors[] = {
    {"EPERM", EPERM},   {"EACCES", EACCES}, {"ENOENT", ENOENT}, {"ENOSYS", ENOSYS},
    {"EMFILE", EMFILE}, {"EBUSY", EBUSY},   {"EINVAL", EINVAL}, {"ENOMEM", ENOMEM},
    {"EAGAIN", EAGAIN}, {"EIO", EIO},
};

struct filter {
    struct sock_filter steps[MOST_STEPS];
    unsigned short count;
};

static void step(struct filter *f, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    f->steps[f->count++] = (struct sock_filter){code, yes, no, k};
}

static uint32_t argument_offset(int index, int high)
{
    return (uint32_t)offsetof(struct seccomp_data, args) + 8u * (uint32_t)index +
           4u * (uint32_t)high; /* little endian */
}

/* Falls through, with the number in the accumulator, where the rule does not apply. */
static void add_rule(struct filter *f, const struct call *call, uint32_t least, int error)
{
    uint32_t refuse = SECCOMP_RET_ERRNO | (uint32_t)error;
    if (call->first) {
        step(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->number, 0, 3);
        step(f, BPF_LD | BPF_W | BPF_ABS, argument_offset(0, 0), 0, 0);
        step(f, BPF_JMP | BPF_JEQ | BPF_K, call->first, 0, 1);
    } else if (least) {
        step(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->number, 0, 5);
        step(f, BPF_LD | BPF_W | BPF_ABS, argument_offset(1, 1), 0, 0);
        step(f, BPF_JMP | BPF_JGT | BPF_K, 0, 2, 0);
        step(f, BPF_LD | BPF_W | BPF_ABS, argument_offset(1, 0), 0, 0);
        step(f, BPF_JMP | BPF_JGE | BPF_K, least, 0, 1);
    } else {
        step(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->number, 0, 1);
    }
    step(f, BPF_RET | BPF_K, refuse, 0, 0);
    step(f, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
}

/* CALL[:LEAST]=ERRNO; 0, or an exit code. */
static int parse_rule(struct filter *f, const char *text)
{
    char name[32] = "", error[16] = "";
    unsigned least = 0;
    if (sscanf(text, "%31[^:=]:%u=%15s", name, &least, error) != 3 &&
        sscanf(text, "%31[^:=]=%15s", name, error) != 2) {
        fprintf(stderr, "deny: what is %s?\n", text);
        return USAGE;
    }
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++)
        for (size_t c = 0; !strcmp(errors[e].name, error) && c < sizeof calls / sizeof *calls; c++)
            if (!strcmp(calls[c].name, name)) {
                add_rule(f, &calls[c], least, errors[e].number);
                return 0;
            }
    fprintf(stderr, "deny: no call or error %s here\n", text);
    return NO_CALL;
}

static int install(struct filter *f)
{
    struct sock_fprog program = {f->count, f->steps};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
        fprintf(stderr, "deny: no filter: %s\n", strerror(errno));
        return NO_FILTER;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct filter filter = {.count = 0};
    int i = 1, code = 0;
    step(&filter, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    for (; i < argc && strcmp(argv[i], "--") && i <= MOST_RULES && !code; i++)
        code = parse_rule(&filter, argv[i]);
    if (code)
        return code;
    if (i + 1 >= argc || strcmp(argv[i], "--")) {
        fputs("usage: deny CALL[:LEAST]=ERRNO ... -- PROGRAM ARGUMENT...\n", stderr);
        return USAGE;
    }
    step(&filter, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    code = install(&filter);
    if (code)
        return code;
    execv(argv[i + 1], argv + i + 1);
    fprintf(stderr, "deny: cannot start %s: %s\n", argv[i + 1], strerror(errno));
    return USAGE;
}
