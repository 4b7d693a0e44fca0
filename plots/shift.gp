# SPDX-License-Identifier: GPL-3.0-or-later
#
# Time a key over context length, from shift.tsv in the working folder: one panel for each op, split
# in preparation and scan, and what bounds each. Draws, computes nothing but where its own legend
# stands.
#   gnuplot shift.gp                                -> shift.svg
#   gnuplot -e 'FORMAT="png"' shift.gp              -> shift.png (also pdf, txt)
# Columns: kind, panel, series, name, x (tokens), y (ns a key), low, high, 1 if flagged. Kinds:
#   caption, common    texts below the picture
#   size               how many panels, pixels of a panel's axes (x, y)
#   tick               a length on the x axis
#   panel              its title; left, right, bottom, top end of its axes
#   total              the line of a series: all of its time
#   prepare, scan      the lines of its parts
#   point, part        a mark on them; series: its bound; low, high: 95 % interval
#   letter             which series ends beside it
#   part-name          name of a part, centred at x, y; low: degrees
#   bound, series      the legend

if (!exists("FORMAT")) FORMAT = "svg"
DATA = "shift.tsv"
TXT = FORMAT eq "txt"
# A terminal has neither room for the title of a y axis nor hollow marks.
HOLLOW = TXT ? "a mark of the letter before the legend's" : "hollow"

set encoding utf8
set datafile separator "\t"
set datafile missing NaN

# What the file holds. Widths are those of the longest text, in characters.
array count[4]
array widest[4]
do for [i = 1:4] { count[i] = 0; widest[i] = 0 }
slot(kind) = kind eq "caption" ? 1 : kind eq "common" ? 2 : kind eq "series" ? 3 : \
    kind eq "bound" ? 4 : 0
larger(a, b) = a > b ? a : b
take(s, text) = s == 0 ? NaN : \
    (count[s] = count[s] + 1, widest[s] = larger(widest[s], strlen(text)), count[s])
stats DATA using (take(slot(strcol(1)), strcol(4))) nooutput
stats DATA using (strcol(1) eq "size" ? column(3) : NaN) nooutput
PANELS = int(STATS_max)
stats DATA using (strcol(1) eq "size" ? column(5) : NaN) nooutput
PW = STATS_max
stats DATA using (strcol(1) eq "size" ? column(6) : NaN) nooutput
PH = STATS_max
array title_of[PANELS]
array left[PANELS]
array right[PANELS]
array bottom[PANELS]
array top[PANELS]
panel(p, a, b, c, d, text) = \
    (title_of[p] = text, left[p] = a, right[p] = b, bottom[p] = c, top[p] = d, p)
stats DATA using (strcol(1) eq "panel" ? panel(int(column(2)), column(5), column(6), column(7), \
    column(8), strcol(4)) : NaN) nooutput

# The canvas in pixels: panels in rows of three (two if four), below them bounds, series and texts.
SERIES = int(count[3])
COLUMNS = PANELS == 4 ? 2 : PANELS < 3 ? PANELS : 3
ROWS = ceil(PANELS / (1. * COLUMNS))
MARGIN = 74
GAP = 92
LINE = 19
TEXTS = larger(widest[1], widest[2] + 11)
W = larger(COLUMNS * (PW + MARGIN + 14), larger(TEXTS, 124 + (TXT ? 34 : 0)) * 6.5 + 40)
SHIFT = (W - COLUMNS * (PW + MARGIN + 14)) / 2.
fit(s, extra) = larger(1, int((W - 40) / (widest[s] * 7.2 + extra)))
rows(s, extra) = ceil(count[s] / (1. * fit(s, extra)))
SERIES_ROWS = rows(3, 24)
BOUND_ROWS = rows(4, 44)
TOP = 70
BELOW = TOP + ROWS * PH + (ROWS - 1) * GAP
H = BELOW + 76 + LINE * (BOUND_ROWS + SERIES_ROWS + 3.2 + count[1] + count[2])
from_top(y) = 1 - y / H

if (FORMAT eq "svg") \
    set terminal svg size W,H noenhanced font "sans-serif,13" background "white"
if (FORMAT eq "pdf") set terminal pdfcairo size W / 100.,H / 100. noenhanced font "sans-serif,9.5"
if (TXT) set terminal dumb size W / 6,H / 15 noenhanced mono
if (FORMAT eq "png" && strstrt(GPVAL_TERMINALS, "pngcairo")) \
    set terminal pngcairo size W,H noenhanced font "sans-serif,10"
if (FORMAT eq "png" && !strstrt(GPVAL_TERMINALS, "pngcairo")) set terminal png size W,H noenhanced
SMALL = FORMAT eq "pdf" ? ",7" : FORMAT eq "png" ? ",8" : ",10.5"
LETTER = FORMAT eq "pdf" ? ",8" : FORMAT eq "png" ? ",9" : ",12"
set output "shift." . FORMAT

# A bound is told by mark and colour: print and colour-blind eyes can tell them. A flagged point is
# hollow; the cross of what is undecided stands upright instead.
array filled[6] = [7, 9, 5, 13, 11, 2]
array colour[6] = [0x0072B2, 0xD55E00, 0x007A5E, 0x8E4A8E, 0x6B4A00, 0x333333]
mark(i) = filled[i]
paint(i) = colour[i]

