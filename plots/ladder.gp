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

if (FORMAT eq "svg") \
    set terminal svg size 960,600 noenhanced font "sans-serif,13" background "white"
if (FORMAT eq "pdf") set terminal pdfcairo size 9.6,6 noenhanced font "sans-serif,11"
if (FORMAT eq "txt") set terminal dumb size 110,36 noenhanced mono
if (FORMAT eq "png" && strstrt(GPVAL_TERMINALS, "pngcairo")) \
    set terminal pngcairo size 960,600 noenhanced font "sans-serif,11"
if (FORMAT eq "png" && !strstrt(GPVAL_TERMINALS, "pngcairo")) \
    set terminal png size 960,600 noenhanced
set output "ladder." . FORMAT

# What the file holds: the captions, how many series, their names and the range of the figures.
captions = ""
lines = 0
take(text) = (captions = captions . (lines ? "\n" : "") . text, lines = lines + 1, lines)
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

# Series differ by mark and dash, so that print and colour-blind eyes can tell them; a flagged
# point is hollow.
array filled[5] = [7, 5, 9, 11, 13]
mark(i) = filled[(i - 1) % 5 + 1]
dash(i) = (i - 1 + (i - 1) / 5) % 5 + 1

set title "Bandwidth over the working set" . (FORMAT eq "txt" ? " (up: GB/s)" : "")
set xlabel "working set (bytes)"
set ylabel "bandwidth (GB/s)"
set logscale x 2
set logscale y 10
set format x "%.0b%BB"
set xrange [left:right]
set yrange [low:high]
set ytics add (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
if (FORMAT ne "txt") set grid xtics ytics lc rgb "gray85" lt 1 lw .5
set key outside center top vertical maxrows (N > 8 ? (N + 3) / 2 : 5) reverse Left samplen 4
set label 1 captions at screen 0.01, screen 0.03 * lines + 0.01 left font ",10"
set bmargin 4 + 1.6 * lines

# What stands beside one line must not be crossed by the next.
set style textbox opaque noborder fillcolor rgb "white" margins 0.3,0.3
of(kind, i, c) = (strcol(1) eq kind || (kind eq "" && drawn(strcol(1)))) && \
    (i == 0 || int(column(2)) == i) ? column(c) : NaN

plot DATA using (of("reported", 0, 4)):(high) with impulses lc rgb "gray50" lw 1.5 dt 2 \
        title "cache, as reported", \
    "" using (of("plateau", 0, 4)):(high) with impulses lc rgb "gray50" lw 1.5 dt 1 \
        title "cache, measured plateau", \
    "" using (of("reported", 0, 4)):(high / 1.3):(strcol(3)) with labels left offset 0.4,0 \
        boxed notitle, \
    "" using (of("plateau", 0, 4)):(low * 1.2):(strcol(3)) with labels left offset 0.4,0 \
        boxed notitle, \
    for [i = 1:N] "" using (of("", i, 4)):5 with lines lc rgb "black" dt dash(i) notitle, \
    for [i = 1:N] "" using (of("", i, 4)):5:6:7 with yerrorbars lc rgb "black" pt -1 notitle, \
    for [i = 1:N] "" using (of("", i, 4)):5:(mark(i) - (column(8) == 1)) with points \
        lc rgb "black" pt variable notitle, \
    for [i = 1:N] keyentry with linespoints lc rgb "black" dt dash(i) pt mark(i) title name[i]
unset output
