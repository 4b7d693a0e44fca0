# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written is valid by the schema that ships; and the schema refuses what is wrong.

usage: test_schema.py SCHEMA WRITE_SAMPLE
"""

import copy
import json
import subprocess

import harness


def known_fields(schema, node):
    """All names that `properties` anywhere in the schema declare."""
    names = set(node.get("properties", {}))
    for value in node.values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                names |= known_fields(schema, item)
    return names


def used_fields(node, maps=("unavailable", "family", "tags", "profile")):
    """All names of a document but those of free maps."""
    names = set()
    if isinstance(node, dict):
        for key, value in node.items():
            names.add(key)
            if key not in maps:
                names |= used_fields(value)
    elif isinstance(node, list):
        for value in node:
            names |= used_fields(value)
    return names


def wrong_documents(good):
    """Copies of a valid document with one thing wrong each."""
    def change(*path, value=None, remove=False):
        document = copy.deepcopy(good)
        node = document
        for step in path[:-1]:
            node = node[step]
        if remove:
            del node[path[-1]]
        else:
            node[path[-1]] = value
        return ".".join(map(str, path)), document

    for name in ("schema", "complete", "machine", "results"):
        yield change(name, remove=True)
    for name in ("name", "codec", "op", "tokens", "threads", "rounds", good["results"][0]["op"]):
        yield change("results", 0, name, remove=True)
    yield change("schema", value="kvroof.result/2")
    yield change("complete", value="yes")
    yield change("results", 0, "rounds", 0, "t_ns", remove=True)
    yield change("results", 0, "rounds", 0, "t_ns", value=0)
    yield change("results", 0, "rounds", 0, "m_ns", value=None)
    yield change("results", 0, "rounds", 0, "keys", value=1.5)
    yield change("results", 0, "tokens", value="512")
    yield change("results", 0, "level", value="L9")
    yield change("results", 0, "flags", value="noisy")
    yield change("results", 0, good["results"][0]["op"], "ci95", value=[1])
    yield change("results", -1, "unavailable", value={})
    yield change("results", -1, "unavailable", "why", value=0)
    yield change("results", -1, "scan", value={})
    yield change("ceilings", 0, "kind", value="guess")
    yield change("crossings", 0, "axis", value="colour")
    yield change("crossings", 0, "what", value="balance-2")
    yield change("crossings", 0, "at", value=0)
    yield change("crossings", 0, "reached", remove=True)
    yield change("checks", 0, "status", value="bad")
    yield change("checks", 0, "id", value="Not Kebab")
    yield change("checks", 0, "value", value=33554432)
    proof = [check["id"] for check in good["checks"]].index("bypass")
    yield change("checks", proof, "value", value={})
    yield change("checks", proof, "value", "regions", value=0)
    yield change("checks", proof, "value", "syscalls", value=-1)
    yield change("checks", proof, "value", "interrupts", value=.5)
    yield change("checks", proof, "value", "faults", remove=True)


def test_schema(schema_path, write_sample):
    """What is wrong."""
    jsonschema = harness.need_module("jsonschema")
    schema, wrong = harness.read_json(schema_path), []
    validator_class = jsonschema.validators.validator_for(schema)
    validator_class.check_schema(schema)
    validator = validator_class(schema)
    known = known_fields(schema, schema)
    for which in ("run", "ops", "everything", "bare"):
        text = subprocess.run([write_sample, which], check=True, stdout=subprocess.PIPE).stdout
        document = json.loads(text)
        wrong += [f"{which}: {list(error.absolute_path)}: {error.message}"
                  for error in validator.iter_errors(document)]
        wrong += [f"{which}: the schema does not describe {name}"
                  for name in sorted(used_fields(document) - known)]
        if which in ("run", "everything"):  # they hold something of every kind
            wrong += [f"{which}: the schema accepts a wrong or missing {what}"
                      for what, changed in wrong_documents(document)
                      if validator.is_valid(changed)]
    return wrong


harness.script(test_schema)
