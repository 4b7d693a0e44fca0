/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The vDSO: functions of the kernel that run without entering it. Its pages can be closed, so that
 * a call faults, and opened again.
 */
#ifndef KVR_VDSO_H
#define KVR_VDSO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kvr_vdso { uintptr_t begin, end; /* 0, 0: the process has none */ };

/* 0 or -errno; a process without a vDSO is no error. */
int kvr_vdso_find(struct kvr_vdso *vdso);
/* Both async-signal-safe; 0 or -errno. They act on the whole process. */
int kvr_vdso_close(const struct kvr_vdso *vdso);
int kvr_vdso_open(const struct kvr_vdso *vdso);
static inline bool kvr_vdso_has(const struct kvr_vdso *vdso, uintptr_t address)
{
    return address >= vdso->begin && address < vdso->end;
}
/* "clock_gettime (vDSO)"; the vDSO must be open. */
void kvr_vdso_name(uintptr_t address, char *name, size_t bytes);

#endif
