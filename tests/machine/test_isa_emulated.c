/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ladder of x86 CPUs that QEMU's user mode can show. argv[1]: isa_print.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

static const char *program;

/* What isa_print says on that CPU. */
static void run_on(const char *cpu, char *text, size_t bytes)
{
    char command[2048];
    assert_true(snprintf(command, sizeof command, "qemu-x86_64 -cpu %s '%s' 2>/dev/null", cpu,
                         program) < (int)sizeof command);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t length = fread(text, 1, bytes - 1, pipe);
    text[length] = '\0';
    if (pclose(pipe) != 0)
        fail_msg("isa_print failed on %s: %s", cpu, text);
}

static void assert_says(const char *text, const char *line)
{
    if (!strstr(text, line))
        fail_msg("no \"%s\" in:\n%s", line, text);
}

static void nehalem_has_no_avx(void **state)
{
    (void)state;
    char text[1024];
    run_on("Nehalem", text, sizeof text);
    assert_says(text, "usable: .\n");
    assert_says(text, "hidden: .\n");
}

static void haswell_has_avx2(void **state)
{
    (void)state;
    char text[1024];
    run_on("Haswell", text, sizeof text);
    assert_says(text, "usable: avx2 fma f16c .\n");
    assert_says(text, "hidden: .\n");
}

static void emulation_is_noticed(void **state)
{
    (void)state;
    char text[1024];
    run_on("qemu64", text, sizeof text);
    assert_says(text, "emulation: warn\n");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nehalem_has_no_avx),
        cmocka_unit_test(haswell_has_avx2),
        cmocka_unit_test(emulation_is_noticed),
    };
    if (argc != 2)
        return 2;
    program = argv[1];
#if !defined(__x86_64__)
    puts("skipped: this build is not for x86-64");
    return 77;
#elif defined(SANITIZED)
    puts("skipped: the emulator has no room for the address sanitizer's shadow memory");
    return 77;
#endif
    if (system("qemu-x86_64 --version >/dev/null 2>&1") != 0) {
        puts("skipped: qemu-x86_64 is not installed");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
