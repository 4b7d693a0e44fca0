/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Field tables: one row per stored field says where it lies, how it is named in JSON and in which
 * unit. The JSON writer, the reader and the CSV writer are driven by the same rows, so a field
 * that one of them knows is known to all.
 */
#ifndef KVR_FIELDS_H
#define KVR_FIELDS_H

#include "record.h"

enum kvr_field_kind {
    KVR_FIELD_DOUBLE, /* absent: NAN */
    KVR_FIELD_PAIR,   /* double[2], absent: NAN */
    KVR_FIELD_U32,
    KVR_FIELD_U64,
    KVR_FIELD_BOOL,
    KVR_FIELD_STRING, /* char[bytes], absent: "" */
    KVR_FIELD_STRUCT  /* a JSON object whose fields are offsets into the same struct */
};

enum kvr_field_flags {
    KVR_FIELD_POSITIVE = 1,   /* the reader refuses zero and less: times, rates of ceilings */
    KVR_FIELD_REQUIRED = 2,   /* the reader refuses a record without it */
    KVR_FIELD_OMIT_ZERO = 4,  /* 0 means "does not apply" */
    KVR_FIELD_IDENTIFIES = 8, /* also written for a result that was not measured */
    KVR_FIELD_WHOLE = 16,     /* the reader refuses a string too long to be kept (names) */
    KVR_FIELD_MEASURED = 32   /* required of a result that was measured */
};

struct kvr_field {
    const char *name; /* NULL ends a table */
    size_t offset, bytes;
    enum kvr_field_kind kind;
    unsigned flags;
    const char *unit; /* of the CSV header; "": none */
    const struct kvr_field *fields; /* of KVR_FIELD_STRUCT */
};

/* The kind follows from the member's own type. */
#define KVR_FIELD_KIND(type, member) \
    _Generic(((type *)0)->member, \
        double: KVR_FIELD_DOUBLE, \
        double *: KVR_FIELD_PAIR, \
        uint32_t: KVR_FIELD_U32, \
        uint64_t: KVR_FIELD_U64, \
        bool: KVR_FIELD_BOOL, \
        char *: KVR_FIELD_STRING)
#define KVR_FIELD(type, member, json, csv_unit, how) \
    {json, offsetof(type, member), sizeof(((type *)0)->member), KVR_FIELD_KIND(type, member), \
     how, csv_unit, NULL}
#define KVR_FIELD_OBJECT(json, how, table) \
    {json, 0, 0, KVR_FIELD_STRUCT, how, "", table}
#define KVR_FIELD_END {NULL, 0, 0, KVR_FIELD_BOOL, 0, NULL, NULL}

extern const struct kvr_field kvr_record_fields[];      /* struct kvr_run_record */
extern const struct kvr_field kvr_verdict_test_fields[]; /* struct kvr_run_record */
extern const struct kvr_field kvr_witness_fields[];     /* struct kvr_witness_record */
extern const struct kvr_field kvr_cpu_fields[];         /* struct kvr_machine: machine.cpu */
extern const struct kvr_field kvr_machine_fields[];     /* struct kvr_machine */
extern const struct kvr_field kvr_cgroup_fields[];      /* struct kvr_machine: limits */
extern const struct kvr_field kvr_cache_fields[];       /* struct kvr_cache_level */
extern const struct kvr_field kvr_node_fields[];        /* struct kvr_node */
extern const struct kvr_field kvr_place_fields[];       /* struct kvr_cpu */
extern const struct kvr_field kvr_check_fields[];       /* struct kvr_check, but status and value */
/* struct kvr_bypass_value, but interrupts */
extern const struct kvr_field kvr_bypass_fields[];
extern const struct kvr_field kvr_ceiling_fields[];     /* struct kvr_ceiling, but its family */
extern const struct kvr_field kvr_claim_fields[];       /* struct kvr_claim */
extern const struct kvr_field kvr_crossing_fields[];    /* struct kvr_crossing */
extern const struct kvr_field kvr_numa_cell_fields[];   /* struct kvr_numa_cell */
extern const struct kvr_field kvr_result_fields[];      /* struct kvr_result, its plain fields */
extern const struct kvr_field kvr_round_fields[];       /* struct kvr_round */
extern const struct kvr_field kvr_op_fields[];          /* struct kvr_op_result */
extern const struct kvr_field kvr_verdict_fields[];     /* struct kvr_verdict_record */
extern const struct kvr_field kvr_counter_fields[];     /* struct kvr_counter_record, unnamed */
extern const struct kvr_field kvr_counter_thread_fields[]; /* struct kvr_counter_thread */

/* Sets every double of the table to NAN, but those whose 0 means "does not apply". */
void kvr_fields_clear(const struct kvr_field *fields, void *base);

/* The value of an integer field. */
uint64_t kvr_field_integer(const struct kvr_field *field, const void *base);

#endif
