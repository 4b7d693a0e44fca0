# SPDX-License-Identifier: GPL-3.0-or-later
#
# Operations a second over operations per byte, from roofline.tsv in the working folder: one panel
# for each kind of operation. Draws, computes nothing but where its own legend stands.
#   gnuplot roofline.gp                             -> roofline.svg
#   gnuplot -e 'FORMAT="png"' roofline.gp           -> roofline.png (also pdf, txt)
# Columns: kind, panel, series, name, x, y, low, high, 1 if flagged. Kinds:
#   caption, common, note        texts below the picture
#   size                         how many panels, pixels of a panel's axes (x, y)
#   panel                        its title; left, right, bottom, top end of its axes
#   x, y                         titles of the axes
#   bandwidth, rate              a roof from x, y to low, high; series: dash, by number of threads
#   bandwidth-name, rate-name    its name, centred at x, y
#   point                        a case: series = where it was measured; low, high: 95 % interval
#   letter                       which kernel the points beside it are of
#   kernel, place                the legend: letters, marks

if (!exists("FORMAT")) FORMAT = "svg"
DATA = "roofline.tsv"
TXT = FORMAT eq "txt"
# A terminal has neither room for the title of a y axis nor hollow marks.
HOLLOW = TXT ? "a mark of the letter before the legend's" : "hollow"

set encoding utf8
set datafile separator "\t"
set datafile missing NaN

# What the file holds. Widths are those of the longest text, in characters.
array count[5]
array widest[5]
do for [i = 1:5] { count[i] = 0; widest[i] = 0 }
slot(kind) = kind eq "caption" ? 1 : kind eq "common" ? 2 : kind eq "note" ? 3 : \
    kind eq "kernel" ? 4 : kind eq "place" ? 5 : 0
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
array x_of[PANELS]
array y_of[PANELS]
array left[PANELS]
array right[PANELS]
array bottom[PANELS]
array top[PANELS]
panel(p, a, b, c, d, text) = \
    (title_of[p] = text, left[p] = a, right[p] = b, bottom[p] = c, top[p] = d, p)
axes(p, kind, text) = kind eq "x" ? (x_of[p] = text, p) : kind eq "y" ? (y_of[p] = text, p) : NaN
stats DATA using (strcol(1) eq "panel" ? panel(int(column(2)), column(5), column(6), column(7), \
    column(8), strcol(4)) : axes(int(column(2)), strcol(1), strcol(4))) nooutput

# The canvas in pixels: panels side by side, below them kernels, places and texts.
PLACES = int(count[5])
MARGIN = 74
LINE = 19
TEXTS = larger(larger(widest[1], widest[2] + 11), widest[3])
W = larger(PANELS * (PW + MARGIN + 14), larger(TEXTS, 86 + (TXT ? 34 : 0)) * 6.5 + 40)
SHIFT = (W - PANELS * (PW + MARGIN + 14)) / 2.
fit(s, extra) = larger(1, int((W - 40) / (widest[s] * 7.2 + extra)))
rows(s, extra) = ceil(count[s] / (1. * fit(s, extra)))
KERNEL_ROWS = rows(4, 24)
PLACE_ROWS = rows(5, 44)
TEXT_ROWS = count[1] + count[2] + count[3] + (PLACES ? 1 : 0)
TOP = 70
LEGEND = 76 + (PLACES ? LINE * (KERNEL_ROWS + PLACE_ROWS + 2.2) : 0)
H = TOP + PH + LEGEND + LINE * TEXT_ROWS
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
set output "roofline." . FORMAT

# A place is told by mark and colour; marks come again after six, then lighter or darker, so that
# print and colour-blind eyes can tell them. A flagged point is hollow.
array filled[6] = [7, 5, 9, 11, 13, 15]
array colour[12] = [0x0072B2, 0xD55E00, 0x007A5E, 0x8E4A8E, 0x6B4A00, 0x333333, \
    0x7CC4F0, 0xF2B134, 0x66CDAA, 0xE3A3CB, 0xC9A46B, 0xA8A8A8]
mark(i) = filled[(i - 1) % 6 + 1]
paint(i) = colour[(i - 1 + (i - 1) / 12) % 12 + 1]

set style textbox opaque noborder fillcolor rgb "white" margins 0.4,0.3
# A name that finds no free place interrupts the line that it lies on, and no roof of its own.
set style textbox 2 opaque noborder fillcolor rgb "white" margins 0.3,0.05
of(kind, p, c) = strcol(1) eq kind && int(column(2)) == p ? column(c) : NaN
in(kind, p, i, c) = int(column(3)) == i ? of(kind, p, c) : NaN

