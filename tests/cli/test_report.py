# SPDX-License-Identifier: GPL-3.0-or-later
"""report: the page of stored results, as text and in a browser."""

import base64
import hashlib
import html.parser
import json
import os
import re

import harness
from browser import Browser
from harness import check, check_refused, need, read_json, read_text, run, run_tiny

MEASURED = {}  # the result's text: no page needs a fresh measurement
HOSTILE = "<script>document.title='taken'</script>"
SHORT = "<b>&\"'"  # for names that have few bytes
VOID = {"meta", "link", "br", "input"}
SECTIONS = ("answer", "verdicts", "times", "pictures", "claims", "ceilings", "machine", "method")


def measure():
    """out.json, measured once."""
    if not MEASURED:
        run_tiny("-k", "fp16.fused@scalar,int8q8.fused@scalar,lookat.f32@scalar,lookat.u8@scalar",
                 "--label", "a <b>label</b>", "-o", "json:out.json", code=0)
        MEASURED["out.json"] = read_text("out.json")
    with open("out.json", "w", encoding="utf-8") as file:
        file.write(MEASURED["out.json"])


def hostile():
    """The same result, with markup in every text that is not one of a few known words."""
    measure()
    document = read_json("out.json")
    known = {"schema", "op", "status", "kind", "checksum", "basis", "side", "bound"}

    def walk(node):
        for key, item in node.items() if isinstance(node, dict) else enumerate(node):
            if isinstance(item, (dict, list)):
                walk(item)
            elif isinstance(item, str) and key not in known:
                room = key in ("why", "text", "claim", "fix", "label", "method")
                node[key] = HOSTILE if room else SHORT
    walk({key: item for key, item in document.items() if key != "profile"})
    for number, result in enumerate(document["results"]):
        result["name"] = f"{HOSTILE}{number}"
    document["label"] = HOSTILE
    document["command"] = ["kvroof", "run", "--label", HOSTILE + "it's\n" + 10000 * "y"]
    with open("hostile.json", "w", encoding="utf-8") as file:
        json.dump(document, file)


