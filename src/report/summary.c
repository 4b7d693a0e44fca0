/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sentences below a table. They pick stored figures and say them; C/M is the one quotient
 * that is formed here, and only to name the larger of two stored times.
 */
#include <math.h>
#include <string.h>

#include "sentence.h"
#include "setting.h"
#include "table.h"
#include "text.h"

/* Within 15 % of each other the memory and the core side count as even. */
#define EVEN_RATIO 1.15

static void put_kernel(struct kvr_sentence *w, const struct kvr_result *r)
{
    char kernel[96], flags[320];
    kvr_kernel_text(r, kernel, sizeof kernel);
    kvr_flags_text(r, ", ", flags, sizeof flags);
    kvr_sentence_name(w, kernel);
    if (*flags)
        fprintf(w->line, " [%s]", flags);
}

/* "scan, d 64, 4096 tokens, layout heads, 1 thread, batch 8". The setting is that of `like`: among
 * cases with a codebook, one without stands for it. */
static void put_case(struct kvr_sentence *w, const struct kvr_result *r,
                     const struct kvr_result *like, bool tokens)
{
    char op[sizeof r->op], layout[sizeof r->layout], setting[200];
    kvr_clean_text(op, sizeof op, r->op);
    kvr_clean_text(layout, sizeof layout, r->layout);
    fprintf(w->line, "%s, d %u", op, r->head_dim);
    if (tokens)
        fprintf(w->line, ", %u tokens", r->tokens);
    if (*layout)
        fprintf(w->line, ", layout %s", layout);
    kvr_setting_text(like, setting, sizeof setting);
    fprintf(w->line, ", %u thread%s%s", r->threads, r->threads == 1 ? "" : "s", setting);
}

/* ---- the fastest format from DRAM ---- */

static bool counts(const struct kvr_result *r)
{
    /* The time of a wrong result is no speed. */
    return r->measured && isfinite(r->result.ns_per_key) && !kvr_result_flagged(r, "mismatch");
}

static bool from_dram(const struct kvr_result *r)
{
    return counts(r) && !strcmp(r->level, "DRAM");
}

/* Figures that may be compared per key: formats without a codebook with any that has one. */
static bool comparable(const struct kvr_result *r, const struct kvr_result *like)
{
    return kvr_same_setting(r, like) && (!r->codebook[0] || kvr_same_codebook(r, like));
}

/* Whether a sentence begins with this case: the first of its setting and codebook, and one with a
 * codebook where there is one, as the others stand beside each of them. */
static bool leads(const struct kvr_run_record *record, size_t index)
{
    const struct kvr_result *like = &record->results[index];
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (!from_dram(r) || !kvr_same_setting(r, like))
            continue;
        if ((i < index && kvr_same_codebook(r, like)) || (!like->codebook[0] && r->codebook[0]))
            return false;
    }
    return from_dram(like);
}

/* The fastest of those comparable to `like`, at the fewest threads and the longest length. */
static const struct kvr_result *fastest(const struct kvr_run_record *record,
                                        const struct kvr_result *like)
{
    const struct kvr_result *best = NULL;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (!from_dram(r) || !comparable(r, like))
            continue;
        bool better = !best || r->threads < best->threads;
        if (best && r->threads == best->threads)
            better = r->tokens > best->tokens ||
                     (r->tokens == best->tokens &&
                      r->result.ns_per_key < best->result.ns_per_key);
        if (better)
            best = r;
    }
    return best;
}

static void put_speedup(struct kvr_sentence *w, const struct kvr_result *r)
{
    const struct kvr_op_result *o = &r->result;
    char basis[sizeof o->basis];
    kvr_clean_text(basis, sizeof basis, o->basis);
    if (!strcmp(r->codec, "fp16")) {
        fputs("; no other format was faster than dense FP16", w->line);
        return;
    }
    if (!isfinite(o->speedup_vs_fp16)) {
        fputs("; its speed-up over dense FP16 was not measured", w->line);
        return;
    }
    fputs(", ", w->line);
    kvr_sentence_figure(w, o->speedup_vs_fp16, 3);
    fputs(" times as fast as dense FP16", w->line);
    if (isfinite(o->speedup_ci95[0]) && isfinite(o->speedup_ci95[1])) {
        fputs(" (95 % interval ", w->line);
        kvr_sentence_figure(w, o->speedup_ci95[0], 3);
        fputs(" to ", w->line);
        kvr_sentence_figure(w, o->speedup_ci95[1], 3);
        fprintf(w->line, "%s%s)", *basis ? ", " : "", basis);
    } else {
        fprintf(w->line, " (no interval: too few rounds%s%s)", *basis ? ", " : "", basis);
    }
}

