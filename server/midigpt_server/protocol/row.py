"""What a row of the message table says: one for messages in, one for messages out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.fields import BadValueError, Field
from midigpt_server.protocol.states import ALWAYS, State


@dataclass(frozen=True)
class Inbound:
    """One kind of message from the client."""

    address: str
    handler: str  # method of Session or of a part of it ("roster.create_track"); see of_server
    doc: str
    states: frozenset[State] = ALWAYS
    fields: tuple[Field, ...] = ()
    answers: str = ""
    since_0_4_2: bool = True
    of_server: bool = False  # not a matter of one session: a method of Desk
    private: bool = False  # a question: the answer is for the asker alone
    open_to_all: bool = False  # also to peers that have not shown the token

    def method_of(self, owner: object) -> Callable[..., None]:
        """The handler of a session, or of the desk."""
        method: Callable[..., None] = attrgetter(self.handler)(owner)
        return method

    def parse(self, arguments: Sequence[Any]) -> list[Any]:
        """The handler's arguments.

        Raises:
            ProtocolError: code 4, too few or bad arguments.
        """
        required = [field.name for field in self.fields if field.required]
        if len(arguments) < len(required):
            raise ProtocolError(
                Code.BAD_ARGUMENT,
                f"{self.address} wants {' '.join(required)}; {len(arguments)} arguments came",
            )
        try:
            sent = [f.parse(a) for f, a in zip(self.fields, arguments, strict=False)]
        except BadValueError as error:
            raise ProtocolError(Code.BAD_ARGUMENT, f"{self.address}: {error}") from error
        return sent + [field.default for field in self.fields[len(sent) :]]


@dataclass(frozen=True)
class Outbound:
    """One kind of message to the client: address, OSC type tags, argument names, occasion."""

    address: str
    tags: str
    arguments: tuple[str, ...]
    doc: str
    since_0_4_2: bool = True
