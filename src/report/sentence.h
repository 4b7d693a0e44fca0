/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One sentence of the summary at a time. Only for src/report.
 */
#ifndef KVR_SENTENCE_H
#define KVR_SENTENCE_H

#include <stdio.h>

#include "record.h"

struct kvr_sentence {
    FILE *out;
    const char *bullet, *quote; /* before every sentence; around names */
    int width;                  /* 0: unlimited */
    FILE *line;                 /* the sentence being written */
    char *text;
    size_t bytes;
};

int kvr_sentence_begin(struct kvr_sentence *w); /* 0 or -ENOMEM: then no end */
int kvr_sentence_end(struct kvr_sentence *w);   /* writes it to out; 0 or -ENOMEM */
void kvr_sentence_name(struct kvr_sentence *w, const char *name);
void kvr_sentence_figure(struct kvr_sentence *w, double value, int digits);

/* Flags with their meaning, checks that warn, and what was not measured and why. */
int kvr_put_notes(struct kvr_sentence *w, const struct kvr_run_record *record);

#endif
