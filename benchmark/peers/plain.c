/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plain.h"

void plain_copy(double *restrict c, const double *restrict a, size_t count)
{
    for (size_t i = 0; i < count; i++)
        c[i] = a[i];
}

void plain_triad(double *restrict a, const double *restrict b, const double *restrict c,
                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        a[i] = b[i] + 3 * c[i];
}
