# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's style and script as C strings, and the hash that its page allows the script by.

usage: embed.py page.css page.js OUT.c
"""

import base64
import hashlib
import sys


def literal(text):
    """A C string, a line of it per line of text."""
    lines = text.replace("\\", "\\\\").replace('"', '\\"').split("\n")
    return "\n".join(f'    "{line}\\n"' for line in lines[:-1])


def main(style_path, script_path, out_path):
    """Writes the C file."""
    with open(style_path, encoding="utf-8") as file:
        style = file.read()
    with open(script_path, encoding="utf-8") as file:
        script = file.read()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    with open(out_path, "w", encoding="utf-8") as out:
        out.write('#include "src/report/html.h"\n\n'
                  f"const char kvr_page_style[] =\n{literal(style)};\n"
                  f"const char kvr_page_script[] =\n{literal(script)};\n"
                  f'const char kvr_page_script_hash[] = "sha256-{digest}";\n')


main(*sys.argv[1:])
