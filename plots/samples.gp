# SPDX-License-Identifier: GPL-3.0-or-later
#
# T, M and C of every round, from samples.tsv in the working folder: a panel for each case. Draws,
# computes nothing but where its own texts stand.
#   gnuplot samples.gp                              -> samples.svg
#   gnuplot -e 'FORMAT="png"' samples.gp            -> samples.png (also pdf, txt)
# Columns: kind, panel, series, name, x (round), y (ns a key), low, high, 1 if flagged. Kinds:
#   caption, common, more  texts below the picture
#   size               how many panels, pixels of a panel's axes (x, y)
#   panel              name of its case; left, right, bottom, top end of its axes
#   step               between ticks, of x and of y
#   name               lines above the panel, numbered by series
#   interval           95 % interval of T's median: x from, x to; low, high
#   t, m, c            a round
#   void               a round that does not count, as one of these: series 1, 2, 3
#   repeated           T of a round that was measured twice
#   process            where another process begins

if (!exists("FORMAT")) FORMAT = "svg"
DATA = "samples.tsv"
TXT = FORMAT eq "txt"

set encoding utf8
set datafile separator "\t"
set datafile missing NaN

# What the file holds.
lines = 0
widest = 110
larger(a, b) = a > b ? a : b
below(kind) = kind eq "caption" || kind eq "common" || kind eq "more"
take(text) = (lines = lines + 1, widest = larger(widest, strlen(text) + 11), lines)
stats DATA using (below(strcol(1)) ? take(strcol(4)) : NaN) nooutput
stats DATA using (strcol(1) eq "size" ? column(3) : NaN) nooutput
PANELS = int(STATS_max)
stats DATA using (strcol(1) eq "size" ? column(5) : NaN) nooutput
PW = STATS_max
stats DATA using (strcol(1) eq "size" ? column(6) : NaN) nooutput
PH = STATS_max
array left[PANELS]
array right[PANELS]
array bottom[PANELS]
array top[PANELS]
array xstep[PANELS]
array ystep[PANELS]
array name[3 * PANELS]
do for [i = 1:3 * PANELS] { name[i] = "" }
panel(p, a, b, c, d) = (left[p] = a, right[p] = b, bottom[p] = c, top[p] = d, p)
stats DATA using (strcol(1) eq "panel" ? panel(int(column(2)), column(5), column(6), column(7), \
    column(8)) : NaN) nooutput
steps(p, x, y) = (xstep[p] = x, ystep[p] = y, p)
stats DATA using (strcol(1) eq "step" ? steps(int(column(2)), column(5), column(6)) : NaN) nooutput
named(i, text) = (name[i] = text, i)
stats DATA using (strcol(1) eq "name" ? named(3 * int(column(2)) - 3 + int(column(3)), \
    strcol(4)) : NaN) nooutput

# The canvas in pixels: panels in rows of four (two if they are few), below them the texts.
COLUMNS = PANELS < 2 ? 1 : PANELS < 5 ? 2 : 4
ROWS = (PANELS + COLUMNS - 1) / COLUMNS
MARGIN = 66
GAP = 90
LINE = 19
TOP = 110
W = larger(COLUMNS * (PW + MARGIN + 14), widest * 6.5 + 40)
SHIFT = (W - COLUMNS * (PW + MARGIN + 14)) / 2.
BELOW = TOP + ROWS * PH + (ROWS - 1) * GAP
H = BELOW + 60 + LINE * (lines + 2.6)
from_top(y) = 1 - y / H

if (FORMAT eq "svg") \
    set terminal svg size W,H noenhanced font "sans-serif,13" background "white"
if (FORMAT eq "pdf") set terminal pdfcairo size W / 100.,H / 100. noenhanced font "sans-serif,9.5"
if (TXT) set terminal dumb size W / 6,H / 15 noenhanced mono
if (FORMAT eq "png" && strstrt(GPVAL_TERMINALS, "pngcairo")) \
    set terminal pngcairo size W,H noenhanced font "sans-serif,10"
if (FORMAT eq "png" && !strstrt(GPVAL_TERMINALS, "pngcairo")) set terminal png size W,H noenhanced
SMALL = FORMAT eq "pdf" ? ",7" : FORMAT eq "png" ? ",8" : ",10.5"
set output "samples." . FORMAT

