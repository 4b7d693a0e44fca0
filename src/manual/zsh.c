/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Completion of zsh, by _arguments.
 */
#include <stdio.h>

#include "shells.h"

static void offer(const struct kvr_argument *a)
{
    const char *sequence = a->list ? "_sequence " : "";
    switch (a->values) {
    case KVR_VALUES_WORDS:
        printf("%s %scompadd -S \"\" -", a->file ? "{_files;" : "", sequence);
        kvr_print_words(a->words, "\\");
        if (a->file)
            putchar('}');
        break;
    case KVR_VALUES_KERNELS:
        printf(" %s_kvroof_names kernels", sequence);
        break;
    case KVR_VALUES_PROFILES:
        fputs("{_kvroof_names profiles; _files}", stdout);
        break;
    case KVR_VALUES_FILE:
        fputs("_files", stdout);
        break;
    case KVR_VALUES_FOLDER:
        fputs("_files -/", stdout);
        break;
    default:
        putchar(' ');
        break;
    }
}

static void option(const struct kvr_command *c, const struct argp_option *o)
{
    fputs(" \\\n        '*'", stdout);
    if (kvr_has_letter(o))
        printf("{-%c%s,--%s%s}", o->key, o->arg ? "+" : "", o->name, o->arg ? "=" : "");
    else
        printf("--%s%s", o->name, o->arg ? "=" : "");
    fputs("'[", stdout);
    kvr_print_quoted(o->doc, "[]:\\");
    putchar(']');
    if (o->arg) {
        struct kvr_argument a = kvr_argument_of(c, o);
        putchar(':');
        kvr_print_quoted(o->arg, ":");
        putchar(':');
        offer(&a);
    }
    putchar('\'');
}

static void command(const struct kvr_command *c)
{
    struct kvr_argument operand = kvr_operand_of(c);
    printf("    %s) _arguments -s", c->name);
    for (const struct argp_option *o = c->argp->options; !kvr_is_end(o); o++)
        if (kvr_is_option(o))
            option(c, o);
    if (operand.values != KVR_VALUES_NONE) {
        fputs(" \\\n        '*:argument:", stdout);
        offer(&operand);
        putchar('\'');
    }
    puts(" ;;");
}

void kvr_manual_zsh(void)
{
    puts("#compdef kvroof\n"
         "# Made of the program's option tables.\n"
         "\n"
         "_kvroof_names() {\n"
         "    local what=$1\n"
         "    shift\n"
         "    compadd \"$@\" - "
         "${(f)\"$(kvroof list $what 2>/dev/null | sed -n '2,$s/^\\([^ ][^ ]*\\).*/\\1/p')\"}\n"
         "}\n"
         "\n"
         "_kvroof() {\n"
         "    if (( CURRENT == 2 )); then\n"
         "        local -a commands=(");
    for (size_t i = 0; i < kvr_command_count; i++) {
        printf("            '%s:", kvr_commands[i].name);
        kvr_print_quoted(kvr_commands[i].summary, "\\");
        puts("'");
    }
    puts("            '--help:names the commands' '--version:version and commit')\n"
         "        _describe command commands\n"
         "        return\n"
         "    fi\n"
         "    shift words\n"
         "    (( CURRENT-- ))\n"
         "    case $words[1] in");
    for (size_t i = 0; i < kvr_command_count; i++)
        command(&kvr_commands[i]);
    puts("    esac\n"
         "}\n"
         "\n"
         "_kvroof \"$@\"");
}
