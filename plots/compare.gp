# SPDX-License-Identifier: GPL-3.0-or-later
#
# Each case against the same case of the first result, from compare.tsv in the working folder. Draws,
# computes nothing but where its own texts stand.
#   gnuplot compare.gp                              -> compare.svg
#   gnuplot -e 'FORMAT="png"' compare.gp            -> compare.png (also pdf, txt)
# Columns: kind, panel, series, name, x (ratio of times a key), y (row, from 1 at the top), low,
# high, 1 if flagged. Kinds:
#   caption, common, more  texts below the picture
#   size               how many ratios share a row; pixels of the axis, number of rows
#   panel              few or many results; left, right end of the axis
#   tick               of the axis
#   case               name of a row
#   point              a ratio and its 95 % interval; series: of which result, from 1 for the second
#   most, half, end    of many results: median, and the interval of 90 and of 50 % of them; the ends
#   figures            the same in figures, at the right
#   series             the legend

if (!exists("FORMAT")) FORMAT = "svg"
DATA = "compare.tsv"
TXT = FORMAT eq "txt"

set encoding utf8
set datafile separator "\t"
set datafile missing NaN

# What the file holds. Widths are those of the longest text, in characters.
array count[4]
array widest[4]
do for [i = 1:4] { count[i] = 0; widest[i] = 0 }
slot(kind) = kind eq "caption" || kind eq "common" || kind eq "more" ? 1 : \
    kind eq "series" ? 2 : kind eq "case" ? 3 : kind eq "figures" ? 4 : 0
larger(a, b) = a > b ? a : b
take(s, text) = s == 0 ? NaN : \
    (count[s] = count[s] + 1, widest[s] = larger(widest[s], strlen(text)), count[s])
stats DATA using (take(slot(strcol(1)), strcol(4))) nooutput
MANY = 0
LEFT_END = 1
RIGHT_END = 1
panel(a, b, text) = (LEFT_END = a, RIGHT_END = b, MANY = text eq "many", 0)
stats DATA using (strcol(1) eq "panel" ? panel(column(5), column(6), strcol(4)) : NaN) nooutput
stats DATA using (strcol(1) eq "size" ? column(3) : NaN) nooutput
SHARE = STATS_max
stats DATA using (strcol(1) eq "size" ? column(5) : NaN) nooutput
PW = STATS_max
stats DATA using (strcol(1) eq "size" ? column(6) : NaN) nooutput
ROWS = int(STATS_max)

# The canvas in pixels: names, axis, figures; below them the legend and the texts.
LINE = 19
ROW = larger(24, SHARE * (TXT ? 15 : 16) + 8)
NAMES = larger(widest[3] * 6.6 + 24, 120)
FIGURES = widest[4] * 6.4 + 24
W = larger(NAMES + PW + FIGURES, larger(widest[1] + 11, larger(widest[2] + 6, 118)) * 6.5 + 40)
TOP = 84
PH = ROWS * ROW
BELOW = TOP + PH
H = BELOW + 70 + LINE * (count[2] + count[1] + 2.6)
from_top(y) = 1 - y / H

if (FORMAT eq "svg") \
    set terminal svg size W,H noenhanced font "sans-serif,13" background "white"
if (FORMAT eq "pdf") set terminal pdfcairo size W / 100.,H / 100. noenhanced font "sans-serif,9.5"
if (TXT) set terminal dumb size W / 6,H / 15 noenhanced mono
if (FORMAT eq "png" && strstrt(GPVAL_TERMINALS, "pngcairo")) \
    set terminal pngcairo size W,H noenhanced font "sans-serif,10"
if (FORMAT eq "png" && !strstrt(GPVAL_TERMINALS, "pngcairo")) set terminal png size W,H noenhanced
SMALL = FORMAT eq "pdf" ? ",7" : FORMAT eq "png" ? ",8" : ",10.5"
set output "compare." . FORMAT

# A result is told by mark and colour. A flagged ratio is hollow.
array filled[6] = [7, 5, 9, 11, 13, 15]
array colour[6] = [0x0072B2, 0xD55E00, 0x007A5E, 0x8E4A8E, 0x6B4A00, 0x333333]
is(kind) = strcol(1) eq kind
at(kind, c) = is(kind) ? column(c) : NaN
of(kind, i, c) = is(kind) && int(column(3)) == i ? column(c) : NaN
ratio_tick(x) = sprintf("%g", x)

