# SPDX-License-Identifier: GPL-3.0-or-later
#
# Bandwidth over the working set, from ladder.tsv in the working folder. Draws, computes nothing.
#   gnuplot ladder.gp                               -> ladder.svg
#   gnuplot -e 'FORMAT="png"' ladder.gp             -> ladder.png (also pdf, txt)
# Columns: kind, number of the series, its name, bytes, GB/s, lower and upper end of the 95 %
# interval, 1 if flagged. Kinds: caption, reported (cache size), plateau (measured end of a cache's
# plateau), read (the best compute-free reader), kernel.

if (!exists("FORMAT")) FORMAT = "svg"
DATA = "ladder.tsv"

set encoding utf8
set datafile separator "\t"
set datafile missing NaN

# What the file holds: the captions, how many series, their names and the range of the figures.
captions = ""
lines = 0
widest = 0
larger(a, b) = a > b ? a : b
take(text) = (captions = captions . (lines ? "\n" : "") . text, lines = lines + 1, \
    widest = larger(widest, strlen(text)), lines)
stats DATA using (strcol(1) eq "caption" ? take(strcol(3)) : NaN) nooutput
drawn(kind) = (kind eq "read" || kind eq "kernel")
stats DATA using (drawn(strcol(1)) ? column(2) : NaN) nooutput
N = int(STATS_max)
array name[N]
call_it(i, text) = (name[i] = text, i)
stats DATA using (drawn(strcol(1)) ? call_it(int(column(2)), strcol(3)) : NaN) nooutput
stats DATA using (drawn(strcol(1)) ? column(5) : NaN) nooutput
low = STATS_min / 1.6
high = STATS_max * 2.5
stats DATA using (strcol(1) eq "caption" ? NaN : column(4)) nooutput
left = STATS_min / 1.5
right = STATS_max * 4
# Caches of one machine come from small to large: a smaller one begins the next machine, which gets
# a line of names of its own.
last = 0
level = 0
levels = 0
step(bytes) = (level = level + (bytes < last), last = bytes, \
    levels = level > levels ? level : levels, level)
level_of(kind, row, bytes) = (row == 0 ? (last = 0, level = 0) : 0, \
    strcol(1) eq kind ? step(bytes) : NaN)
stats DATA using (level_of("reported", column(0), column(4))) nooutput
stats DATA using (level_of("plateau", column(0), column(4))) nooutput
high = high * 1.4 ** levels
low = low / 1.4 ** levels

# The canvas in pixels: legend, axes, captions.
LINE = 19
KEYS = N + 2
KEY_ROWS = KEYS > 10 ? (KEYS + 1) / 2 : KEYS > 5 ? 5 : KEYS
W = larger(960, widest * 6.5 + 40)
TOP = 60 + LINE * KEY_ROWS
PH = 400
H = TOP + PH + 72 + LINE * (lines + .6)
from_top(y) = 1 - y / H

if (FORMAT eq "svg") \
    set terminal svg size W,H noenhanced font "sans-serif,13" background "white"
if (FORMAT eq "pdf") set terminal pdfcairo size W / 100.,H / 100. noenhanced font "sans-serif,11"
if (FORMAT eq "txt") set terminal dumb size W / 8.7,H / 16.7 noenhanced mono
if (FORMAT eq "png" && strstrt(GPVAL_TERMINALS, "pngcairo")) \
    set terminal pngcairo size W,H noenhanced font "sans-serif,11"
if (FORMAT eq "png" && !strstrt(GPVAL_TERMINALS, "pngcairo")) \
    set terminal png size W,H noenhanced
set output "ladder." . FORMAT

# Series differ by mark and dash, so that print and colour-blind eyes can tell them; a flagged
# point is hollow.
array filled[5] = [7, 5, 9, 11, 13]
mark(i) = filled[(i - 1) % 5 + 1]
dash(i) = (i - 1 + (i - 1) / 5) % 5 + 1

set label 1 "Bandwidth over the working set" . (FORMAT eq "txt" ? " (up: GB/s)" : "") \
    at screen 0.5, from_top(22) center font FORMAT eq "svg" ? ",17" : ",13"
set label 2 captions at screen 20. / W, from_top(TOP + PH + 72) left font ",10"
set xlabel "working set (bytes)"
set ylabel "bandwidth (GB/s)"
set logscale x 2
set logscale y 10
# A tick at powers of four, or of two where these are few; gnuplot's own prefixes are no IEC ones.
array prefix[5] = ["", "Ki", "Mi", "Gi", "Ti"]
every = right / left > 1024 ? 2 : 1
set format x ""
set xtics ()
do for [i = 0:49:every] {
    if (2. ** i >= left && 2. ** i <= right) {
        set xtics add (sprintf("%d %sB", 2 ** (i % 10), prefix[i / 10 + 1]) 2. ** i)
    }
}
set xrange [left:right]
set yrange [low:high]
set ytics add (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
if (FORMAT ne "txt") set grid xtics ytics lc rgb "gray85" lt 1 lw .5
set key at screen 0.5, from_top(46) center top vertical maxrows KEY_ROWS reverse Left samplen 4
set lmargin at screen 78. / W
set rmargin at screen 1 - 28. / W
set tmargin at screen from_top(TOP)
set bmargin at screen from_top(TOP + PH)

# What stands beside one line must not be crossed by the next.
set style textbox opaque noborder fillcolor rgb "white" margins 0.3,0.3
of(kind, i, c) = (strcol(1) eq kind || (kind eq "" && drawn(strcol(1)))) && \
    (i == 0 || int(column(2)) == i) ? column(c) : NaN

plot DATA using (of("reported", 0, 4)):(high) with impulses lc rgb "gray50" lw 1.5 dt 2 \
        title "cache, as reported", \
    "" using (of("plateau", 0, 4)):(high) with impulses lc rgb "gray50" lw 1.5 dt 1 \
        title "cache, measured plateau", \
    "" using (of("reported", 0, 4)):(high / 1.3 / 1.4 ** level_of("reported", column(0), column(4))): \
        (strcol(3)) with labels left offset 0.4,0 boxed notitle, \
    "" using (of("plateau", 0, 4)):(low * 1.2 * 1.4 ** level_of("plateau", column(0), column(4))): \
        (strcol(3)) with labels left offset 0.4,0 boxed notitle, \
    for [i = 1:N] "" using (of("", i, 4)):5 with lines lc rgb "black" dt dash(i) notitle, \
    for [i = 1:N] "" using (of("", i, 4)):5:6:7 with yerrorbars lc rgb "black" pt -1 notitle, \
    for [i = 1:N] "" using (of("", i, 4)):5:(mark(i) - (column(8) == 1)) with points \
        lc rgb "black" pt variable notitle, \
    for [i = 1:N] keyentry with linespoints lc rgb "black" dt dash(i) pt mark(i) title name[i]
unset output
