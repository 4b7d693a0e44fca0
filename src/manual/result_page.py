# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints kvroof-result(5): the fields of a result file, from its schema and the program's field
tables.

usage: result_page.py SCHEMA FIELDS VERSION; FIELDS: what `kvroof-manual fields` printed.
"""

import json
import sys

INTRODUCTION = """\
.SH NAME
kvroof\\-result \\- result file of kvroof, format {title}
.SH DESCRIPTION
{description}
.PP
The file is one JSON object. JSONL output holds the same: a first line with all but the results,
then a line a result. Of a field that is described below as an array, [] stands for each of its
elements, of a map <name> for each of its keys. A field without \\(dqrequired\\(dq is left out where
it does not apply.
.SH FIELDS
"""
ENDING = """\
.SH FILES
.TP
.I PREFIX/share/kvroof/schema/{title}.json
the same as JSON schema, draft 7
.SH SEE ALSO
.BR kvroof (1)
"""


def roff(text):
    """Text without a meaning of its own to roff."""
    for plain, escaped in (("\\", "\\(rs"), ("-", "\\-"), ("'", "\\(aq"), ("^", "\\(ha"),
                           ("~", "\\(ti"), ("`", "\\(ga"), ('"', "\\(dq")):
        text = text.replace(plain, escaped)
    return "\\&" + text if text.startswith(".") else text


class Page:
    """Walks a schema; each of its definitions is described once."""

    def __init__(self, schema, units):
        self.definitions, self.units = schema.get("definitions", {}), units
        self.sections, self.places = [], {}

    def resolve(self, node):
        """The node itself, and the name of the definition that it refers to."""
        name = node.get("$ref", "").rpartition("/")[2]
        return (self.definitions[name], name) if name else (node, "")

    @staticmethod
    def range_of(node):
        """What the schema allows, in words."""
        if "const" in node or "enum" in node:
            words = node.get("enum", [node.get("const")])
            return "one of " * (len(words) > 1) + ", ".join(map(str, words))
        kind = node.get("type", "")
        if "exclusiveMinimum" in node:
            kind += f" > {node['exclusiveMinimum']}"
        if "minimum" in node:
            kind += f" >= {node['minimum']}"
        return kind + (f", at most {node['maximum']}" if "maximum" in node else "")

    def describe(self, path, node, required):
        """The entry of a field, and the place where its parts are described, to be walked later."""
        found, name = self.resolve(node)
        suffix, words = "", []
        while found.get("type") == "array" and name != "interval":
            suffix += "[]"
            found, name = self.resolve(found["items"])
        extra = found.get("additionalProperties")
        has_parts = "properties" in found
        if has_parts:
            first = self.places.setdefault(name or path + suffix, path + suffix)
            if first == path + suffix:
                self.sections.append((path + suffix, found))
            words.append(f"{'array of objects' if suffix else 'object'}, see {first}")
        elif name == "interval":
            words.append("array of two numbers")
        elif "anyOf" in found:
            kinds = [self.resolve(one) for one in found["anyOf"]]
            words.append(" or ".join(one.get("type", "") for one, _ in kinds))
            for one, other in kinds:
                if "properties" in one and self.places.setdefault(other, path) == path:
                    self.sections.append((path, one))
        else:
            words.append(("array of " if suffix else "") + self.range_of(found))
            if isinstance(extra, dict):
                words[-1] = f"object, <name>: {self.range_of(extra)}"
                if "properties" in extra:
                    words[-1] = f"object, see {path}.<name>"
                    self.sections.append((f"{path}.<name>", extra))
        words += [self.units[path]] if self.units.get(path) else []
        words += ["required"] if required else []
        print(f".TP\n\\fB{roff(path.rpartition('.')[2] + suffix)}\\fP ({roff(', '.join(words))})")
        texts = [one.get("description") for one in (node, found) if one.get("description")]
        print(roff("; ".join(dict.fromkeys(texts))) if texts else ".br")

    def section(self, path, node):
        """All fields of an object, then those of its parts."""
        print(f".SS {roff(path or 'The file')}")
        waiting = len(self.sections)
        for name, field in node["properties"].items():
            below = f"{path}.{name}" if path else name
            self.describe(below, field, name in node.get("required", ()))
        for part in self.sections[waiting:]:
            self.section(*part)


def main(schema_path, fields_path, version):
    """Writes the page to stdout."""
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    with open(fields_path, encoding="utf-8") as file:
        units = dict(line.rstrip("\n").split("\t") for line in file)
    words = {name: roff(schema[name]) for name in ("title", "description")}
    print('.\\" Made of the schema and of the field tables.')
    print(f'.TH KVROOF\\-RESULT 5 "" "kvroof {version}" "File Formats"')
    print(INTRODUCTION.format(**words), end="")
    Page(schema, units).section("", schema)
    print(ENDING.format(title=schema["title"].replace("/", ".")), end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