class Page(html.parser.HTMLParser):
    """Tags in balance, every id once; collects what the tests ask for."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.ids, self.addresses, self.text = [], [], [], ""
        self.tags, self.tables, self.wrong = [], [], []
        self.feed(text)
        self.close()
        self.wrong += [f"<{tag}> is never closed" for tag in self.stack]

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in VOID and tag != "!doctype":
            self.stack.append(tag)
        self.note(tag, attributes)

    def handle_startendtag(self, tag, attrs):
        self.note(tag, dict(attrs))

    def note(self, tag, attributes):
        """One element."""
        self.tags.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        self.addresses += [attributes[name] for name in ("href", "src", "xlink:href", "action")
                           if name in attributes]
        self.wrong += [f"{name} in <{tag}>" for name in attributes if name.startswith("on")]
        if tag == "table":
            self.tables.append({"caption": 0, "col": 0, "row": 0, "tr": 0})
        if self.tables and tag in ("caption", "tr"):
            self.tables[-1][tag] += 1
        if tag == "th":
            self.tables[-1][attributes.get("scope", "row")] += 1

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()} ends another tag")

    def handle_data(self, data):
        self.text += data


def parse(path):
    """A page that is well formed, self-contained and accessible as far as its text tells."""
    text = read_text(path)
    page = Page(text)
    check(not page.wrong, f"{page.wrong[:5]}")
    twice = {name for name in page.ids if page.ids.count(name) > 1}
    check(not twice, f"ids that occur twice: {sorted(twice)[:5]}")
    for address in page.addresses:
        check(address.startswith(("#", "data:")), f"not in the page: {address[:80]}")
        check(not address.startswith("#") or address[1:] in page.ids, f"leads nowhere: {address}")
    check(page.tables, "there are tables")
    for table in page.tables:
        check(table["caption"] == 1 and table["col"] > 1 and table["row"] == table["tr"] - 1,
              f"a caption, headings, a heading in every row: {table}")
    check('<html lang="en">' in text and page.tags.count("title") == 1, "language and title")
    check(page.tags.count("h1") == 1 and page.tags.count("main") == 1, "one h1, one main")
    check("url(http" not in text and "@import" not in text, "no style from elsewhere")
    check(os.path.getsize(path) < 2 << 20, f"{os.path.getsize(path)} bytes")
    return page, text


def test_page():
    measure()
    run("report", "out.json", "-o", "out.html", code=0)
    page, text = parse("out.html")
    for name in SECTIONS:
        check(f"r1-{name}" in page.ids, f"no section {name}")
    for words in ("lookat.f32@scalar", "a <b>label</b>", "--label 'a <b>label</b>'", "Took",
                  "arXiv 2601.10155", "scan from"):
        check(words in page.text, f"the page lacks {words!r}")
    check(os.listdir(".").count("out.html.partial") == 0, "nothing is left beside it")
    run("report", "out.json", "-o", "again.html", code=0)
    check(read_text("again.html") == text, "the same result gives the same page")
    check(run("report", "out.json", "-o", "-", code=0).out == text, "to stdout, too")


def test_script_is_the_one_allowed():
    measure()
    run("report", "out.json", "-o", "out.html", code=0)
    text = read_text("out.html")
    script = re.search(r"<script>(.*?)</script>", text, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    check(f"script-src 'sha256-{digest}'" in text, "the policy allows this script")
    check("default-src 'none'" in text, "and nothing else")


def test_result_inside():
    measure()
    run("report", "out.json", "-o", "out.html", code=0)
    page, _ = parse("out.html")
    data = [address for address in page.addresses
            if address.startswith("data:application/json;base64,")]
    check(len(data) == 1, f"{len(data)} files for download")
    inside = harness.strict_json(base64.b64decode(data[0].split(",")[1]).decode())
    check(inside == read_json("out.json"), "the file inside is the result")


def test_pictures():
    need("gnuplot")
    measure()
    run("report", "out.json", "-o", "out.html", code=0)
    page, text = parse("out.html")
    check(page.tags.count("svg") >= 2, f"{page.tags.count('svg')} pictures")
    check(text.count("<svg role=\"img\" aria-label=") == page.tags.count("svg"), "all named")
    check("kvroof run -t 1,max" in page.text, "what is lacking for the others")


def test_hostile_text():
    hostile()
    run("report", "hostile.json", "-o", "out.html", code=0)
    page, text = parse("out.html")
    check(page.tags.count("script") == 1, "one script, our own")
    check(HOSTILE not in text and SHORT not in text, "marks are escaped")
    check(HOSTILE in page.text and SHORT in page.text, "what was written is shown")
    check(page.tags.count("b") == 5, "no bold but the method's own")
    check("--label '<script>document.title='\\''taken" in page.text, "quoted for a shell")
    check("y" * 10000 in page.text, "all of it")
    document = read_json("out.json")
    document["label"] = 10000 * SHORT
    with open("long.json", "w", encoding="utf-8") as file:
        json.dump(document, file)
    run("report", "long.json", "-o", "long.html", code=0)
    page, _ = parse("long.html")
    check(10 * SHORT in page.text, "a label of 10 kB, as much of it as a result keeps")


def test_several():
    measure()
    hostile()
    run("report", "out.json", "hostile.json", "out.json", "-o", "out.html", code=0)
    page, _ = parse("out.html")
    for number in (1, 2, 3):
        for name in SECTIONS:
            check(f"r{number}-{name}" in page.ids and f"#r{number}-{name}" in page.addresses,
                  f"no section {name} of result {number}, or no link to it")


def test_side_by_side():
    need("gnuplot")
    measure()
    run("report", "out.json", "out.json", "-o", "out.html", code=0)
    page, text = parse("out.html")
    check("several" in page.ids and "2 results of 1 machine." in page.text, "a section on both")
    check("2 over 1: " in page.text and "left of 1: faster" in page.text, "the picture of both")
    run("report", "out.json", "-o", "one.html", code=0)
    _, text = parse("one.html")
    check("Side by side" not in text and "plot BASE.json" not in text, "of one there is none")


def test_a_thousand_results():
    need("gnuplot")
    measure()
    run("report", *["out.json"] * 1000, "-o", "out.html", code=0)
    page, _ = parse("out.html")
    check("1000 results of 1 machine." in page.text, "how many")
    check("1000: out.json" in page.text and len(page.tables) == 1, "a row for each, and no more")
    check(page.tags.count("svg") == 1 and "of 999" in page.text, "one picture of all")


def test_verdict_that_does_not_follow():
    """show and report doubt the same verdicts."""
    measure()
    document = read_json("out.json")
    doubted = next(result for result in document["results"] if "side" in result.get("verdict", {}))
    doubted["verdict"]["side"] = "even" if doubted["verdict"]["side"] != "even" else "core"
    with open("doubt.json", "w", encoding="utf-8") as file:
        json.dump(document, file)
    outcome = run("show", "doubt.json", code=0)
    run("report", "doubt.json", "-o", "out.html", code=0)
    page, _ = parse("out.html")
    lines = [line.removeprefix("kvroof: ") for line in outcome.err.splitlines()
             if "computed again from its rounds" in line]
    check(len(lines) == 1 and doubted["name"] in lines[0], f"show: {outcome.err}", outcome)
    check(lines[0] in page.text, "the page says so too")


def test_much():
    """Cases and rounds without end: the page says what it leaves out."""
    measure()
    document = read_json("out.json")
    rows = [dict(document["results"][i % len(document["results"])], name=f"case-{i}")
            for i in range(1000)]
    document["results"] = rows
    with open("much.json", "w", encoding="utf-8") as file:
        json.dump(document, file)
    run("report", *["much.json"] * 2, "-o", "out.html", code=0)
    page, _ = parse("out.html")
    check("rows are left out" in page.text, "rows have no room")
    check("too large to be in this page" in page.text, "nor has the file")


def test_jsonl_and_roofs():
    run_tiny("-k", "fp16.fused@scalar", "-o", "jsonl:out.jsonl", code=0)
    lines = read_text("out.jsonl").splitlines()[:2]  # as a killed run leaves it
    with open("killed.jsonl", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    run("report", "killed.jsonl", "-o", "out.html", code=0)
    page, text = parse("out.html")
    check("not marked complete" in page.text, "an interrupted run is named one")
    check('download="killed.json"' in text, "and is JSON inside")
    document = json.loads(lines[0])
    document["results"] = []
    with open("roofs.json", "w", encoding="utf-8") as file:
        json.dump(document, file)
    run("report", "roofs.json", "-o", "roofs.html", code=0)
    page, _ = parse("roofs.html")
    check("No case was measured" in page.text, "without cases it says so")


def test_bad_input():
    measure()
    check_refused(run("report"), 2, "which RESULT")
    check_refused(run("report", "out.json"), 2, "-o")
    check_refused(run("report", "missing.json", "-o", "out.html"), 2, "missing.json")
    check_refused(run("report", "out.json", "-o", "./out.json"), 2, "out.json", "result itself")
    check(read_json("out.json"), "the result is still there")
    check_refused(run("report", *["out.json"] * 2049, "-o", "out.html"), 2, "2048")
    check_refused(run("report", "out.json", "--ouput", "x"), 2, "--output")
    with open("cut.json", "w", encoding="utf-8") as file:
        file.write(MEASURED["out.json"][:2000])
    check_refused(run("report", "cut.json", "-o", "out.html"), 2, "cut.json")
    check(not os.path.exists("out.html"), "nothing is written")


def test_unwritable():
    measure()
    with open("old.html", "w", encoding="utf-8") as file:
        file.write("old")
    check_refused(run("report", "out.json", "-o", "none/out.html"), 5, "none/out.html", "-o")
    check_refused(run("report", "out.json", "-o", "/dev/full"), 5, "/dev/full")
    os.mkdir("old.html.partial")
    check_refused(run("report", "out.json", "-o", "old.html"), 5, "old.html")
    check(read_text("old.html") == "old", "the old page is kept")


def test_without_gnuplot():
    measure()
    outcome = run("report", "out.json", "-o", "out.html", code=3,
                  env=harness.environment(PATH="/nonexistent"))
    check("gnuplot" in outcome.err, "the message names what is missing", outcome)
    page, _ = parse("out.html")
    check("svg" not in page.tags and "gnuplot was not installed" in page.text,
          "the page is there, and says why it has no picture")


# ---- in a browser ----

def clean(browser, name):
    """Nothing was asked for but the page, nothing stands in the console."""
    asked = [address for address in browser.requests() if not address.startswith("data:")]
    check(len(asked) == 1 and asked[0].endswith(name), f"asked for {asked}")
    check(not browser.complaints(), f"in the console: {browser.complaints()[:3]}")


def times(browser, column):
    """The cells of one column of the first table of times, from top to bottom."""
    return browser.evaluate(
        "(() => { const table = document.querySelector('#r1-times table');"
        "const at = Array.from(table.tHead.rows[0].cells).findIndex("
        f"cell => cell.textContent.trim() === {json.dumps(column)});"
        "return Array.from(table.tBodies[0].rows).filter(row => !row.hidden).map("
        "row => row.cells[at].textContent); })()")


def press(browser, column):
    """The heading's button, by the keyboard."""
    browser.evaluate(
        "Array.from(document.querySelectorAll('#r1-times table button')).find("
        f"button => button.textContent === {json.dumps(column)}).focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter",
                     windowsVirtualKeyCode=13, text="\r" if kind == "keyDown" else "")


