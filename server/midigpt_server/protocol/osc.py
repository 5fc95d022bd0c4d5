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

SEQUENCE = "/midigpt/seq"
KEPT_MESSAGES = 4096  # numbered ones, to be sent again on request
MAX_BUNDLE = 1400  # bytes, to stay in one packet of any network
_UNIX_IN_NTP = 2_208_988_800
_PATTERN_CHARACTERS = frozenset("*?[]{}")


class Message(NamedTuple):
    """One OSC message; ``tags`` has one type tag for each argument, without the comma.

    ``time`` dates it: seconds of the server's clock in a session, since 1970 on the wire; None is
    at once. ``number`` is its place in a numbered stream (parameter ``sequence``).
    """

    address: str
    arguments: tuple[Any, ...] = ()
    tags: str = ""
    time: float | None = None
    number: int | None = None


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
        time = _bundle_time(datagram)
        return [
            Message(
                timed.message.address,
                tuple(timed.message.params),
                _tags(timed.message),
                time,
            )
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


def encode_all(messages: Iterable[Message]) -> list[bytes]:
    """The datagrams of some messages, in order.

    A plain message is a datagram of its own. Dated ones, and numbered ones (after
    ``/midigpt/seq number``), come in bundles: as many of the same time as fit ``MAX_BUNDLE`` bytes.
    """
    datagrams: list[bytes] = []
    bundle = b""
    bundle_time: float | None = None
    for message in messages:
        if message.time is None and message.number is None:
            datagrams += [bundle] if bundle else []
            datagrams.append(encode(message.address, message.arguments, message.tags))
            bundle = b""
            continue
        elements = b"" if message.number is None else _element(encode(SEQUENCE, (message.number,)))
        elements += _element(encode(message.address, message.arguments, message.tags))
        if bundle and message.time == bundle_time and len(bundle) + len(elements) <= MAX_BUNDLE:
            bundle += elements
            continue
        datagrams += [bundle] if bundle else []
        bundle, bundle_time = b"#bundle\0" + _ntp(message.time) + elements, message.time
    return [*datagrams, bundle] if bundle else datagrams


def _element(datagram: bytes) -> bytes:
    return struct.pack(">i", len(datagram)) + datagram


def _ntp(unix: float | None) -> bytes:
    """An OSC time tag: 32.32 bits since 1900, 1 = at once."""
    return struct.pack(">Q", 1 if unix is None else round((unix + _UNIX_IN_NTP) * 2**32))


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


def _bundle_time(datagram: bytes) -> float | None:
    """The date of a bundle, kept when it has passed, which python-osc does not."""
    if not datagram.startswith(b"#bundle"):
        return None
    (ntp,) = struct.unpack(">Q", datagram[8:16])
    return None if ntp == 1 else ntp / 2**32 - _UNIX_IN_NTP


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
