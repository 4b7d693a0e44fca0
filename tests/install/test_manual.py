# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual pages say what --help, the schema and the sources say, and nothing else."""

import glob
import json
import os
import re
import subprocess

import harness
from harness import SOURCE, check, need, read_text
from options import MADE, commands, compare, made, options

PAGES = ("kvroof.1", "kvroof-result.5")


def plain(text):
    """Roff's names of characters as the characters."""
    for name, character in (("\\-", "-"), ("\\(aq", "'"), ("\\(ga", "`"), ("\\(ha", "^"),
                            ("\\(ti", "~"), ("\\(dq", '"'), ("\\&", ""), ("\\(rs", "\\")):
        text = text.replace(name, character)
    return text


def sections(text, macro):
    """{title: body} of the parts that a macro begins."""
    parts = re.split(rf"^\.{macro} (.*)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def test_options():
    """Every option of every command, with its letter, and no other."""
    described = sections(plain(made("kvroof.1")), "SS")
    titles = [title.split()[1] for title in described]
    compare("commands of the page", titles, commands())
    for title, body in described.items():
        command = title.split()[1]
        found = re.findall(r"^(?:\\fB-(\w)\\fP, )?\\fB--([a-z-]+)\\fP", body, re.M)
        compare(f"kvroof {command}", {name: letter for letter, name in found}, options(command))


def test_words_of_help():
    """All that a command's help says is in its part of the page."""
    page = plain(made("kvroof.1"))
    words = re.sub(r"\\f[BIP]|^\.\w+.*$", " ", page, flags=re.M).split()
    known = set(words) | {word.rstrip(",") for word in words}
    for command in commands():
        text = harness.run(command, "--help", code=0).out
        text = re.sub(r"\A.*?\n(?=\S)", "", text, flags=re.S)  # without the usage
        text = re.sub(r"-\n\s+", "-", text)
        text = re.sub(r"Mandatory or optional arguments to[^.]*\.", "", text)  # argp's own
        missing = [word for word in text.split() if word.rstrip(",") not in known and
                   not re.match(r"-\w,$|--[a-z-]+(\[?=.*)?$", word)]
        check(not missing, f"{command} --help has words that the page has not: {missing}")


def test_environment():
    text = "".join(read_text(path) for path in
                   glob.glob(os.path.join(SOURCE, "src", "*", "*.c")))
    read = set(re.findall(r'getenv\("(\w+)"\)', text))
    body = sections(plain(made("kvroof.1")), "SH")["ENVIRONMENT"]
    named = {name for line in re.findall(r"^\\fB(.*)\\fP$", body, re.M)
             for name in line.split(", ")}
    check(read, "the sources read variables")
    compare("ENVIRONMENT", named, read)


def names_of(node):
    """Names of all fields of a schema."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "properties":
                yield from value
            yield from names_of(value)
    if isinstance(node, list):
        for value in node:
            yield from names_of(value)


def test_fields():
    """Schema, field tables and page name the same fields, with the tables' units."""
    with open(os.path.join(SOURCE, "schema", "kvroof.result.1.json"), encoding="utf-8") as file:
        schema = set(names_of(json.load(file)))
    entries = re.findall(r"^\\fB([\w-]+)(?:\[\])*\\fP \((.*)\)$", plain(made("kvroof-result.5")),
                         re.M)
    compare("fields of the page", {name for name, _ in entries}, schema)
    units = {}
    for name, text in entries:
        units.setdefault(name, set()).update(text.split(", "))
    table = [line.split("\t") for line in made("fields.tsv").splitlines()]
    check(len(table) > 100, "the field tables were read")
    for path, unit in table:
        name = path.rpartition(".")[2]
        check(name in schema, f"{path} is written, and the schema does not name it")
        check(not unit or unit in units[name], f"{path}: the page lacks its unit {unit}")


def test_pages_are_clean():
    groff = need("groff")
    for name in PAGES:
        done = subprocess.run([groff, "-man", "-ww", "-Tutf8", "-z", os.path.join(MADE, name)],
                              capture_output=True, text=True, check=False)
        check(done.returncode == 0 and not done.stderr, f"{name}: {done.stderr}")


def test_man_reads_them():
    man = need("man")
    for name in PAGES:
        done = subprocess.run([man, "--warnings", "-l", os.path.join(MADE, name)],
                              capture_output=True, text=True, check=False,
                              env=harness.environment(MANWIDTH="80"))
        if "has been minimized" in done.stdout + done.stderr:
            raise harness.Skip("man is a stand-in on this system")
        check(done.returncode == 0 and not done.stderr, f"{name}: {done.stderr}")
        check("NAME" in done.stdout and len(done.stdout) > 2000, f"{name} is not shown")


harness.main(globals())
