/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Completion of bash. It needs no bash-completion: the line is parted here, since bash itself parts
 * words at the colons, equals and @ that values have.
 */
#include <stdio.h>

#include "shells.h"

static const char head[] =
    "# bash completion of kvroof. Made of the program's option tables.\n"
    "# shellcheck shell=bash\n"
    "\n"
    "_kvroof_names() {\n"
    "    kvroof list \"$1\" 2>/dev/null | sed -n '2,$s/^\\([^ ][^ ]*\\).*/\\1/p'\n"
    "}\n"
    "\n"
    "# Offers of the words $2... those that begin with $value, behind $before.\n"
    "_kvroof_words() {\n"
    "    [[ $1 == list && $value == *,* ]] && before+=${value%,*}, value=${value##*,}\n"
    "    shift\n"
    "    mapfile -t COMPREPLY < <(compgen -P \"$before\" -W \"$*\" -- \"$value\")\n"
    "    [[ ${COMPREPLY[*]} != *: ]] || compopt -o nospace\n"
    "}\n"
    "\n"
    "_kvroof_files() {\n"
    "    compopt -o filenames\n"
    "    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY \\\n"
    "        < <(compgen -P \"$before\" \"$@\" -- \"$value\")\n"
    "}\n"
    "\n"
    "_kvroof() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} before='' value options last words\n"
    "    value=${line##*[[:space:]]}\n"
    "    read -ra words <<<\"${line%\"$value\"}\"\n"
    "    local whole=$value\n"
    "    COMPREPLY=()\n"
    "    last=${words[${#words[@]} - 1]}\n"
    "    [[ $value != --*=* ]] || last=${value%%=*} before=${value%%=*}= value=${value#*=}\n"
    "    case \"${words[1]:-} $last\" in\n";

static const char tail[] =
    "    esac\n"
    "    # Readline replaces what stands behind the last character at which it parts words.\n"
    "    local parted=${whole%\"${whole##*[@:=]}\"}\n"
    "    [[ -z $parted ]] || COMPREPLY=(\"${COMPREPLY[@]#\"$parted\"}\")\n"
    "}\n"
    "complete -F _kvroof kvroof\n";

static void offer(const struct kvr_argument *a)
{
    switch (a->values) {
    case KVR_VALUES_WORDS:
        printf("_kvroof_words %s", a->list ? "list" : "one");
        kvr_print_words(a->words, "");
        if (a->file)
            fputs("; _kvroof_files -f", stdout);
        break;
    case KVR_VALUES_KERNELS:
        printf("_kvroof_words %s \"$(_kvroof_names kernels)\"", a->list ? "list" : "one");
        break;
    case KVR_VALUES_PROFILES:
        fputs("_kvroof_words one \"$(_kvroof_names profiles)\"; _kvroof_files -f", stdout);
        break;
    case KVR_VALUES_FILE:
        fputs("_kvroof_files -f", stdout);
        break;
    case KVR_VALUES_FOLDER:
        fputs("_kvroof_files -d", stdout);
        break;
    default:
        fputs(":", stdout);
        break;
    }
}

static void command(const struct kvr_command *c)
{
    struct kvr_argument operand = kvr_operand_of(c);
    const struct argp_option *options = c->argp->options;
    for (const struct argp_option *o = options; !kvr_is_end(o); o++) {
        if (!kvr_is_option(o) || !o->arg)
            continue;
        struct kvr_argument a = kvr_argument_of(c, o);
        printf("    \"%s --%s\"", c->name, o->name);
        if (kvr_has_letter(o))
            printf(" | \"%s -%c\"", c->name, o->key);
        fputs(") ", stdout);
        offer(&a);
        puts(" ;;");
    }
    printf("    \"%s \"*)\n        options=\"", c->name);
    for (const struct argp_option *o = options; !kvr_is_end(o); o++) {
        if (!kvr_is_option(o))
            continue;
        printf(" --%s", o->name);
        if (kvr_has_letter(o))
            printf(" -%c", o->key);
    }
    puts("\"");
    if (operand.values == KVR_VALUES_NONE) {
        puts("        _kvroof_words one \"$options\" ;;");
        return;
    }
    puts("        if [[ $value == -* ]]; then _kvroof_words one \"$options\"; else");
    fputs("        ", stdout);
    offer(&operand);
    puts("; fi ;;");
}

void kvr_manual_bash(void)
{
    fputs(head, stdout);
    for (size_t i = 0; i < kvr_command_count; i++)
        command(&kvr_commands[i]);
    fputs("    *) [[ ${#words[@]} -gt 1 ]] || _kvroof_words one", stdout);
    for (size_t i = 0; i < kvr_command_count; i++)
        printf(" %s", kvr_commands[i].name);
    puts(" --help --version ;;");
    fputs(tail, stdout);
}
