# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that must be refused with exit code 2, before anything is measured."""

import os

import harness
from harness import check, check_refused, run_tiny


def refuse(*arguments, words=()):
    """Exit code 2, the words in the message, no file left behind."""
    outcome = run_tiny(*arguments, "-o", "json:out.json")
    check_refused(outcome, 2, *words)
    check(not os.path.exists("out.json"), "a refused run leaves no result", outcome)


def test_unknown_names_offer_the_nearest():
    refuse("-k", "lokat.u8", words=("lokat.u8", "lookat"))
    refuse("-k", "int8.fuse", words=("int8.fuse", "int8.fused"))
    refuse("-k", "fp61", words=("fp61", "fp16"))
    refuse("-p", "quik", words=("quik", "quick"))
    refuse("-k", "fp16", "--isa", "avx215", words=("avx215", "avx2"))
    refuse("-k", "fp16", "--layout", "hedas", words=("hedas", "heads"))
    refuse("-k", "fp16", "--mem", "lokal", words=("lokal",))
    refuse("-k", "fp16", "--pages", "3m", words=("3m",))
    refuse("-k", "fp16", "--progress", "fast", words=("fast",))
    refuse("-k", "fp16", "--color", "blue", words=("blue",))
    refuse("-k", "fp16", "--format", "yaml", words=("yaml",))


def test_instruction_set_without_a_variant():
    refuse("-k", "fp16@avx512", words=("fp16@avx512", "variant", "fp16.*@avx512"))
    refuse("-k", "fp16@avx9", words=("fp16@avx9", "means no kernel"))


def test_names_without_any_match():
    refuse("-k", "xyzzy", words=("xyzzy",))
    refuse("-k", "", words=())
    refuse("-k", "fp16,xyzzy", words=("xyzzy",))


def test_operations():
    refuse("-k", "fp16", "--op", "stp", words=("stp", "step"))
    refuse("-k", "fp16", "--op", "", words=("--op",))
    refuse("-k", "fp16", "--codebook", "f64", words=("f64", "f16"))
    refuse("-k", "fp16", "--codebook-residency", "cool", words=("cool", "cold"))
    for option in ("--batch", "--group-queries"):
        for text in NUMBERS:
            refuse("-k", "fp16", option, text)
    refuse("-k", "fp16", "--group-queries", "1,17", words=("17", "16"))
    for text in ("-1", "abc", "", "1.5", "4Q"):
        refuse("-k", "fp16", "--evict", text, words=("--evict",))
    refuse("-k", "int8.materialised", "--op", "step", words=("materialised",))


def test_pages_of_keys():
    for text in ("pages", "pages:", "pages:0", "pages:-1", "pages:x", "pages:2M"):
        refuse("-k", "fp16", "--layout", text, words=("--layout", text))
    # A page holds whole blocks; who is refused, why, and what helps.
    refuse("-k", "lookat.u8", "--layout", "pages:16", words=("lookat.u8", "blocks of 64",
                                                             "pages:64"))
    refuse("-k", "int8.fused", "--layout", "heads,pages:100", words=("int8.fused", "blocks of 16",
                                                                     "pages:112"))
    refuse("-k", "fp16,lookat.u8", "--layout", "pages:16", words=("lookat.u8",))
    refuse("-k", "fp16", "--layout", "pages:24", words=("fp16", "pages:32"))


NUMBERS = ("0", "-1", "abc", "", "1.5", "12x", "99999999999999999999", "0x40", "nan", "inf")


def test_numbers():
    for option in ("-d", "-n", "--heads", "-m", "--entries"):
        for text in NUMBERS:
            refuse("-k", "lookat.u8", option, text)


def test_numbers_that_overflow_with_their_suffix():
    for text in ("99999999999G", "18446744073709551616", "17179869184G"):
        refuse("-k", "fp16", "-n", text)
        refuse("-k", "fp16", "--bytes", text)


def test_bytes():
    for text in ("0", "-4M", "abc", "4Q", "4M..", "..4M", "4M..1M", "1M..4M:x0", "1M..4M:x1",
                 "1M..4M:y2", "1M..4M:x"):
        refuse("-k", "fp16", "--bytes", text)


def test_rounds_and_times():
    for text in ("0", "-3", "abc", "1e99", "nan"):
        refuse("-k", "fp16", "-r", text)
    for option in ("--min-time", "--budget", "--peak-gb-per-s"):
        for text in ("-1", "abc", "nan", "inf", ""):
            refuse("-k", "fp16", option, text)


def test_max_mem():
    for text in ("0", "0%", "101%", "-5%", "abc", "%"):
        refuse("-k", "fp16", "--max-mem", text)


def test_threads_and_cpus():
    for text in ("0", "-1", "many", ""):
        refuse("-k", "fp16", "-t", text)
    for text in ("a", "0-", "3-1", "-1", "0,,1", ""):
        refuse("-k", "fp16", "-c", text)


def test_shapes_that_the_codec_refuses():
    refuse("-k", "lookat.u8", "-m", "3", words=("3", "64"))
    refuse("-k", "lookat.u8", "-m", "128")
    refuse("-k", "lookat.u8", "-d", "65")
    refuse("-k", "fp16", "-d", "1000000")


def test_outputs():
    refuse("-k", "fp16", "-o", "yaml:out.yaml", words=("yaml",))
    refuse("-k", "fp16", "-o", "json:")


def test_tags():
    refuse("-k", "fp16", "--tag", "novalue", words=("novalue",))


def test_heads_and_bytes_exclude_each_other():
    refuse("-k", "fp16", "--heads", "8", "--bytes", "4M")


def test_a_list_with_one_bad_member():
    refuse("-k", "lookat.u8", "-m", "4,3")
    refuse("-k", "fp16", "-n", "512,0")
    refuse("-k", "fp16", "-n", "512,,1024")


harness.main(globals())
