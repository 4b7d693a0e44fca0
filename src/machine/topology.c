/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * CPUs, cores, caches and nodes from hwloc, which is opened and closed here. HWLOC_XMLFILE,
 * HWLOC_SYNTHETIC and HWLOC_FSROOT replace this system by another; then nothing is bound.
 */
#include <errno.h>
#include <hwloc.h>
#include <hwloc/distances.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static uint32_t index_of(hwloc_obj_t object)
{
    return object->os_index == HWLOC_UNKNOWN_INDEX ? object->logical_index : object->os_index;
}

static uint64_t hash_u64(uint64_t hash, uint64_t value)
{
    return kvr_fnv1a(hash, &value, sizeof value);
}

/* The cache nearest to memory that is over this CPU; among the CPUs that share it, its index. */
static hwloc_obj_t last_cache(hwloc_obj_t pu)
{
    hwloc_obj_t cache = NULL;
    for (hwloc_obj_t above = pu; above; above = above->parent)
        if (hwloc_obj_type_is_dcache(above->type))
            cache = above;
    return cache;
}

static void load_cpu(hwloc_topology_t topology, hwloc_obj_t pu, struct kvr_cpu *cpu)
{
    hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);
    hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, pu);
    hwloc_obj_t cache = last_cache(pu);
    int node = pu->nodeset ? hwloc_bitmap_first(pu->nodeset) : -1;
    cpu->os_index = index_of(pu);
    cpu->core = core ? core->logical_index : pu->logical_index;
    cpu->package = package ? package->logical_index : 0;
    cpu->cache = cache ? cache->logical_index : cpu->package;
    cpu->node = node < 0 ? 0 : (uint32_t)node;
}

static int load_cpus(struct kvr_machine *machine, hwloc_topology_t topology,
                     hwloc_const_bitmap_t allowed, const char **why)
{
    unsigned os_index;
    size_t count = 0;
    hwloc_bitmap_foreach_begin(os_index, allowed)
        hwloc_obj_t pu = hwloc_get_pu_obj_by_os_index(topology, os_index);
        if (!pu)
            continue;
        if (count == KVR_MAX_CPUS) {
            *why = "more than 1024 CPUs are allowed here; start it with taskset or numactl "
                   "on fewer of them";
            return -E2BIG;
        }
        load_cpu(topology, pu, &machine->cpus[count++]);
    hwloc_bitmap_foreach_end();
    machine->cpu_count = count;
    if (count == 0) {
        *why = "the topology has no CPU that this process may use";
        return -ENODEV;
    }
    for (size_t i = 0; i < count; i++) {
        size_t j = 0;
        while (machine->cpus[j].core != machine->cpus[i].core)
            j++;
        machine->core_count += j == i;
    }
    return 0;
}

/* Caches of one level; several entries of it only where cores differ (hybrid CPUs). The first
 * entry is the cache of the first allowed CPU. */
static void load_cache_level(struct kvr_machine *machine, hwloc_topology_t topology,
                             hwloc_obj_type_t type, hwloc_const_bitmap_t allowed, uint64_t *shape)
{
    hwloc_obj_t object = NULL;
    while ((object = hwloc_get_next_obj_by_type(topology, type, object))) {
        struct kvr_cache_level cache = {
            .level = object->attr->cache.depth,
            .size_bytes = object->attr->cache.size,
            .shared_by = (uint32_t)hwloc_bitmap_weight(object->cpuset),
        };
        *shape = hash_u64(*shape, cache.level);
        *shape = hash_u64(*shape, cache.size_bytes);
        *shape = hash_u64(*shape, cache.shared_by);
        bool known = !hwloc_bitmap_intersects(object->cpuset, allowed);
        for (size_t i = 0; i < machine->cache_count; i++) {
            const struct kvr_cache_level *c = &machine->caches[i];
            known |= c->level == cache.level && c->size_bytes == cache.size_bytes &&
                     c->shared_by == cache.shared_by;
        }
        if (!known && machine->cache_count < KVR_MAX_CACHES)
            machine->caches[machine->cache_count++] = cache;
    }
}

static void load_caches(struct kvr_machine *machine, hwloc_topology_t topology,
                        hwloc_const_bitmap_t allowed, uint64_t *shape)
{
    static const hwloc_obj_type_t types[] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE,
                                             HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L4CACHE,
                                             HWLOC_OBJ_L5CACHE};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        load_cache_level(machine, topology, types[i], allowed, shape);
}

static struct kvr_node *find_node(struct kvr_machine *machine, uint32_t os_index)
{
    for (size_t i = 0; i < machine->node_count; i++)
        if (machine->nodes[i].os_index == os_index)
            return &machine->nodes[i];
    return NULL;
}

