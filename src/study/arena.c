/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "arena.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- mapping ---- */

struct kvr_memory_request kvr_arena_request(const struct kvr_plan *plan,
                                            const struct kvr_options *options, uint64_t bytes)
{
    const struct kvr_case *first = plan->case_count ? &plan->cases[0] : NULL;
    struct kvr_memory_request request = {.bytes = bytes,
                                         .more_bytes = bytes,
                                         .pages = KVR_PAGES_THP,
                                         .policy = options->mem,
                                         .node = options->mem_node};
    if (first || options->pages_given)
        request.pages = first ? first->pages : options->pages;
    if (first) {
        request.policy = first->mem;
        request.node = first->mem_node;
    }
    return request;
}

int kvr_arena_map(struct kvr_session *s, uint64_t bytes, char *error, size_t error_bytes)
{
    struct kvr_memory_request request = kvr_arena_request(s->plan, s->options, bytes);
    const char *why = "";
    s->least_placed = INFINITY;
    s->reference.huge_fraction = s->subject.huge_fraction = NAN;
    s->reference.placed_fraction = s->subject.placed_fraction = NAN;
    int rc = kvr_memory_map(s->machine, &request, &s->reference.memory, &why);
    request.more_bytes = 0;
    if (!rc)
        rc = kvr_memory_map(s->machine, &request, &s->subject.memory, &why);
    if (rc)
        snprintf(error, error_bytes, "two times %.0f MiB of keys could not be mapped: %s",
                 (double)bytes / 1048576, why);
    return rc;
}

/* ---- sharing out ---- */

struct shares {
    const struct kvr_session *session;
    struct kvr_memory *memory;
    size_t bounds[KVR_MAX_THREADS + 1]; /* units; thread t has [bounds[t], bounds[t + 1]) */
};

/* Where a hypervisor has to find the pages first, gigabytes take many seconds. */
static void touch_share(void *argument, unsigned thread)
{
    const struct shares *x = argument;
    for (size_t u = x->bounds[thread];
         u < x->bounds[thread + 1] && !kvr_session_stopped(x->session); u++)
        kvr_memory_touch(x->memory, u, 1);
}

static void cut(struct shares *x, uint64_t begin, uint64_t bytes, unsigned threads)
{
    size_t unit = x->memory->unit_bytes, last = (begin + bytes + unit - 1) / unit;
    last = last < x->memory->unit_count ? last : x->memory->unit_count;
    x->bounds[0] = (begin + unit - 1) / unit;
    x->bounds[0] = x->bounds[0] < last ? x->bounds[0] : last;
    x->bounds[threads] = last;
    for (unsigned t = 1; t < threads; t++) {
        size_t bound = (begin + bytes / threads * t + unit / 2) / unit;
        bound = bound < last ? bound : last;
        x->bounds[t] = bound > x->bounds[t - 1] ? bound : x->bounds[t - 1];
    }
}

static uint32_t node_of(const struct kvr_machine *machine, uint32_t cpu)
{
    for (size_t i = 0; i < machine->cpu_count; i++)
        if (machine->cpus[i].os_index == cpu)
            return machine->cpus[i].node;
    return 0;
}

/* What was given back is needed again whatever comes of it: it lies where there is room. */
static void touch_anywhere(struct kvr_memory *memory)
{
    for (size_t u = 0; u < memory->unit_count; u++)
        if (!memory->units[u].touched)
            memory->units[u].node = KVR_NODE_ANY;
    kvr_memory_touch(memory, 0, memory->unit_count);
}

int kvr_memory_share(struct kvr_session *s, struct kvr_memory *memory, uint64_t begin,
                     uint64_t bytes, const char **why)
{
    struct shares x = {.session = s, .memory = memory};
    int64_t changed = 0;
    int rc = 0;
    cut(&x, begin, bytes, s->threads);
    for (unsigned t = 0; memory->by_touch && t < s->threads; t++) {
        int64_t some = kvr_memory_want(memory, x.bounds[t], x.bounds[t + 1] - x.bounds[t],
                                       node_of(s->machine, s->cpus[t]));
        if (some < 0) {
            *why = "pages of the pool cannot be given back on this kernel, and threads of other "
                   "nodes touched them; use --pages thp, or --mem node:N";
            return (int)some;
        }
        changed += some;
    }
    if (memory->by_touch && changed)
        rc = kvr_memory_room(s->machine, memory, why);
    if (rc)
        touch_anywhere(memory);
    else
        kvr_team_run(s->team, touch_share, &x);
    if (!rc && kvr_session_stopped(s)) {
        *why = "interrupted";
        return -EINTR;
    }
    return rc ? rc : changed > 0;
}

