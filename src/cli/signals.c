/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "signals.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t signal_number; /* a handler can reach nothing else */
static const char *volatile last_line;
static volatile sig_atomic_t clears_line;

static void on_signal(int number)
{
    signal_number = number;
}

static void end(int number)
{
    static const char clear[] = "\r\033[K";
    const char *line = last_line;
    if (clears_line && write(STDERR_FILENO, clear, sizeof clear - 1) < 0)
        line = "";
    if (write(STDERR_FILENO, line, strlen(line)) < 0)
        _exit(128 + number); /* nobody reads it: the exit code says it, too */
    _exit(128 + number);
}

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static void all_numbers(sigset_t *set)
{
    sigemptyset(set);
    for (int i = 0; i < NUMBERS; i++)
        sigaddset(set, numbers[i]);
}

static void handle(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;
    all_numbers(&action.sa_mask);
    for (int i = 0; i < NUMBERS; i++) {
        /* A terminal that closes ends a run as the others do; nohup says that it shall not. */
        if (numbers[i] == SIGHUP && (sigaction(SIGHUP, NULL, &before) ||
                                     before.sa_handler == SIG_IGN))
            continue;
        sigaction(numbers[i], &action, NULL);
    }
}

void kvr_signals_catch(void)
{
    handle(on_signal);
}

int kvr_signal_number(void)
{
    return signal_number;
}

const volatile sig_atomic_t *kvr_signal_flag(void)
{
    return &signal_number;
}

void kvr_signals_end(const char *line)
{
    last_line = line;
    clears_line = isatty(STDERR_FILENO);
    setvbuf(stdout, NULL, _IOLBF, 1 << 16);
    handle(end);
}

static void mask(int how)
{
    sigset_t set;
    all_numbers(&set);
    sigprocmask(how, &set, NULL);
}

void kvr_signals_hold(void)
{
    mask(SIG_BLOCK);
}

void kvr_signals_release(void)
{
    mask(SIG_UNBLOCK);
}
