"""``python -m tests.parity``: run comparisons and print a table of counts."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.parity.case import Case, Piece
from tests.parity.comparisons import NAMES, load
from tests.parity.music import pieces
from tests.parity.oracle import Oracle, OracleCrash

#: Differences that are printed in full; the others are only counted.
SHOWN = 10


@dataclass
class Row:
    """Counts of one group of cases."""

    cases: int = 0
    size: int = 0
    different: int = 0
    excused: Counter[str] = field(default_factory=Counter)


@dataclass
class Report:
    """Rows by group, and what differed."""

    rows: dict[str, Row] = field(default_factory=dict)
    different: int = 0

    def row(self, group: str) -> Row:
        return self.rows.setdefault(group, Row())

    def add(self, piece: Piece, case: Case, theirs: str) -> None:
        """Count one case of ours and what the oracle says about it."""
        row = self.row(case.group)
        row.cases += 1
        row.size += case.size
        ours = case.text()
        if ours == theirs:
            return
        if excuse := case.excuse():
            row.excused[excuse] += 1
            return
        row.different += 1
        self.show(piece, ours, theirs)

    def show(self, piece: Piece, ours: str, theirs: str) -> None:
        """Print a difference, from where it starts."""
        self.different += 1
        if self.different > SHOWN:
            return
        pairs = enumerate(zip(ours, theirs, strict=False))
        at = next((i for i, (x, y) in pairs if x != y), min(len(ours), len(theirs)))
        print(f"DIFFERENT {piece.name}: {ours[:80]}")
        for side, text in (("ours", ours), ("oracle", theirs)):
            print(f"  {side:6} …{text[max(0, at - 60) : at + 180]}")

    def print(self) -> None:
        """The table, in Markdown."""
        print("\n| What | cases | size | differences | excused |\n|---|--:|--:|--:|---|")
        for group, row in sorted(self.rows.items(), key=lambda item: natural(item[0])):
            excused = "; ".join(f"{count}: {why}" for why, count in row.excused.items())
            print(f"| {group} | {row.cases:,} | {row.size:,} | {row.different} | {excused} |")


def natural(text: str) -> list[Any]:
    """A sort key that knows numbers."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def compare(oracle: Oracle, name: str, piece: Piece, report: Report) -> None:
    """One comparison on one piece; both sides work at the same time."""
    theirs = oracle.ask(name, piece)
    try:
        for case in load(name)(piece):
            report.add(piece, case, next(theirs, ""))
        for extra in theirs:
            report.show(piece, "", extra)
    except OracleCrash as crash:
        report.row(f"{name}: oracle crashed").excused[f"{piece.name}: {crash}"] += 1


def main() -> int:
    """Parse the command line; 0 when nothing differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("--music", nargs="+", type=Path, required=True, metavar="PATH")
    parser.add_argument("--files", type=int, default=300, help="pieces to draw (default 300)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--stride", type=int, default=0, help="bars between windows (default: their length)"
    )
    parser.add_argument("--compare", nargs="+", choices=NAMES, default=NAMES)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it wants the table
    oracle, report = Oracle(), Report()
    chosen = pieces(args.music, args.files, args.seed, args.stride)
    number = 0
    try:
        for number, piece in enumerate(chosen, 1):
            for name in args.compare:
                compare(oracle, name, piece, report)
            if number % 10 == 0:
                print(f"{number} of {len(chosen)}: {report.different} different", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    report.print()
    print(f"\n{number} pieces, {report.different} differences")
    return 1 if report.different else 0


if __name__ == "__main__":
    sys.exit(main())
