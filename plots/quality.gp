# SPDX-License-Identifier: GPL-3.0-or-later
#
# Closeness to exact attention over time a key and over bytes a key, from quality.tsv in the
# working folder: a panel for each place where kernels ran, and one for bytes. Draws, computes
# nothing but where its own legend stands.
#   gnuplot quality.gp                              -> quality.svg
#   gnuplot -e 'FORMAT="png"' quality.gp            -> quality.png (also pdf, txt)
# Columns: kind, panel, series, name, x (ns or bytes a key), y (rho), low, high, 1 if flagged.
# Kinds:
#   caption, common    texts below the picture
#   size               how many panels, pixels of a panel's axes (x, y)
#   panel              its title; left and right end of its x axis, bottom and top end of its
#                      y axis, which is 1 / (1 - rho): one more nine is one decade more
#   axis               the name of its x axis; x: the base of its logarithm
#   floor              rho of uniform attention: a line from x, y to low, high
#   floor-name         its name, centred at x, y
#   front              a corner of the line below which no case is the best choice
#   point              a case: series 1 on the front, 0 not; low, high: 95 % interval of x
#   letter             which kernel the point beside it is of
#   series             the legend: letters

if (!exists("FORMAT")) FORMAT = "svg"
DATA = "quality.tsv"
TXT = FORMAT eq "txt"

set encoding utf8
set datafile separator "\t"
set datafile missing NaN

# What the file holds. Widths are those of the longest text, in characters.
array count[3]
array widest[3]
do for [i = 1:3] { count[i] = 0; widest[i] = 0 }
slot(kind) = kind eq "caption" ? 1 : kind eq "common" ? 2 : kind eq "series" ? 3 : 0
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
array axis_of[PANELS]
array base_of[PANELS]
panel(p, a, b, c, d, text) = \
    (title_of[p] = text, left[p] = a, right[p] = b, bottom[p] = c, top[p] = d, p)
stats DATA using (strcol(1) eq "panel" ? panel(int(column(2)), column(5), column(6), column(7), \
    column(8), strcol(4)) : NaN) nooutput
axis(p, base, text) = (axis_of[p] = text, base_of[p] = base, p)
stats DATA using (strcol(1) eq "axis" ? axis(int(column(2)), column(5), strcol(4)) : NaN) nooutput

# The canvas in pixels: panels in rows of three (two if four), below them kernels and texts.
COLUMNS = PANELS == 4 ? 2 : PANELS < 3 ? PANELS : 3
ROWS = ceil(PANELS / (1. * COLUMNS))
MARGIN = 96
GAP = 92
LINE = 19
TEXTS = larger(widest[1], widest[2] + 11)
W = larger(COLUMNS * (PW + MARGIN + 14), larger(TEXTS, 118) * 6.5 + 40)
SHIFT = (W - COLUMNS * (PW + MARGIN + 14)) / 2.
fit(s, extra) = larger(1, int((W - 40) / (widest[s] * 7.2 + extra)))
SERIES_ROWS = ceil(count[3] / (1. * fit(3, 24)))
TOP = 70
BELOW = TOP + ROWS * PH + (ROWS - 1) * GAP
H = BELOW + 76 + LINE * (SERIES_ROWS + 3.8 + count[1] + count[2])
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
set output "quality." . FORMAT

# A point of the front is told by its mark and its colour; a flagged one is hollow.
FRONT = 0x0072B2
OTHER = 0x8A8A8A

# Where a rho stands. Above .9999 all are drawn at one height.
nines(rho) = 1 / (1 - (rho > .9999 ? .9999 : rho))

set style textbox opaque noborder fillcolor rgb "white" margins 0.4,0.3
of(kind, p, c) = strcol(1) eq kind && int(column(2)) == p ? column(c) : NaN
is_on(on, p, c) = int(column(3)) == on ? of("point", p, c) : NaN

set multiplot
set label 1 "Closeness to exact attention, time and bytes a key" \
    at screen 0.5, from_top(22) center font FORMAT eq "svg" ? ",17" : ",13"
set logscale y 10
set format x "%g"
set tics nomirror
set ytics ("0" 1, ".5" 2, ".8" 5, ".9" 10, ".95" 20, ".98" 50, ".99" 100, ".995" 200, \
    ".998" 500, ".999" 1000, ".9995" 2000, ".9999+" 10000)
unset mytics
unset key
do for [p = 1:PANELS] {
    set title title_of[p] . (TXT ? " (up: rank correlation rho)" : "") offset 0,-0.3
    set xlabel axis_of[p]
    set ylabel (TXT ? "" : "rank correlation with exact attention, rho") offset -0.2,0
    set logscale x base_of[p]
    set xrange [left[p]:right[p]]
    set yrange [bottom[p]:top[p]]
    unset xtics
    set xtics autofreq nomirror
    if (base_of[p] == 10) { set xtics add (.2, .5, 2, 5, 20, 50) }
    if (!TXT) { set grid xtics ytics lc rgb "gray88" lt 1 lw .5 }
    LEFT = SHIFT + (p - 1) % COLUMNS * (PW + MARGIN + 14) + MARGIN
    HEAD = TOP + (p - 1) / COLUMNS * (PH + GAP)
    set lmargin at screen LEFT / W
    set rmargin at screen (LEFT + PW) / W
    set tmargin at screen from_top(HEAD)
    set bmargin at screen from_top(HEAD + PH)
    plot DATA using (of("floor", p, 5)):(nines($6)):($7 - $5):(0) with vectors nohead \
            lc rgb "black" lw 1.6 dt 2, \
        "" using (of("front", p, 5)):(nines($6)) with lines lc rgb FRONT lw 1.6, \
        "" using (of("floor-name", p, 5)):(nines($6)):(strcol(4)) with labels center font SMALL, \
        "" using (TXT ? NaN : of("point", p, 5)):(nines($6)):7:8 with xerrorbars \
            lc rgb "gray40" pt -1, \
        "" using (is_on(0, p, 5)):(nines($6)):(7 - (column(9) == 1)) with points lc rgb OTHER \
            lw 1.6 ps 1.1 pt variable, \
        "" using (is_on(1, p, 5)):(nines($6)):(5 - (column(9) == 1)) with points lc rgb FRONT \
            lw 1.6 ps 1.3 pt variable, \
        "" using (of("letter", p, 5)):(nines($6)):(strcol(4)) with labels center font LETTER boxed
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
across(i) = 20 + ((int(i) - 1) % fit(3, 24)) * (W - 40.) / fit(3, 24)
down(i) = (int(i) - 1) / fit(3, 24) * LINE
is(kind) = strcol(1) eq kind
Y0 = BELOW + 70
Y1 = Y0 + LINE * (SERIES_ROWS + 0.6)
line = 1
next_line(text) = (line = line + 1, Y1 + LINE * line)
set label 2 "square, blue: on the front, no other case is both faster (or smaller) and closer; " . \
    "round, grey: one is" at first 20, first Y1 left font SMALL
set label 3 "hollow: the case has a flag; bar: 95 % interval; rho: Spearman's, mean over " . \
    "queries, heads, layers and texts" at first 20, first Y1 + LINE left font SMALL
plot DATA using (is("series") ? across($3) : NaN):(Y0 + down($3)):(strcol(4)) with labels left, \
    "" using (is("common") ? 20 : NaN):(is("common") ? next_line(0) : NaN): \
        ("all cases: " . strcol(4)) with labels left font SMALL, \
    "" using (is("caption") ? 20 : NaN):(is("caption") ? next_line(0) : NaN):(strcol(4)) \
        with labels left font SMALL
unset multiplot
unset output
