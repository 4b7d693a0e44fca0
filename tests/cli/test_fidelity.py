# SPDX-License-Identifier: GPL-3.0-or-later
"""kvroof fidelity: figures of the built-in set, what its options choose, and input that is refused.
"""

import os
import random
import shutil
import struct
import threading
import time

import harness
import npyfile

SHAPE = (1, 2, 300, 16)  # layers, KV heads, tokens, channels
MINI = os.path.join(harness.SOURCE, "profiles", "data")


def values(seed, shape):
    """Normal numbers as bytes of float16."""
    source = random.Random(seed)
    count = 1
    for extent in shape:
        count *= extent
    return struct.pack(f"<{count}e", *(source.gauss(0, 1) for _ in range(count)))


def write(path, shape, seed=1, data=None, descr="<f2"):
    """A .npy file of random float16, or of the data given."""
    data = values(seed, shape) if data is None else data
    with open(path, "wb") as file:
        file.write(npyfile.header(npyfile.dictionary(descr, shape)) + data)


def text(name="t", shape=SHAPE, group=2, seed=1):
    """Files of a small text and the options that name them."""
    write(f"{name}_k.npy", shape, seed)
    write(f"{name}_v.npy", shape, seed + 1)
    write(f"{name}_q.npy", (shape[0], shape[1] * group, *shape[2:]), seed + 2)
    return ["--keys", f"{name}_k.npy", "--queries", f"{name}_q.npy", "--values", f"{name}_v.npy"]


def fidelity(*arguments, code=0):
    """Rows as JSON."""
    return harness.run("fidelity", *arguments, "--format", "json", code=code).json()


def refused(arguments, *words):
    """An order that cannot be carried out: exit 2, and the words in the message."""
    harness.check_refused(harness.run("fidelity", *arguments), 2, "fidelity", *words)


def row(result, codec, layer="all", head="all", name="all", **fields):
    """The one row of that codec."""
    fields.update(codec=codec, layer=layer, head=head, text=name)
    found = [r for r in result["rows"] if all(r.get(k) == v for k, v in fields.items())]
    harness.check(len(found) == 1, f"{len(found)} rows for {fields}")
    return found[0]


def test_mini():
    """Numpy's figures, controls at the floor, and a document that the schema accepts."""
    result = fidelity("--codec", "fp16,int8,int4,lookat", "-m", "4,16")
    expected = harness.read_json(os.path.join(MINI, "reference_metrics.json"))
    for name in ("int8", "int4"):
        for key, tolerance in (("cos", .002), ("rho", .005), ("cos_centered", .002)):
            harness.check(abs(row(result, name)[key] - expected[name][key]) < tolerance,
                          f"{name} {key}: {row(result, name)[key]}")
    for m in (4, 16):
        for table in ("f32", "u8"):
            ours, theirs = row(result, "lookat", subspaces=m, table=table), expected[f"lookat-{m}"]
            harness.check(abs(ours["rho"] - theirs["rho"]) < .02, f"lookat {m}: {ours['rho']}")
            error = ours["key_squared_error"] / theirs["squared_error_per_key"]
            harness.check(abs(error - 1) < .03, f"lookat {m}: error {error}")
            harness.check("flags" not in ours, "the built-in set does not leak")
    harness.check(abs(row(result, "fp16")["cos"] - 1) < 1e-6, "fp16 is not exact")
    harness.check(abs(row(result, "uniform")["cos"] - expected["uniform"]["cos"]) < 1e-4, "uniform")
    harness.check(row(result, "uniform")["skill"] == 0, "uniform is where skill is 0")
    harness.check(row(result, "uniform")["rho"] == 0, "uniform has no order")
    harness.check("key_squared_error" not in row(result, "shuffled"), "a control has no keys")
    worst = min(row(result, "int4", head=h)["rho"] for h in range(6))
    harness.check(abs(row(result, "int4")["worst_head"]["rho"] - worst) < 1e-9, "worst head")
    harness.check((result["tokens"], result["first_query"]) == (512, 32), "settings")
    harness.check_schema(result, "kvroof.fidelity.1.json")


