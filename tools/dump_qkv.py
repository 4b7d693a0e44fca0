#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries, keys and values of a Hugging Face causal model, as kvroof reads them.

Runs the model over a text and saves what its attention layers got: TEXT_q.npy, TEXT_k.npy and
TEXT_v.npy, float16 [layers, heads, tokens, channels], for `kvroof fidelity` and
`kvroof run --keys`. With --delta-nll it saves nothing and tells what a key format costs the model:
its loss on the text with every layer's keys replaced by what the format gives back."""

import argparse
import sys

EPILOG = """\
Shapes: q has the model's query heads, k and v its KV heads; query head i uses KV head i / g
(rounded down) with g = query heads / KV heads. q and k are taken after the rotary embedding, as
the score uses them; TEXT_k_prerope.npy (--rope before, both) holds the keys before it. Queries are
not scaled: a score is q.k / sqrt(channels). A model that scales its scores otherwise has that
factor moved into q. No token is put before the text.

--delta-nll codes the keys of every layer at once; each layer sees what the coded ones before it
made of the text. fp16; int8 and int4 with one scale over the tokens of a layer and KV head,
int4-token with one scale a key; lookat-M: M codebooks of 256 centroids for each layer and KV head,
k-means on the same model's keys of the --calibration texts. The loss is the mean over --tokens
predicted tokens, in nats. --rope before codes the keys before their rotation.

Needs numpy, torch and transformers 5, and for a .gguf file accelerate and gguf. Runs on the CPU, in
32-bit floats. Exit codes: 0; 1 failed; 2 wrong options or input; 3 a package is missing; 5 an
output cannot be written.

Examples:
  dump_qkv.py SmolLM2-135M-Instruct.Q4_1.gguf --text chapter.rst --layers 0,10,20 -o dump
  dump_qkv.py SmolLM2-135M-Instruct.Q4_1.gguf --text other.txt --keys-only -n 2048 -o dump
  kvroof fidelity --keys dump/chapter_k.npy --queries dump/chapter_q.npy \\
      --values dump/chapter_v.npy --calibration dump/other_k.npy
  dump_qkv.py MODEL --text chapter.rst --delta-nll --calibration other.txt
"""


def numbers(text):
    """A list of whole numbers: 0,10,20."""
    return [whole(item, 0) for item in text.split(",")]


def whole(text, least=1):
    """A whole number from `least`."""
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from {least}")
    return int(text)


def parser():
    """The options."""
    result = argparse.ArgumentParser(description=__doc__, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = result.add_argument
    add("model", metavar="MODEL", help="folder or name of a Hugging Face model, or a .gguf file")
    add("--text", metavar="FILE", action="append", default=[],
        help="a text, UTF-8; may be repeated")
    add("--ids", metavar="FILE.npy", action="append", default=[],
        help="a text as token ids, whole numbers of one axis; may be repeated")
    add("-n", "--tokens", metavar="N", type=whole, default=1024,
        help="first tokens of each text [%(default)s]")
    add("--rope", choices=("after", "before", "both"), default="after",
        help="keys after or before the rotary embedding [%(default)s]")
    dump = result.add_argument_group("what is saved")
    add = dump.add_argument
    add("-o", "--output", metavar="FOLDER", help="where to; it is made if missing [.]")
    add("--layers", metavar="N,...", type=numbers, help="layers, the first is 0 [all]")
    add("--keys-only", action="store_true", help="no queries and values: a calibration text")
    loss = result.add_argument_group("loss with coded keys")
    add = loss.add_argument
    add("--delta-nll", action="store_true", help="print the loss by format; save nothing")
    add("--formats", metavar="NAME,...", help="a list [all of the above, lookat-16, -8, -4 and -2]")
    add("--calibration", metavar="FILE", action="append", default=[],
        help="a text, UTF-8, to fit codebooks to; may be repeated")
    add("--calibration-tokens", metavar="N", type=whole, default=2048,
        help="first tokens of each of them; shorter ones are used whole [%(default)s]")
    add("--iterations", metavar="N", type=whole, default=12,
        help="of k-means, after k-means++ seeding [%(default)s]")
    add("--seed", metavar="N", type=lambda text: whole(text, 0), default=1,
        help="of k-means [%(default)s]")
    return result


def main():
    """The exit code."""
    options = parser().parse_args()
    try:
        import dump_work  # pylint: disable=import-outside-toplevel # --help needs no packages
    except ImportError as error:
        print(f"dump_qkv.py: error: {error}: pip install numpy torch transformers accelerate gguf",
              file=sys.stderr)
        return 3
    try:
        dump_work.run(options)
    except dump_work.Refused as refused:
        print(f"dump_qkv.py: error: {refused}", file=sys.stderr)
        return refused.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