int kvr_half_share(struct kvr_session *s, struct kvr_half *half, uint64_t begin, uint64_t bytes,
                   char *error, size_t error_bytes)
{
    const char *why = "";
    if (!half->memory.by_touch || !bytes)
        return 0;
    int changed = kvr_memory_share(s, &half->memory, begin, bytes, &why);
    half->used_bytes = begin + bytes;
    if (changed && half->filled_bytes > begin)
        half->filled_bytes = begin;
    if (changed && !begin)
        half->filled = (struct kvr_material){0};
    if (changed < 0)
        snprintf(error, error_bytes, "%s", why);
    return changed == -EINTR ? changed : changed < 0 ? -ERANGE : 0;
}

int kvr_half_plain(struct kvr_session *s, struct kvr_half *half, uint64_t bytes,
                   size_t segment_bytes, struct kvr_lists *lists)
{
    char why[240];
    int rc = kvr_lists_plain(half->memory.base, bytes, segment_bytes, s->threads, lists);
    if (!rc)
        rc = kvr_half_share(s, half, 0, lists->heads * segment_bytes, why, sizeof why);
    if (rc)
        kvr_lists_free(lists);
    return rc;
}

int kvr_half_ladder(struct kvr_session *s, struct kvr_half *half, uint64_t bytes,
                    struct kvr_lists *lists)
{
    uint64_t share = bytes / s->threads / KVR_LINE_BYTES * KVR_LINE_BYTES;
    size_t segment = share < KVR_LADDER_SEGMENT_BYTES ? (size_t)share : KVR_LADDER_SEGMENT_BYTES;
    return kvr_half_plain(s, half, bytes, segment, lists);
}

int kvr_half_repeated(struct kvr_session *s, struct kvr_half *half, uint64_t bytes,
                      struct kvr_lists *lists)
{
    uint64_t share = bytes / s->threads / KVR_READ_FOLD_BYTES * KVR_READ_FOLD_BYTES;
    if (!share || share > KVR_LADDER_SEGMENT_BYTES)
        return -ERANGE;
    int rc = kvr_half_plain(s, half, share * s->threads, (size_t)share, lists);
    if (!rc && !kvr_lists_repeat(lists)) {
        kvr_lists_free(lists);
        rc = -ERANGE;
    }
    return rc;
}

/* ---- what was got ---- */

static void read_pages(const struct kvr_session *s, struct kvr_half *half)
{
    int64_t got = kvr_memory_huge_bytes(s->machine, &half->memory);
    half->huge_fraction = got < 0 ? NAN : (double)got / (double)half->memory.bytes;
}

void kvr_half_prove(struct kvr_session *s, struct kvr_half *half)
{
    struct kvr_placement placement = {0};
    kvr_memory_prove(s->machine, &half->memory, half->used_bytes, &placement);
    half->placed_fraction = kvr_placement_fraction(&half->memory, &placement);
    if (half->memory.by_touch)
        read_pages(s, half);
    if (!(half->placed_fraction >= s->least_placed)) {
        kvr_placement_check(&s->record->checks, s->machine, &half->memory, &placement);
        s->least_placed = half->placed_fraction;
    }
}

int kvr_arena_touch(struct kvr_session *s, char *error, size_t error_bytes)
{
    struct kvr_half *halves[] = {&s->reference, &s->subject};
    const char *why = "";
    for (int i = 0; i < 2; i++) {
        struct kvr_memory *memory = &halves[i]->memory;
        int rc = kvr_memory_share(s, memory, 0, memory->bytes, &why);
        if (rc == -EINTR)
            return rc;
        if (rc < 0) {
            snprintf(error, error_bytes, "%.0f MiB of keys could not be placed: %s",
                     (double)memory->bytes / 1048576, why);
            return rc;
        }
        halves[i]->used_bytes = memory->bytes;
        read_pages(s, halves[i]);
        kvr_half_prove(s, halves[i]);
    }
    kvr_pages_check(&s->record->checks, s->reference.memory.pages,
                    (s->reference.huge_fraction + s->subject.huge_fraction) / 2);
    return 0;
}
