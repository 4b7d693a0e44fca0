# SPDX-License-Identifier: GPL-3.0-or-later
"""plot: pictures from a stored result."""

import json
import os
import re
import shutil

import harness
from fleets import fleet
from harness import check, check_refused, need, read_text, run, run_tiny


MEASURED = {}  # text of the result file by options: pictures need no fresh measurement


def measure(*options):
    """out.json, measured once with these options."""
    if options not in MEASURED:
        run_tiny(*options, "-o", "json:out.json", code=0)
        MEASURED[options] = read_text("out.json")
    with open("out.json", "w", encoding="utf-8") as file:
        file.write(MEASURED[options])


def same_level(level):
    """So little may lie in different caches from case to case: pictures part what does."""
    document = harness.read_json("out.json")
    for result in document["results"]:
        result["level"] = level
    with open("out.json", "w", encoding="utf-8") as file:
        json.dump(document, file)


def ladder():
    """A result with several working sets."""
    measure("-k", "fp16,lookat.u8", "--bytes", "256k..4M:x4")


def kinds_of_work():
    """A result with floating-point operations, look-ups and integer operations."""
    measure("-k", "fp16,lookat.f32@scalar,int8q8")


def test_svg_data_and_script():
    need("gnuplot")
    ladder()
    run("plot", "out.json", "-k", "ladder", "-o", "pictures", "--format", "svg", code=0)
    names = os.listdir("pictures")
    for ending in (".svg", ".tsv", ".gp"):
        found = [name for name in names if name.endswith(ending)]
        check(found, f"no {ending} in {names}")
    picture = read_text(os.path.join("pictures",
                                     [name for name in names if name.endswith(".svg")][0]))
    check("<svg" in picture and "</svg>" in picture, "a whole SVG")
    check("lookat" in picture and "GB/s" in picture, "with its labels")


def test_svg_is_deterministic():
    need("gnuplot")
    ladder()
    texts = set()
    for folder in ("a", "b"):
        run("plot", "out.json", "-k", "ladder", "-o", folder, "--format", "svg", code=0)
        name = [name for name in os.listdir(folder) if name.endswith(".svg")][0]
        texts.add(read_text(os.path.join(folder, name)))
    check(len(texts) == 1, "the same data give the same picture")


def picture(kind, *results):
    """The SVG and the TSV of one kind of picture."""
    run("plot", *results, "-k", kind, "-o", "pictures", "--format", "svg", code=0)
    return (read_text(os.path.join("pictures", kind + ".svg")),
            read_text(os.path.join("pictures", kind + ".tsv")))


def test_roofline():
    need("gnuplot")
    kinds_of_work()
    svg, sheet = picture("roofline", "out.json")
    for word in ("fp16.fused", "lookat.f32", "int8q8.fused", "FLOP per byte of keys",
                 "look-ups per byte of keys", "integer operations per byte of keys", "GB/s"):
        check(word in svg, f"the picture lacks {word!r}")
    rows = [line.split("\t") for line in sheet.splitlines()]
    points = {(row[1], row[3].split("/")[0].split("@")[0]): row for row in rows
              if row[0] == "point"}
    # A key of 64 channels: 128 FLOP of 128 bytes, 4 look-ups of 4, 128 integer operations of 64.
    for key, intensity in ((("1", "fp16.fused"), 1), (("1", "lookat.f32"), 1),
                           (("2", "lookat.f32"), 1), (("3", "int8q8.fused"), 2)):
        check(key in points, f"no point {key} in {sorted(points)}")
        check(float(points[key][4]) == intensity, f"{key}: intensity {points[key][4]}")
        low, rate, high = (float(points[key][i]) for i in (6, 5, 7))
        check(low <= rate <= high, f"{key}: {rate} outside of {low} to {high}")
    check(len(points) == 4, f"a case stands where it works: {sorted(points)}")
    again, _ = picture("roofline", "out.json")
    check(svg == again, "the same data give the same picture")


def test_speedup():
    need("gnuplot")
    kinds_of_work()
    svg, sheet = picture("speedup", "out.json")
    check("bytes a key" in svg and "bytes saved" in svg and "lookat.f32@scalar" in svg,
          "with its labels")
    points = {line.split("\t")[3].split("@")[0]: line.split("\t")[4]
              for line in sheet.splitlines() if line.startswith("point\t")}
    check(points.get("fp16.fused") == "128" and points.get("lookat.f32") == "4",
          f"bytes a key of the kernels: {points}")