static void put_limit(struct kvr_sentence *w, const struct kvr_result *r)
{
    const struct kvr_op_result *o = &r->result;
    const struct kvr_verdict_record *v = &r->verdict;
    double balance = o->c_ns_per_key / o->m_ns_per_key;
    bool undecided = !strcmp(v->side, "undecided");
    if (v->side[0]) {
        fprintf(w->line, " Verdict: %s%s", undecided ? "side " : v->side,
                undecided ? v->side : strcmp(v->side, "even") ? " side" : "");
        if (isfinite(v->attained))
            fprintf(w->line, ", %.0f %% attained", 100 * v->attained);
        fprintf(w->line, "%s%s", v->bound[0] ? ": " : "", v->bound);
        bool open = undecided || !strcmp(v->bound, "undecided");
        const char *because = v->resource[0] ? v->resource : open ? v->why : v->cause;
        if (*because)
            fprintf(w->line, " (%s)", because);
        fputc('.', w->line);
    } else if (!isfinite(balance)) {
        fputs(" What limits it is not known: its memory-alone or core-alone time was not "
              "measured.", w->line);
    } else {
        const char *limit = "both about equally limit";
        if (balance < 1 / EVEN_RATIO)
            limit = "the memory side limits";
        else if (balance > EVEN_RATIO)
            limit = "the core limits";
        fprintf(w->line, " Of memory and core, %s it: core alone ", limit);
        kvr_sentence_figure(w, o->c_ns_per_key, 3);
        fputs(" ns/key, memory alone ", w->line);
        kvr_sentence_figure(w, o->m_ns_per_key, 3);
        fputs(" ns/key, together ", w->line);
        kvr_sentence_figure(w, o->ns_per_key, 3);
        fputs(" ns/key.", w->line);
    }
}

static int put_fastest(struct kvr_sentence *w, const struct kvr_run_record *record, size_t index)
{
    const struct kvr_result *like = &record->results[index], *r = fastest(record, like);
    int rc = kvr_sentence_begin(w);
    if (rc)
        return rc;
    fputs("Fastest from DRAM (", w->line);
    put_case(w, r, like, true);
    fputs("): ", w->line);
    put_kernel(w, r);
    if (r->subspaces)
        fprintf(w->line, " with m %u", r->subspaces);
    fputs(", ", w->line);
    kvr_sentence_figure(w, r->result.ns_per_key, 4);
    fputs(" ns/key", w->line);
    put_speedup(w, r);
    fputc('.', w->line);
    if (isfinite(r->result.percent_of_read_roof)) {
        fputs(" It reaches ", w->line);
        kvr_sentence_figure(w, r->result.percent_of_read_roof, 3);
        fputs(" % of the read roof, the best compute-free reader over the same addresses.",
              w->line);
    }
    put_limit(w, r);
    return kvr_sentence_end(w);
}

/* ---- LOOKAT over FP16 ---- */

static bool is_lookat(const struct kvr_result *r)
{
    return counts(r) && !strcmp(r->codec, "lookat") && isfinite(r->result.speedup_vs_fp16);
}

static bool same_line(const struct kvr_result *a, const struct kvr_result *b)
{
    return kvr_same_setting(a, b) && kvr_same_codebook(a, b) && !strcmp(a->level, b->level) &&
           a->threads == b->threads && a->subspaces == b->subspaces && a->entries == b->entries;
}

/* The fastest variant of the shortest length above `above`. */
static const struct kvr_result *next_length(const struct kvr_run_record *record,
                                            const struct kvr_result *like, uint32_t above)
{
    const struct kvr_result *best = NULL;
    for (size_t i = 0; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (!is_lookat(r) || !same_line(r, like) || r->tokens <= above)
            continue;
        if (!best || r->tokens < best->tokens ||
            (r->tokens == best->tokens && r->result.ns_per_key < best->result.ns_per_key))
            best = r;
    }
    return best;
}

static int put_lookat(struct kvr_sentence *w, const struct kvr_run_record *record, size_t index)
{
    const struct kvr_result *like = &record->results[index], *r;
    for (size_t i = 0; i < index; i++)
        if (is_lookat(&record->results[i]) && same_line(&record->results[i], like))
            return 0;
    int rc = kvr_sentence_begin(w);
    if (rc)
        return rc;
    char level[sizeof like->level];
    kvr_clean_text(level, sizeof level, like->level);
    fprintf(w->line, "LOOKAT over dense FP16 (%s%s", level, *level ? ", " : "");
    put_case(w, like, like, false);
    fprintf(w->line, ", m %u, K %u):", like->subspaces, like->entries);
    const char *separator = " x";
    for (uint32_t above = 0; (r = next_length(record, like, above)); above = r->tokens) {
        fputs(separator, w->line);
        kvr_sentence_figure(w, r->result.speedup_vs_fp16, 3);
        fprintf(w->line, " at %u tokens (", r->tokens);
        put_kernel(w, r);
        fputc(')', w->line);
        separator = "; x";
    }
    fputc('.', w->line);
    return kvr_sentence_end(w);
}

