/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What every case was told from: T, M and C of each round, in a small panel of its own.
 */
#include "plotdata.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_sheet.h"
#include "table.h"
#include "text.h"

enum { MOST_PANELS = 48, LETTER_PIXELS = 6, TRAIT_LINES = 2, Y_STEPS = 4, X_STEPS = 6 };

struct samples {
    struct kvr_sheet sheet;
    struct kvr_plot_case *cases; /* those with rounds */
    size_t count;
    struct kvr_traits traits;
    struct kvr_panel panel; /* its axes are linear both */
};

enum quantity { QUANTITY_T, QUANTITY_M, QUANTITY_C, QUANTITIES };
static const char *const quantities[QUANTITIES] = {"t", "m", "c"};

static double value_of(const struct kvr_round *round, enum quantity quantity)
{
    return quantity == QUANTITY_T ? round->t_ns : quantity == QUANTITY_M ? round->m_ns
                                                                         : round->c_ns;
}

static bool known(double value)
{
    return isfinite(value) && value > 0;
}

/* The least of 1, 2, 5, 10 ... that takes at most so many steps over the range. */
static double step_of(double range, int steps)
{
    double decade = pow(10, floor(log10(range / steps)));
    double ratio = range / steps / decade;
    return kvr_six_digits(decade * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10));
}

/* Void rounds may be far off: they do not set the axes where others do. */
static void set_axes(struct samples *s, const struct kvr_result *r)
{
    double low = INFINITY, high = 0;
    for (int voids = 0; voids < 2 && !(high > 0); voids++)
        for (size_t i = 0; i < r->round_count; i++)
            for (enum quantity q = 0; q < QUANTITIES; q++) {
                double value = value_of(&r->rounds[i], q);
                if (!known(value) || (r->rounds[i].invalid && !voids))
                    continue;
                low = fmin(low, value);
                high = fmax(high, value);
            }
    double room = fmax(.1 * (high - low), .02 * high);
    s->panel.left = .4;
    s->panel.right = (double)r->round_count + .6;
    s->panel.bottom = kvr_six_digits(fmax(low - room, 0));
    s->panel.top = kvr_six_digits(high + room);
}

/* Within the axes, at whose end a mark stands that is beyond. */
static double within(const struct samples *s, double value)
{
    return fmin(fmax(value, s->panel.bottom), s->panel.top);
}

static void put_rounds(const struct samples *s, const struct kvr_result *r)
{
    for (size_t i = 0; i < r->round_count; i++) {
        const struct kvr_round *round = &r->rounds[i];
        double x = (double)i + 1;
        for (enum quantity q = 0; q < QUANTITIES; q++) {
            double y = value_of(round, q);
            if (!known(y))
                continue;
            kvr_sheet_put_point(&s->sheet, round->invalid ? "void" : quantities[q], q + 1, r, x,
                                (const double[]){within(s, y), NAN, NAN});
        }
        if (round->repeated && known(round->t_ns))
            kvr_sheet_put(&s->sheet, "repeated", 0, NULL,
                          (struct kvr_spot){x, within(s, round->t_ns)});
        if (i && round->process != round[-1].process)
            kvr_sheet_put(&s->sheet, "process", 0, NULL, (struct kvr_spot){x - .5, NAN});
    }
}

/* Bytes of the text that fit a line, if possible up to a ", ". */
static size_t line_bytes(const char *text, size_t room)
{
    size_t length = strlen(text);
    if (length <= room)
        return length;
    for (size_t shorter = room; shorter; shorter--)
        if (!strncmp(text + shorter, ", ", 2))
            return shorter;
    return room;
}

static void put_name_line(const struct samples *s, size_t number, const char *text, size_t length)
{
    char line[KVR_SERIES_BYTES];
    kvr_utf8_copy(line, length + 1 < sizeof line ? length + 1 : sizeof line, text);
    kvr_sheet_put(&s->sheet, "name", number, line, (struct kvr_spot){NAN, NAN});
}