set multiplot
set label 1 "Roofline" at screen 0.5, from_top(22) center font FORMAT eq "svg" ? ",17" : ",13"
set logscale xy 10
set format x "%h"
set format y "%h"
set tics nomirror
set mxtics 10
set mytics 10
if (!TXT) set grid xtics ytics lc rgb "gray88" lt 1 lw .5
unset key
do for [p = 1:PANELS] {
    set title title_of[p] . (TXT ? " (up: " . y_of[p] . ")" : "") offset 0,-0.3
    set xlabel x_of[p]
    set ylabel (TXT ? "" : y_of[p]) offset -0.6,0
    set xrange [left[p]:right[p]]
    set yrange [bottom[p]:top[p]]
    LEFT = SHIFT + (p - 1) * (PW + MARGIN + 14) + MARGIN
    set lmargin at screen LEFT / W
    set rmargin at screen (LEFT + PW) / W
    set tmargin at screen from_top(TOP)
    set bmargin at screen from_top(TOP + PH)
    ANGLE = atan2(PH / log(top[p] / bottom[p]), PW / log(right[p] / left[p])) * 180 / pi
    plot for [i = 1:4] DATA using (in("bandwidth", p, i, 5)):6:($7 - $5):($8 - $6) with vectors \
            nohead lc rgb "#555555" lw 1.4 dt i, \
        for [i = 1:4] "" using (in("rate", p, i, 5)):6:($7 - $5):($8 - $6) with vectors nohead \
            lc rgb "black" lw 2.2 dt i, \
        "" using (TXT ? NaN : of("bandwidth-name", p, 5)):6:(strcol(4)) with labels center \
            rotate by ANGLE font SMALL tc rgb "gray20", \
        "" using (TXT ? of("bandwidth-name", p, 5) : NaN):6:(strcol(4)) with labels left, \
        "" using (of("rate-name", p, 5)):6:(strcol(4)) with labels center font SMALL \
            tc rgb "black" boxed bs 2, \
        "" using (TXT ? NaN : of("point", p, 5)):6:7:8 with yerrorbars lc rgb "gray40" pt -1, \
        for [i = 1:PLACES] "" using (in("point", p, i, 5)):6:(mark(i) - (column(9) == 1)) \
            with points lc rgb paint(i) lw 1.6 ps 1.2 pt variable, \
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
Y0 = TOP + PH + 70
step(s, extra) = (W - 40.) / fit(s, extra)
across(i, s, extra) = 20 + ((int(i) - 1) % fit(s, extra)) * step(s, extra)
down(i, s, extra) = (i - 1) / fit(s, extra) * LINE
Y1 = Y0 + LINE * (KERNEL_ROWS + 0.6)
Y2 = Y1 + LINE * (PLACE_ROWS + 0.6)
if (!PLACES) Y2 = Y0
line = -1
next_line(text) = (line = line + 1, Y2 + (PLACES ? LINE : 0) + LINE * line)
MEANING = "letter: kernel; mark: where it ran (t: threads); " . HOLLOW . \
    ": the case has a flag; " . \
    "bar: 95 % interval"
is(kind) = strcol(1) eq kind
if (PLACES) set label 2 MEANING at first 20, first Y2 left font SMALL
plot DATA using (is("kernel") ? across($3, 4, 24) : NaN):(Y0 + down(int($3), 4, 24)):(strcol(4)) \
        with labels left, \
    for [i = 1:PLACES] "" using (is("place") && int($3) == i ? across(i, 5, 44) + 6 : NaN): \
        (Y1 + down(i, 5, 44)) with points lc rgb paint(i) ps 1.3 pt mark(i), \
    "" using (is("place") ? across($3, 5, 44) + 20 : NaN):(Y1 + down(int($3), 5, 44)): \
        (strcol(4)) with labels left, \
    "" using (is("common") ? 20 : NaN):(is("common") ? next_line(0) : NaN): \
        ("all cases: " . strcol(4)) with labels left font SMALL, \
    "" using (is("note") ? 20 : NaN):(is("note") ? next_line(0) : NaN):(strcol(4)) \
        with labels left font SMALL, \
    "" using (is("caption") ? 20 : NaN):(is("caption") ? next_line(0) : NaN):(strcol(4)) \
        with labels left font SMALL
unset multiplot
unset output
