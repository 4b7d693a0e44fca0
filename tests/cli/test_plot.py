# SPDX-License-Identifier: GPL-3.0-or-later
"""plot: the ladder picture from a stored result."""

import os

import harness
from harness import check, check_refused, need, read_text, run, run_tiny


def ladder(path="out.json"):
    """A result with several working sets."""
    run_tiny("-k", "fp16,lookat.u8", "--bytes", "256k..4M:x4", "-o", "json:" + path, code=0)


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


harness.main(globals())
