"""The server: datagrams to sessions, sessions to the generator, replies back.

All methods but :meth:`Server.close` run on the endpoint's thread, which owns every session; the
generation thread only sees frozen jobs and posts events.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from threading import Thread
from typing import Any

from midigpt import __version__
from midigpt_server import osc, protocol
from midigpt_server.generator import Failed, GenerationEvent, Generator, Prompted, Succeeded
from midigpt_server.job import Backend, Job
from midigpt_server.osc import Message
from midigpt_server.registry import Address, Connection, Registry
from midigpt_server.replies import ProtocolError, error, reply
from midigpt_server.session import Session
from midigpt_server.udp import UdpEndpoint

INIT = "/midigpt/session/init"

log = logging.getLogger(__name__)


class Server:
    """An OSC server around one backend.

    ``defaults`` overrides defaults of the parameter table for every session; ``reply_port`` sends
    all replies to that port of the sender's host. Raises
    :class:`midigpt_server.fields.BadValueError` for a default that cannot be set.
    """

    def __init__(
        self,
        backend: Backend,
        endpoint: UdpEndpoint,
        defaults: Mapping[str, Any] | None = None,
        reply_port: int | None = None,
    ) -> None:
        def make_session() -> Session:
            return Session(backend.info, defaults)

        make_session()  # refuses bad defaults now
        self.endpoint = endpoint
        self._reply_port = reply_port
        self._registry = Registry(make_session, reply_port)
        self._generator = Generator(backend, endpoint.post)
        self._running: tuple[Session, Job] | None = None
        self._turn = 0
        self._thread: Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.endpoint.address[1]

    def serve(self) -> None:
        """Work until closed, on the calling thread."""
        self.endpoint.serve(self._on_datagram, self._on_event)

    def start(self) -> Server:
        """Work on a thread of its own."""
        self._thread = Thread(target=self.serve, name="midigpt-listener", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """End both threads."""
        self.endpoint.close()
        if self._thread is not None:
            self._thread.join()
        if self._running is not None:
            self._running[1].cancel.set()
        self._generator.close()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- from the network ------------------------------------------------------------------

    def _on_datagram(self, datagram: bytes, sender: Address) -> None:
        try:
            for message in osc.decode(datagram):
                self._on_message(message, sender)
        except osc.UndecodableError as problem:
            self.endpoint.counters["undecodable"] += 1
            log.debug("from %s:%d: %s", *sender, problem)
        self._dispatch()

    def _on_message(self, message: Message, sender: Address) -> None:
        rows = protocol.rows_of(message.address)
        if not rows:
            self.endpoint.counters["unknown_address"] += 1
            log.debug("unknown address %s from %s:%d", message.address, *sender)
        for row in rows:
            if row.handler is None:
                self._on_ping(message, sender)
                continue
            connection, forgotten = self._registry.connection_for(sender, row.address == INIT)
            for session in forgotten:
                session.stop()
            self._perform(connection, row, message)

    def _perform(self, connection: Connection, row: protocol.Inbound, message: Message) -> None:
        log.debug("<- %s %s", row.address, message.arguments)
        try:
            protocol.perform(connection.session, row, message.arguments)
        except ProtocolError as refusal:
            self.endpoint.counters[f"error_{refusal.code.value}"] += 1
            log.info("error=%d %s", refusal.code, refusal.text)
            self._send(connection, [error(refusal.code, refusal.text)])
        self._send(connection, connection.session.take_replies())

    def _on_ping(self, message: Message, sender: Address) -> None:
        text = str(message.arguments[0]) if message.arguments else ""
        host, port = sender
        pong = osc.encode(*reply("pong", text, __version__))
        self.endpoint.send(pong, (host, self._reply_port or port))

    # --- from the generation thread --------------------------------------------------------

    def _on_event(self, event: GenerationEvent) -> None:
        assert self._running is not None
        session, job = self._running
        if isinstance(event, Prompted):
            session.on_prompt_state(job, event.prompt)
        else:
            self._running = None
            if isinstance(event, Succeeded):
                session.on_result(job, event.result)
            elif isinstance(event, Failed):
                session.on_failure(job, event.reason)
        connection = self._registry.connection_of(session)
        if connection is not None:
            self._send(connection, session.take_replies())
        self._dispatch()

    # --- to the generation thread and to the network ---------------------------------------

    def _dispatch(self) -> None:
        """Start a wanted generation if the generator is free: the session served least recently."""
        if self._running is not None:
            return
        waiting = [c for c in self._registry if c.session.wanted is not None]
        if not waiting:
            return
        connection = min(waiting, key=lambda c: c.served)
        connection.served = self._turn = self._turn + 1
        job = connection.session.begin()
        self._running = (connection.session, job)
        self._send(connection, connection.session.take_replies())
        self._generator.submit(job)

    def _send(self, connection: Connection, messages: list[Message]) -> None:
        for message in messages:
            log.debug("-> %s %s", message.address, message.arguments)
            self.endpoint.send(osc.encode(*message), connection.reply_address)
