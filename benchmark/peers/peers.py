#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kvroof's kernels beside what a user would run instead, in the same rounds. See README.md."""

import argparse
import json
import os
import random
import sys
import time

import catalogue
import machine
import ratios
import setup

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
PLACES = ("cache", "dram")


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="print blocks, pairs and versions")
    parser.add_argument("--set-up", action="store_true",
                        help="download the peers into --peers, print their versions")
    parser.add_argument("--peers", metavar="DIR", default="peers",
                        help="folder of the downloaded peers [peers]")
    parser.add_argument("--build", metavar="DIR", default=os.path.join(SOURCE, "build"),
                        help="Meson build folder of kvroof [build beside the sources]")
    parser.add_argument("--only", metavar="NAME,...", default="",
                        help="blocks, kinds or entries of --list")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="at most [9]")
    parser.add_argument("--budget", type=float, default=225, metavar="S",
                        help="seconds in all, building and loading included [225]")
    parser.add_argument("--bytes", default="1G", metavar="SIZE",
                        help="what an entry streams from memory [1G]")
    parser.add_argument("--cpu", type=int, default=0, metavar="N", help="the one core [0]")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of orders [1]")
    parser.add_argument("-o", "--output", metavar="NAME", default="peers-result",
                        help="writes NAME.md and NAME.json [peers-result]")
    return parser, parser.parse_args()


def size_bytes(text):
    """64M, 1G, as kvroof reads sizes; None if it is none."""
    powers = {"k": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    number, power = (text[:-1], powers[text[-1]]) if text[-1:] in powers else (text, 1)
    return int(number) * power if number.isdigit() else None


def show_list(blocks):
    """--list."""
    for block in blocks:
        print(f"{block.name} ({block.keys} keys in cache)")
        for own, peer in block.pairs:
            print(f"  {catalogue.label(own)} | {catalogue.label(peer)}")
    print("\nkinds:")
    for kind, text in catalogue.KINDS.items():
        print(f"  {kind}: {text}")


def measure(block, open_entry, deadline, args):
    """The rounds of one block: {entry: peer}, {(entry, place): [ns or None per round]}."""
    peers = {}
    for entry in block.entries():  # one by one: they load and choose on the core that is timed
        peers[entry] = open_entry(entry, block.keys)
        peers[entry].wait_ready(max(args.hard_end - time.monotonic(), 1))
    times = {(entry, place): [] for entry in peers for place in PLACES}
    order = [(entry, place) for entry, place in times
             if not peers[entry].absent and place not in peers[entry].absent_at]
    generator = random.Random(args.seed)
    took = 0.0
    for number in range(args.rounds):
        begin = time.monotonic()
        end = args.hard_end if number < ratios.MIN_ROUNDS else deadline
        if not order or (number and begin + took > end):
            break
        generator.shuffle(order)
        for entry, place in order:
            left = args.hard_end - time.monotonic()
            times[entry, place].append(peers[entry].time(place, 30, left) if left > 0 else None)
        took = time.monotonic() - begin
    for peer in peers.values():
        peer.close()
    return peers, times


def rows_of(block, peers, times):
    """The rows of a block's pairs, one per place; what is absent with its reason."""
    for own, peer in block.pairs:
        for place in PLACES:
            row = {"block": block.name, "kvroof": catalogue.label(own),
                   "peer": catalogue.label(peer), "place": place}
            reasons = [f"{catalogue.label(entry)}: {peers[entry].absent}" for entry in (own, peer)
                       if peers[entry].absent]
            reasons += [f"{catalogue.label(entry)}: {peers[entry].absent_at[place]}"
                        for entry in (own, peer) if place in peers[entry].absent_at]
            if reasons:
                row |= {"rounds": 0, "unavailable": "; ".join(reasons)}
            else:
                row |= ratios.compare(times[own, place], times[peer, place])
                row["kvroof_rounds_ns"] = [x for x in times[own, place] if x is not None]
                row["peer_rounds_ns"] = [x for x in times[peer, place] if x is not None]
            for side, entry in (("kvroof", own), ("peer", peer)):
                row |= {f"{side}_{key}": value for key, value in peers[entry].facts.items()}
            yield row


def unmeasured(block, reason):
    """The rows of a block that the budget left out."""
    for own, peer in block.pairs:
        for place in PLACES:
            yield {"block": block.name, "kvroof": catalogue.label(own),
                   "peer": catalogue.label(peer), "place": place, "rounds": 0,
                   "unavailable": reason}


def run(blocks, args):
    """All blocks within the budget; the document."""
    document = {"schema": "kvroof.peers/1", "started": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                                                     time.gmtime()),
                "command": sys.argv[1:], "machine": machine.describe(args.cpu),
                "bytes": args.dram_bytes, "head_dim": 64, "rows": [], "notes": {}}
    opener = machine.Opener(args, HERE, SOURCE)
    for index, block in enumerate(blocks):
        now = time.monotonic()
        left = args.hard_end - now
        if left < 5:
            document["rows"] += unmeasured(block, f"budget: {args.budget:g} s are over")
            continue
        share = block.share / sum(other.share for other in blocks[index:])
        print(f"{block.name} ...", file=sys.stderr, flush=True)
        peers, times = measure(block, opener.open, now + left * share, args)
        document["rows"] += rows_of(block, peers, times)
        document["notes"] |= {catalogue.label(entry): peer.note for entry, peer in peers.items()
                              if peer.note}
    document["duration_s"] = round(time.monotonic() - args.hard_end + args.budget, 1)
    return document


def main():
    """Exit codes: 0, 2 for usage, 3 if kvroof itself cannot run, 5 for an output."""
    parser, args = arguments()
    wanted = [name for name in args.only.split(",") if name]
    blocks = catalogue.selected(wanted)
    unknown = [name for name in wanted if name not in catalogue.known()]
    args.dram_bytes = size_bytes(args.bytes)
    if unknown:
        parser.error(f"--only: nothing is named {unknown[0]}; --list says what is")
    if not args.dram_bytes or args.dram_bytes < 16 << 20:
        parser.error(f"--bytes: {args.bytes} is no size of at least 16M")
    if args.rounds < 1 or args.budget <= 0:
        parser.error("--rounds and --budget must be above 0")
    if args.cpu not in os.sched_getaffinity(0):
        parser.error(f"--cpu: {args.cpu} is not among the CPUs of this process")
    if args.list:
        show_list(blocks)
        return 0
    if args.set_up:
        return setup.set_up(args.peers)
    args.hard_end = time.monotonic() + args.budget
    problem = machine.build_probe(args.build)
    if problem:
        print(f"peers.py: {problem}", file=sys.stderr)
        return 3
    document = run(blocks, args)
    text = ratios.markdown(document)
    print(text, end="")
    try:
        for suffix, content in (("md", text), ("json", json.dumps(document, indent=1) + "\n")):
            with open(f"{args.output}.{suffix}", "w", encoding="utf-8") as file:
                file.write(content)
    except OSError as error:
        print(f"peers.py: --output: {error}", file=sys.stderr)
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main())