def test_browser_sorts_and_filters():
    measure()
    with Browser() as browser:
        run("report", "out.json", "-o", "out.html", code=0)
        browser.open("out.html")
        before = [float(text) for text in times(browser, "ns/key")]
        check(len(before) > 1 and len(set(before)) > 1, f"rows to sort: {before}")
        press(browser, "ns/key")
        check([float(text) for text in times(browser, "ns/key")] == sorted(before), "upwards")
        state = browser.evaluate("document.querySelector('th[aria-sort]').ariaSort")
        check(state == "ascending", f"a screen reader hears {state}")
        press(browser, "ns/key")
        check([float(text) for text in times(browser, "ns/key")] == sorted(before)[::-1],
              "downwards")
        names = times(browser, "kernel")
        browser.evaluate("(() => { const input = document.querySelector('#r1-times input');"
                         "input.value = 'LOOKAT u8';"
                         "input.dispatchEvent(new Event('input')); })()")
        left = times(browser, "kernel")
        check(left == [name for name in names if "lookat" in name and "u8" in name],
              f"{left} of {names}")
        said = browser.evaluate("document.querySelector('#r1-times output').textContent")
        check(said == f"{len(left)} of {len(names)} rows", said)
        clean(browser, "out.html")


def test_browser_shows_hostile_text():
    hostile()
    with Browser() as browser:
        run("report", "hostile.json", "-o", "out.html", code=0)
        browser.look(360)
        browser.open("out.html")
        check("taken" != browser.evaluate("document.title"), "no script of a label has run")
        check(browser.evaluate("document.scripts.length") == 1, "nor is there another one")
        width = browser.evaluate("document.scrollingElement.scrollWidth")
        check(width <= 360, f"long words make the page {width} pixels wide")
        clean(browser, "out.html")


