/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KVR_VERIFY_VERDICT_H
#define KVR_VERIFY_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

/* Measures, judges, prints. Exit code: 0 if at least 95 % of the decided settings are right and
 * none is confidently wrong; 1 otherwise; 3 where it cannot be measured. */
int kvr_verify_verdict(uint64_t seed, bool json);

#endif
