"""OSC 1.0 datagrams to messages and back: the only file that knows python-osc.

Source: the OSC 1.0 specification (https://opensoundcontrol.stanford.edu/spec-1_0.html).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

_PATTERN_CHARACTERS = frozenset("*?[]{}")


class Message(NamedTuple):
    """One OSC message; ``tags`` has one type tag for each argument, without the comma."""

    address: str
    arguments: tuple[Any, ...] = ()
    tags: str = ""


class UndecodableError(ValueError):
    """The datagram is not an OSC packet."""


def decode(datagram: bytes) -> list[Message]:
    """The messages of a datagram, those of a bundle in order, all of them for now.

    A bundle's time tag is not waited for: a datagram never holds up the ones behind it.

    Raises:
        UndecodableError: cut, malformed or empty.
    """
    try:
        packet = OscPacket(datagram)
        return [
            Message(timed.message.address, tuple(timed.message.params), _tags(timed.message))
            for timed in packet.messages
        ]
    except Exception as error:  # python-osc raises more kinds than it documents
        raise UndecodableError(f"{len(datagram)} bytes that are no OSC packet: {error}") from error


def encode(address: str, arguments: Iterable[Any] = (), tags: str = "") -> bytes:
    """The datagram of one message.

    ``tags`` gives the OSC type of each argument; without it ``int`` is ``i`` (``h`` beyond 32
    bits), ``float`` is ``f``, ``str`` is ``s``, ``bool`` is ``T`` or ``F``.
    """
    builder = OscMessageBuilder(address)
    arguments = tuple(arguments)
    for argument, tag in zip(arguments, tags or [None] * len(arguments), strict=True):
        if tag == "f":  # struct refuses what float32 cannot hold; OSC clients send infinity
            argument = _as_float32(argument)
        builder.add_arg(argument, tag)
    return bytes(builder.build().dgram)


def is_pattern(address: str) -> bool:
    """Whether the address has characters of OSC address patterns."""
    return not _PATTERN_CHARACTERS.isdisjoint(address)


@lru_cache(maxsize=256)
def pattern_regex(pattern: str) -> re.Pattern[str]:
    """The regular expression of an OSC address pattern; no wildcard crosses a ``/``.

    Raises:
        UndecodableError: an unclosed ``[`` or ``{``.
    """
    out = ""
    rest = pattern
    while rest:
        head, rest = rest[0], rest[1:]
        if head == "*":
            out += "[^/]*"
        elif head == "?":
            out += "[^/]"
        elif head == "[":
            characters, closed, rest = rest.partition("]")
            negated = characters.startswith("!")
            characters = re.sub(r"([\\^\]&~|\[])", r"\\\1", characters[negated:])
            if not closed or not characters:
                raise UndecodableError(f"address pattern {pattern!r}: unclosed or empty [")
            out += f"[{'^/' if negated else ''}{characters}]"
        elif head == "{":
            words, closed, rest = rest.partition("}")
            if not closed:
                raise UndecodableError(f"address pattern {pattern!r}: unclosed {{")
            out += "(?:" + "|".join(re.escape(word) for word in words.split(",")) + ")"
        else:
            out += re.escape(head)
    try:
        return re.compile(out)
    except re.error as error:
        raise UndecodableError(f"address pattern {pattern!r}: {error}") from error


def _tags(message: OscMessage) -> str:
    datagram = message.dgram
    start = (datagram.index(b"\0") // 4 + 1) * 4
    end = datagram.find(b"\0", start)
    return datagram[start + 1 : end].decode() if end > start else ""


def _as_float32(value: Any) -> float:
    try:
        struct.pack(">f", value)
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