static void load_distances(struct kvr_machine *machine, hwloc_topology_t topology, uint64_t *shape)
{
    struct hwloc_distances_s *matrix = NULL;
    unsigned count = 1;
    if (hwloc_distances_get_by_name(topology, "NUMALatency", &count, &matrix, 0) || count == 0)
        return;
    for (unsigned i = 0; i < matrix->nbobjs; i++) {
        struct kvr_node *from = find_node(machine, index_of(matrix->objs[i]));
        for (unsigned j = 0; j < matrix->nbobjs; j++) {
            struct kvr_node *to = find_node(machine, index_of(matrix->objs[j]));
            uint64_t value = matrix->values[i * matrix->nbobjs + j];
            *shape = hash_u64(*shape, value);
            if (from && to)
                from->distances[to - machine->nodes] = (uint32_t)value;
        }
    }
    hwloc_distances_release(topology, matrix);
}

/* hwloc lists a node without CPUs where it hangs in its tree, not by its number. */
static int compare_nodes(const void *a, const void *b)
{
    const struct kvr_node *left = a, *right = b;
    return left->os_index < right->os_index ? -1 : left->os_index > right->os_index;
}

/* Memory sizes stay out of the shape: they differ from boot to boot (reserved pages, balloons). */
static int load_nodes(struct kvr_machine *machine, hwloc_topology_t topology, uint64_t *shape,
                      const char **why)
{
    hwloc_obj_t object = NULL;
    while ((object = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, object))) {
        if (machine->node_count == KVR_MAX_NODES) {
            *why = "more than 64 NUMA nodes are allowed here; start it in a smaller cpuset";
            return -E2BIG;
        }
        struct kvr_node *node = &machine->nodes[machine->node_count++];
        node->os_index = index_of(object);
        node->total_bytes = object->attr->numanode.local_memory;
        for (size_t i = 0; i < machine->cpu_count; i++)
            node->cpu_count += machine->cpus[i].node == node->os_index;
        *shape = hash_u64(*shape, node->os_index);
        *shape = hash_u64(*shape, (uint64_t)hwloc_bitmap_weight(object->cpuset));
    }
    qsort(machine->nodes, machine->node_count, sizeof *machine->nodes, compare_nodes);
    load_distances(machine, topology, shape);
    return 0;
}

static bool has_foreign_root(void)
{
    const char *root = getenv("HWLOC_FSROOT");
    return root && root[0] && strcmp(root, "/") != 0;
}

static bool names_another(void)
{
    const char *xml = getenv("HWLOC_XMLFILE"), *synthetic = getenv("HWLOC_SYNTHETIC");
    return (xml && xml[0]) || (synthetic && synthetic[0]) || has_foreign_root();
}

/* hwloc takes this system when it cannot read what the variables name; that must not pass. */
static bool fell_back(hwloc_topology_t topology)
{
    return hwloc_topology_is_thissystem(topology) && !getenv("HWLOC_THISSYSTEM") &&
           names_another();
}

/* hwloc asks with ever larger sets until it gets an answer: where none is allowed, for ever. */
static int affinity_refused(void)
{
    size_t bytes = CPU_ALLOC_SIZE(KVR_MAX_CPUS);
    cpu_set_t *set = CPU_ALLOC(KVR_MAX_CPUS);
    int rc = set && sched_getaffinity(0, bytes, set) ? -errno : 0;
    CPU_FREE(set);
    return rc == -EINVAL ? 0 : rc; /* a larger set is wanted */
}

int kvr_topology_load(struct kvr_machine *machine, uint64_t *shape, const char **why)
{
    hwloc_topology_t topology = NULL;
    hwloc_bitmap_t allowed = NULL, affinity = NULL;
    int rc;
    *shape = KVR_FNV_START;
    *why = "out of memory";
    if (!names_another() && (rc = affinity_refused())) {
        *why = "sched_getaffinity is refused: which CPUs may be used is not known; allow it in the "
               "container's seccomp profile";
        return rc;
    }
    rc = -ENOMEM;
    if (hwloc_topology_init(&topology)) {
        topology = NULL;
        goto out;
    }
    /* hwloc would add what CPUID says of this CPU to files that were recorded elsewhere. */
    if (has_foreign_root() && !getenv("HWLOC_CPUID_PATH"))
        hwloc_topology_set_components(topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
    if (hwloc_topology_load(topology)) {
        rc = errno ? -errno : -EIO;
        *why = "hwloc cannot describe this machine; see lstopo";
        goto out;
    }
    if (fell_back(topology)) {
        rc = -EINVAL;
        *why = "HWLOC_XMLFILE, HWLOC_SYNTHETIC or HWLOC_FSROOT names no topology that hwloc "
               "can read";
        goto out;
    }
    machine->this_system = hwloc_topology_is_thissystem(topology);
    allowed = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology));
    affinity = hwloc_bitmap_alloc();
    if (!allowed || !affinity)
        goto out;
    /* A refused question leaves the allowed set as it is: then there is no narrower one. */
    if (machine->this_system &&
        hwloc_get_cpubind(topology, affinity, HWLOC_CPUBIND_THREAD) == 0)
        hwloc_bitmap_and(allowed, allowed, affinity);
    rc = load_cpus(machine, topology, allowed, why);
    if (rc == 0) {
        load_caches(machine, topology, allowed, shape);
        rc = load_nodes(machine, topology, shape, why);
    }
out:
    hwloc_bitmap_free(affinity);
    hwloc_bitmap_free(allowed);
    if (topology)
        hwloc_topology_destroy(topology);
    return rc;
}