def test_formats():
    """Every format of a file and of stdout; files are written beside a table."""
    out = harness.run("fidelity", "--codec", "int8", "-o", "json:a.json", "-o", "csv:a.csv", "-o",
                      "md:a.md", code=0)
    harness.check("512 tokens" in out.out and "uniform" in out.out, "no table", out)
    harness.check("int8" in harness.read_text("a.md"), "no Markdown")
    lines = harness.read_text("a.csv").splitlines()
    rows = harness.read_json("a.json")["rows"]
    harness.check(len(lines) == len(rows) + 1, "CSV has a line for each row")
    harness.check(len({line.count(",") for line in lines}) == 1, "CSV lines differ in columns")
    harness.check_refused(harness.run("fidelity", "--format", "jsonl"), 2, "jsonl")
    for name in ("gbench", "junit", "jsonl"):
        refused(["-o", f"{name}:refused"], name, "table, json, csv or md")
    harness.check(not os.path.exists("refused"), "a refused run leaves no file")
    harness.check_refused(harness.run("fidelity", "-o", "json:none/a.json"), 5, "none/a.json")
    harness.check_refused(harness.run("fidelity", "-o", "json:/dev/full", "-o", "csv:b.csv"), 5,
                          "/dev/full")
    harness.check(not os.path.exists("b.csv"), "an output was begun although another cannot be")
    harness.check_refused(harness.run("fidelity", "-o", "md:a", "-o", "csv:a"), 2, "two outputs")
    harness.check_refused(harness.run("fidelity", "-o", "md:-", "--format", "csv"), 2, "stdout")


def test_every_codec():
    """Without --codec all of them, to the end of the list, and scans of rounded queries. What is
    slow to train is left out with a reason."""
    own = text(shape=(1, 1, 300, 64), group=1)
    document = fidelity(*own, "-m", "4", "--tokens", "280")
    rows = document["rows"]
    harness.check(set(document["unavailable"]) == {"rvq"} and
                  "--codec" in document["unavailable"]["rvq"], f"{document['unavailable']}")
    listed = {r["name"] for r in harness.run("list", "codecs", "--format", "json", code=0).json()}
    found = {r["codec"] for r in rows}
    rounding = ("q8_0", "q4_0", "kivi2", "kivi4", "squat2", "squat4", "asymkv1")
    extra = {f"{name}.q8" for name in rounding} | {"uniform", "shuffled", "random", "values.q8"}
    harness.check(listed - {"rvq"} | extra == found,
                  f"rows of {sorted(found)}")
    for name in rounding:
        plain = [r for r in rows if r["codec"] == name][0]
        rounded = [r for r in rows if r["codec"] == f"{name}.q8"][0]
        harness.check(plain["key_squared_error"] == rounded["key_squared_error"], "the same keys")
        harness.check(0 < abs(plain["rel_l2"] - rounded["rel_l2"]) < .02, f"{name}: rounded query")


def test_kivi_residual():
    """More keys in float16: a smaller error, more bytes, and a row that says so."""
    usual, longer = (row(fidelity("--codec", "kivi2", "--tokens", "250", "--kivi-residual", keys),
                         "kivi2") for keys in ("32", "128"))
    harness.check("encoder" not in usual and longer["encoder"] == "R128", f"{longer}")
    for found, left in ((usual, 250 - 7 * 32), (longer, 250 - 128)):
        expected = ((250 - left) * 24 + left * 128) / 250
        harness.check(abs(found["bytes_per_key"] - expected) < 1e-9, f"{found}, not {expected}")
    harness.check(longer["key_squared_error"] < .8 * usual["key_squared_error"], f"{longer}")


def test_squat_settings():
    """They reach the encoder, are recorded, and are refused with their option."""
    plain = fidelity("--codec", "kivi2,squat2")
    given = fidelity("--codec", "squat2", "--squat-rank", "5", "--squat-block", "32",
                     "--squat-lambda", ".01")
    none = fidelity("--codec", "squat2", "--squat-block", "64")
    harness.check(row(plain, "squat2")["encoder"] == "r20/lambda0.001/block16", "defaults")
    harness.check(row(given, "squat2")["encoder"] == "r5/lambda0.01/block32", "as given")
    harness.check("encoder" not in row(plain, "kivi2"), "KIVI's encoder has no settings")
    harness.check(row(plain, "squat2")["rho"] != row(given, "squat2")["rho"], "no effect")
    harness.check(row(none, "squat2")["rho"] == row(plain, "kivi2")["rho"], "one block is KIVI")
    refused(["--codec", "squat2", "--squat-block", "24"], "--squat-block", "24", "d = 64")
    refused(["--codec", "squat2", "--squat-rank", "65"], "--squat-rank", "65", "d = 64")
    refused(["--squat-lambda", "-1"], "--squat-lambda")


