# SPDX-License-Identifier: GPL-3.0-or-later
"""What dump_qkv.py does once its options are read."""

import dataclasses
import os

import numpy as np

import key_formats
from model_tap import EXIT_FAILED, EXIT_OUTPUT, Refused, Tap, load

FORMATS = "fp16,int8,int4-token,lookat-16,int4,lookat-8,lookat-4,lookat-2"


@dataclasses.dataclass
class Text:
    """Token ids under the name that the output files get."""

    name: str
    path: str
    ids: list


def check_options(options):
    """What the options say against each other, before anything slow."""
    if not options.text and not options.ids:
        raise Refused("no text: name one with --text FILE or --ids FILE.npy")
    if not options.delta_nll:
        if options.calibration or options.formats:
            raise Refused("--calibration and --formats go with --delta-nll")
        return []
    if options.layers or options.keys_only or options.output:
        raise Refused("--delta-nll codes all layers and saves nothing: it does not go with "
                      "--layers, --keys-only or --output")
    if options.rope == "both":
        raise Refused("--delta-nll codes keys --rope after or before, not both")
    names = (options.formats or FORMATS).split(",")
    for name in names:
        if name not in key_formats.PLAIN and not key_formats.subspaces_of(name):
            raise Refused(f"--formats: no format '{name}'; there are "
                          f"{', '.join(key_formats.PLAIN)} and lookat-M")
    if not options.calibration and any(map(key_formats.subspaces_of, names)):
        raise Refused("lookat needs texts to fit its codebooks to: --calibration FILE, or leave it "
                      "out of --formats")
    return names


def read_text(path, tokenizer, option):
    """Ids of a text file."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{option}: {path}: {error}") from error
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return Text(os.path.splitext(os.path.basename(path))[0], path, ids)


def read_ids(path, vocabulary):
    """Ids of an .npy file."""
    try:
        ids = np.load(path)
    except (OSError, ValueError, EOFError) as error:
        raise Refused(f"--ids: {path}: {error}") from error
    if ids.ndim != 1 or ids.dtype.kind not in "iu" or not len(ids):
        raise Refused(f"--ids: {path}: {ids.dtype} {list(ids.shape)} are no ids: whole numbers of "
                      "one axis are")
    if ids.min() < 0 or ids.max() >= vocabulary:
        raise Refused(f"--ids: {path}: ids from {ids.min()} to {ids.max()}, but the model has "
                      f"tokens 0 to {vocabulary - 1}")
    name = os.path.splitext(os.path.basename(path))[0].removesuffix("_ids")
    return Text(name, path, ids.tolist())


def read_texts(options, model, tokenizer):
    """The texts, cut to --tokens; one token more where there is a loss to predict."""
    texts = [read_text(path, tokenizer, "--text") for path in options.text]
    texts += [read_ids(path, model.get_input_embeddings().num_embeddings) for path in options.ids]
    needed = options.tokens + bool(options.delta_nll)
    for text in texts:
        if len(text.ids) < needed:
            raise Refused(f"{text.path}: {len(text.ids)} tokens, but {needed} are needed for "
                          f"--tokens {options.tokens}")
        if sum(other.name == text.name for other in texts) > 1:
            raise Refused(f"{text.path}: another text has the name {text.name} too; rename one")
    return texts


def check_length(model, tokens, option):
    """Positions beyond the model's own are noise, or an index error."""
    most = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if most and tokens > most:
        raise Refused(f"{option} {tokens}: the model has {most} positions")


def save(folder, name, part, tensor):
    """One tensor as float16."""
    with np.errstate(over="ignore"):
        half = tensor.astype("<f2")
    if not np.isfinite(half).all():
        raise Refused(f"{name}: {part} has values that float16 cannot hold", EXIT_FAILED)
    path = os.path.join(folder, f"{name}_{part}.npy")
    try:
        np.save(path, half)
    except OSError as error:
        raise Refused(f"--output: {error}", EXIT_OUTPUT) from error
    print(f"{path}  float16 {list(half.shape)}", flush=True)


