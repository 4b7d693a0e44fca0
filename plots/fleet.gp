# SPDX-License-Identifier: GPL-3.0-or-later
#
# The matrix of a fleet, from fleet.tsv in the working folder: for each group of equal machines a row
# for a node, a column for a case. Draws, computes nothing.
#   gnuplot fleet.gp                                -> fleet.svg
#   gnuplot -e 'FORMAT="png"' fleet.gp              -> fleet.png (also pdf, txt)
# Columns: kind, panel, series (unused), name, x, y, low, high, 1 if flagged. Kinds:
#   panel              its title; columns (x) and rows (y); low, high: the range of the shades
#   node               the name of a row, at place y from 0
#   column             the number of a column, at place x from 0
#   cell               at column x and row y: per cent from the median (low), written (name);
#                      flagged: the node is named for it
#   key                texts below the picture: the case of each number

if (!exists("FORMAT")) FORMAT = "svg"
DATA = "fleet.tsv"
TXT = FORMAT eq "txt"

set encoding utf8
set datafile separator "\t"
set datafile missing NaN

# What the file holds.
keys = 0
widest = 0
larger(a, b) = a > b ? a : b
take(text) = (keys = keys + 1, widest = larger(widest, strlen(text)), keys)
stats DATA using (strcol(1) eq "key" ? take(strcol(4)) : NaN) nooutput
stats DATA using (strcol(1) eq "panel" ? column(2) : NaN) nooutput
PANELS = int(STATS_max)
array title_of[PANELS]
array columns_of[PANELS]
array rows_of[PANELS]
RANGE = 1
panel(p, c, r, high, text) = \
    (title_of[p] = text, columns_of[p] = c, rows_of[p] = r, RANGE = high, p)
stats DATA using (strcol(1) eq "panel" ? panel(int(column(2)), column(5), column(6), column(8), \
    strcol(4)) : NaN) nooutput

# The canvas in pixels: panels below each other, the texts below them.
CELL = 40
ROW = 19
MARGIN = 190
GAP = 62
LINE = 17
TOP = 92
array head[PANELS]
BELOW = TOP
COLUMNS = 1
do for [p = 1:PANELS] {
    head[p] = BELOW
    BELOW = BELOW + rows_of[p] * ROW + GAP
    COLUMNS = larger(COLUMNS, columns_of[p])
}
W = larger(larger(MARGIN + CELL * COLUMNS + 30, widest * 6.4 + 40), 560)
H = BELOW + LINE * (keys + 2.5)
from_top(y) = 1 - y / H

if (FORMAT eq "svg") \
    set terminal svg size W,H noenhanced font "sans-serif,13" background "white"
if (FORMAT eq "pdf") set terminal pdfcairo size W / 100.,H / 100. noenhanced font "sans-serif,9.5"
if (TXT) set terminal dumb size W / 6,H / 15 noenhanced mono
if (FORMAT eq "png" && strstrt(GPVAL_TERMINALS, "pngcairo")) \
    set terminal pngcairo size W,H noenhanced font "sans-serif,10"
if (FORMAT eq "png" && !strstrt(GPVAL_TERMINALS, "pngcairo")) \
    set terminal png size W,H noenhanced font "sans-serif,10"
set output "fleet." . FORMAT
SMALL = FORMAT eq "svg" ? ",11" : ",9"

# Blue is faster, orange slower: colours that colour-blind eyes can tell apart.
set palette defined (-1 "#0b4f8a", -0.3 "#a6cbe3", 0 "#f7f7f7", 0.3 "#f6c79a", 1 "#b35806")
set cbrange [-RANGE:RANGE]
unset colorbox
unset key
unset xtics
unset ytics
is(kind, p) = strcol(1) eq kind && int(column(2)) == p
dark(v) = abs(v) > .62 * RANGE
text(flagged) = strcol(4) . (flagged == 1 ? "*" : "")

set multiplot
set label 1 "Each node against the median of its group (% of the time a key)" \
    at screen 0.5, from_top(26) center font FORMAT eq "svg" ? ",17" : ",13"
do for [p = 1:PANELS] {
    set title title_of[p] offset 0,0.7
    set xrange [-0.5:columns_of[p] - 0.5]
    set yrange [rows_of[p] - 0.5:-0.5]
    set lmargin at screen MARGIN / W
    set rmargin at screen (MARGIN + CELL * columns_of[p]) / W
    set tmargin at screen from_top(head[p])
    set bmargin at screen from_top(head[p] + ROW * rows_of[p])
    plot DATA using (is("cell", p) && !TXT ? column(5) : NaN):6:($5 - .5):($5 + .5):($6 - .5): \
            ($6 + .5):7 with boxxyerror fc palette fs solid border lc rgb "white", \
        "" using (is("cell", p) && !dark(column(7)) ? column(5) : NaN):6:(text(column(9))) \
            with labels center tc rgb "black" font SMALL, \
        "" using (is("cell", p) && dark(column(7)) ? column(5) : NaN):6:(text(column(9))) \
            with labels center tc rgb (TXT ? "black" : "white") font SMALL, \
        "" using (is("column", p) ? column(5) : NaN):(-.5):(strcol(4)) with labels center \
            offset 0,0.5 font SMALL, \
        "" using (is("node", p) ? -.5 : NaN):6:(strcol(4)) with labels right offset -0.8,0 \
            font SMALL
    unset label 1
}

# The texts, on the whole canvas.
unset title
unset border
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 1
set bmargin at screen 0
set xrange [0:W]
set yrange [H:0]
line = 0
next_line(text) = (line = line + 1, BELOW - 14 + LINE * line)
set label 2 "orange: slower; blue: faster; *: named as an outlier" \
    at first 20, first BELOW - 14 left font SMALL
plot DATA using (strcol(1) eq "key" ? 20 : NaN): \
        (strcol(1) eq "key" ? next_line(0) : NaN):(strcol(4)) with labels left font SMALL
unset multiplot
unset output
