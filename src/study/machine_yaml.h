/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Another machine, as YAML: its roofs by data sheet, port table or measurement, each with the
 * source that it was taken from. Examples: profiles/machines/.
 */
#ifndef KVR_MACHINE_YAML_H
#define KVR_MACHINE_YAML_H

#include <stddef.h>
#include <stdint.h>

enum { KVR_ROOF_ALL_CORES = UINT32_MAX, KVR_MAX_ROOFS = 32 };

struct kvr_other_bandwidth {
    char level[8];      /* L1 L2 L3 DRAM */
    uint32_t threads;   /* one per core; KVR_ROOF_ALL_CORES: `all`, the whole machine's */
    double gb_per_s;    /* of reading, all those threads together */
    char source[200];
};

struct kvr_other_rate {
    char resource[16];  /* load store shuffle valu fma intdot convert gather issue */
    char isa[24];       /* scalar avx2 avx512 ...: of that width */
    double gop_per_s;   /* instructions (gather: elements) per ns of one core */
    char source[200];
};

struct kvr_other_machine {
    char name[128], clock_source[200];
    double clock_ghz;   /* while it runs such kernels */
    uint32_t cores;
    char isas[KVR_MAX_ROOFS][24]; /* what it can run; none given: anything */
    size_t isa_count;
    struct kvr_other_bandwidth bandwidths[KVR_MAX_ROOFS];
    size_t bandwidth_count;
    struct kvr_other_rate rates[KVR_MAX_ROOFS];
    size_t rate_count;
};

/* `path`: a file, or the name of a shipped machine (server, laptop). 0; -EINVAL: unusable content,
 * error = "FILE, line N: ..."; -errno of reading, with a sentence. */
int kvr_other_machine_load(const char *path, struct kvr_other_machine *machine, char *error,
                           size_t error_bytes);
/* The same from text; `path` is for messages. */
int kvr_other_machine_parse(const char *path, const char *text, size_t text_bytes,
                            struct kvr_other_machine *machine, char *error, size_t error_bytes);

/* GB/s of `threads` threads: as stated for that many, else t times one core's, at most what all
 * cores have. NAN: the level, or one core of it, is not described. */
double kvr_other_bandwidth(const struct kvr_other_machine *machine, const char *level,
                           uint32_t threads);
/* Gop/s of a resource at the first of a kernel's ISAs that has it (kvr_rate_isas). NAN: none. */
double kvr_other_rate(const struct kvr_other_machine *machine, const char *resource,
                      const char *isa);

#endif
