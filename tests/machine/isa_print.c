/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Prints what this program finds out about the CPU it runs on; test_isa_emulated starts it in an
 * emulator.
 */
#include <stdio.h>
#include <string.h>

#include "../../src/machine/checks.h"

static void print_bits(const char *title, uint64_t bits)
{
    printf("%s:", title);
    for (unsigned i = 0; i < kvr_isa_bit_count(); i++)
        if (bits >> i & 1)
            printf(" %s", kvr_isa_bit_name(UINT64_C(1) << i));
    printf(" .\n");
}

int main(void)
{
    struct kvr_machine machine;
    struct kvr_checks checks = {0};
    const char *why = "";
    if (kvr_machine_load(&machine, NULL, &why)) {
        printf("load: %s\n", why);
        return 1;
    }
    print_bits("usable", machine.isa.usable);
    print_bits("hidden", machine.isa.hidden);
    kvr_machine_checks(&machine, &checks);
    for (size_t i = 0; i < checks.count; i++)
        if (strcmp(checks.items[i].id, "emulation") == 0)
            printf("emulation: %s\n", kvr_check_status_name(checks.items[i].status));
    kvr_checks_free(&checks);
    return 0;
}
