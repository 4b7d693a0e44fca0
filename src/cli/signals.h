/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SIGINT, SIGTERM and the terminal's SIGHUP, which end a command with 128 + their number.
 */
#ifndef KVR_SIGNALS_H
#define KVR_SIGNALS_H

#include <signal.h>

/* The number of the signal that asked to stop; 0: none. Set by kvr_signals_catch's handler. */
int kvr_signal_number(void);
void kvr_signals_catch(void);
const volatile sig_atomic_t *kvr_signal_flag(void);

/* For a command that keeps nothing of what it has begun: a signal ends the process at once, with
 * `line` on stderr, whatever it computes. stdout goes out by whole lines from here on. `line` lives
 * as long as the process. */
void kvr_signals_end(const char *line);
/* While files are written, a signal waits. */
void kvr_signals_hold(void);
void kvr_signals_release(void);

#endif
