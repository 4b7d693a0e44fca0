/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usage.h"

#include <sys/resource.h>
#include <sys/syscall.h>

/* The arguments of the function are those of the call, in the same registers. */
#define TEXT(number) #number
#define CALL_FROM_HERE(number) TEXT(number)
#define VISIBLE_HERE \
    ".globl kvr_usage_call, kvr_usage_called\n.hidden kvr_usage_call, kvr_usage_called\n"
#if defined __x86_64__
__asm__(".text\n" VISIBLE_HERE
        ".type kvr_usage_call, @function\n"
        "kvr_usage_call:\n"
        "    mov $" CALL_FROM_HERE(__NR_getrusage) ", %eax\n"
        "    syscall\n"
        "kvr_usage_called:\n"
        "    ret\n"
        ".size kvr_usage_call, . - kvr_usage_call\n");
#elif defined __aarch64__
__asm__(".text\n" VISIBLE_HERE
        ".type kvr_usage_call, %function\n"
        "kvr_usage_call:\n"
        "    mov x8, #" CALL_FROM_HERE(__NR_getrusage) "\n"
        "    svc #0\n"
        "kvr_usage_called:\n"
        "    ret\n"
        ".size kvr_usage_call, . - kvr_usage_call\n");
#endif

#if defined __x86_64__ || defined __aarch64__
long kvr_usage_call(long who, struct rusage *usage) __attribute__((visibility("hidden")));
extern const char kvr_usage_called[] __attribute__((visibility("hidden")));

uintptr_t kvr_usage_call_address(void)
{
    return (uintptr_t)kvr_usage_called;
}
#else
static long kvr_usage_call(long who, struct rusage *usage)
{
    return getrusage((int)who, usage);
}

uintptr_t kvr_usage_call_address(void)
{
    return 0;
}
#endif

void kvr_thread_usage(struct kvr_usage *usage)
{
    struct rusage r = {.ru_minflt = 0};
    kvr_usage_call(RUSAGE_THREAD, &r);
    *usage = (struct kvr_usage){.faults = (uint64_t)(r.ru_minflt + r.ru_majflt),
                                .switches = (uint64_t)r.ru_nvcsw,
                                .preemptions = (uint64_t)r.ru_nivcsw};
}
