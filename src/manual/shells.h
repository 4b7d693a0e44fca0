/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Inside src/manual only: what the completions of all shells share.
 */
#ifndef KVR_SHELLS_H
#define KVR_SHELLS_H

#include "manual.h"

/* Prints each word with a blank before it; its colons get `escape` before them. */
void kvr_print_words(const char *const *words, const char *escape);
/* Prints text within single quotes of a POSIX shell, without them; a character of `escaped` gets a
 * backslash. */
void kvr_print_quoted(const char *text, const char *escaped);
/* The same for fish, whose quotes know backslashes. */
void kvr_print_fish(const char *text);

#endif
