# SPDX-License-Identifier: GPL-3.0-or-later
"""Completions of bash, zsh and fish: the options are those of --help, the program accepts the
words that are offered, and each shell completes a line with them."""

import os
import re
import subprocess

import harness
from harness import PROGRAM, check, need, run
from options import MADE, commands, compare, made, options

# Line, words that are offered for its last one, and words that are not.
LINES = (
    ("kvroof ru", {"run"}, {"roofs"}),
    ("kvroof run --pag", {"--pages"}, {"--op"}),
    ("kvroof run --pages ", {"4k", "thp", "2m", "1g"}, set()),
    ("kvroof run --op scan,at", {"scan,attention"}, set()),
    ("kvroof run -p qui", {"quick"}, {"full"}),
    ("kvroof run -k fp16,lookat.u8@sca", {"fp16,lookat.u8@scalar"}, set()),
    ("kvroof list topo", {"topology"}, {"kernels"}),
    ("kvroof show --on ser", {"server"}, {"laptop"}),
    ("kvroof plot there", {"there.json"}, set()),
)


def environment():
    """The built program in PATH, and a file to be completed."""
    with open("there.json", "w", encoding="utf-8"):
        pass
    os.makedirs("bin", exist_ok=True)
    if not os.path.exists("bin/kvroof"):
        os.symlink(PROGRAM, "bin/kvroof")
    return harness.environment(PATH=os.path.abspath("bin") + ":" + os.environ["PATH"])


def shell(*command):
    """stdout of a shell that must not complain."""
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False,
                          stdin=subprocess.DEVNULL, timeout=harness.TIMEOUT_S)
    check(done.returncode == 0 and not done.stderr, f"{command}: {done.stderr or done.returncode}")
    return done.stdout


def test_options():
    bash, zsh, fish = made("kvroof"), made("_kvroof"), made("kvroof.fish")
    for command in commands():
        expected = options(command)
        listed = re.search(rf'"{command} "\*\)\n +options="([^"]*)"', bash)[1].split()
        both = ["--" + name for name in expected]
        both += ["-" + letter for letter in expected.values() if letter]
        compare(f"bash, {command}", set(listed), set(both))
        part = re.search(rf"^    {command}\) _arguments (.*?);;$", zsh, re.M | re.S)[1]
        found = re.findall(r"'\*'(?:\{-(\w)\+?,)?--([a-z-]+)=?\}?'\[", part)
        compare(f"zsh, {command}", {name: letter for letter, name in found}, expected)
        found = re.findall(rf"__fish_seen_subcommand_from {command}' -l ([a-z-]+)(?: -s (\w))?",
                           fish)
        compare(f"fish, {command}", dict(found), expected)


def test_words_are_accepted():
    """--help behind an option is reached only if the option's argument was accepted."""
    rows = re.findall(r'^    "(\w+) (--[a-z-]+)".*?\) _kvroof_words (?:one|list)((?: [^ "$;]+)+)',
                      made("kvroof"), re.M)
    check(len(rows) > 15, f"options with words were found: {rows}")
    for command, option, words in rows:
        for word in words.split():
            run(command, option, word + "x.json" * word.endswith(":"), "--help", code=0)
    topics = re.search(r'"list "\*\).*?else\n +_kvroof_words one ([^;]*);', made("kvroof"), re.S)
    usage = " ".join(run("list", "--help", code=0).out.split("What")[0].split())
    check(usage.endswith(topics[1].replace(" ", "|")), f"topics: {topics[1]}; {usage}")
    kinds = re.search(r'"plot --kind".*?list ([^;]*) ;;', made("kvroof"))[1].split()
    text = " ".join(run("plot", "--help", code=0).out.split())
    named = re.search(r"--kind=KIND,\.\.\. ([a-z, ]*); all", text)[1].split(", ")
    compare("kinds of plot", set(kinds), {*named, "all"})


def test_bash():
    script = ('source "$1"; compopt() { :; }; COMP_LINE=$2; COMP_POINT=${#2}; _kvroof; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    for line, offered, absent in LINES:
        found = set(shell(need("bash"), "-c", script, "bash", os.path.join(MADE, "kvroof"),
                          line).split())
        # Bash parts words at @ and gets the rest only.
        offered = {word.rpartition("@")[2] for word in offered}
        check(offered <= found and not absent & found, f"{line!r}: {sorted(found)}")
    check(shell("bash", "-c", script, "bash", os.path.join(MADE, "kvroof"),
                "kvroof run --op=scan,at").split() == ["scan,attention"], "behind an equals sign")


def test_fish():
    fish = need("fish")
    for line, offered, absent in LINES:
        text = shell(fish, "--no-config", "-c",
                     f"source {os.path.join(MADE, 'kvroof.fish')}; complete -C '{line}'")
        found = {row.split("\t")[0] for row in text.splitlines()}
        check(offered <= found and not absent & found, f"{line!r}: {sorted(found)}")


def test_zsh():
    """In a terminal of its own: zsh completes nowhere else."""
    zsh = need("zsh")
    script = r"""
zmodload zsh/zpty && zpty z zsh -f -i
zpty -w z "PS1=; unset zle_bracketed_paste; fpath=($1 \$fpath); autoload -Uz compinit
compinit -u -D; echo re''ady"
wait_for() {
    local out= more end=$((SECONDS + 60))
    while (( SECONDS < end )); do
        zpty -r -t z more && out+=$more || sleep .1
        [[ $out != *$1* ]] || return 0
    done
    print -r -- "not completed: ${(V)out}"
    return 1
}
wait_for ready || exit 1
shift
while (( $# )); do
    zpty -w -n z $1$'\t'
    wait_for $2 || exit 1
    zpty -w -n z $'\C-u'
    shift 2
done
zpty -d z
"""
    lines = [text for line, offered, _ in LINES if len(offered) == 1
             for text in (line, line.rpartition(" ")[0] + " " + next(iter(offered)))]
    with open("script.zsh", "w", encoding="utf-8") as file:
        file.write(script)
    environment()
    done = subprocess.run([zsh, "-f", "script.zsh", MADE, *lines], capture_output=True, text=True,
                          env=environment(), stdin=subprocess.DEVNULL, check=False, timeout=200)
    check(done.returncode == 0, done.stdout + done.stderr)


harness.main(globals())
