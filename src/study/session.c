/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "../measure/code_pages.h"
#include "arena.h"
#include "prove.h"

enum { MIN_HALF_BYTES = 16 << 20 };

const char kvr_foreign_topology[] =
    "the topology is not this system's: no thread can be pinned, no memory placed; unset "
    "HWLOC_XMLFILE, HWLOC_SYNTHETIC and HWLOC_FSROOT, or use run's --dry-run";

static int pin(const void *machine, uint32_t cpu)
{
    return kvr_pin_self(machine, cpu);
}

/* The largest working set of the plan: a level without a size of its own counts as the arena. */
uint64_t kvr_session_arena_bytes(const struct kvr_plan *plan)
{
    uint64_t most = plan->case_count ? MIN_HALF_BYTES : plan->arena_half_bytes;
    for (size_t i = 0; i < plan->case_count; i++) {
        const struct kvr_case *c = &plan->cases[i];
        uint64_t bytes = c->working_set_bytes;
        if (c->shape.heads) {
            uint64_t case_bytes = kvr_case_head_bytes(c), fp16 = kvr_case_reference_bytes(c);
            bytes = c->shape.heads * (case_bytes > fp16 ? case_bytes : fp16);
        } else if (!bytes) {
            bytes = plan->arena_half_bytes;
        }
        most = bytes > most ? bytes : most;
        if (c->evict_bytes && plan->arena_half_bytes > most) /* the other half is what evicts */
            most = plan->arena_half_bytes;
    }
    return most;
}

/* Without its counts a page fault inside a sample could not be told, and voids none. */
static int faults_are_counted(char *error, size_t error_bytes)
{
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) == 0)
        return 0;
    int rc = -errno;
    snprintf(error, error_bytes,
             "page faults inside samples cannot be counted: getrusage is refused (%s); allow it in "
             "the container's seccomp profile", strerror(-rc));
    return rc;
}

int kvr_session_open(struct kvr_session *s, char *error, size_t error_bytes)
{
    uint64_t half_bytes = kvr_session_arena_bytes(s->plan);
    int rc = faults_are_counted(error, error_bytes);
    if (rc)
        return rc;
    if (s->options->prove && (rc = kvr_prove_open(s, error, error_bytes)))
        return rc;
    kvr_bypass_subject(s->bypass, "the machine's ceilings");
    kvr_clock_real(&s->clock, 20);
    if (2 * half_bytes > s->plan->max_mem_bytes) {
        snprintf(error, error_bytes,
                 "two arena halves of %.0f MiB exceed --max-mem of %.0f MiB; lower --bytes or "
                 "--heads, or raise --max-mem",
                 (double)half_bytes / 1048576, (double)s->plan->max_mem_bytes / 1048576);
        return -ENOMEM;
    }
    kvr_code_pages_map();
    rc = kvr_arena_map(s, half_bytes, error, error_bytes);
    if (rc)
        return rc;
    unsigned most = 1;
    for (size_t i = 0; i < s->plan->case_count; i++)
        most = s->plan->cases[i].threads > most ? s->plan->cases[i].threads : most;
    rc = kvr_session_team(s, most);
    if (rc == -ENODEV) {
        snprintf(error, error_bytes, "CPU %u is not available here; kvroof list topology",
                 s->missing_cpu);
        return rc;
    }
    if (rc == -ENOTSUP) {
        snprintf(error, error_bytes, "%s", kvr_foreign_topology);
        return rc;
    }
    if (rc) {
        snprintf(error, error_bytes,
                 "%u pinned thread%s could not be started: %s; see check pinning of kvroof doctor, "
                 "ulimit -u and pids.max", most, most == 1 ? "" : "s", strerror(-rc));
        return rc;
    }
    return kvr_arena_touch(s, error, error_bytes);
}

static void stop_team(struct kvr_session *s)
{
    kvr_counting_dismiss(s->counting);
    kvr_bypass_dismiss(s->bypass);
    kvr_sampler_free(s->sampler);
    kvr_team_stop(s->team);
    s->sampler = NULL;
    s->team = NULL;
    s->threads = 0;
}

void kvr_session_close(struct kvr_session *s)
{
    stop_team(s);
    kvr_bypass_close(s->bypass);
    s->bypass = NULL;
    for (size_t i = 0; i < s->material_count; i++)
        kvr_material_free(&s->materials[i]);
    for (size_t i = 0; i < s->keyset_count; i++)
        kvr_keyset_free(&s->keysets[i]);
    if (s->reference.memory.base)
        kvr_memory_unmap(&s->reference.memory);
    if (s->subject.memory.base)
        kvr_memory_unmap(&s->subject.memory);
}

