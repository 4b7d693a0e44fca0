/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "codec_rows.h"

#include "../codec/codec.h"

const struct kvr_list_column kvr_codec_columns[KVR_CODEC_COLUMNS] = {
    {"name", KVR_LIST_TEXT},
    {"key_bytes", KVR_LIST_NUMBER},
    {"source", KVR_LIST_TEXT},
    {"summary", KVR_LIST_TEXT},
};

/* In hundredths, so that no locale's decimal point appears. */
static void add_key_bytes(struct kvr_rows *rows, double bytes)
{
    unsigned hundredths = (unsigned)(bytes * 100 + .5);
    if (hundredths % 100)
        kvr_rows_add(rows, "%u.%02u", hundredths / 100, hundredths % 100);
    else
        kvr_rows_add(rows, "%u", hundredths / 100);
}

static void add_codec(struct kvr_rows *rows, const struct kvr_codec *codec)
{
    struct kvr_shape shape = {.head_dim = 64, .tokens = 512, .heads = 1, .queries = 1,
                              .tables = 4, .entries = 256, .group = codec->group};
    kvr_codec_set_tables(codec, &shape);
    kvr_rows_add(rows, "%s", codec->name);
    if (codec->refuses && codec->refuses(&shape))
        kvr_rows_add(rows, "%s", "");
    else
        add_key_bytes(rows, codec->key_bytes(&shape));
    kvr_rows_add(rows, "%s", codec->source);
    kvr_rows_add(rows, "%s", codec->summary);
}

/* Published systems whose keys no kernel can score as they stream by. */
static const struct {
    const char *name, *source, *why;
} not_streamed[] = {
    {"kvtc", "arXiv 2511.01815",
     "no scan: keys are entropy coded (PCA, bit allocation, DEFLATE) and must be decompressed "
     "first; int8.materialised shows what a copy costs, without the decompression"},
    {"lattice", "arXiv 2403.07320",
     "no scan: lattice points behind an entropy code, decoded one after the other; "
     "int8.materialised shows what a copy costs, without the decoding"},
    {"aqua-kv", "arXiv 2501.19392",
     "no scan: a key is a 2-bit residual to a prediction from the layer before, kv_dim^2 "
     "multiply-adds a token; its 32 bytes at d = 128 stream like those of other codes of 2 bits"},
    {"dms", "arXiv 2506.05345",
     "no format: 16-bit rows of the tokens that are kept; fp16 with --layout pages:1 is its "
     "access pattern"},
    {"chunkkv", "arXiv 2502.00299",
     "no format: 16-bit rows of the runs of tokens that are kept; fp16 with --layout pages:10 is "
     "its access pattern"},
    {"opq-pruning", "arXiv 2205.11141",
     "no key format: it prunes and quantises weights; opq here is Optimized Product Quantization"},
};

void kvr_codec_rows(struct kvr_rows *rows, bool all)
{
    for (const struct kvr_codec *const *c = kvr_codecs(); *c; c++)
        add_codec(rows, *c);
    for (size_t i = 0; all && i < sizeof not_streamed / sizeof *not_streamed; i++) {
        kvr_rows_add(rows, "%s", not_streamed[i].name);
        kvr_rows_add(rows, "%s", "");
        kvr_rows_add(rows, "%s", not_streamed[i].source);
        kvr_rows_add(rows, "%s", not_streamed[i].why);
    }
}
