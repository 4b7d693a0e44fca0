/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reader of .npy tensors (NumPy format versions 1-3; float16, float32, float64; C order,
 * little-endian) as float32.
 */
#ifndef KVR_NPY_H
#define KVR_NPY_H

#include <stddef.h>
#include <stdint.h>

struct kvr_tensor {
    float *values;      /* owned; free with kvr_tensor_free */
    size_t dims[4];     /* [layers, heads, tokens, channels]; missing leading axes are 1 */
    int stored_half;    /* the file holds float16 */
    unsigned stored_bytes; /* of a value in the file: 2, 4 or 8 */
};

/* Reads `path`; 2 to 4 axes. 0; -errno of open/read; -EINVAL for content, with a sentence in
 * error[error_bytes] that names the file and the defect (missing, empty, truncated, not npy,
 * complex or integer type, Fortran order, big-endian, shape that overflows or exceeds the file,
 * NaN, Inf, values subnormal as float32, changed while it was read). Nothing is kept on failure. */
int kvr_npy_read(const char *path, struct kvr_tensor *tensor, char *error, size_t error_bytes);
void kvr_tensor_free(struct kvr_tensor *tensor);

#endif