/* ---- the shift, in words ---- */

/* Cases that one sentence compares: kernels over the same keys. */
static bool same_shift(const struct kvr_result *a, const struct kvr_result *b)
{
    return from_dram(b) && is_lookat(b) && b->verdict.side[0] && same_line(a, b) &&
           a->tokens == b->tokens;
}

static void put_moved(struct kvr_sentence *w, const struct kvr_result *r)
{
    const struct kvr_verdict_record *v = &r->verdict;
    const char *detail = v->resource[0] ? v->resource : v->cause;
    bool shifted = !strcmp(v->shift_says, "shifted"), still = !strcmp(v->shift_says, "none");
    if (!v->shift_says[0]) {
        const char *why = kvr_result_why(r, "shift");
        fputs(" is undecided (B ", w->line);
        kvr_sentence_figure(w, v->balance, 2);
        fprintf(w->line, ": %s)", why ? why : v->why);
        return;
    }
    fprintf(w->line, " %s%s (B ", shifted ? "shifted to compute-bound" : still ? "did not move"
                                                                             : "moved ",
            shifted || still ? "" : kvr_shift_direction(v));
    kvr_sentence_figure(w, v->balance, 2);
    fputc(')', w->line);
    if (!shifted)
        fprintf(w->line, ", is %s", !strcmp(v->side, "memory") ? "still on the memory side"
                                    : !strcmp(v->side, "core") ? "on the core side"
                                                               : "between the sides");
    fprintf(w->line, " (%.0f %% attained: %s%s%s)", 100 * v->attained, v->bound,
            *detail ? ", " : "", detail);
}

static int put_shift(struct kvr_sentence *w, const struct kvr_run_record *record, size_t index)
{
    const struct kvr_result *like = &record->results[index];
    const char *separator = "";
    for (size_t i = 0; i < index; i++)
        if (same_shift(like, &record->results[i]))
            return 0;
    int rc = kvr_sentence_begin(w);
    if (rc)
        return rc;
    fprintf(w->line, "Does LOOKAT m=%u shift the bound from memory to computation? (",
            like->subspaces);
    put_case(w, like, like, true);
    fputs("): ", w->line);
    for (size_t i = index; i < record->result_count; i++) {
        const struct kvr_result *r = &record->results[i];
        if (!same_shift(like, r))
            continue;
        fputs(separator, w->line);
        put_kernel(w, r);
        put_moved(w, r);
        fputs(" and is ", w->line);
        kvr_sentence_figure(w, r->result.speedup_vs_fp16, 3);
        fputs(" times as fast as FP16", w->line);
        separator = "; ";
    }
    fputc('.', w->line);
    return kvr_sentence_end(w);
}

/* The sentence of this kind that begins with this case, if one does. */
static int put_sentence(struct kvr_sentence *w, const struct kvr_run_record *record, size_t index,
                        enum kvr_sentences kind)
{
    const struct kvr_result *r = &record->results[index];
    if (kind == KVR_SAY_FASTEST && leads(record, index))
        return put_fastest(w, record, index);
    if (kind == KVR_SAY_LOOKAT && is_lookat(r))
        return put_lookat(w, record, index);
    if (kind == KVR_SAY_SHIFT && same_shift(r, r))
        return put_shift(w, record, index);
    return 0;
}

int kvr_put_sentences(FILE *out, const struct kvr_run_record *record, enum kvr_sentences kind,
                      const char *bullet, const char *quote, int width)
{
    struct kvr_sentence w = {.out = out, .bullet = bullet, .quote = quote, .width = width};
    int rc = 0;
    for (size_t i = 0; !rc && i < record->result_count; i++)
        rc = put_sentence(&w, record, i, kind);
    return rc || kind != KVR_SAY_NOTES ? rc : kvr_put_notes(&w, record);
}

int kvr_put_summary(FILE *out, const struct kvr_run_record *record, const char *bullet,
                    const char *quote, int width)
{
    int rc = 0;
    for (int kind = 0; !rc && kind < KVR_SAYS; kind++)
        rc = kvr_put_sentences(out, record, kind, bullet, quote, width);
    return rc;
}
