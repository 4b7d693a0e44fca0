/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text for files and terminals: valid UTF-8, '.' decimals in every locale, numbers with as many
 * digits as help. For src/report, and src/cli where it prints what a file holds.
 */
#ifndef KVR_TEXT_H
#define KVR_TEXT_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* This thread writes and reads numbers with '.' until kvr_numeric_restore. */
struct kvr_numeric { locale_t own, before; };
struct kvr_numeric kvr_numeric_c(void);
void kvr_numeric_restore(struct kvr_numeric numeric);

/* A copy in which every byte that is not part of valid UTF-8 is U+FFFD. NULL: out of memory.
 * The caller frees. */
char *kvr_utf8_valid(const char *text);
/* Copies as much as fits, never cutting a character in two. */
void kvr_utf8_copy(char *to, size_t bytes, const char *from);
/* Terminal columns, one per character. */
size_t kvr_utf8_columns(const char *text);

/* Text of a file for a terminal, a TSV or a Markdown table: invalid UTF-8 and control characters,
 * which could move a cursor or end a row, become '?'. */
void kvr_clean_text(char *to, size_t bytes, const char *from);

/* The shortest decimal that reads back as exactly this double; "" for NAN and infinities. */
void kvr_exact_text(double value, char *text, size_t bytes);
/* `digits` significant digits without an exponent: 0.0213, 3.14, 1280; "" for NAN. */
void kvr_figure_text(double value, int digits, char *text, size_t bytes);
/* 32768 -> 32K, 1073741824 -> 1G, 48 MiB -> 48M; others with one decimal (1.5G); "" for 0. */
void kvr_bytes_text(uint64_t bytes_value, char *text, size_t bytes);

/* Writes `text`, broken at spaces so that no line is longer than `width` columns; continued lines
 * are indented by two. width 0: one line. Ends with a newline. */
void kvr_put_wrapped(FILE *out, const char *text, int width);
/* Of a paragraph, such as a check with its remedy, where no terminal sets another. */
enum { KVR_USUAL_WIDTH = 100 };

#endif
