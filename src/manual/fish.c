/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Completion of fish.
 */
#include <stdio.h>

#include "shells.h"

static void offer_words(const struct kvr_argument *a)
{
    fputs(a->file ? " -r -F" : " -x", stdout);
    fputs(a->list ? " -a '(__fish_complete_list , \"string split , " : " -a '", stdout);
    for (const char *const *word = a->words; *word; word++)
        printf("%s%s", word == a->words ? "" : a->list ? "," : " ", *word);
    fputs(a->list ? "\")'" : "'", stdout);
}

static void offer(const struct kvr_argument *a)
{
    switch (a->values) {
    case KVR_VALUES_WORDS:
        offer_words(a);
        break;
    case KVR_VALUES_KERNELS:
        fputs(" -x -a '(__fish_complete_list , \"__kvroof_names kernels\")'", stdout);
        break;
    case KVR_VALUES_PROFILES:
        fputs(" -r -F -a '(__kvroof_names profiles)'", stdout);
        break;
    case KVR_VALUES_FILE:
        fputs(" -r -F", stdout);
        break;
    case KVR_VALUES_FOLDER:
        fputs(" -x -a '(__fish_complete_directories)'", stdout);
        break;
    default:
        fputs(" -x", stdout);
        break;
    }
}

static void command(const struct kvr_command *c)
{
    struct kvr_argument operand = kvr_operand_of(c);
    const char *condition = "complete -c kvroof -n '__fish_seen_subcommand_from";
    printf("complete -c kvroof -n __fish_use_subcommand -a %s -d '", c->name);
    kvr_print_fish(c->summary);
    puts("'");
    for (const struct argp_option *o = c->argp->options; !kvr_is_end(o); o++) {
        if (!kvr_is_option(o))
            continue;
        printf("%s %s' -l %s", condition, c->name, o->name);
        if (kvr_has_letter(o))
            printf(" -s %c", o->key);
        if (o->arg) {
            struct kvr_argument a = kvr_argument_of(c, o);
            offer(&a);
        }
        fputs(" -d '", stdout);
        kvr_print_fish(o->doc);
        puts("'");
    }
    if (operand.values == KVR_VALUES_FILE)
        printf("%s %s' -F\n", condition, c->name);
    if (operand.values == KVR_VALUES_WORDS) {
        printf("%s %s'", condition, c->name);
        offer_words(&operand);
        putchar('\n');
    }
}

void kvr_manual_fish(void)
{
    puts("# fish completion of kvroof. Made of the program's option tables.\n"
         "function __kvroof_names\n"
         "    kvroof list $argv[1] 2>/dev/null | sed -n '2,$s/^\\([^ ][^ ]*\\).*/\\1/p'\n"
         "end\n"
         "complete -c kvroof -f\n"
         "complete -c kvroof -n __fish_use_subcommand -l help -d 'names the commands'\n"
         "complete -c kvroof -n __fish_use_subcommand -l version -d 'version and commit'");
    for (size_t i = 0; i < kvr_command_count; i++)
        command(&kvr_commands[i]);
}
