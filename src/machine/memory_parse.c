/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Names of page sizes and policies.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"

/* In the order of enum kvr_pages. */
static const char *const pages_names[] = {"4k", "thp", "2m", "1g"};

int kvr_pages_parse(const char *text, enum kvr_pages *pages)
{
    for (size_t i = 0; i < sizeof pages_names / sizeof *pages_names; i++) {
        if (strcmp(text, pages_names[i]) == 0) {
            *pages = (enum kvr_pages)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *kvr_pages_name(enum kvr_pages pages)
{
    size_t i = (size_t)pages;
    return i < sizeof pages_names / sizeof *pages_names ? pages_names[i] : "?";
}

int kvr_mem_policy_parse(const char *text, enum kvr_mem_policy *policy, uint32_t *node)
{
    static const struct { const char *name; enum kvr_mem_policy policy; } plain[] = {
        {"local", KVR_MEM_LOCAL},
        {"interleave", KVR_MEM_INTERLEAVE},
        {"first-touch", KVR_MEM_FIRST_TOUCH},
    };
    uint64_t number;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (strcmp(text, plain[i].name) == 0) {
            *policy = plain[i].policy;
            *node = 0;
            return 0;
        }
    }
    if (strncmp(text, "node:", 5) != 0 || text[5 + strspn(text + 5, "0123456789")] ||
        kvr_parse_u64(text + 5, &number) || number > INT32_MAX)
        return -EINVAL;
    *policy = KVR_MEM_NODE;
    *node = (uint32_t)number;
    return 0;
}
