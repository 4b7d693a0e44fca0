#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# q8_0 and q4_0 against ggml's own library, bit for bit.
#   benchmark/ggml_blocks.sh FOLDER
# FOLDER: where `npm install --prefix FOLDER @node-llama-cpp/linux-x64` has been run.
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
[ $# -eq 1 ] || { echo "usage: $0 FOLDER (of npm install @node-llama-cpp/linux-x64)" >&2; exit 2; }
library=$(find "$1" -name libggml-base.so | head -n 1)
[ -n "$library" ] || { echo "$0: no libggml-base.so below $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$source"
${CC:-cc} -std=gnu17 -O2 -ffp-contract=off -Wall -Wextra -D_GNU_SOURCE -o "$work/ggml_blocks" \
    benchmark/ggml_blocks.c src/codec/*.c kernels/dense/dense.c kernels/affine/affine[48].c \
    kernels/affine/affine[48]g.c kernels/affine/affine[48]_q8.c kernels/affine/affine[48]g_q8.c \
    kernels/affine/affine_f16.c kernels/lookup/lookup_f32.c kernels/lookup/lookup_u8.c \
    kernels/attend/values_q8.c \
    -ldl -lm
"$work/ggml_blocks" "$library"