def luminance(color):
    """Of rgb(r, g, b), roughly, from 0 to 1."""
    red, green, blue = (int(part) for part in re.findall(r"\d+", color)[:3])
    return (.3 * red + .59 * green + .11 * blue) / 255


def test_browser_light_dark_narrow_print():
    measure()
    with Browser() as browser:
        run("report", "out.json", "-o", "out.html", code=0)
        for scheme, media in (("light", ""), ("dark", ""), ("dark", "print")):
            browser.look(360, scheme, media)
            browser.open("out.html")
            paper, ink = (luminance(browser.evaluate(f"getComputedStyle(document.body).{name}"))
                          for name in ("backgroundColor", "color"))
            dark = scheme == "dark" and not media
            contrast = ink - paper if dark else paper - ink
            check(contrast > .6, f"{scheme} {media}: {ink} on {paper}")
            width = browser.evaluate("document.scrollingElement.scrollWidth")
            check(width <= 360 or media, f"the page is {width} pixels wide, not 360")
        check(browser.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none",
              "no links on paper")


def test_browser_without_script():
    measure()
    with Browser() as browser:
        run("report", "out.json", "-o", "out.html", code=0)
        browser.call("Emulation.setScriptExecutionDisabled", value=True)
        browser.open("out.html")
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
        check(browser.evaluate("document.querySelectorAll('button, input').length") == 0,
              "no control that does nothing")
        text = browser.evaluate("document.body.innerText")
        for words in ("Verdicts", "lookat.f32@scalar", "ns/key", "To measure it again"):
            check(words in text, f"not shown: {words!r}")


harness.main(globals())
