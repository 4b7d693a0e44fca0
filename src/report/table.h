/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Results as text: the grid of one group (op and level), table, Markdown, summary. Only for
 * src/report; callers have set the numeric locale (text.h). Functions return 0 or -ENOMEM; errors
 * of the stream stay in the stream.
 */
#ifndef KVR_TABLE_H
#define KVR_TABLE_H

#include <stdio.h>

#include "writers.h"

enum { KVR_GRID_COLUMNS = 27 };
#define KVR_USUAL_STEP_MS 10 /* a decoding step, where none was asked for */

/* The measured results of one op and level as cells. What is the same in every row stands in the
 * title instead of a column; columns that hold nothing are left out. */
struct kvr_grid {
    char title[256];
    size_t rows;
    char **cells;                     /* [rows][KVR_GRID_COLUMNS], owned */
    bool shown[KVR_GRID_COLUMNS];
    size_t widths[KVR_GRID_COLUMNS];  /* terminal columns, heading included */
    bool letters;                     /* flags are letters; `legend` says which is which */
    char legend[400];
};

const char *kvr_grid_heading(size_t column);
bool kvr_grid_left_aligned(size_t column);
bool kvr_grid_is_flags(size_t column);

/* Results `first` and all later ones of its op and level. width 0: unlimited; else flags are
 * shortened and the least important columns dropped until a row fits. */
int kvr_grid_make(const struct kvr_run_record *record, size_t first, int width,
                  struct kvr_grid *grid);
void kvr_grid_free(struct kvr_grid *grid);
/* True if `index` is the first measured result of its op and level. */
bool kvr_grid_starts(const struct kvr_run_record *record, size_t index);

/* "lookat.u8@avx512vbmi"; the flags with a separator between them. Clean text (text.h). */
void kvr_kernel_text(const struct kvr_result *result, char *text, size_t bytes);
void kvr_flags_text(const struct kvr_result *result, const char *separator, char *text,
                    size_t bytes);
/* One sentence on machine, date and label. */
void kvr_machine_text(const struct kvr_run_record *record, char *text, size_t bytes);

/* Where a shift that only moved went: "towards the core side" or the memory's. */
const char *kvr_shift_direction(const struct kvr_verdict_record *verdict);
/* One verdict in words: which case, its side and bound, the balance, the shift against FP16. */
struct kvr_verdict_cells { char name[400], phrase[160], balance[64], shift[240]; };
/* What a name has to say to part the cases of a record. */
struct kvr_name_parts { bool op, entries; };
struct kvr_name_parts kvr_name_parts_of(const struct kvr_run_record *record);
bool kvr_has_verdict(const struct kvr_result *result);
void kvr_verdict_cells_of(const struct kvr_result *result, struct kvr_name_parts parts,
                          struct kvr_verdict_cells *cells);
/* What one verdict rests on, in lines that start with "- ". */
void kvr_put_evidence(FILE *out, const struct kvr_result *result, int width);
/* One line per verdict; with `evidence` what it rests on below each. Nothing without verdicts. */
void kvr_put_verdicts(FILE *out, const struct kvr_run_record *record, bool evidence, int width);
/* What counters said of a case, beside the model's figures; nothing where nothing was counted. */
void kvr_put_counters(FILE *out, const struct kvr_result *result, int width);
/* What a proof of bypass found, as one sentence, names between two `quote`s; nothing without
 * --prove. */
int kvr_put_bypass(FILE *out, const struct kvr_run_record *record, const char *bullet,
                   const char *quote, int width);
/* One line per claim, with `evidence` also the open ones, and the claim and its reasons below each.
 * Nothing without claims. */
void kvr_put_claims(FILE *out, const struct kvr_run_record *record, bool evidence, int width);
/* The sources of the claims that these show, each once: "arXiv A, arXiv B". */
void kvr_claim_sources_text(const struct kvr_run_record *record, bool evidence, char *text,
                            size_t bytes);
void kvr_put_markdown_claims(FILE *out, const struct kvr_run_record *record);
/* Where ratios cross 1 over an axis, by series: those that are reached and the number of the
 * others; with `evidence` the others, too. Nothing without series. */
void kvr_put_crossings(FILE *out, const struct kvr_run_record *record, bool evidence, int width);
void kvr_put_markdown_crossings(FILE *out, const struct kvr_run_record *record);
/* Heads and keys that fit in a step of step_ms, for every case that is one: op step or attention.
 * Nothing without such cases. */
void kvr_put_sizing(FILE *out, const struct kvr_run_record *record, double step_ms, int width);
/* As code: GitHub takes a bare name@isa for the mention of a user. */
void kvr_put_code(FILE *out, const char *text);
/* What Markdown would take for a mark is escaped. */
void kvr_put_escaped(FILE *out, const char *text);
/* A field of CSV, in quotes where RFC 4180 wants them. */
void kvr_put_csv(FILE *out, const char *text);
/* The rest of a table's cell: that text on one line, and the bar behind it. */
void kvr_put_cell(FILE *out, const char *text);
int kvr_put_table(FILE *out, const struct kvr_run_record *record,
                  const struct kvr_output_style *style);
int kvr_put_markdown(FILE *out, const struct kvr_run_record *record);
/* Every sentence is a line that starts with `bullet`; names stand between two `quote`s. */
int kvr_put_summary(FILE *out, const struct kvr_run_record *record, const char *bullet,
                    const char *quote, int width);
/* The same, of one kind only; the summary is all of them in this order. */
enum kvr_sentences { KVR_SAY_FASTEST, KVR_SAY_LOOKAT, KVR_SAY_SHIFT, KVR_SAY_NOTES, KVR_SAYS };
int kvr_put_sentences(FILE *out, const struct kvr_run_record *record, enum kvr_sentences kind,
                      const char *bullet, const char *quote, int width);

#endif
