/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kinds of pictures, and one as the text of an SVG.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plotdata.h"

const struct kvr_picture kvr_pictures[KVR_PICTURES] = {
    {"roofline", "Roofline: what every case reaches below its roofs",
     kvr_plot_roofline, KVR_OF_EACH,
     "holds neither a measured case nor a read bandwidth: kvroof run measures both"},
    {"ladder", "Ladder: bandwidth over the working set",
     kvr_plot_ladder, KVR_OF_EACH,
     "holds no read bandwidth over working sets: kvroof run measures it with every profile"},
    {"scaling", "Scaling: bandwidth over threads",
     kvr_plot_scaling, KVR_OF_EACH,
     "holds no case at two thread counts in one level: kvroof run -t 1,max, with --bytes for a "
     "level that both are in"},
    {"realism", "Realism: what remains of the speed-up from a contiguous scan to a cold step",
     kvr_plot_realism, KVR_OF_EACH,
     "holds no LOOKAT kernel in two settings beside FP16: kvroof run -k fp16,lookat.u8 "
     "--op scan,step,attention --layout contiguous,heads"},
    {"shift", "Shift: time a key over context length, and what binds",
     kvr_plot_shift, KVR_OF_EACH,
     "holds no case at two context lengths: kvroof run -n 512,4k,32k, with --op step for the "
     "preparation of the query"},
    {"speedup", "Speed-up over FP16 against bytes a key",
     kvr_plot_speedup, KVR_OF_EACH,
     "holds no case that was measured beside FP16: kvroof run -k fp16,lookat.u8"},
    {"quality", "Quality: closeness to exact attention over time and bytes a key",
     kvr_plot_quality, KVR_OF_EACH,
     "has no fidelity result beside it: kvroof fidelity -o json:fidelity.json, then kvroof plot "
     "RESULT fidelity.json"},
    {"samples", "Samples: every round of each case",
     kvr_plot_samples, KVR_OF_EACH,
     "holds no case with rounds: kvroof run measures them"},
    {"compare", "Compare: each case against the same case of the first result",
     kvr_plot_compare, KVR_OF_SEVERAL,
     "has no case in common with a result before it: kvroof plot BASE.json NEW.json, both of the "
     "same kvroof run command"},
    {"numa", "NUMA: from the cores of each node to the memory of each",
     kvr_plot_numa, KVR_OF_EACH,
     "holds no NUMA matrix: kvroof roofs --numa -o json:numa.json measures it"},
    {"fleet", "Fleet: each node against the median of its group",
     kvr_plot_fleet, KVR_OF_NODES,
     "has no other node of its fingerprint beside it: kvroof plot nodes/*.json -k fleet"},
};

enum { PATH_BYTES = 1200 };

/* The TSV of the picture in a folder. */
static int put_data(const struct kvr_picture *picture, const char *path,
                    const struct kvr_drawn *of)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return -errno;
    int rc = picture->data(out, of);
    if (fclose(out) && !rc)
        rc = -errno;
    return rc;
}

/* A whole file as owned text. */
static int read_text(const char *path, char **text)
{
    char block[8192];
    size_t got, bytes = 0;
    FILE *in = fopen(path, "re"), *out = in ? open_memstream(text, &bytes) : NULL;
    int rc = !in ? -EIO : !out ? -ENOMEM : 0;
    while (!rc && (got = fread(block, 1, sizeof block, in)) > 0)
        fwrite(block, 1, got, out);
    if (!rc && ferror(in))
        rc = -EIO;
    if (in)
        fclose(in);
    if (out && fclose(out) && !rc)
        rc = -ENOMEM;
    if (!rc && !bytes)
        rc = -EIO;
    return rc;
}

static int draw_svg(const struct kvr_picture *picture, const char *folder, char **svg, char *error,
                    size_t error_bytes)
{
    char name[64], scripts[1024], script[PATH_BYTES], path[PATH_BYTES];
    snprintf(name, sizeof name, "%s.gp", picture->name);
    if (!kvr_plot_folder(name, scripts, sizeof scripts)) {
        snprintf(error, error_bytes, "%s is not installed with kvroof; set KVROOF_PLOTS to the "
                 "folder that holds it", name);
        return -EIO;
    }
    /* The script is read from where it lies, gnuplot works in the other folder. */
    char *whole = realpath(scripts, NULL);
    int n = whole ? snprintf(script, sizeof script, "%s/%s", whole, name) : 0;
    free(whole);
    if (n <= 0 || (size_t)n >= sizeof script)
        return -ENAMETOOLONG;
    int rc = kvr_plot_gnuplot(folder, script, "svg", error, error_bytes);
    snprintf(path, sizeof path, "%s/%s.svg", folder, picture->name);
    if (!rc && !kvr_plot_is_whole(path, "svg")) {
        snprintf(error, error_bytes, "gnuplot could not write all of it below TMPDIR");
        rc = -EIO;
    }
    return rc ? rc : read_text(path, svg);
}

int kvr_picture_svg(const struct kvr_picture *picture, const struct kvr_drawn *of, char **svg,
                    char *error, size_t error_bytes)
{
    const char *base = getenv("TMPDIR");
    char folder[512], path[PATH_BYTES];
    *svg = NULL;
    *error = 0;
    int n = snprintf(folder, sizeof folder, "%s/kvroof-XXXXXX", base && *base ? base : P_tmpdir);
    if (n < 0 || (size_t)n >= sizeof folder)
        return -ENAMETOOLONG;
    if (!mkdtemp(folder)) {
        n = -errno;
        snprintf(error, error_bytes, "no folder below %s: %s; set TMPDIR", base && *base ? base
                 : P_tmpdir, strerror(-n));
        return n == -ENOENT ? -EIO : n; /* -ENOENT is gnuplot's own */
    }
    snprintf(path, sizeof path, "%s/%s.tsv", folder, picture->name);
    int rc = put_data(picture, path, of);
    if (!rc)
        rc = draw_svg(picture, folder, svg, error, error_bytes);
    unlink(path);
    snprintf(path, sizeof path, "%s/%s.svg", folder, picture->name);
    unlink(path);
    rmdir(folder);
    if (rc) {
        free(*svg);
        *svg = NULL;
    }
    return rc;
}