def test_seeds():
    """Several seeds: their spread is shown, and differences below it are named."""
    own = text() + ["--codec", "lookat", "-m", "4,8", "--calibration", "calib.npy"]
    write("calib.npy", (1, 2, 600, 16), 9)
    one = harness.run("fidelity", *own, code=0).out
    five = harness.run("fidelity", *own, "--seeds", "5", "-o", "md:five.md", code=0).out
    harness.check("rho_spread" not in one and "seeds of one" not in one, "one seed", one)
    harness.check("cos_spread" in five and "rho_spread" in five, "no spread", five)
    harness.check("rho_spread" in harness.read_text("five.md").replace("\\", ""), "no Markdown")
    named = [line for line in five.splitlines() if "seeds of one by up to" in line]
    rows = [r for r in fidelity(*own, "--seeds", "5")["rows"]
            if (r["layer"], r["head"], r["text"], r["codec"]) == ("all", "all", "all", "lookat")]
    for table in ("f32", "u8"):
        a, b = [r for r in rows if r["table"] == table]
        for key in ("cos", "kl_nats", "rho"):
            below = abs(a[key] - b[key]) < max(a["seed_spread"][key], b["seed_spread"][key])
            line = [n for n in named if f".{table}/" in n and f": {key} differs" in n]
            harness.check(bool(line) == below, f"{table} {key}: {line}, {a[key]}, {b[key]}")


def test_settings():
    """Lengths, sinks, seeds, channel order and calibration sets, each in its rows."""
    own = text() + ["--codec", "int4,lookat", "-m", "4", "--entries", "256"]
    write("calib_a.npy", (1, 2, 280, 16), 7)
    write("calib_b.npy", (1, 2, 290, 16), 8)
    sets = ["--calibration", "one=calib_a.npy", "--calibration", "two=calib_b.npy"]
    result = fidelity(*own, *sets, "--tokens", "100,300", "--skip-sinks", "0,2", "--seeds", "2",
                      "--channel-order", "rope-pairs")
    found = {(r["tokens"], r.get("skip_sinks", 0), r.get("calibration")) for r in result["rows"]
             if r["codec"] == "lookat"}
    harness.check(found == {(n, s, c) for n in (100, 300) for s in (0, 2) for c in ("one", "two")},
                  f"settings {found}")
    one = row(result, "lookat", tokens=300, calibration="one", table="u8", skip_sinks=2)
    harness.check(one["seeds"] == 2 and one["seed_spread"]["rho"] > 0, "two seeds differ")
    harness.check(one["channel_order"] == "rope-pairs", "channel order")
    harness.check("channel_order" not in row(result, "int4", tokens=300, skip_sinks=2),
                  "only codecs with subspaces have an order")
    harness.check(result["calibration"]["keys"] == 290, "calibration keys")
    harness.check(row(result, "int4", tokens=300, skip_sinks=2, head=3)["rho"] > .9, "int4")


def test_two_texts():
    """A pattern names several files, which pair by their order."""
    text("a", seed=1)
    text("b", seed=11)
    result = fidelity("--keys", "?_k.npy", "--queries", "?_q.npy", "--values", "?_v.npy",
                      "--codec", "int4")
    mean = (row(result, "int4", name="a")["cos"] + row(result, "int4", name="b")["cos"]) / 2
    harness.check(abs(row(result, "int4")["cos"] - mean) < 1e-6, "texts count alike")
    harness.check(len(result["files"]) == 6, f"files {result['files']}")
    harness.run("fidelity", "--keys", "a_k.npy", "b_k.npy", code=2)


def test_leaks():
    """Codebooks fitted to the test keys are flagged, be it openly or by a text that recurs."""
    own = text() + ["--codec", "lookat,int4", "-m", "2"]
    result = harness.run("fidelity", *own, "--format", "json", code=0)
    harness.check("leaking" in result.err, "no word of the leak", result)
    rows = result.json()["rows"]
    harness.check(all((r.get("flags") == ["leaking"]) == (r["codec"] == "lookat") for r in rows),
                  "flags")
    shutil.copy("t_k.npy", "again.npy")
    write("other.npy", SHAPE, 99)
    mixed = fidelity(*own, "--calibration", "again.npy", "--calibration", "other.npy")
    harness.check(row(mixed, "lookat", table="f32")["flags"] == ["leaking"], "not found")
    clean = fidelity(*own, "--calibration", "other.npy")
    harness.check("flags" not in row(clean, "lookat", table="f32"), "other keys do not leak")