def dump(options, tap, texts):
    """Saves the tensors of each text."""
    layers = options.layers or list(range(tap.layers))
    if max(layers) >= tap.layers:
        raise Refused(f"--layers {max(layers)}: the model has layers 0 to {tap.layers - 1}")
    keys = {"after": ["k"], "before": ["k_prerope"], "both": ["k", "k_prerope"]}[options.rope]
    parts = keys if options.keys_only else ["q", "v"] + keys
    folder = options.output or "."
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise Refused(f"--output: {error}", EXIT_OUTPUT) from error
    for text in texts:
        tensors = tap.tensors(text.ids[:options.tokens], parts)
        for part in parts:
            save(folder, text.name, part, tensors[part][layers])


def calibration_keys(options, tap, tokenizer):
    """[layers, KV heads, tokens, channels] of all calibration texts, one after the other."""
    check_length(tap.model, options.calibration_tokens, "--calibration-tokens")
    part = "k_prerope" if tap.before else "k"
    sets = []
    for path in options.calibration:
        ids = read_text(path, tokenizer, "--calibration").ids[:options.calibration_tokens]
        if not ids:
            raise Refused(f"--calibration: {path}: no tokens")
        sets.append(tap.tensors(ids, [part])[part])
        print(f"calibration: {path}, {len(ids)} tokens", flush=True)
    keys = np.concatenate(sets, axis=2)
    if keys.shape[2] < key_formats.ENTRIES:
        raise Refused(f"--calibration: {keys.shape[2]} tokens in all, fewer than the "
                      f"{key_formats.ENTRIES} centroids of a codebook")
    return keys


def coder(name, keys, options):
    """code(layer, head, keys) of a format; keys: of calibration, for lookat."""
    if name in key_formats.PLAIN:
        return lambda layer, head, own: key_formats.PLAIN[name](own)
    subspaces = key_formats.subspaces_of(name)
    if keys.shape[3] % subspaces:
        raise Refused(f"--formats: {name}: {subspaces} subspaces do not divide the model's "
                      f"{keys.shape[3]} channels")
    rng = np.random.default_rng(options.seed)
    books = [[key_formats.Lookat.fit(head, subspaces, options.iterations, rng) for head in layer]
             for layer in keys]
    return lambda layer, head, own: books[layer][head](own)


def delta_nll(options, tap, texts, names, tokenizer):
    """Prints a table: loss by format and text."""
    tap.before = options.rope == "before"
    keys = calibration_keys(options, tap, tokenizer) if options.calibration else None
    print(f"\nloss in nats, {options.tokens} tokens, keys of {tap.layers} layers coded "
          f"{options.rope} rotation, k-means seed {options.seed}\n")
    print("| keys | mean | delta |", " | ".join(text.name for text in texts), "|")
    print("|---|---|---|" + "---|" * len(texts), flush=True)
    exact = None
    for name in ["unchanged"] + names:
        code = coder(name, keys, options) if name != "unchanged" else None
        losses = [tap.loss(text.ids[:options.tokens + 1], code) for text in texts]
        mean = sum(losses) / len(losses)
        exact = mean if exact is None else exact
        print(f"| {name} | {mean:.3f} | {mean - exact:+.3f} |",
              " | ".join(f"{loss:.3f}" for loss in losses), "|", flush=True)


def run(options):
    """From options to files or a table."""
    names = check_options(options)
    model, make_tokenizer = load(options.model)
    check_length(model, options.tokens, "--tokens")
    tokenizer = make_tokenizer() if options.text or options.calibration else None
    texts = read_texts(options, model, tokenizer)
    tap = Tap(model)
    if options.rope != "after" and not tap.rotary:
        raise Refused("--rope: this model has no rotary embedding that this tool knows; "
                      "--rope after")
    if options.delta_nll:
        delta_nll(options, tap, texts, names, tokenizer)
    else:
        dump(options, tap, texts)