set style textbox opaque noborder fillcolor rgb "white" margins 0.4,0.3
of(kind, p, c) = strcol(1) eq kind && int(column(2)) == p ? column(c) : NaN
in(kind, p, i, c) = int(column(3)) == i ? of(kind, p, c) : NaN

set multiplot
set label 1 "Time a key over context length, and what bounds it" \
    at screen 0.5, from_top(22) center font FORMAT eq "svg" ? ",17" : ",13"
set logscale x 2
set logscale y 10
set format y "%h"
set tics nomirror
unset mxtics
set mytics 10
set ytics add (.02, .05, .2, .5, 2, 5, 20, 50, 200, 500)
set xtics ()
tick(x, text) = sprintf("set xtics add (\"%s\" %d); ", text, x)
TICKS = ""
add_tick(x, text) = (TICKS = TICKS . tick(x, text), x)
stats DATA using (strcol(1) eq "tick" ? add_tick(int(column(5)), strcol(4)) : NaN) nooutput
eval(TICKS)
if (!TXT) set grid xtics ytics lc rgb "gray88" lt 1 lw .5
unset key
do for [p = 1:PANELS] {
    set title title_of[p] . (TXT ? " (up: time a key (ns))" : "") offset 0,-0.3
    set xlabel "tokens"
    set ylabel (TXT ? "" : "time a key (ns)") offset -0.6,0
    set xrange [left[p]:right[p]]
    set yrange [bottom[p]:top[p]]
    LEFT = SHIFT + (p - 1) % COLUMNS * (PW + MARGIN + 14) + MARGIN
    HEAD = TOP + (p - 1) / COLUMNS * (PH + GAP)
    set lmargin at screen LEFT / W
    set rmargin at screen (LEFT + PW) / W
    set tmargin at screen from_top(HEAD)
    set bmargin at screen from_top(HEAD + PH)
    plot for [i = 1:SERIES] DATA using (in("prepare", p, i, 5)):6 with lines lc rgb "gray30" \
            lw 1.5 dt 2, \
        for [i = 1:SERIES] "" using (in("scan", p, i, 5)):6 with lines lc rgb "gray30" lw 1.8 \
            dt 3, \
        for [i = 1:SERIES] "" using (in("total", p, i, 5)):6 with lines lc rgb "gray20" lw 1.6, \
        for [i = 1:6] "" using (TXT ? NaN : in("point", p, i, 5)):6:7:8 with yerrorbars \
            lc rgb "gray40" pt -1, \
        for [i = 1:6] "" using (in("part", p, i, 5)):6:(mark(i) - (column(9) == 1)) \
            with points lc rgb paint(i) lw 1.2 ps .8 pt variable, \
        for [i = 1:6] "" using (in("point", p, i, 5)):6:(mark(i) - (column(9) == 1)) \
            with points lc rgb paint(i) lw 1.6 ps 1.3 pt variable, \
        "" using (of("part-name", p, 5)):6:(strcol(4)):(TXT ? 0 : column(7)) with labels center \
            rotate variable font SMALL tc rgb "gray20", \
        "" using (of("letter", p, 5)):6:(strcol(4)) with labels center font LETTER boxed
    unset label 1
}

# The legend, on the whole canvas.
unset title
unset xlabel
unset ylabel
unset logscale
unset tics
unset grid
unset border
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 1
set bmargin at screen 0
set xrange [0:W]
set yrange [H:0]
step(s, extra) = (W - 40.) / fit(s, extra)
across(i, s, extra) = 20 + ((int(i) - 1) % fit(s, extra)) * step(s, extra)
down(i, s, extra) = (int(i) - 1) / fit(s, extra) * LINE
is(kind) = strcol(1) eq kind
Y0 = BELOW + 70
Y1 = Y0 + LINE * (BOUND_ROWS + 0.6)
Y2 = Y1 + LINE * (SERIES_ROWS + 0.6)
line = 1
next_line(text) = (line = line + 1, Y2 + LINE * line)
set label 2 "solid: all of the time; dashed: preparation of the query; dotted: scan of the " . \
    "keys; parts only where they tell more than the whole" at first 20, first Y2 left font SMALL
set label 3 "letter: series; mark and colour: what bounds it; " . HOLLOW . \
    ": the case has a flag " . \
    "(undecided: + for x); bar: 95 % interval" at first 20, first Y2 + LINE left font SMALL
array place[6] # among those that are met
met = 0
meet(i) = (met = met + 1, place[i] = met, i)
stats DATA using (is("bound") ? meet(int(column(3))) : NaN) nooutput
plot for [i = 1:6] DATA using (is("bound") && int($3) == i ? across(place[i], 4, 44) + 6 : NaN): \
        (Y0 + down(place[i], 4, 44)) with points lc rgb paint(i) lw 1.6 ps 1.3 pt mark(i), \
    for [i = 1:6] "" using (is("bound") && int($3) == i ? across(place[i], 4, 44) + 20 : NaN): \
        (Y0 + down(place[i], 4, 44)):(strcol(4)) with labels left, \
    "" using (is("series") ? across($3, 3, 24) : NaN):(Y1 + down($3, 3, 24)):(strcol(4)) \
        with labels left, \
    "" using (is("common") ? 20 : NaN):(is("common") ? next_line(0) : NaN): \
        ("all cases: " . strcol(4)) with labels left font SMALL, \
    "" using (is("caption") ? 20 : NaN):(is("caption") ? next_line(0) : NaN):(strcol(4)) \
        with labels left font SMALL
unset multiplot
unset output
