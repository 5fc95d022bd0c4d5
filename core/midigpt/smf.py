"""Checks the bytes of a Standard MIDI File before a parser written in C++ sees them.

The parser trusts its input: it reads past the end of a cut file, drops notes with bad data bytes
without a word, and lets 32-bit times wrap around. One walk over the events rules all of that out.
Source: "Standard MIDI Files 1.0" (RP-001).
"""

from __future__ import annotations

import struct

_END_OF_TRACK, _TEMPO, _TIME_SIGNATURE = 0x2F, 0x51, 0x58
_LEAST_META_LENGTH = {_TEMPO: 3, _TIME_SIGNATURE: 2}
_SYSTEM_LENGTH = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0, 0xF8: 0, 0xFA: 0, 0xFB: 0, 0xFC: 0, 0xFE: 0}
#: Times are 32-bit integers in the parser.
LAST_TICK = 2**31 - 1


class MidiError(ValueError):
    """The bytes are not a Standard MIDI File this package can read."""


def checked(data: bytes) -> bytes:
    """A well-formed file with the same music: the header and the MTrk chunks of ``data``.

    Accepted are formats 0, 1 and 2 with a division in ticks per quarter note (0 counts as 480).
    Chunks of other types are left out, and so is what follows the announced number of tracks.

    Raises:
        MidiError: a chunk or an event is malformed.
    """
    if len(data) < 14 or data[:4] != b"MThd":
        raise MidiError("not a MIDI file: it does not start with an MThd header")
    length, kind, announced, division = (
        int.from_bytes(data[a:b], "big") for a, b in ((4, 8), (8, 10), (10, 12), (12, 14))
    )
    if length != 6:
        raise MidiError(f"MIDI header: length is {length}; 6 is wanted")
    if kind > 2:
        raise MidiError(f"MIDI header: format is {kind}; 0, 1 or 2 is wanted")
    if division & 0x8000:
        raise MidiError("MIDI header: SMPTE time division; ticks per quarter note are wanted")
    chunks: list[bytes] = []
    position = 14
    while len(chunks) < announced and position < len(data):
        start = position + 8
        if start > len(data):
            raise MidiError(f"MIDI chunk at byte {position} is cut inside its header")
        end = start + int.from_bytes(data[position + 4 : start], "big")
        if end > len(data):
            raise MidiError(
                f"MIDI chunk at byte {position} is cut: {end - start} bytes are announced, "
                f"{len(data) - start} are there"
            )
        if data[position : position + 4] == b"MTrk":
            _check_track(data[start:end], start)
            chunks.append(data[position:end])
        position = end
    if announced and not chunks:
        raise MidiError(f"MIDI header: {announced} tracks are announced; there is no MTrk chunk")
    return b"".join([_header(len(chunks), division or 480), *chunks])


def _header(tracks: int, division: int) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, 1, tracks, division)


def _check_track(track: bytes, offset: int) -> None:
    """Walk the events of one MTrk; ``offset`` is its place in the file, for messages."""
    time = position = 0
    running = 0  # the channel status in force; 0 is none
    try:
        while position < len(track):
            event = position
            delta, position = _variable_length(track, position)
            time += delta
            if time > LAST_TICK:
                raise MidiError(f"{_at(offset, event)} is later than tick {LAST_TICK}")
            status = track[position]
            if status < 0xF0:
                if status >= 0x80:
                    running = status
                    position += 1
                elif running == 0:
                    raise MidiError(f"{_at(offset, event)} has no status byte")
                count = 1 if running & 0xE0 == 0xC0 else 2
                if track[position] > 127 or track[position + count - 1] > 127:
                    raise MidiError(f"{_at(offset, event)} has a data byte above 127")
                position += count
            elif status == 0xFF:
                kind = track[position + 1]
                count, position = _variable_length(track, position + 2)
                if kind == _END_OF_TRACK:
                    return
                _check_meta(kind, track[position : position + count], _at(offset, event))
                position += count
            elif status == 0xF0:
                running = 0
                count, position = _variable_length(track, position + 1)
                position += count
            elif status in _SYSTEM_LENGTH:
                running = 0
                position += 1 + _SYSTEM_LENGTH[status]
            else:
                raise MidiError(f"{_at(offset, event)} has the unsupported status 0x{status:02x}")
    except IndexError:
        position = len(track) + 1
    if position > len(track):
        raise MidiError(f"{_at(offset, event)} runs past the end of its track chunk")


def _check_meta(kind: int, data: bytes, where: str) -> None:
    least = _LEAST_META_LENGTH.get(kind, 0)
    if len(data) < least:
        raise MidiError(
            f"{where}: meta event 0x{kind:02x} has {len(data)} bytes; {least} are wanted"
        )
    if kind == _TIME_SIGNATURE and data[1] > 7:
        raise MidiError(f"{where}: time signature {data[0]}/2^{data[1]}; 2^0..2^7 are wanted")


def _variable_length(data: bytes, position: int) -> tuple[int, int]:
    """The variable-length quantity at ``position`` (at most 4 bytes) and where it ends."""
    value = 0
    for end in range(position, position + 4):
        value = value << 7 | data[end] & 0x7F
        if data[end] < 0x80:
            return value, end + 1
    raise MidiError(
        f"a variable-length number has more than 4 bytes: {data[position : end + 1].hex()}"
    )


def _at(offset: int, event: int) -> str:
    return f"MIDI event at byte {offset + event}"