def test_shift_and_realism():
    need("gnuplot")
    measure("-k", "fp16.fused@scalar,lookat.f32@scalar", "-n", "256,1k",
            "--layout", "contiguous,heads")
    same_level("DRAM")
    svg, sheet = picture("shift", "out.json")
    check("time a key (ns)" in svg and "lookat.f32@scalar" in svg, "with its labels")
    lengths = {line.split("\t")[4] for line in sheet.splitlines() if line.startswith("total\t")}
    check(lengths == {"256", "1024"}, f"a point at each length: {lengths}")
    svg, sheet = picture("realism", "out.json")
    check("times as fast as FP16" in svg and "contiguous" in svg, "with its labels")
    panels = [line for line in sheet.splitlines() if line.startswith("panel\t")]
    check(len(panels) == 2, f"a panel for each length: {panels}")


def faster(name, factor, label):
    """out.json under another name and label, every time multiplied."""
    document = harness.read_json("out.json")
    document["label"] = label
    for result in document["results"]:
        summary = result[result["op"]]
        summary["ns_per_key"] *= factor
        if "ci95" in summary:
            summary["ci95"] = [factor * end for end in summary["ci95"]]
    with open(name, "w", encoding="utf-8") as file:
        json.dump(document, file)


def test_samples():
    need("gnuplot")
    kinds_of_work()
    svg, sheet = picture("samples", "out.json")
    for word in ("Every round of each case", "lookat.f32@scalar", "ns a key", "round",
                 "T, the kernel"):
        check(word in svg, f"the picture lacks {word!r}")
    results = harness.read_json("out.json")["results"]
    rounds = sum(len(result["rounds"]) for result in results)
    rows = [line for line in sheet.splitlines() if line.split("\t")[0] in ("t", "void")
            and line.split("\t")[2] == "1"]
    check(len(rows) == rounds, f"{len(rows)} of {rounds} rounds")


def test_compare():
    need("gnuplot")
    kinds_of_work()
    faster("new.json", .5, "new")
    svg, sheet = picture("compare", "out.json", "new.json")
    for word in ("Time a key against the first result", "2 over 1: ", "left of 1: faster", "0.500"):
        check(word in svg, f"the picture lacks {word!r}")
    ratios = [float(line.split("\t")[4]) for line in sheet.splitlines()
              if line.startswith("point\t")]
    check(len(ratios) == 3 and all(abs(ratio - .5) < 1e-5 for ratio in ratios), str(ratios))
    check_refused(run("plot", "out.json", "-k", "compare", "-o", "pictures"), 2, "compare",
                  "kvroof plot BASE.json NEW.json")


def test_a_thousand_results():
    """All of them in one picture that names a few; the other kinds draw the first ones."""
    need("gnuplot")
    kinds_of_work()
    names = [f"r{i}.json" for i in range(1000)]
    for i, name in enumerate(names):
        faster(name, 1 + i / 1000, f"node {i}")
    svg, sheet = picture("compare", *names)
    check("and 984 more results" in svg, "captions are cut")
    check(svg.count("<text") < 200, "a legend of a thousand machines")
    rows = [line.split("\t") for line in sheet.splitlines() if line.startswith("most\t")]
    check(len(rows) == 3 and all(abs(float(row[4]) - 1.5) < .002 for row in rows), str(rows))
    svg, _ = picture("roofline", *names)
    check("and 996 more results, which are not drawn" in svg, "it says what is left out")


def test_scaling():
    need("gnuplot")
    if len(os.sched_getaffinity(0)) < 2:
        raise harness.Skip("one CPU")
    measure("-k", "fp16.fused@scalar,lookat.f32@scalar", "-t", "1,2")
    same_level("DRAM")
    svg, sheet = picture("scaling", "out.json")
    check("threads" in svg and "best reader" in svg and "lookat.f32@scalar" in svg,
          "with its labels")
    counts = [line.split("\t")[4] for line in sheet.splitlines() if line.startswith("point\t")]
    check(counts and set(counts) == {"1", "2"}, f"points at one and two threads: {counts}")


def test_scaling_lacks_threads():
    kinds_of_work()
    outcome = run("plot", "out.json", "-k", "scaling", "-o", "pictures")
    check_refused(outcome, 2, "scaling", "two thread counts", "kvroof run -t 1,max")
    check(os.listdir("pictures") == [], "and leaves nothing")


def test_lacking_says_what_to_run():
    kinds_of_work()
    for kind, words in (("realism", "--op scan,step,attention"), ("shift", "kvroof run -n 512,4k")):
        check_refused(run("plot", "out.json", "-k", kind, "-o", "pictures"), 2, kind, words)