def rotated(before, base, tokens, channels):
    """float16 bytes of keys turned by their positions."""
    half = channels // 2
    keys = list(struct.unpack(f"<{len(before) // 2}e", before))
    for start in range(0, len(keys), channels):
        position = start // channels % tokens
        for j in range(half):
            turn = complex(0, position * base ** (-j / half))
            point = complex(keys[start + j], keys[start + half + j]) * 2.718281828459045 ** turn
            keys[start + j], keys[start + half + j] = point.real, point.imag
    return struct.pack(f"<{len(keys)}e", *keys)


def test_before_rotation():
    """Keys coded before rotation: float16 loses next to nothing, and a wrong base is found."""
    own = text() + ["--codec", "fp16,int8,int8q8,lookat", "-m", "4"]
    before = values(50, SHAPE)
    write("before.npy", SHAPE, data=before)
    write("t_k.npy", SHAPE, data=rotated(before, 100000, SHAPE[2], SHAPE[3]))
    result = fidelity(*own, "--keys-prerope", "before.npy", "--rope-base", "100000")
    for codec in ("fp16", "int8"):
        harness.check(row(result, codec, coded="before-rope")["cos"] > .999, codec)
    coded = {r["codec"] for r in result["rows"] if r.get("coded")}
    harness.check(coded == {"fp16", "int8", "lookat"}, f"coded before rotation: {coded}")
    refused(own + ["--keys-prerope", "before.npy"], "--rope-base", "10000")
    refused(own + ["--rope-base", "5"], "--keys-prerope")
    refused(own + ["--keys-prerope", "before.npy", "--calibration", "t_k.npy"],
            "--calibration-prerope")


def test_shapes_that_do_not_fit():
    """Each axis, the type, and heads in no whole ratio."""
    own = text()
    wrong = {"values": (1, 2, 299, 16), "queries": (1, 4, 300, 32)}
    for option, shape in wrong.items():
        write("w.npy", shape)
        refused(own[:] + [f"--{option}", "w.npy"], f"--{option}", "2 file")
        pairs = dict(zip(own[::2], own[1::2]))
        pairs[f"--{option}"] = "w.npy"
        refused([part for pair in pairs.items() for part in pair], f"--{option} w.npy", "t_k.npy")
    write("three.npy", (1, 3, 300, 16))
    refused(["--keys", "t_k.npy", "--values", "t_v.npy", "--queries", "three.npy"], "3 heads",
            "multiple", "2 KV heads")
    write("wide.npy", SHAPE, descr="<f4", data=values(4, SHAPE) * 2)
    refused(["--keys", "t_k.npy", "--values", "wide.npy", "--queries", "t_q.npy"], "wide.npy",
            "float32", "float16")
    write("far.npy", (1, 2, 300, 32))
    refused(own + ["--calibration", "far.npy"], "--calibration far.npy", "32 channels")
    write("big_k.npy", (1, 1, 40, 512))
    refused(["--keys", "big_k.npy", "--values", "big_k.npy", "--queries", "big_k.npy"],
            "512 channels", "256")


def test_values_that_cannot_be():
    """NaN, no head at all, equal keys."""
    own = text()
    data = values(1, SHAPE)
    for name in ("t_k.npy", "t_q.npy", "t_v.npy"):
        whole = open(name, "rb").read()
        with open(name, "r+b") as file:
            file.seek(-2, os.SEEK_END)
            file.write(struct.pack("<e", float("nan")))
        refused(own, name, "NaN")
        with open(name, "wb") as file:
            file.write(whole)
    write("t_k.npy", (1, 0, 300, 16), data=b"")
    refused(own, "t_k.npy", "axis 1", "0")
    half = len(data) // 2
    write("t_k.npy", SHAPE, data=data[:half] + data[half:half + 32] * 300)
    refused(own, "t_k.npy", "layer 0, head 1", "equal")


def test_too_few():
    """One token, more than the file holds, no query left, a short calibration."""
    own = text()
    refused(own + ["--tokens", "1"], "1 token", "--tokens")
    refused(own + ["--tokens", "301"], "--tokens 301", "t_k.npy", "300")
    refused(own + ["--tokens", "32"], "--first-query 32")
    refused(own + ["--skip-sinks", "40"], "--skip-sinks 40")
    write("short.npy", (1, 2, 255, 16), 5)
    refused(own + ["--calibration", "short.npy"], "--calibration", "255", "256", "--entries")
    refused(own + ["--tokens", "255"], "255 keys", "--calibration")
    harness.check(fidelity(*own, "--tokens", "3", "--first-query", "1", "--codec", "int8"), "3")