# T, M and C are told by mark and by colour. A flagged case is hollow.
array filled[3] = [7, 9, 5]
array colour[3] = [0x000000, 0x0072B2, 0xD55E00]
array letter[3] = ["T", "M", "C"]
array long_name[3] = ["T, the kernel", "M, the best reader of the same bytes", \
    "C, the kernel with its keys in L1"]
kind_of(q) = q == 1 ? "t" : q == 2 ? "m" : "c"
hollow(q, flagged) = filled[q] - (flagged == 1)

of(kind, p, c) = strcol(1) eq kind && int(column(2)) == p ? column(c) : NaN

set multiplot
set label 1 "Every round of each case" at screen 0.5, from_top(22) center \
    font FORMAT eq "svg" ? ",17" : ",13"
set tics nomirror font SMALL
set format x "%g"
set format y "%g"
if (!TXT) set grid xtics ytics lc rgb "gray88" lt 1 lw .5
unset key
do for [p = 1:PANELS] {
    LEFT = SHIFT + (p - 1) % COLUMNS * (PW + MARGIN + 14) + MARGIN
    HEAD = TOP + (p - 1) / COLUMNS * (PH + GAP)
    do for [i = 1:3] {
        set label 10 + i name[3 * p - 3 + i] at screen LEFT / W, \
            from_top(HEAD - (TXT ? 60 - 15 * i : 44 - 14 * i)) left font SMALL
    }
    set xlabel (p + COLUMNS > PANELS ? "round" : "") offset 0,0.4 font SMALL
    set ylabel (!TXT && (p - 1) % COLUMNS == 0 ? "ns a key" : "") offset 0.6,0 font SMALL
    set xrange [left[p]:right[p]]
    set yrange [bottom[p]:top[p]]
    set xtics xstep[p]
    set ytics ystep[p]
    set lmargin at screen LEFT / W
    set rmargin at screen (LEFT + PW) / W
    set tmargin at screen from_top(HEAD)
    set bmargin at screen from_top(HEAD + PH)
    plot DATA using (TXT ? NaN : of("interval", p, 5)):7:5:6:7:8 with boxxyerror \
            fc rgb "#dddddd" fs solid noborder, \
        "" using (of("process", p, 5)):(bottom[p]):(0):(top[p] - bottom[p]) with vectors nohead \
            lc rgb "gray40" dt 2, \
        for [q = 1:3] "" using (TXT ? NaN : of(kind_of(q), p, 5)):6:(hollow(q, column(9))) \
            with points lc rgb colour[q] lw 1.4 ps .8 pt variable, \
        for [q = 1:3] "" using (TXT ? of(kind_of(q), p, 5) : NaN):6:(letter[q]) with labels, \
        for [q = 1:3] "" using (of("void", p, 5) + (int(column(3)) == q ? 0 : NaN)):6 \
            with points lc rgb colour[q] lw 1.4 ps .9 pt 2, \
        "" using (TXT ? NaN : of("repeated", p, 5)):6 with points lc rgb "black" lw 1 ps 1.7 pt 6
    unset label 1
}

# The legend, on the whole canvas.
do for [i = 11:13] { unset label i }
unset xlabel
unset ylabel
unset tics
unset grid
unset border
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 1
set bmargin at screen 0
set xrange [0:W]
set yrange [H:0]
is(kind) = strcol(1) eq kind
Y0 = BELOW + 62
across(q) = 26 + (q == 1 ? 0 : q == 2 ? 130 : 400)
line = 1
next_line(text) = (line = line + 1, Y0 + LINE * line)
do for [q = 1:3] {
    set label 20 + q long_name[q] at first across(q) + 14, first Y0 left
}
set label 24 (TXT ? "" : "grey: 95 % interval of T's median; ring: T was measured again; " . \
    "hollow: the case has a flag; ") . (TXT ? "x" : "cross") . \
    ": a void round, at the edge if it is beyond; dashed: another process" \
    at first 20, first Y0 + LINE left font SMALL
plot for [q = 1:3] DATA using (is("size") && !TXT ? across(q) : NaN):(Y0) with points \
        lc rgb colour[q] ps 1.1 pt filled[q], \
    "" using (is("common") ? 20 : NaN):(is("common") ? next_line(0) : NaN): \
        ("all cases: " . strcol(4)) with labels left font SMALL, \
    "" using (is("more") ? 20 : NaN):(is("more") ? next_line(0) : NaN):(strcol(4)) \
        with labels left font SMALL, \
    "" using (is("caption") ? 20 : NaN):(is("caption") ? next_line(0) : NaN):(strcol(4)) \
        with labels left font SMALL
unset multiplot
unset output