def test_all_draws_what_it_can():
    need("gnuplot")
    kinds_of_work()
    outcome = run("plot", "out.json", "-o", "pictures", code=0)
    check("kvroof run -t 1,max" in outcome.err, "it says what is lacking", outcome)
    names = set(os.listdir("pictures"))
    check({"roofline.svg", "ladder.svg"} <= names, f"what can be drawn is drawn: {names}")
    check("scaling.svg" not in names, f"nothing else: {names}")


def test_every_kind_keeps_data_and_script():
    """Each kind at least once by `-k all`: data and script stay, and it is drawn alike again."""
    need("gnuplot")
    measure("-k", "fp16.fused@scalar,lookat.f32@scalar", "-n", "256,1k",
            "--layout", "contiguous,heads")
    same_level("DRAM")
    run("fidelity", "--codec", "fp16,lookat", "-m", "4", "--tokens", "128", "-o",
        "json:fidelity.json", code=0)
    golden = os.path.join(harness.SOURCE, "tests", "report", "golden")
    drawn = set()
    for results in (["out.json", "fidelity.json"], [os.path.join(golden, "run.json")],
                    [os.path.join(golden, "everything.json")], fleet("nodes", 3)):
        names = []
        for folder in ("a", "b"):
            shutil.rmtree(folder, ignore_errors=True)
            run("plot", *results, "-k", "all", "-o", folder, code=0)
            names.append(set(os.listdir(folder)))
        check(names[0] == names[1], f"the same files: {names}")
        kinds = {name[:-4] for name in names[0] if name.endswith(".svg")}
        check(names[0] == {kind + end for kind in kinds for end in (".svg", ".tsv", ".gp")},
              f"each with its data and script, and nothing else: {names[0]}")
        for name in names[0]:
            check(read_text("a/" + name) == read_text("b/" + name), f"{results}: {name} differs")
        drawn |= kinds
    known = set(re.findall(r"^  (\w+) +\S", run("plot", "--help", code=0).out.split("Kinds:")[1]
                           .split("Examples:")[0], re.M))
    check(drawn == known and len(known) == 11, f"drawn {drawn}, known {known}")


def test_formats():
    need("gnuplot")
    ladder()
    run("plot", "out.json", "-k", "ladder", "-o", "pictures", "--format", "svg,png,pdf,txt", code=0)
    names = os.listdir("pictures")
    for ending, magic in ((".png", b"\x89PNG"), (".pdf", b"%PDF")):
        found = [name for name in names if name.endswith(ending)]
        check(found, f"no {ending} in {names}")
        with open(os.path.join("pictures", found[0]), "rb") as file:
            check(file.read(4) == magic, f"{found[0]} is no {ending}")


def test_bad_input():
    ladder()
    check_refused(run("plot"), 2)
    check_refused(run("plot", "missing.json", "-k", "ladder"), 2, "missing.json")
    check_refused(run("plot", "out.json", "-k", "laddre"), 2, "laddre", "ladder")
    check_refused(run("plot", "out.json", "-k", "rofline"), 2, "rofline", "roofline")
    check_refused(run("plot", "out.json", "-k", "ladder", "--format", "gif"), 2, "gif")


def test_unwritable_folder():
    ladder()
    with open("file", "w", encoding="utf-8"):
        pass
    outcome = run("plot", "out.json", "-k", "ladder", "-o", "file/pictures")
    check(outcome.code == 5, f"exit code {outcome.code}, expected 5", outcome)


def test_without_gnuplot():
    ladder()
    outcome = run("plot", "out.json", "-k", "ladder", "-o", "pictures",
                  env=harness.environment(PATH="/nonexistent"))
    check(outcome.code == 3, f"exit code {outcome.code}, expected 3", outcome)
    check("gnuplot" in outcome.err, "the message names what is missing", outcome)
    table = read_text("pictures/ladder.txt").splitlines()
    rows = read_text("pictures/ladder.tsv").splitlines()
    check([line.split() for line in table] == [line.split() for line in rows], "the same figures")
    check(len({line.find("  ") for line in table if line.startswith("read")}) == 1, "aligned")
    outcome = run("plot", "out.json", "-o", "all", env=harness.environment(PATH="/nonexistent"))
    check(outcome.code == 3, f"exit code {outcome.code}, expected 3", outcome)
    check({"ladder.txt", "roofline.txt", "samples.tsv"} <= set(os.listdir("all")), "of every kind")


