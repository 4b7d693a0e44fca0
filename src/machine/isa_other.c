/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Architectures without kernels of their own: scalar kernels need no feature bit.
 */
#include "isa.h"

void kvr_isa_detect(struct kvr_isa_info *info)
{
    *info = (struct kvr_isa_info){0};
}
