# SPDX-License-Identifier: GPL-3.0-or-later
#
# The NUMA matrix, from numa.tsv in the working folder: for each result a map of bandwidth and one of
# latency, a row for the cores of a node, a column for the memory of one. Draws, computes nothing.
#   gnuplot numa.gp                                 -> numa.svg
#   gnuplot -e 'FORMAT="png"' numa.gp               -> numa.png (also pdf, txt)
# Columns: kind, panel, series (unused), name, x, y, low, high, 1 if flagged. Kinds:
#   caption            texts below the picture
#   size               how many panels; pixels of a panel's axes (x, y)
#   panel              its title; columns (x) and rows (y); low, high: the range of the shades
#   memory, cores      the name of a column or of a row, at place x from 0
#   cell               at column x and row y: the value (low) and how it is written (name)

if (!exists("FORMAT")) FORMAT = "svg"
DATA = "numa.tsv"
TXT = FORMAT eq "txt"

set encoding utf8
set datafile separator "\t"
set datafile missing NaN

# What the file holds.
lines = 0
widest = 0
larger(a, b) = a > b ? a : b
take(text) = (lines = lines + 1, widest = larger(widest, strlen(text)), lines)
stats DATA using (strcol(1) eq "caption" ? take(strcol(4)) : NaN) nooutput
stats DATA using (strcol(1) eq "size" ? column(2) : NaN) nooutput
PANELS = int(STATS_max)
stats DATA using (strcol(1) eq "size" ? column(5) : NaN) nooutput
PW = STATS_max
stats DATA using (strcol(1) eq "size" ? column(6) : NaN) nooutput
PH = STATS_max
array title_of[PANELS]
array columns_of[PANELS]
array rows_of[PANELS]
array low[PANELS]
array high[PANELS]
panel(p, c, r, a, b, text) = \
    (title_of[p] = text, columns_of[p] = c, rows_of[p] = r, low[p] = a, high[p] = b, p)
stats DATA using (strcol(1) eq "panel" ? panel(int(column(2)), column(5), column(6), column(7), \
    column(8), strcol(4)) : NaN) nooutput

# The canvas in pixels: two panels in a row, the texts below them.
COLUMNS = PANELS < 2 ? 1 : 2
ROWS = (PANELS + COLUMNS - 1) / COLUMNS
MARGIN = 84
GAP = 78
LINE = 19
TOP = 96
W = larger(COLUMNS * (PW + MARGIN + 20), widest * 6.5 + 40)
SHIFT = (W - COLUMNS * (PW + MARGIN + 20)) / 2.
BELOW = TOP + ROWS * PH + (ROWS - 1) * GAP
H = BELOW + LINE * (lines + 2.4)
from_top(y) = 1 - y / H

if (FORMAT eq "svg") \
    set terminal svg size W,H noenhanced font "sans-serif,13" background "white"
if (FORMAT eq "pdf") set terminal pdfcairo size W / 100.,H / 100. noenhanced font "sans-serif,9.5"
if (TXT) set terminal dumb size W / 6,H / 15 noenhanced mono
if (FORMAT eq "png" && strstrt(GPVAL_TERMINALS, "pngcairo")) \
    set terminal pngcairo size W,H noenhanced font "sans-serif,10"
if (FORMAT eq "png" && !strstrt(GPVAL_TERMINALS, "pngcairo")) \
    set terminal png size W,H noenhanced font "sans-serif,10"
set output "numa." . FORMAT
SMALL = FORMAT eq "svg" ? ",11" : ",9"

# Shades that print and that colour-blind eyes can tell apart; a light text on the dark ones.
set palette defined (0 "#f4f8fb", 0.5 "#7fb0d3", 1 "#0b4f8a")
unset colorbox
unset key
set tics scale 0
shade(p, v) = high[p] > low[p] ? (v - low[p]) / (high[p] - low[p]) : 0
is(kind, p) = strcol(1) eq kind && int(column(2)) == p
text(flagged) = strcol(4) . (flagged == 1 ? " *" : "")

set multiplot
set label 1 "What the cores of each node get from the memory of each" at screen 0.5, from_top(26) \
    center font FORMAT eq "svg" ? ",17" : ",13"
do for [p = 1:PANELS] {
    set title title_of[p] offset 0,-0.3
    set xrange [-0.5:columns_of[p] - 0.5]
    set yrange [rows_of[p] - 0.5:-0.5]
    set cbrange [low[p]:high[p]]
    unset xtics
    unset ytics
    LEFT = SHIFT + (p - 1) % COLUMNS * (PW + MARGIN + 20) + MARGIN
    HEAD = TOP + (p - 1) / COLUMNS * (PH + GAP)
    set lmargin at screen LEFT / W
    set rmargin at screen (LEFT + PW) / W
    set tmargin at screen from_top(HEAD)
    set bmargin at screen from_top(HEAD + PH)
    plot DATA using (is("cell", p) && !TXT ? column(5) : NaN):6:($5 - .5):($5 + .5):($6 - .5): \
            ($6 + .5):7 with boxxyerror fc palette fs solid border lc rgb "white", \
        "" using (is("cell", p) && shade(p, column(7)) <= .55 ? column(5) : NaN):6: \
            (text(column(9))) with labels center tc rgb "black", \
        "" using (is("cell", p) && shade(p, column(7)) > .55 ? column(5) : NaN):6: \
            (text(column(9))) with labels center tc rgb (TXT ? "black" : "white"), \
        "" using (is("memory", p) ? column(5) : NaN):(rows_of[p] - .5):(strcol(4)) \
            with labels center offset 0,TXT ? -1.5 : -0.8 font SMALL, \
        "" using (is("cores", p) ? -.5 : NaN):5:(strcol(4)) with labels right offset -0.8,0 \
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
next_line(text) = (line = line + 1, BELOW + 40 + LINE * line)
set label 2 "darker: larger; *: not all of the memory lay on that node" \
    at first 20, first BELOW + 40 left font SMALL
plot DATA using (strcol(1) eq "caption" ? 20 : NaN): \
        (strcol(1) eq "caption" ? next_line(0) : NaN):(strcol(4)) with labels left font SMALL
unset multiplot
unset output
