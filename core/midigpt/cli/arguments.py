"""Argument types that several commands share."""

from __future__ import annotations

import argparse
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, and whose help keeps line breaks."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Print one line and leave with code 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def bar_range(text: str) -> tuple[int, int | None]:
    """``"4:8"`` = bars 4 to 7, ``"4:"`` = from 4 on, ``"4"`` = bar 4 alone; bars count from 0."""
    first, colon, end = text.partition(":")
    try:
        start = int(first or 0)
        stop = (int(end) if end else None) if colon else start + 1
    except ValueError:
        start = stop = -1
    if start < 0 or (stop is not None and stop <= start):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no range of bars; FIRST:END, FIRST: or BAR is wanted, counted from 0"
        )
    return start, stop


def track_list(text: str) -> list[int] | None:
    """``"0,2"`` = these tracks, ``"all"`` = None = every track; tracks count from 0."""
    if text == "all":
        return None
    try:
        tracks = sorted({int(part) for part in text.split(",")})
    except ValueError:
        tracks = [-1]
    if tracks[0] < 0:
        raise argparse.ArgumentTypeError(
            f'{text!r} is no list of tracks; "0,2" or "all" is wanted, counted from 0'
        )
    return tracks


def bars_within(wanted: tuple[int, int | None], count: int) -> range:
    """The bars of a range in a piece of ``count`` bars; ValueError if it goes beyond its end."""
    start, stop = wanted[0], count if wanted[1] is None else wanted[1]
    if start >= count or stop > count:
        raise ValueError(f"--bars is {start}:{stop}; the piece has bars 0:{count}")
    return range(start, stop)