/* The kernel, and below it what tells the case apart, cut where a panel's width ends. */
static void put_name(const struct samples *s, const struct kvr_plot_case *c)
{
    const unsigned all = ~0U;
    char kernel[160], traits[KVR_SERIES_BYTES] = "";
    size_t room = (size_t)(s->panel.width / LETTER_PIXELS);
    kvr_sheet_ordinal(&s->sheet, c->record, kernel, sizeof kernel);
    size_t used = strlen(kernel);
    kvr_kernel_text(c->result, kernel + used, sizeof kernel - used);
    kvr_traits_text(&s->traits, c->result, all, traits, sizeof traits);
    put_name_line(s, 1, kernel, room);
    const char *rest = traits;
    for (size_t n = 0; n < TRAIT_LINES && *rest; n++) {
        size_t length = line_bytes(rest, room);
        put_name_line(s, n + 2, rest, length);
        rest += length;
        rest += strspn(rest, ", ");
    }
}

static void put_panel(struct samples *s, const struct kvr_plot_case *c)
{
    const struct kvr_result *r = c->result;
    double value[3];
    s->sheet.panel++;
    set_axes(s, r);
    kvr_sheet_put_panel(&s->sheet, r->name, &s->panel);
    kvr_sheet_put(&s->sheet, "step", 0, NULL,
                  (struct kvr_spot){step_of((double)r->round_count + 1, X_STEPS),
                                    step_of(s->panel.top - s->panel.bottom, Y_STEPS)});
    put_name(s, c);
    kvr_median_interval(r->result.ns_per_key, r->result.ci95, value);
    kvr_sheet_row(s->sheet.out, &(struct kvr_row){.kind = "interval", .panel = s->sheet.panel,
                  .x = s->panel.left, .y = s->panel.right, .low = within(s, value[1]),
                  .high = within(s, value[2])});
    put_rounds(s, r);
}

static void put_sheet(struct samples *s)
{
    char text[KVR_SERIES_BYTES];
    size_t panels = s->count < MOST_PANELS ? s->count : MOST_PANELS;
    kvr_sheet_header(&s->sheet);
    s->panel.width = panels < 2 ? 560 : panels < 5 ? 420 : 250;
    s->panel.height = panels < 2 ? 360 : panels < 5 ? 240 : 130;
    kvr_sheet_put(&s->sheet, "size", panels, NULL,
                  (struct kvr_spot){s->panel.width, s->panel.height});
    for (size_t i = 0; i < panels; i++)
        put_panel(s, &s->cases[i]);
    s->sheet.panel = 0;
    kvr_traits_common(&s->traits, s->cases, s->count, text, sizeof text);
    if (*text)
        kvr_sheet_put(&s->sheet, "common", 0, text, (struct kvr_spot){NAN, NAN});
    if (panels < s->count) {
        snprintf(text, sizeof text, "and %zu more cases that have no room here: their rounds are "
                 "in kvroof show --format csv", s->count - panels);
        kvr_sheet_put(&s->sheet, "more", 0, text, (struct kvr_spot){NAN, NAN});
    }
}

int kvr_plot_samples(FILE *out, const struct kvr_drawn *of)
{
    struct samples s = {.sheet = kvr_sheet_of(out, of->records, of->count)};
    size_t all;
    int rc;
    s.cases = kvr_plot_cases(&s.sheet, &all, &rc);
    if (rc)
        return rc;
    for (size_t i = 0; i < all; i++) {
        bool any = false;
        for (size_t k = 0; k < s.cases[i].result->round_count; k++)
            any |= known(s.cases[i].result->rounds[k].t_ns);
        if (any)
            s.cases[s.count++] = s.cases[i];
    }
    rc = s.count ? 0 : -ENODATA;
    if (!rc) {
        struct kvr_numeric numeric = kvr_numeric_c();
        errno = 0;
        kvr_traits_of(s.cases, s.count, &s.traits);
        put_sheet(&s);
        rc = kvr_sheet_end(out);
        kvr_numeric_restore(numeric);
    }
    free(s.cases);
    return rc;
}
