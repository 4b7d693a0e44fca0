/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading counters through the page that the kernel shares, see perf_event_open(2).
 */
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <errno.h>

#include "perf.h"

/* A number of `width` bits as the signed number it is: the kernel starts a counter below zero so
 * that it overflows in time, and its offset makes up for that. */
static int64_t sign_extend(uint64_t value, unsigned width)
{
    unsigned unused = 64 - width;
    return (int64_t)(value << unused) >> unused;
}

/* ns since the page was written, by its own factors. */
static uint64_t elapsed_ns(const struct perf_event_mmap_page *page, uint64_t ticks)
{
    uint64_t whole = ticks >> page->time_shift;
    uint64_t rest = ticks & ((UINT64_C(1) << page->time_shift) - 1);
    return page->time_offset + whole * page->time_mult +
           ((rest * page->time_mult) >> page->time_shift);
}

static bool page_is_readable(const struct perf_event_mmap_page *page)
{
    return page->cap_user_rdpmc && page->cap_user_time && page->index && page->pmc_width &&
           page->pmc_width <= 64;
}

/* The page changes when the thread is scheduled; `lock` tells that it did. */
static bool read_page(const struct kvr_perf_system *system,
                      const volatile struct perf_event_mmap_page *shared, struct kvr_reading *out)
{
    struct perf_event_mmap_page page;
    uint32_t lock;
    do {
        lock = shared->lock;
        atomic_signal_fence(memory_order_seq_cst);
        page.index = shared->index;
        page.offset = shared->offset;
        page.capabilities = shared->capabilities;
        page.pmc_width = shared->pmc_width;
        page.time_enabled = shared->time_enabled;
        page.time_running = shared->time_running;
        page.time_mult = shared->time_mult;
        page.time_shift = shared->time_shift;
        page.time_offset = shared->time_offset;
        if (!page_is_readable(&page))
            return false;
        uint64_t ns = elapsed_ns(&page, system->ticks());
        uint64_t counter = system->counter(page.index - 1);
        out->value = (uint64_t)(page.offset + sign_extend(counter, page.pmc_width));
        out->enabled_ns = page.time_enabled + ns;
        out->running_ns = page.time_running + ns;
        atomic_signal_fence(memory_order_seq_cst);
    } while (shared->lock != lock);
    return true;
}

bool kvr_perf_read_pages(const struct kvr_perf_system *system, const struct kvr_perf_group *group,
                         struct kvr_reading *readings)
{
    struct kvr_reading read[KVR_MAX_GROUP];
    for (size_t i = 0; i < group->count; i++)
        if (!group->pages[i] || !read_page(system, group->pages[i], &read[i]))
            return false;
    for (size_t i = 0; i < group->count; i++)
        readings[group->events[i]] = read[i];
    return group->count > 0;
}

/* ---- Linux ---- */

static int linux_open(struct perf_event_attr *attribute, int pid, int cpu, int group)
{
    long fd = syscall(SYS_perf_event_open, attribute, pid, cpu, group, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

static ssize_t linux_read(int fd, void *data, size_t bytes)
{
    return read(fd, data, bytes);
}

static void linux_close(int fd)
{
    close(fd);
}

static struct perf_event_mmap_page *linux_map(int fd)
{
    void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, 0);
    return page == MAP_FAILED ? NULL : page;
}

static void linux_unmap(struct perf_event_mmap_page *page)
{
    munmap(page, (size_t)sysconf(_SC_PAGESIZE));
}

#if defined __x86_64__
static uint64_t cpu_counter(uint32_t number)
{
    uint32_t low, high;
    __asm__ volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

static uint64_t cpu_ticks(void)
{
    return __builtin_ia32_rdtsc();
}
static const uint64_t cpu_config1[] = {0};
#elif defined __aarch64__
/* The number of a register is part of the instruction. */
#define EVENT_REGISTER(n)                                                                          \
    case n:                                                                                        \
        __asm__ volatile("mrs %0, pmevcntr" #n "_el0" : "=r"(value));                              \
        break;
static uint64_t cpu_counter(uint32_t number)
{
    uint64_t value = 0;
    __asm__ volatile("isb" ::: "memory");
    switch (number) {
        EVENT_REGISTER(0) EVENT_REGISTER(1) EVENT_REGISTER(2) EVENT_REGISTER(3)
        EVENT_REGISTER(4) EVENT_REGISTER(5) EVENT_REGISTER(6) EVENT_REGISTER(7)
        EVENT_REGISTER(8) EVENT_REGISTER(9) EVENT_REGISTER(10) EVENT_REGISTER(11)
        EVENT_REGISTER(12) EVENT_REGISTER(13) EVENT_REGISTER(14) EVENT_REGISTER(15)
        EVENT_REGISTER(16) EVENT_REGISTER(17) EVENT_REGISTER(18) EVENT_REGISTER(19)
        EVENT_REGISTER(20) EVENT_REGISTER(21) EVENT_REGISTER(22) EVENT_REGISTER(23)
        EVENT_REGISTER(24) EVENT_REGISTER(25) EVENT_REGISTER(26) EVENT_REGISTER(27)
        EVENT_REGISTER(28) EVENT_REGISTER(29) EVENT_REGISTER(30)
    default: /* 31: of cycles alone */
        __asm__ volatile("mrs %0, pmccntr_el0" : "=r"(value));
    }
    return value;
}

static uint64_t cpu_ticks(void)
{
    uint64_t value;
    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value) : : "memory");
    return value;
}
/* Bit 1 allows reads by user code, bit 0 asks for counters of 64 bits. */
static const uint64_t cpu_config1[] = {3, 2, 0};
#else
#define cpu_counter NULL
#define cpu_ticks NULL
static const uint64_t cpu_config1[] = {0};
#endif

const struct kvr_perf_system kvr_perf_linux = {
    .open = linux_open,
    .read = linux_read,
    .close = linux_close,
    .map = linux_map,
    .unmap = linux_unmap,
    .counter = cpu_counter,
    .ticks = cpu_ticks,
    .config1 = cpu_config1,
};
