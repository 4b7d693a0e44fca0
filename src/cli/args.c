/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "style.h"

enum { MAX_OPTIONS = 96 };

/* "kvroof: run", as all lines to stderr begin, of "kvroof run". */
static void put_prefix(const struct kvr_args *args, char *text, size_t bytes)
{
    const char *name = strchr(args->command, ' ');
    snprintf(text, bytes, "%.*s:%s", (int)strcspn(args->command, " "), args->command,
             name ? name : "");
}

error_t kvr_args_fail(struct kvr_args *args, int exit_code, const char *format, ...)
{
    char prefix[64];
    va_list arguments;
    put_prefix(args, prefix, sizeof prefix);
    fprintf(stderr, "%s: ", prefix);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    args->exit_code = exit_code;
    return EINVAL;
}

/* argp writes for 80 columns; what is narrower has to be told it. */
static void fit_terminal(void)
{
    enum { LEAST = 40, USUAL = 80 };
    char format[32];
    int width = kvr_terminal_width();
    snprintf(format, sizeof format, "rmargin=%d", width < LEAST ? LEAST : width);
    if (width && width < USUAL)
        setenv("ARGP_HELP_FMT", format, 0);
}

error_t kvr_args_result(struct kvr_args *args, const char **path, const char *text)
{
    if (*path)
        return kvr_args_fail(args, KVR_EXIT_USAGE, "one RESULT at a time; '%.80s' is the second",
                             text);
    *path = text;
    return 0;
}

error_t kvr_args_key(int key, char *text, struct argp_state *state)
{
    struct kvr_args *args = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->err_stream = NULL; /* its hint names --usage, which is not offered */
        return 0;
    case KVR_KEY_HELP: {
        char name[64];
        fit_terminal();
        snprintf(name, sizeof name, "%s", args->command);
        argp_help(args->argp, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, name);
        args->done = 1;
        return ECANCELED;
    }
    case ARGP_KEY_ARG:
        return kvr_args_fail(args, KVR_EXIT_USAGE, "'%.80s' is not an option; see %s --help", text,
                             args->command);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The option that `name` (of `length`) means: exactly, or as a beginning that at least one has. */
static const struct argp_option *find_long(const struct argp_option *options, const char *name,
                                           size_t length)
{
    const struct argp_option *found = NULL;
    for (const struct argp_option *o = options; o->name || o->key || o->doc; o++) {
        if (!o->name || strncmp(o->name, name, length))
            continue;
        if (strlen(o->name) == length)
            return o;
        found = found ? found : o;
    }
    return found;
}

static int unknown_option(struct kvr_args *args, const char *name, size_t length)
{
    const char *names[MAX_OPTIONS], *nearest = NULL;
    char text[64];
    size_t count = 0;
    for (const struct argp_option *o = args->argp->options; o->name || o->key || o->doc; o++) {
        if (o->name && count < MAX_OPTIONS)
            names[count++] = o->name;
    }
    snprintf(text, sizeof text, "%.*s", (int)length, name);
    nearest = kvr_nearest(text, names, count);
    if (nearest)
        kvr_args_fail(args, KVR_EXIT_USAGE, "there is no option --%s; did you mean --%s?", text,
                      nearest);
    else
        kvr_args_fail(args, KVR_EXIT_USAGE, "there is no option --%s; see %s --help", text,
                      args->command);
    return args->exit_code;
}

/* True if a group of short options ("-qv", "-d64") takes the next word of argv as its argument. */
static bool short_takes_next(const struct argp_option *options, const char *letters)
{
    for (; *letters; letters++) {
        for (const struct argp_option *o = options; o->name || o->key || o->doc; o++) {
            if (o->key == *letters && o->arg)
                return !letters[1];
        }
    }
    return false;
}

int kvr_args_takes_next(const struct argp *argp, const char *word)
{
    if (word[0] != '-' || !word[1])
        return -1;
    if (word[1] != '-')
        return short_takes_next(argp->options, word + 1);
    size_t length = strcspn(word + 2, "=");
    const struct argp_option *option = find_long(argp->options, word + 2, length);
    if (!option)
        return -1;
    return option->arg && !(option->flags & OPTION_ARG_OPTIONAL) && !word[2 + length];
}

/* getopt would refuse an unknown long option too, but without offering the nearest. */
static int check_names(struct kvr_args *args, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        int next = kvr_args_takes_next(args->argp, argv[i]);
        if (next < 0 && argv[i][0] == '-' && argv[i][1])
            return unknown_option(args, argv[i] + 2, strcspn(argv[i] + 2, "="));
        i += next > 0;
    }
    return 0;
}

int kvr_args_parse(const struct argp *argp, struct kvr_args *args, int argc, char **argv)
{
    args->argp = argp;
    args->exit_code = KVR_EXIT_OK;
    args->done = 0;
    int status = check_names(args, argc, argv);
    if (status)
        return status;
    /* argp reorders argv and starts its messages with argv[0]: give it a copy. */
    char **copy = calloc((size_t)argc + 2, sizeof *copy), name[64];
    if (!copy) {
        kvr_args_fail(args, KVR_EXIT_IMPOSSIBLE, "out of memory");
        return args->exit_code;
    }
    put_prefix(args, name, sizeof name);
    memcpy(copy, argv, (size_t)argc * sizeof *copy);
    copy[0] = name;
    error_t error = argp_parse(argp, argc, copy, ARGP_NO_EXIT | ARGP_NO_HELP, NULL, args);
    free(copy);
    if (error && !args->exit_code && !args->done) {
        fprintf(stderr, "See %s --help.\n", args->command);
        args->exit_code = KVR_EXIT_USAGE;
    }
    return args->exit_code;
}
