/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Pictures: records as TSV, and gnuplot run over the TSV with a script of plots/. The data and the
 * script stay beside the picture, so that it can be drawn again and restyled.
 */
#ifndef KVR_PLOTDATA_H
#define KVR_PLOTDATA_H

#include <stdio.h>

#include "record.h"

struct kvr_fleet;

/* What pictures draw; borrowed. */
struct kvr_drawn {
    const struct kvr_run_record *records;
    size_t count;
    const struct kvr_fleet *fleet; /* of these records as nodes; NULL: they are none */
};

/* Writes ladder.tsv (its columns: plots/ladder.gp) of one or several records. Series: the read
 * bandwidth per machine and number of threads, and every kernel that was scanned at three or more
 * working sets. 0; -ENODATA: no record holds a ladder, nothing is written; -ENOMEM; -errno of the
 * write. */
int kvr_plot_ladder(FILE *out, const struct kvr_drawn *of);

/* Writes roofline.tsv (plots/roofline.gp) of one or several records: for each kind of operation
 * (floating-point, table look-ups, integer) that is a tenth or more of what some case does, the
 * bandwidths as diagonals, the rate ceilings as horizontals and the cases as points; without cases
 * the roofs alone. 0; -ENODATA: there is neither, nothing is written; -ENOMEM; -errno. */
int kvr_plot_roofline(FILE *out, const struct kvr_drawn *of);

/* Writes scaling.tsv (plots/scaling.gp): for each level the GB/s of every case that was measured at
 * two numbers of threads or more, and the best reader over the same addresses (M) as its roof. 0;
 * -ENODATA: there is no such case, nothing is written; -ENOMEM; -errno of the write. */
int kvr_plot_scaling(FILE *out, const struct kvr_drawn *of);

/* Writes realism.tsv (plots/realism.gp): for each number of tokens the speed-up of every LOOKAT
 * kernel over FP16 on the rungs between a contiguous scan and an evicted attention, and what the
 * bytes promise. 0; -ENODATA: no kernel stands on two rungs, nothing is written; -ENOMEM;
 * -errno of the write. */
int kvr_plot_realism(FILE *out, const struct kvr_drawn *of);

/* Writes shift.tsv (plots/shift.gp): time a key over tokens, for every op, of each case that was
 * measured at two lengths or more, with the time of preparation and scan, and the bound of each.
 * 0; -ENODATA: there is no such case, nothing is written; -ENOMEM; -errno of the write. */
int kvr_plot_shift(FILE *out, const struct kvr_drawn *of);

/* Writes speedup.tsv (plots/speedup.gp): for every op the cases' speed-up over FP16 against bytes
 * a key, and what the bytes promise. 0; -ENODATA: no case was compared with FP16, nothing is
 * written; -ENOMEM; -errno of the write. */
int kvr_plot_speedup(FILE *out, const struct kvr_drawn *of);

/* Writes quality.tsv (plots/quality.gp): of the records' cases that have a row of closeness
 * (quality.h) rho over time a key, for every place of quality_cases.h, and over bytes a key, with
 * the cases of the front. 0; -ENODATA: nothing was joined; -EXDEV: the records are of several
 * machines; nothing is written then; -ENOMEM; -errno of the write. */
int kvr_plot_quality(FILE *out, const struct kvr_drawn *of);

/* Writes numa.tsv (plots/numa.gp): for every record with a NUMA matrix, its bandwidths and its
 * latencies. 0; -ENODATA: no record has one, nothing is written; -errno of the write. */
int kvr_plot_numa(FILE *out, const struct kvr_drawn *of);

/* Writes samples.tsv (plots/samples.gp): T, M and C of every round of each case, with what was
 * repeated and what is void; as many cases as have room, and how many more there are. 0; -ENODATA:
 * no case holds rounds, nothing is written; -ENOMEM; -errno of the write. */
int kvr_plot_samples(FILE *out, const struct kvr_drawn *of);

/* Writes compare.tsv (plots/compare.gp): for every case of the first record that others hold too
 * the ratio of their time a key to its own, with its interval; of many records how the
 * ratios are distributed. 0; -ENODATA: there is no such case, nothing is written; -ENOMEM; -errno
 * of the write. */
int kvr_plot_compare(FILE *out, const struct kvr_drawn *of);

/* Writes fleet.tsv (plots/fleet.gp): of every group of equal machines in the fleet how far each
 * node lies from the group's median, case by case. 0; -ENODATA: there is no fleet, or no two of its
 * nodes are of one machine, nothing is written; -ENOMEM; -errno of the write. */
int kvr_plot_fleet(FILE *out, const struct kvr_drawn *of);

/* A kind of picture: what writes its data, and what a result that lacks them needs. */
struct kvr_picture {
    const char *name, *title; /* the title is what it answers */
    int (*data)(FILE *out, const struct kvr_drawn *of);
    /* What a page draws it of: each result by itself, all beside each other, or, a fleet being no
     * matter of a page, nothing. */
    enum { KVR_OF_EACH, KVR_OF_SEVERAL, KVR_OF_NODES } page;
    const char *lacks; /* "holds no ...: kvroof run ..." */
};
enum { KVR_PICTURES = 11 };
extern const struct kvr_picture kvr_pictures[KVR_PICTURES];

/* Draws a picture in a folder of its own below $TMPDIR and returns it as the text of an SVG, owned
 * by the caller. 0; -ENODATA: the records lack the data; -ENOENT: there is no gnuplot; -EIO with
 * the reason in error; -ENOMEM; -errno. */
int kvr_picture_svg(const struct kvr_picture *picture, const struct kvr_drawn *of, char **svg,
                    char *error, size_t error_bytes);

/* Folder of the scripts: $KVROOF_PLOTS, the installed ones (places.h); the first that holds
 * `script`. NULL if none; the buffer is the caller's. */
const char *kvr_plot_folder(const char *script, char *buffer, size_t bytes);

/* Writes the rows of a TSV as an aligned table. 0 or -errno. */
int kvr_plot_table(const char *sheet_path, const char *path);

/* Whether a picture that gnuplot wrote has its end: gnuplot itself does not notice a full disk. */
bool kvr_plot_is_whole(const char *path, const char *format);

/* Runs `gnuplot -e 'FORMAT="format"' script` in `folder`, without a shell. 0; -ENOENT: there is no
 * gnuplot; -EIO: it failed, with the last of what it said in error; -errno. */
int kvr_plot_gnuplot(const char *folder, const char *script, const char *format, char *error,
                     size_t error_bytes);

#endif
