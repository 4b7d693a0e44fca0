/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Copy and triad as STREAM has them: plain loops over doubles, left to the compiler.
 */
#ifndef PEERS_PLAIN_H
#define PEERS_PLAIN_H

#include <stddef.h>

void plain_copy(double *restrict c, const double *restrict a, size_t count);
/* a = b + 3 c */
void plain_triad(double *restrict a, const double *restrict b, const double *restrict c,
                 size_t count);

#endif
