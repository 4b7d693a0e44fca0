/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "code_pages.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

static int map_object(struct dl_phdr_info *object, size_t bytes, void *page_bytes)
{
    const uintptr_t page = *(const uintptr_t *)page_bytes;
    (void)bytes;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD)
            continue;
        uintptr_t begin = (object->dlpi_addr + segment->p_vaddr) / page * page;
        uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        madvise((void *)begin, (end - begin + page - 1) / page * page, MADV_POPULATE_READ);
    }
    return 0;
}

void kvr_code_pages_map(void)
{
    uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    dl_iterate_phdr(map_object, &page_bytes);
}
