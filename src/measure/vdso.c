/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vdso.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int kvr_vdso_find(struct kvr_vdso *vdso)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    *vdso = (struct kvr_vdso){0};
    if (!maps)
        return -errno;
    while (fgets(line, sizeof line, maps)) {
        unsigned long begin, end;
        if (strstr(line, "[vdso]") && sscanf(line, "%lx-%lx", &begin, &end) == 2)
            *vdso = (struct kvr_vdso){begin, end};
    }
    fclose(maps);
    return 0;
}

static int protect(const struct kvr_vdso *vdso, int how)
{
    if (vdso->begin == vdso->end)
        return 0;
    return mprotect((void *)vdso->begin, vdso->end - vdso->begin, how) ? -errno : 0;
}

int kvr_vdso_close(const struct kvr_vdso *vdso)
{
    return protect(vdso, PROT_NONE);
}

int kvr_vdso_open(const struct kvr_vdso *vdso)
{
    return protect(vdso, PROT_READ | PROT_EXEC);
}

void kvr_vdso_name(uintptr_t address, char *name, size_t bytes)
{
    Dl_info info;
    if (dladdr((void *)address, &info) && info.dli_sname)
        snprintf(name, bytes, "%s (vDSO)", info.dli_sname);
    else
        snprintf(name, bytes, "a vDSO function");
}