set multiplot
set label 1 "Time a key against the first result" at screen 0.5, from_top(22) center \
    font FORMAT eq "svg" ? ",17" : ",13"
set label 2 "left of 1: faster" at screen (NAMES + PW * .02) / W, from_top(TOP - 14) left font SMALL
set label 3 "right of 1: slower" at screen (NAMES + PW * .98) / W, from_top(TOP - 14) right \
    font SMALL
set logscale x
set xrange [LEFT_END:RIGHT_END]
set yrange [ROWS + .5:.5]
set xtics () nomirror
stats DATA using (strcol(1) eq "tick" ? column(5) : NaN) nooutput
set format x ""
unset ytics
set lmargin at screen NAMES / W
set rmargin at screen (NAMES + PW) / W
set tmargin at screen from_top(TOP)
set bmargin at screen from_top(BELOW)
unset key
clip(x) = x < LEFT_END ? LEFT_END : x > RIGHT_END ? RIGHT_END : x
set object 1 rectangle from clip(1 / 1.05),graph 0 to clip(1.05),graph 1 fc rgb "#e4e4e4" \
    fs solid noborder behind
plot DATA using (1):(.5):(0):(is("size") ? ROWS : NaN) with vectors nohead lc rgb "black" lw 1.4, \
    "" using (at("tick", 5)):(ROWS + .5):(0):(-ROWS) with vectors nohead lc rgb "gray80" lw .5, \
    "" using (at("tick", 5)):(ROWS + .5):(ratio_tick(column(5))) with labels center \
        offset 0,-0.9, \
    "" using (at("case", 6) > 0 ? LEFT_END : NaN):6:(strcol(4)) with labels right offset -1,0 \
        font SMALL, \
    "" using (at("figures", 6) > 0 ? RIGHT_END : NaN):6:(strcol(4)) with labels left offset 1,0 \
        font SMALL, \
    "" using (at("most", 7)):6:($8 - $7):(0) with vectors nohead lc rgb "gray30" lw 1.4, \
    "" using (at("half", 5)):6:7:8:($6 - .28):($6 + .28) with boxxyerror fc rgb 0x7CC4F0 \
        fs solid border lc rgb "gray30", \
    "" using (at("end", 5)):6 with points pt 6 ps .5 lc rgb "gray30", \
    "" using (at("half", 5)):6 with points pt 13 ps 1 lc rgb "black", \
    for [i = 1:6] "" using (of("point", i, 7)):6:($8 - $7):(0) with vectors nohead \
        lc rgb colour[i] lw 1.6, \
    for [i = 1:6] "" using (of("point", i, 5)):6:(filled[i] - (column(9) == 1)) with points \
        lc rgb colour[i] lw 1.6 ps 1 pt variable
unset label 1
unset label 2
unset label 3
unset object 1

# The legend, on the whole canvas.
unset logscale
unset tics
unset border
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 1
set bmargin at screen 0
set xrange [0:W]
set yrange [H:0]
set label 4 "ratio of the medians over the rounds (grey: less than 5 % apart)" \
    at first NAMES + PW / 2., first BELOW + 42 center
Y0 = BELOW + 68
Y1 = Y0 + LINE * count[2]
line = 1
next_line(text) = (line = line + 1, Y1 + LINE * line)
set label 5 MANY ? "of each case over all results: line and ends: 5 to 95 %, and the outermost; " . \
    "box: the middle half; mark: the median" : \
    "line: 95 % interval over the rounds; " . (TXT ? "" : "hollow: a case of the two has a flag") \
    at first 20, first Y1 left font SMALL
set label 6 "rounds of one process agree more than processes do: another run may differ by more than a line" \
    at first 20, first Y1 + LINE left font SMALL
plot for [i = 1:6] DATA using (of("series", i, 2) == 0 ? 26 : NaN):(Y0 + LINE * (i - 1)) \
        with points lc rgb colour[i] ps 1.2 pt filled[i], \
    "" using (is("series") ? 40 : NaN):(Y0 + LINE * (column(3) - 1)):(strcol(4)) with labels left, \
    "" using (is("common") ? 20 : NaN):(is("common") ? next_line(0) : NaN): \
        ("all cases: " . strcol(4)) with labels left font SMALL, \
    "" using (is("more") ? 20 : NaN):(is("more") ? next_line(0) : NaN):(strcol(4)) \
        with labels left font SMALL, \
    "" using (is("caption") ? 20 : NaN):(is("caption") ? next_line(0) : NaN):(strcol(4)) \
        with labels left font SMALL
unset multiplot
unset output