int kvr_session_team_on(struct kvr_session *s, const uint32_t *cpus, unsigned threads)
{
    if (s->team && s->threads == threads && !memcmp(s->cpus, cpus, threads * sizeof *cpus))
        return 0;
    stop_team(s);
    int rc = kvr_team_start(&s->team, cpus, threads, pin, s->machine);
    if (rc)
        return rc;
    s->sampler = kvr_sampler_new(s->team, &s->clock);
    if (!s->sampler)
        return -ENOMEM;
    memcpy(s->cpus, cpus, threads * sizeof *cpus);
    s->threads = threads;
    if (s->bypass)
        rc = kvr_bypass_enroll(s->bypass, s->team, s->cpus);
    kvr_sampler_prove(s->sampler, s->bypass);
    kvr_counting_enroll(s->counting, s->team, s->cpus);
    return rc;
}

int kvr_session_team(struct kvr_session *s, unsigned threads)
{
    uint32_t cpus[KVR_MAX_THREADS];
    if (threads > KVR_MAX_THREADS)
        return -ERANGE;
    int rc = kvr_machine_choose_cpus(s->machine, s->options->cpus, s->options->cpu_count, threads,
                                     cpus, &s->missing_cpu);
    return rc ? rc : kvr_session_team_on(s, cpus, threads);
}

const struct kvr_keyset *kvr_session_keys(struct kvr_session *s, uint32_t head_dim, char *error,
                                          size_t error_bytes)
{
    for (size_t i = 0; i < s->keyset_count; i++)
        if (s->keysets[i].head_dim == head_dim)
            return &s->keysets[i];
    if (s->keyset_count == KVR_MAX_KEYSETS) {
        snprintf(error, error_bytes, "more than %d head dims in one run", KVR_MAX_KEYSETS);
        return NULL;
    }
    struct kvr_keyset_paths paths = {.keys = s->options->keys,
                                     .queries = s->options->queries,
                                     .values = s->options->values,
                                     .calibration = s->options->calibration};
    struct kvr_keyset *set = &s->keysets[s->keyset_count];
    if (kvr_keyset_load(&paths, head_dim, set, error, error_bytes))
        return NULL;
    s->keyset_count++;
    return set;
}

static bool same_shape(const struct kvr_shape *a, const struct kvr_shape *b)
{
    return a->head_dim == b->head_dim && a->tables == b->tables && a->entries == b->entries &&
           a->group == b->group && a->residual == b->residual && a->queries == b->queries;
}

const struct kvr_material *kvr_session_material(struct kvr_session *s,
                                                const struct kvr_codec *codec,
                                                const struct kvr_shape *shape,
                                                const struct kvr_keyset *keys, bool values, int *rc)
{
    struct kvr_keyset coded = *keys;
    for (size_t i = 0; i < s->material_count; i++)
        if (s->materials[i].codec->encode == codec->encode &&
            same_shape(&s->materials[i].shape, shape) && s->material_of_values[i] == values)
            return &s->materials[i];
    if (s->material_count == KVR_MAX_MATERIALS) { /* forget the oldest; nobody holds it any more */
        kvr_material_free(&s->materials[0]);
        s->verified_count = 0; /* its pool's address may come again */
        s->material_count--;
        memmove(s->materials, s->materials + 1, s->material_count * sizeof *s->materials);
        memmove(s->material_of_values, s->material_of_values + 1,
                s->material_count * sizeof *s->material_of_values);
    }
    if (values && keys->values) /* a set without values has its keys in their place */
        coded.keys = keys->values;
    struct kvr_material *made = &s->materials[s->material_count];
    *rc = kvr_material_make(codec, shape, &coded, &s->options->squat, s->options->seed + values,
                            made);
    if (*rc)
        return NULL;
    s->material_of_values[s->material_count++] = values;
    return made;
}

bool kvr_session_stopped(const struct kvr_session *s)
{
    return s->interrupted && *s->interrupted;
}

double kvr_session_left_s(const struct kvr_session *s)
{
    return s->deadline_s - kvr_wall_s();
}

const char *kvr_session_level(const struct kvr_session *s, uint64_t bytes, unsigned threads)
{
    if (bytes / threads <= s->l1_bytes)
        return "L1";
    if (bytes / threads <= s->l2_bytes)
        return "L2";
    return bytes <= s->l3_bytes ? "L3" : "DRAM";
}

uint64_t kvr_session_level_bytes(const struct kvr_session *s, const char *level, unsigned threads)
{
    if (!strcmp(level, "L1"))
        return s->l1_bytes / 2 * threads;
    if (!strcmp(level, "L2"))
        return s->l2_bytes > 2 * s->l1_bytes ? s->l2_bytes / 2 * threads : 0;
    if (!strcmp(level, "L3"))
        return s->l3_bytes > 2 * s->l2_bytes * threads ? s->l3_bytes / 2 : 0;
    return s->plan->arena_half_bytes;
}