def test_cells_of_a_table():
    """What a codec does not have is blank in CSV; a huge figure keeps its column narrow."""
    arguments = text()
    count = 2 * SHAPE[1] * SHAPE[2] * SHAPE[3]
    huge = struct.pack(f"<{count}e", *(6e4 * (-1) ** (i // 3) for i in range(count)))
    write("huge_q.npy", (1, 2 * SHAPE[1], *SHAPE[2:]), data=huge)
    arguments[3] = "huge_q.npy"
    table = harness.run("fidelity", *arguments, "--codec", "int4", "-o", "csv:a.csv", "--format",
                        "table", code=0).out
    head, *rows = [line.split(",") for line in harness.read_text("a.csv").splitlines()]
    places = [head.index("subspaces"), head.index("entries")]
    harness.check(all(row[at] == "" for row in rows for at in places), f"{rows[0]}")
    figures = [cell for line in table.splitlines()[2:] for cell in line.split()]
    harness.check(any("e+" in cell for cell in figures), f"no figure is huge:\n{table}")
    harness.check(all(len(cell) <= 20 for cell in figures), f"{table}")


def test_named_pipe():
    """Nobody writes to it: it is refused, not waited for."""
    arguments = text()
    os.mkfifo("pipe")
    refused(["--keys", "pipe", *arguments[2:]], "pipe", "not a regular file")


def test_all_codecs():
    arguments = text()
    harness.check(fidelity(*arguments, "--codec", "all")["rows"] == fidelity(*arguments)["rows"],
                  "all is what is taken without the option")
    refused([*arguments, "--codec", "all,int4"], "all", "list codecs")


def test_names_and_patterns():
    """Globs without match, missing and surplus files, unknown names."""
    own = text()
    refused(["--keys", "none*.npy"] + own[2:], "--keys none*.npy", "matches no file")
    refused(["--keys", "none.npy"] + own[2:], "none.npy", "No such file")
    refused(own[:4], "--values is missing")
    refused(own[2:], "--keys is missing")
    refused(["--calibration", "t_k.npy"], "--keys is missing")
    refused(["--codec", "itn8"], "itn8", "int8")
    refused(["--channel-order", "odd"], "--channel-order", "rope-pairs")
    refused(["--seeds", "0"], "--seeds")
    refused(["-m", "3"], "m = 3", "d = 64")
    refused(["--subspaces", "4", "--codec", "lookat", "--entries", "255"], "--entries", "255")


def test_queries_of_zeros():
    """Their attention is uniform, and every codec would be found perfect."""
    own = text()
    zeros = (SHAPE[0], SHAPE[1] * 2, *SHAPE[2:])
    data = bytearray(values(3, zeros))
    head = SHAPE[2] * SHAPE[3] * 2  # bytes
    data[2 * head:3 * head] = bytes(head)
    write("zero_q.npy", zeros, data=bytes(data))
    refused([*own[:2], "--queries", "zero_q.npy", *own[4:]], "--queries zero_q.npy",
            "layer 0, head 2 all queries are 0")


def test_order_without_effect():
    """Channels share subspaces; a codec without them is told to have none."""
    own = [*text(), "--channel-order", "rope-pairs", "-n", "300"]
    without = harness.run("fidelity", *own, "--codec", "int4", code=0)
    harness.check("--channel-order rope-pairs has no effect" in without.err, "it is said", without)
    paired = harness.run("fidelity", *own, "--codec", "int4,lookat", "-m", "4", code=0)
    harness.check("no effect" not in paired.err, "one that has them uses it", paired)


def test_group_that_does_not_divide():
    """A codec that cannot code these keys: left out with its reason, or refused if ordered."""
    own = text()
    result = fidelity(*own, "-n", "300")
    harness.check("int4g32" in result["unavailable"], f"unavailable {result['unavailable']}")
    harness.check(not [r for r in result["rows"] if r["codec"] == "int4g32"], "rows without keys")
    refused(own + ["--codec", "int4g32"], "int4g32", "32")


def test_file_that_changes():
    """A file touched while it is read holds parts of two tensors."""
    shape = (1, 1, 40000, 64)
    data = values(1, (1, 1, 4000, 64)) * 10
    write("k.npy", shape, data=data)
    done = threading.Event()

    def touch():
        while not done.is_set():
            os.utime("k.npy")
            time.sleep(.0002)
    thread = threading.Thread(target=touch)
    thread.start()
    try:
        refused(["--keys", "k.npy", "--queries", "k.npy", "--values", "k.npy", "--tokens", "64",
                 "--codec", "int8"], "k.npy", "changed while it was read")
    finally:
        done.set()
        thread.join()


harness.main(globals())
