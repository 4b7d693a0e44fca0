/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A fleet: results of many nodes side by side, nodes of one fingerprint in one group. Of every case
 * the nodes are held against the median of their group; who is far off by a robust z-score is
 * named. kvr_fleet_make (src/compare) fills it.
 */
#ifndef KVR_FLEET_H
#define KVR_FLEET_H

#include <stdio.h>

#include "record.h"
#include "writers.h"

enum { KVR_FLEET_LEAST_NODES = 5 }; /* fewer say nothing about what is usual */
/* The least |z| that is named (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993). */
#define KVR_FLEET_LEAST_Z 3.5
#define KVR_FLEET_THRESHOLD .05

/* A case on a node. */
struct kvr_fleet_cell {
    double log_ns;    /* natural logarithm of ns a key; NAN: the node lacks the case */
    double log_ratio; /* against the group's median; NAN likewise */
    double z;         /* robust; NAN: too few nodes */
    bool named;       /* an outlier */
};

struct kvr_fleet_case {
    const char *name; /* of the records */
    size_t nodes;     /* that have it */
    double median_ns; /* over them, ns a key */
    double spread;    /* 1.4826 MAD of the logarithms; NAN: too few nodes */
    double critical;  /* the |z| from which on a node is named; NAN likewise */
};

struct kvr_fleet_node {
    char name[160];   /* host, and the file where a host is there twice */
    size_t record;
    size_t cases, slower, faster; /* measured; named as slower, as faster */
    double log_ratio; /* median over the cases that are named; NAN: none */
    size_t furthest;  /* the case with the largest |z| */
};

struct kvr_fleet_group {
    const struct kvr_run_record *first; /* tells the machine */
    struct kvr_fleet_node *nodes; size_t node_count; /* owned; in the order of their records */
    struct kvr_fleet_case *cases; size_t case_count; /* owned */
    struct kvr_fleet_cell *cells; /* owned, [node_count][case_count] */
    size_t named;     /* nodes */
};

struct kvr_fleet {
    struct kvr_fleet_group *groups; size_t group_count; /* owned; the largest first */
    size_t nodes;
    double threshold; /* least difference that is named: .05 */
    /* Nodes that left nothing, a sentence each; not owned. */
    const char *const *missing; size_t missing_count;
};

void kvr_fleet_free(struct kvr_fleet *fleet);
const struct kvr_fleet_cell *kvr_fleet_cell_of(const struct kvr_fleet_group *group, size_t node,
                                               size_t c);
/* Nodes named in all groups. */
size_t kvr_fleet_named(const struct kvr_fleet *fleet);
/* "node17 reads 20 % slower in 18 of 20 cases; furthest: CASE +25 % (z 12.3)", of a named node. */
void kvr_fleet_sentence(const struct kvr_fleet_group *group, size_t node, char *text,
                        size_t bytes);

/* Table, JSON (kvroof.fleet/1), CSV (a row a node and case) or Markdown. 0 or -errno. */
int kvr_write_fleet(FILE *out, enum kvr_output_format format, const struct kvr_fleet *fleet,
                    int width);
int kvr_put_fleet_json(FILE *out, const struct kvr_fleet *fleet);

#endif
