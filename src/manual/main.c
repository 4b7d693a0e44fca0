/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * usage: kvroof-manual page|bash|zsh|fish|fields >FILE
 */
#include <stdio.h>
#include <string.h>

#include "manual.h"

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } texts[] = {{"page", kvr_manual_page},
                 {"bash", kvr_manual_bash},
                 {"zsh", kvr_manual_zsh},
                 {"fish", kvr_manual_fish},
                 {"fields", kvr_manual_fields}};
    for (size_t i = 0; argc == 2 && i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(argv[1], texts[i].name))
            continue;
        texts[i].print();
        return fflush(stdout) || ferror(stdout);
    }
    fputs("usage: kvroof-manual page|bash|zsh|fish|fields\n", stderr);
    return 2;
}
