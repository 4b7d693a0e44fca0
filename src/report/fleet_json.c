/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * kvroof.fleet/1. What cannot be told is absent.
 */
#include <errno.h>
#include <math.h>

#include "fleet.h"
#include "json.h"

static json_t *case_json(const struct kvr_fleet_case *k)
{
    json_t *object = json_object();
    return kvr_json_made(object, object &&
        kvr_json_set(object, "name", kvr_json_string(k->name)) &&
        kvr_json_set(object, "nodes", json_integer((json_int_t)k->nodes)) &&
        kvr_json_set_finite(object, "median_ns_per_key", k->median_ns) &&
        kvr_json_set_finite(object, "spread", k->spread) &&
        kvr_json_set_finite(object, "critical_z", k->critical));
}

/* One time of a node, ns a key, and where it lies among the others'. */
static json_t *cell_json(const struct kvr_fleet_group *g, size_t node, size_t c)
{
    const struct kvr_fleet_cell *cell = kvr_fleet_cell_of(g, node, c);
    json_t *object = json_object();
    return kvr_json_made(object, object &&
        kvr_json_set(object, "case", kvr_json_string(g->cases[c].name)) &&
        kvr_json_set_finite(object, "ns_per_key", exp(cell->log_ns)) &&
        kvr_json_set_finite(object, "ratio", exp(cell->log_ratio)) &&
        kvr_json_set_finite(object, "z", cell->z) &&
        kvr_json_set(object, "outlier", json_boolean(cell->named)));
}

static json_t *node_json(const struct kvr_fleet_group *g, size_t node)
{
    const struct kvr_fleet_node *n = &g->nodes[node];
    json_t *object = json_object(), *times = json_array();
    bool good = object && times &&
                kvr_json_set(object, "name", kvr_json_string(n->name)) &&
                kvr_json_set(object, "outlier", json_boolean(n->slower || n->faster)) &&
                kvr_json_set(object, "slower", json_integer((json_int_t)n->slower)) &&
                kvr_json_set(object, "faster", json_integer((json_int_t)n->faster)) &&
                kvr_json_set_finite(object, "ratio", exp(n->log_ratio));
    for (size_t c = 0; good && c < g->case_count; c++)
        if (!isnan(kvr_fleet_cell_of(g, node, c)->log_ns))
            good = kvr_json_append(times, cell_json(g, node, c));
    good = good && !json_object_set(object, "cases", times);
    json_decref(times);
    return kvr_json_made(object, good);
}

static json_t *group_json(const struct kvr_fleet_group *g)
{
    json_t *object = json_object(), *nodes = json_array(), *cases = json_array();
    json_t *outliers = json_array();
    char text[700];
    bool good = object && nodes && cases && outliers &&
                kvr_json_set(object, "fingerprint",
                             kvr_json_string(g->first->machine.fingerprint)) &&
                kvr_json_set(object, "cpu", kvr_json_string(g->first->machine.isa.name));
    for (size_t i = 0; good && i < g->node_count; i++) {
        good = kvr_json_append(nodes, node_json(g, i));
        if (!good || (!g->nodes[i].slower && !g->nodes[i].faster))
            continue;
        kvr_fleet_sentence(g, i, text, sizeof text);
        good = kvr_json_append(outliers, kvr_json_string(text));
    }
    for (size_t c = 0; good && c < g->case_count; c++)
        good = kvr_json_append(cases, case_json(&g->cases[c]));
    good = good && !json_object_set(object, "cases", cases) &&
           !json_object_set(object, "nodes", nodes) &&
           !json_object_set(object, "outliers", outliers);
    json_decref(nodes);
    json_decref(cases);
    json_decref(outliers);
    return kvr_json_made(object, good);
}

int kvr_put_fleet_json(FILE *out, const struct kvr_fleet *f)
{
    json_t *root = json_pack("{s:s}", "schema", "kvroof.fleet/1");
    json_t *groups = json_array(), *missing = json_array();
    bool good = root && groups && missing &&
                kvr_json_set(root, "node_count", json_integer((json_int_t)f->nodes)) &&
                kvr_json_set(root, "threshold", json_real(f->threshold));
    for (size_t i = 0; good && i < f->group_count; i++)
        good = kvr_json_append(groups, group_json(&f->groups[i]));
    for (size_t i = 0; good && i < f->missing_count; i++)
        good = kvr_json_append(missing, kvr_json_string(f->missing[i]));
    good = good && !json_object_set(root, "groups", groups) &&
           !json_object_set(root, "missing", missing);
    int rc = good ? kvr_json_put_document(out, root) : -ENOMEM;
    json_decref(groups);
    json_decref(missing);
    json_decref(root);
    return rc;
}