def test_gnuplot_that_cannot_write():
    """gnuplot ends with 0 on a full disk: half a picture is none."""
    ladder()
    os.mkdir("bin")
    with open("bin/gnuplot", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nprintf '<svg><text>half' > ladder.svg\n")
    os.chmod("bin/gnuplot", 0o755)
    outcome = run("plot", "out.json", "-k", "ladder", "-o", "pictures",
                  env=harness.environment(PATH=os.path.abspath("bin")))
    check(outcome.code == 5, f"exit code {outcome.code}, expected 5", outcome)
    check("full" in outcome.err and "ladder.svg" not in os.listdir("pictures"), "and says why",
          outcome)


def test_what_was_there_before():
    """A folder with other pictures and an own script: nothing of it is taken for the new result."""
    need("gnuplot")
    ladder()
    run("plot", "out.json", "-k", "ladder", "-o", "pictures", "--format", "svg,txt", code=0)
    outcome = run("plot", "out.json", "-k", "ladder", "-o", "pictures", code=0)
    check("pictures/ladder.txt is there from before" in outcome.err, "an old format", outcome)
    check("is kept" not in outcome.err, "the script is the installed one", outcome)
    with open("pictures/ladder.gp", "a", encoding="utf-8") as file:
        file.write("# mine\n")
    outcome = run("plot", "out.json", "-k", "ladder", "-o", "pictures", code=0)
    check("pictures/ladder.gp is kept" in outcome.err, "an own script", outcome)
    check("# mine" in read_text("pictures/ladder.gp"), "which stays", outcome)
    with open("pictures/scaling.svg", "w", encoding="utf-8") as file:
        file.write("<svg/>")
    outcome = run("plot", "out.json", "-k", "scaling", "-o", "pictures", code=2)
    check("pictures/scaling.svg is there from before" in outcome.err, "an old kind", outcome)


def test_pictures_of_the_readme():
    """Whole, of kinds that there are, and without a path of where they were made."""
    folder = os.path.join(harness.SOURCE, "docs")
    names = [name for name in os.listdir(folder) if name.endswith(".svg")]
    check(len(names) >= 2, f"two pictures: {names}")
    for name in names:
        text = read_text(os.path.join(folder, name))
        check(text.startswith("<?xml") and text.endswith("</svg>\n\n"), f"{name} is whole")
        found = re.search(r"[>\"' ](?:file:|/\w+/)[^<]*", text)
        check(not found, f"{name} holds a path: {found}")


def test_bad_files():
    """Files that are no results: what is wrong, exit 2, and no picture."""
    kinds_of_work()
    text = read_text("out.json")
    document = json.loads(text)
    documents = {"schema": text.replace("kvroof.result/1", "kvroof.result/2"),
                 "cut": text[:len(text) // 2],
                 "nan": text.replace('"t_ns":', '"t_ns": NaN, "was":', 1)}
    document["results"][0]["tokens"] = "many"
    documents["string"] = json.dumps(document)
    says = {"schema": "kvroof.result/2", "cut": "truncated", "nan": "NaN", "string": "tokens"}
    for name, content in documents.items():
        with open(name + ".json", "w", encoding="utf-8") as file:
            file.write(content)
        for command in (["plot", "-k", "roofline", "-o", "none"], ["report", "-o", "none.html"]):
            check_refused(run(command[0], "out.json", name + ".json", *command[1:]), 2,
                          name + ".json", says[name])
    check(not os.path.exists("none") and not os.path.exists("none.html"), "nothing is written")
    with open("huge.json", "wb") as file:
        file.truncate(300 << 20)
    check_refused(run("plot", "huge.json", "-o", "none"), 2, "huge.json", "larger than 256 MiB")


def test_markup_in_names():
    need("gnuplot")
    kinds_of_work()
    document = harness.read_json("out.json")
    document["label"] = "<i>&\n%s"
    document["results"][0].update(name="<script>1</script>\n\t\"x", codec="<b>\n\"\t'")
    with open("markup.json", "w", encoding="utf-8") as file:
        json.dump(document, file)
    for kind in ("roofline", "samples", "ladder"):
        svg, sheet = picture(kind, "markup.json")
        check("<script>" not in svg and "<b>" not in svg and "<i>" not in svg, "no markup gets in")
        widths = {line.count("\t") for line in sheet.splitlines()}
        check(len(widths) == 1, f"every row has its columns: {widths}")


harness.main(globals())
