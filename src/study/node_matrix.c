/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "node_matrix.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "roofs.h"

enum { SEGMENT_BYTES = 64 << 10 };
#define MOST_BYTES ((uint64_t)1 << 30)
#define LEAST_BYTES ((uint64_t)16 << 20)
#define TOLERANCE 1.05

struct matrix {
    struct kvr_session *session;
    const struct kvr_node *nodes[KVR_MAX_NODES]; /* ascending */
    const struct kvr_node *node; /* whose memory is mapped */
    struct kvr_memory memory;
    double placed;               /* fraction of it on the node; NAN: unknown */
    char left_out[160];          /* why nodes are, for the check */
    double least_placed, least_huge;
    uint64_t least_bytes;
};

/* CPUs of a node that the run may use, by --cpus or all, one per core first; *cores of them. */
static size_t cpus_of(const struct kvr_session *s, uint32_t node, uint32_t *cpus, unsigned *cores)
{
    const struct kvr_machine *machine = s->machine;
    uint32_t members[KVR_MAX_CPUS], missing, seen[KVR_MAX_CPUS];
    size_t count = 0;
    *cores = 0;
    for (size_t i = 0; i < machine->cpu_count; i++) {
        const struct kvr_cpu *cpu = &machine->cpus[i];
        bool wanted = s->options->cpu_count == 0, known = false;
        for (size_t j = 0; j < s->options->cpu_count; j++)
            wanted |= s->options->cpus[j] == cpu->os_index;
        if (!wanted || cpu->node != node)
            continue;
        members[count++] = cpu->os_index;
        for (unsigned c = 0; c < *cores; c++)
            known |= seen[c] == cpu->core;
        if (!known && *cores < KVR_MAX_THREADS)
            seen[(*cores)++] = cpu->core;
    }
    if (count)
        kvr_machine_choose_cpus(machine, members, count, *cores, cpus, &missing);
    return count;
}

/* ---- one cell ---- */

static int bandwidth(struct matrix *m, const uint32_t *cpus, unsigned threads,
                     struct kvr_numa_cell *cell)
{
    struct kvr_session *s = m->session;
    struct kvr_lists lists = {0};
    struct kvr_score_buffers buffers = {0};
    struct kvr_member best;
    uint32_t cursors[KVR_MAX_THREADS] = {0};
    int rc = kvr_session_team_on(s, cpus, threads);
    if (!rc)
        rc = kvr_lists_plain(m->memory.base, m->memory.bytes, SEGMENT_BYTES, threads, &lists);
    if (!rc)
        rc = kvr_score_buffers_new(threads, 64, &buffers);
    struct kvr_scan scan = {.lists = &lists, .buffers = &buffers, .cursors = cursors};
    if (!rc)
        rc = kvr_session_best_reader(s, &scan, &best);
    if (!rc) {
        cell->threads = threads;
        cell->gb_per_s = best.gb_per_s;
        kvr_member_name(&best, cell->reader, sizeof cell->reader);
    }
    kvr_score_buffers_free(&buffers);
    kvr_lists_free(&lists);
    return rc;
}

static int latency(struct matrix *m, const uint32_t *cpus, struct kvr_numa_cell *cell)
{
    uint64_t bytes = m->memory.bytes / 4; /* the rest pushes it out of the caches */
    bytes = bytes < KVR_MOST_CHAIN_BYTES ? bytes : KVR_MOST_CHAIN_BYTES;
    int rc = kvr_session_team_on(m->session, cpus, 1);
    if (!rc)
        cell->latency_ns =
            kvr_roofs_chase_ns(m->session, m->memory.base, bytes, &m->memory);
    return rc;
}

static int measure_cell(struct matrix *m, const struct kvr_node *from)
{
    struct kvr_session *s = m->session;
    uint32_t cpus[KVR_MAX_CPUS];
    unsigned cores;
    struct kvr_numa_cell cell;
    if (!cpus_of(s, from->os_index, cpus, &cores))
        return 0;
    kvr_numa_cell_init(&cell);
    cell.cpu_node = from->os_index;
    cell.mem_node = m->node->os_index;
    cell.distance = from->distances[m->node - s->machine->nodes];
    cell.working_set_bytes = m->memory.bytes;
    cell.placed_fraction = m->placed;
    int rc = bandwidth(m, cpus, cores, &cell);
    if (!rc)
        rc = latency(m, cpus, &cell);
    if (!rc && kvr_session_stopped(s))
        rc = -EINTR;
    if (!rc && !kvr_record_add_numa_cell(s->record, &cell))
        rc = -ENOMEM;
    return rc;
}

/* ---- a node's memory ---- */

static int map_node(struct matrix *m, const char **why)
{
    struct kvr_session *s = m->session;
    const struct kvr_node *node = m->node;
    struct kvr_memory_request request = {
        .pages = s->options->pages_given ? s->options->pages : KVR_PAGES_THP,
        .policy = KVR_MEM_NODE, .node = node->os_index};
    uint64_t taken = s->reference.memory.bytes + s->subject.memory.bytes;
    uint64_t room = s->plan->max_mem_bytes > taken ? s->plan->max_mem_bytes - taken : 0;
    uint64_t usable = kvr_memory_usable_bytes(s->machine, KVR_MEM_NODE, node->os_index, NULL, 0);
    uint64_t unit = kvr_pages_bytes(request.pages);
    room = usable && usable / 5 * 3 < room ? usable / 5 * 3 : room;
    request.bytes = (room < MOST_BYTES ? room : MOST_BYTES) / unit * unit;
    if (request.bytes < LEAST_BYTES) {
        *why = "it has too little free memory, or --max-mem is too small";
        return -ENOMEM;
    }
    return kvr_memory_map(s->machine, &request, &m->memory, why);
}

