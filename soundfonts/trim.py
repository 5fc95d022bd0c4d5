#!/usr/bin/env python3
"""trim.py WHOLE.sf3 TARGET.sf3: keep the programs of General MIDI and the drum kits of GS.

Neither the server nor the page asks for other banks, and the other kits are shades of these. No
sample is encoded again. Source: SoundFont Technical Specification 2.04, sections 4 to 7.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeAlias

MELODIC, DRUMS = 0, 128
#: Standard, Room, Power, Electronic, TR-808, Jazz, Brush, Orchestra.
KITS = frozenset({0, 8, 16, 24, 25, 32, 40, 48})
#: Generators that end a zone and name what it plays.
INSTRUMENT, SAMPLE = 41, 53

PRESET = struct.Struct("<20sHHHIII")  # name, program, bank, first zone, three unused
INSTRUMENT_HEADER = struct.Struct("<20sH")  # name, first zone
SAMPLE_HEADER = struct.Struct("<20sIIIIIBbHH")  # name, first and last byte, loop, rate, ...
ZONE = struct.Struct("<HH")  # first generator, first modulator
GENERATOR = struct.Struct("<HH")  # kind, amount
MODULATOR = struct.Struct("<10s")

Row: TypeAlias = tuple  # of one of the structures above


class Zone(NamedTuple):
    """How a preset plays an instrument, or an instrument a sample."""

    generators: list[Row]
    modulators: list[Row]


class Part(NamedTuple):
    """A preset or an instrument."""

    header: Row
    zones: list[Zone]


def trim(bank: bytes, is_kept: Callable[[int, int], bool]) -> bytes:
    """The SoundFont with the presets for which ``is_kept(bank, program)``, and what they play.

    Raises:
        ValueError: these bytes are no SoundFont.
    """
    if bank[:4] != b"RIFF" or bank[8:12] != b"sfbk":
        raise ValueError("no SoundFont: it does not begin with RIFF ... sfbk")
    lists = {body[:4]: body[4:] for name, body in _chunks(bank[12:]) if name == b"LIST"}
    (_, sound), *_ = _chunks(lists[b"sdta"])
    table = dict(_chunks(lists[b"pdta"]))
    presets = [p for p in _parts(table, b"p", PRESET, 3) if is_kept(p.header[2], p.header[1])]
    instruments = _parts(table, b"i", INSTRUMENT_HEADER, 1)
    samples = list(SAMPLE_HEADER.iter_unpack(table[b"shdr"]))

    presets, used = _renumbered(presets, INSTRUMENT)
    instruments, heard = _renumbered([instruments[old] for old in used], SAMPLE)
    kept_sound, kept_samples = bytearray(), []
    for name, begin, end, *rest in (samples[old] for old in heard):
        place = len(kept_sound)
        kept_sound += sound[begin:end]
        kept_samples.append((name, place, len(kept_sound), *rest))
    kept_sound += bytes(len(kept_sound) % 2)  # some readers do not expect the filling byte of RIFF
    tables = [
        *_tables(b"p", PRESET, presets, 3, (b"", 0, 0, 0, 0, 0, 0)),
        *_tables(b"i", INSTRUMENT_HEADER, instruments, 1, (b"", 0)),
        (b"shdr", _packed(SAMPLE_HEADER, [*kept_samples, (b"", *[0] * 9)])),
    ]
    return _chunk(
        b"RIFF",
        b"sfbk"
        + _chunk(b"LIST", b"INFO" + lists[b"INFO"])
        + _chunk(b"LIST", b"sdta" + _chunk(b"smpl", bytes(kept_sound)))
        + _chunk(b"LIST", b"pdta" + b"".join(_chunk(*named) for named in tables)),
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, place + 4)
        yield data[place : place + 4], data[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _packed(layout: struct.Struct, rows: list[Row]) -> bytes:
    return b"".join(layout.pack(*row) for row in rows)


def _parts(table: dict[bytes, bytes], kind: bytes, layout: struct.Struct, first: int) -> list[Part]:
    """Presets (``p``) or instruments (``i``); column ``first`` of a header is its first zone."""
    headers = list(layout.iter_unpack(table[b"phdr" if kind == b"p" else b"inst"]))
    bags = list(ZONE.iter_unpack(table[kind + b"bag"]))
    generators = list(GENERATOR.iter_unpack(table[kind + b"gen"]))
    modulators = list(MODULATOR.iter_unpack(table[kind + b"mod"]))
    zones = [
        Zone(generators[g:next_g], modulators[m:next_m])
        for (g, m), (next_g, next_m) in pairwise(bags)
    ]
    return [
        Part(header, zones[header[first] : following[first]])
        for header, following in pairwise(headers)
    ]


def _renumbered(parts: list[Part], kind: int) -> tuple[list[Part], list[int]]:
    """The parts with what they name counted anew; which that was, by its number before."""

    def named(part: Part) -> set[int]:
        return {n for zone in part.zones for k, n in zone.generators if k == kind}

    used = sorted(set().union(*map(named, parts)))
    new = {old: place for place, old in enumerate(used)}

    def again(zone: Zone) -> Zone:
        return zone._replace(
            generators=[(k, new[n] if k == kind else n) for k, n in zone.generators]
        )

    return [part._replace(zones=[*map(again, part.zones)]) for part in parts], used


def _tables(
    kind: bytes, layout: struct.Struct, parts: list[Part], first: int, end: Row
) -> Iterator[tuple[bytes, bytes]]:
    headers, bags, generators, modulators = [], [], [], []
    for part in parts:
        headers.append((*part.header[:first], len(bags), *part.header[first + 1 :]))
        for zone in part.zones:
            bags.append((len(generators), len(modulators)))
            generators += zone.generators
            modulators += zone.modulators
    headers.append((*end[:first], len(bags), *end[first + 1 :]))
    bags.append((len(generators), len(modulators)))
    yield b"phdr" if kind == b"p" else b"inst", _packed(layout, headers)
    yield kind + b"bag", _packed(ZONE, bags)
    yield kind + b"mod", _packed(MODULATOR, [*modulators, (bytes(10),)])
    yield kind + b"gen", _packed(GENERATOR, [*generators, (0, 0)])


def is_bundled(bank: int, program: int) -> bool:
    """Whether the package carries a preset."""
    return bank == MELODIC or (bank == DRUMS and program in KITS)


def main(arguments: list[str]) -> int:
    """Run the script; returns the exit status."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    source, target = map(Path, arguments)
    try:
        target.write_bytes(trim(source.read_bytes(), is_bundled))
    except (OSError, ValueError, KeyError, struct.error) as problem:
        print(f"trim.py: {source}: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
