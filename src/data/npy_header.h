/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_NPY_HEADER_H
#define KVR_NPY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KVR_NPY_MAX_AXES = 32 };

struct kvr_npy_header {
    char descr[48]; /* "<f2" */
    bool fortran_order;
    uint64_t dims[KVR_NPY_MAX_AXES];
    unsigned axes;
};

/* Parses the dictionary of a .npy header: exactly the keys descr, fortran_order and shape, each
 * once, in any order and spacing. text holds `bytes` characters and a final NUL. 0, or -EINVAL
 * with *defect a static phrase ("the key 'shape' is missing"). */
int kvr_npy_parse_header(const char *text, size_t bytes, struct kvr_npy_header *header,
                         const char **defect);

#endif
