# SPDX-License-Identifier: GPL-3.0-or-later
"""Arithmetic and text of the comparison with peers: pure functions, nothing is run here."""

import random
import statistics

MIN_ROUNDS = 6  # fewer give no interval
RESAMPLES = 4000


def paired(kvroof_ns, peer_ns):
    """How many times as fast kvroof was in each round that has both times: peer's over kvroof's.
    Both are lists with an entry per round; None stands for a round without a time."""
    return [peer / own for own, peer in zip(kvroof_ns, peer_ns)
            if own is not None and peer is not None and own > 0 and peer > 0]


def interval(values, resamples=RESAMPLES, seed=1):
    """95 % interval of the median: percentiles of the medians of resampled rounds (bootstrap).
    None with fewer than MIN_ROUNDS values. Same seed, same interval."""
    if len(values) < MIN_ROUNDS:
        return None
    generator = random.Random(seed)
    medians = sorted(statistics.median(generator.choices(values, k=len(values)))
                     for _ in range(resamples))
    cut = int(0.025 * resamples)
    return medians[cut], medians[resamples - 1 - cut]


def compare(kvroof_ns, peer_ns):
    """The row of one pair at one place: what was measured, or `unavailable` with the reason."""
    ratios = paired(kvroof_ns, peer_ns)
    if not ratios:
        return {"rounds": 0, "unavailable": "no round has both times"}
    row = {"rounds": len(ratios), "ratio": statistics.median(ratios),
           "kvroof_ns": statistics.median(x for x in kvroof_ns if x is not None),
           "peer_ns": statistics.median(x for x in peer_ns if x is not None)}
    limits = interval(ratios)
    if limits:
        row["ratio_ci95"] = list(limits)
    else:
        row["no_interval"] = f"fewer than {MIN_ROUNDS} rounds"
    return row


def digits(value):
    """Three significant digits, never in powers of ten."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def ratio_text(row):
    """`2.1 [2.0, 2.2]`, or the reason why there is none."""
    if "ratio" not in row:
        return "absent: " + row["unavailable"]
    if "ratio_ci95" not in row:
        return f"{digits(row['ratio'])} (no interval: {row['no_interval']})"
    low, high = row["ratio_ci95"]
    return f"**{digits(row['ratio'])}** [{digits(low)}, {digits(high)}]"


def markdown(document):
    """The whole table as text."""
    lines = ["| kvroof | peer | place | kvroof / peer, speed | ns kvroof | ns peer | rounds "
             "| error kvroof | error peer | huge pages |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for row in document["rows"]:
        times = [digits(row[key]) if key in row else "" for key in ("kvroof_ns", "peer_ns")]
        errors = [f"{row[key]:.2g}" if key in row else "" for key in ("kvroof_error", "peer_error")]
        huge = [f"{100 * row[key]:.0f} %" if key in row else "?"
                for key in ("kvroof_huge", "peer_huge")]
        lines.append("| " + " | ".join(
            [row["kvroof"], row["peer"], row["place"], ratio_text(row), *times,
             str(row["rounds"]), *errors, ", ".join(huge)]).replace("\n", " ") + " |")
    lines += ["", "Times are per key (memory: per 64 bytes; `*8`: for all 8 queries); errors are "
              "relative L2 distances from scores (or outputs) in double precision.", ""]
    for name, note in sorted(document["notes"].items()):
        lines.append(f"* {name}: {note}")
    return "\n".join(lines) + "\n"