static void leave_out(struct matrix *m, const char *why)
{
    size_t used = strlen(m->left_out);
    snprintf(m->left_out + used, sizeof m->left_out - used, "%snode %" PRIu32 ": %s",
             used ? "; " : "", m->node->os_index, why);
}

static int measure_memory(struct matrix *m)
{
    struct kvr_session *s = m->session;
    struct kvr_placement placement = {0};
    const char *why = "";
    if (map_node(m, &why)) {
        leave_out(m, why);
        return 0;
    }
    kvr_memory_touch(&m->memory, 0, m->memory.unit_count);
    kvr_memory_prove(s->machine, &m->memory, m->memory.bytes, &placement);
    m->placed = kvr_placement_fraction(&m->memory, &placement);
    if (!(m->placed >= m->least_placed)) {
        m->least_placed = m->placed;
        kvr_placement_check(&s->record->checks, s->machine, &m->memory, &placement);
    }
    int64_t huge = kvr_memory_huge_bytes(s->machine, &m->memory);
    double fraction = huge < 0 ? NAN : (double)huge / (double)m->memory.bytes;
    if (!(fraction >= m->least_huge)) {
        m->least_huge = fraction;
        kvr_pages_check(&s->record->checks, m->memory.pages, fraction);
    }
    m->least_bytes = m->memory.bytes < m->least_bytes ? m->memory.bytes : m->least_bytes;
    int rc = 0;
    for (size_t i = 0; i < s->machine->node_count && !rc; i++)
        rc = measure_cell(m, m->nodes[i]);
    kvr_memory_unmap(&m->memory);
    return rc;
}

/* ---- the whole ---- */

static void check_matrix(const struct matrix *m)
{
    const struct kvr_session *s = m->session;
    uint64_t cache = 0;
    for (uint32_t level = 1; level <= 3; level++)
        if (kvr_machine_cache_bytes(s->machine, level) > cache)
            cache = kvr_machine_cache_bytes(s->machine, level);
    bool small = m->least_bytes < 2 * cache;
    struct kvr_check *c;
    if (m->left_out[0])
        c = kvr_check_add(&s->record->checks, "numa-matrix", KVR_CHECK_WARN,
                          "memory that was not measured: %s", m->left_out);
    else if (small)
        c = kvr_check_add(&s->record->checks, "numa-matrix", KVR_CHECK_WARN,
                          "%" PRIu64 " MiB a node are less than twice the largest cache, as it is "
                          "reported: a part may come from there", m->least_bytes >> 20);
    else
        c = kvr_check_add(&s->record->checks, "numa-matrix", KVR_CHECK_OK,
                          "%" PRIu64 " MiB a node, read by every node with CPUs",
                          m->least_bytes >> 20);
    snprintf(c->value, sizeof c->value, "%zu", s->record->numa_cell_count);
    if (m->left_out[0] || small)
        snprintf(c->fix, sizeof c->fix, "free memory, or raise --max-mem");
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = (*(const struct kvr_node *const *)a)->os_index,
             y = (*(const struct kvr_node *const *)b)->os_index;
    return (x > y) - (x < y);
}

int kvr_numa_measure(struct kvr_session *s)
{
    struct matrix m = {.session = s, .least_placed = INFINITY,
                       .least_huge = INFINITY, .least_bytes = UINT64_MAX};
    int rc = 0;
    for (size_t i = 0; i < s->machine->node_count; i++)
        m.nodes[i] = &s->machine->nodes[i];
    qsort(m.nodes, s->machine->node_count, sizeof *m.nodes, by_number);
    for (size_t i = 0; i < s->machine->node_count && !rc; i++) {
        m.node = m.nodes[i];
        if (m.node->total_bytes)
            rc = measure_memory(&m);
    }
    if (rc)
        return rc;
    check_matrix(&m);
    kvr_numa_check_distances(&s->record->checks, s->record->numa_matrix,
                             s->record->numa_cell_count);
    return 0;
}

void kvr_numa_check_distances(struct kvr_checks *checks, const struct kvr_numa_cell *cells,
                              size_t count)
{
    const struct kvr_numa_cell *near = NULL, *far = NULL; /* the first pair that disagrees */
    size_t pairs = 0, against = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            const struct kvr_numa_cell *a = &cells[i], *b = &cells[j];
            if (a->cpu_node != b->cpu_node || !a->distance || a->distance >= b->distance ||
                !(a->latency_ns > 0) || !(b->latency_ns > 0))
                continue;
            pairs++;
            if (a->latency_ns <= TOLERANCE * b->latency_ns)
                continue;
            near = against++ ? near : a;
            far = against > 1 ? far : b;
        }
    struct kvr_check *c;
    if (!pairs)
        c = kvr_check_add(checks, "numa-distances", KVR_CHECK_INFO,
                          "no two memories at different distances, by firmware, from the same "
                          "cores: nothing to compare");
    else if (!against)
        c = kvr_check_add(checks, "numa-distances", KVR_CHECK_OK,
                          "latencies order as the distances that firmware tells");
    else
        c = kvr_check_add(checks, "numa-distances", KVR_CHECK_WARN,
                          "latencies do not order as the distances that firmware tells: from node "
                          "%" PRIu32 ", node %" PRIu32 " (distance %" PRIu32 ") answers in %.1f "
                          "ns and node %" PRIu32 " (%" PRIu32 ") in %.1f ns",
                          near->cpu_node, near->mem_node, near->distance, near->latency_ns,
                          far->mem_node, far->distance, far->latency_ns);
    snprintf(c->value, sizeof c->value, "%zu of %zu pairs agree", pairs - against, pairs);
    if (against)
        snprintf(c->fix, sizeof c->fix,
                 "measure again on a quiet machine; believe the latencies, not the distances");
}
