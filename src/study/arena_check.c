/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is said of where pages came to lie. What move_pages did not tell is unknown, never right.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"

static const char *const policies[] = {"local", "node", "interleave", "first-touch"};

/* "0: 1024, 1: 37" */
static void node_text(const struct kvr_machine *machine, const struct kvr_placement *placement,
                      char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < machine->node_count && used < bytes; i++)
        if (placement->on_node[i])
            used += (size_t)snprintf(text + used, bytes - used, "%s%" PRIu32 ": %" PRIu64,
                                     used ? ", " : "", machine->nodes[i].os_index,
                                     placement->on_node[i]);
}

double kvr_placement_fraction(const struct kvr_memory *memory,
                              const struct kvr_placement *placement)
{
    bool told = !placement->error && !memory->policy_error &&
                placement->untouched < placement->checked && !placement->anywhere;
    return told ? (double)placement->placed / (double)placement->checked : NAN;
}

static void unknown(struct kvr_checks *checks, const char *what, int error, const char *fix)
{
    const char *name = error ? strerrorname_np(error) : NULL;
    struct kvr_check *c =
        kvr_check_add(checks, "placement", KVR_CHECK_UNKNOWN,
                      "where the pages lie is not known: %s%s%s", what, error ? ": " : "",
                      error ? strerror(error) : "");
    snprintf(c->value, sizeof c->value, "unknown%s%s", name ? ": " : "", name ? name : "");
    snprintf(c->fix, sizeof c->fix, "%s", fix);
}

static void own_policy(struct kvr_checks *checks, const char *nodes)
{
    struct kvr_check *c =
        kvr_check_add(checks, "placement", KVR_CHECK_INFO,
                      "this process's own memory policy, not the thread that touches it, decides "
                      "where a page lies; by node %s", nodes);
    snprintf(c->value, sizeof c->value, "as the process was started");
    snprintf(c->fix, sizeof c->fix, "use --mem local, or start without numactl");
}

void kvr_placement_check(struct kvr_checks *checks, const struct kvr_machine *machine,
                         const struct kvr_memory *memory, const struct kvr_placement *p)
{
    char nodes[120];
    double fraction = kvr_placement_fraction(memory, p);
    bool all = fraction >= 1;
    node_text(machine, p, nodes, sizeof nodes);
    if (p->error) {
        unknown(checks, "move_pages is refused", p->error,
                "allow move_pages in the container's seccomp filter");
    } else if (memory->policy_error) {
        unknown(checks, "get_mempolicy is refused, so first-touch may mean any node",
                memory->policy_error, "use --mem local");
    } else if (p->untouched == p->checked) {
        unknown(checks, "the kernel tells nothing of these pages", 0, "use --pages thp");
    } else if (p->anywhere) {
        own_policy(checks, nodes);
    } else {
        struct kvr_check *c = kvr_check_add(
            checks, "placement", all ? KVR_CHECK_OK : KVR_CHECK_WARN,
            "%.6g %% of %" PRIu64 " pages checked, of %" PRIu64 "%s, lie where --mem %s asks; by "
            "node %s", 100 * fraction, p->checked, p->pages,
            p->checked < p->pages ? " (a sample, above 1 GiB)" : "", policies[memory->policy],
            nodes);
        snprintf(c->value, sizeof c->value, "%.6g, %" PRIu64 " of %" PRIu64 " pages checked",
                 fraction, p->checked, p->pages);
        if (!all)
            snprintf(c->fix, sizeof c->fix,
                     "free memory on that node, or choose another one with --mem or --cpus; as "
                     "root: echo 0 > /proc/sys/kernel/numa_balancing");
    }
}

static bool partial(enum kvr_pages asked, double huge)
{
    return asked == KVR_PAGES_4K ? huge > 0 : huge < 1;
}

bool kvr_half_pages_partial(const struct kvr_half *half)
{
    return partial(half->memory.pages, half->huge_fraction); /* NAN: neither */
}

void kvr_pages_check(struct kvr_checks *checks, enum kvr_pages asked, double huge)
{
    if (isnan(huge)) {
        kvr_check_add(checks, "pages", KVR_CHECK_UNKNOWN,
                      "smaps cannot be read: the page size that was got is not known");
        return;
    }
    bool wrong = partial(asked, huge);
    struct kvr_check *c = kvr_check_add(checks, "pages", wrong ? KVR_CHECK_WARN : KVR_CHECK_OK,
                                        "%.5g %% of the arena lies in huge pages; asked for %s",
                                        100 * huge, kvr_pages_name(asked));
    snprintf(c->value, sizeof c->value, "%.4f", huge);
    if (wrong && asked != KVR_PAGES_4K)
        snprintf(c->fix, sizeof c->fix,
                 "set /sys/kernel/mm/transparent_hugepage/enabled to madvise, or free memory");
}
