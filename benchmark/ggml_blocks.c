/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Compares q8_0 and q4_0 with ggml's own library, bit for bit: random keys, and every float16 as a
 * value. Not part of the build; benchmark/ggml_blocks.sh compiles and runs it.
 *   ggml_blocks PATH/libggml-base.so
 */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../kernels/kernel.h"
#include "../src/codec/codec.h"
#include "../tests/codec/ggml_blocks.h"

typedef void quantize_row(const float *values, void *blocks, int64_t count);

enum { KEYS = 4096, BLOCK_MOST = GGML_Q8_0_BYTES * KVR_MAX_HEAD_DIM / 32 };

static float uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(*state >> 40) / 0x1p23 - 1);
}

/* Kinds of keys: uniform; of magnitudes 2^-20 to 2^10 by group; multiples of 1/8, whose quotients
 * are often ties; float16 values. */
static void fill(float *keys, size_t values, int kind, uint64_t *state)
{
    for (size_t i = 0; i < values; i++) {
        keys[i] = uniform(state);
        if (kind == 1)
            keys[i] = ldexpf(keys[i], (int)(i / 32 % 31) - 20);
        else if (kind == 2)
            keys[i] = truncf(keys[i] * 128) / 8;
        else if (kind == 3) /* finite ones */
            keys[i] = kvr_half_to_float((uint16_t)((i * 40503u & 0x8000) | i * 40503u % 0x7c00));
    }
}

static size_t compare(const struct kvr_codec *codec, quantize_row *quantize, int bits, uint32_t d,
                      int kind, size_t *blocks)
{
    const struct kvr_shape shape = {.head_dim = d, .tokens = KEYS, .queries = 1,
                                    .group = codec->group};
    const size_t block_bytes = bits == 8 ? GGML_Q8_0_BYTES : GGML_Q4_0_BYTES, groups = d / 32;
    float *keys = malloc((size_t)KEYS * d * sizeof *keys);
    unsigned char *theirs = malloc(KEYS * groups * block_bytes);
    void *codes = aligned_alloc(64, codec->formats[0]->segment_bytes(&shape, KEYS));
    uint64_t state = d * 10 + (uint64_t)kind;
    size_t different = 0;
    if (!keys || !theirs || !codes)
        abort();
    fill(keys, (size_t)KEYS * d, kind, &state);
    quantize(keys, theirs, (int64_t)KEYS * d);
    if (codec->encode(&shape, NULL, keys, KEYS, codes))
        abort();
    for (size_t n = 0; n < KEYS * groups; n++) {
        uint8_t ours[BLOCK_MOST];
        ggml_block(bits, codes, d, n / groups, n % groups, ours);
        different += memcmp(ours, theirs + n * block_bytes, block_bytes) != 0;
    }
    *blocks += KEYS * groups;
    free(keys);
    free(theirs);
    free(codes);
    return different;
}

static int check(void *library, const char *name, const char *function, int bits)
{
    quantize_row *quantize;
    size_t blocks = 0, different = 0;
    *(void **)&quantize = dlsym(library, function);
    if (!quantize) {
        fprintf(stderr, "ggml_blocks: the library has no %s\n", function);
        return 1;
    }
    for (uint32_t d = 32; d <= KVR_MAX_HEAD_DIM; d += 32)
        for (int kind = 0; kind < 4; kind++)
            different += compare(kvr_codec_find(name), quantize, bits, d, kind, &blocks);
    printf("%s against %s: %zu blocks, %zu different\n", name, function, blocks, different);
    return different != 0;
}

int main(int argc, char **argv)
{
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!library) {
        fprintf(stderr, "ggml_blocks: %s\n",
                argc == 2 ? dlerror() : "usage: ggml_blocks PATH/libggml-base.so");
        return 2;
    }
    const int q8_0 = check(library, "q8_0", "quantize_row_q8_0_ref", 8);
    const int q4_0 = check(library, "q4_0", "quantize_row_q4_0_ref", 4);
    return q8_0 || q4_0;
}
