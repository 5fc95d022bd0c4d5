"""All sessions, on one thread: messages and events in, messages and jobs out.

The conductor knows no socket, thread or wall clock. Transports hand it messages with
:meth:`Conductor.receive`, events of the generation thread come in with :meth:`Conductor.on_event`,
and :meth:`Conductor.tick` wants to be called at :attr:`Conductor.next_tick`. With an
:class:`~midigpt_server.timing.clock.OfflineClock` it runs as fast as it can, the same every time.
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from midigpt_server.access import Access
from midigpt_server.admission import Admission
from midigpt_server.desk import Desk
from midigpt_server.generation.job import Job
from midigpt_server.generation.model_info import ModelInfo
from midigpt_server.generation.thread import (
    Failed,
    GenerationEvent,
    Prompted,
    Sampled,
    Succeeded,
)
from midigpt_server.protocol import inbound, osc
from midigpt_server.protocol.errors import Code, ProtocolError
from midigpt_server.protocol.fields import BadValueError
from midigpt_server.protocol.osc import Message
from midigpt_server.protocol.outbound import error, reply
from midigpt_server.protocol.row import Inbound
from midigpt_server.session.observer import SessionObserver
from midigpt_server.session.registry import USUAL_CAPACITY, Capacity, Connection, Registry
from midigpt_server.session.session import Session
from midigpt_server.statistics import Statistics
from midigpt_server.timing.clock import Clock
from midigpt_server.transports.transport import Peer

INIT = "/midigpt/session/init"
_BELIEVED_SECONDS = 1.0  # a date further from now is somebody's wrong clock

log = logging.getLogger(__name__)


class Submit(Protocol):
    """Hands a job to whoever generates."""

    def __call__(self, job: Job) -> None:
        """Returns at once; events follow."""


class Conductor:
    """The one receiver behind all transports.

    ``submit`` takes a job to be generated, up to ``slots`` at a time (see :class:`.Admission`);
    ``foresee`` one that is likely to come, while nothing else is to be done. ``defaults`` overrides
    defaults of the parameter table for every session; ``reply_port`` sends all replies to that port
    of the sender's host; ``token`` is asked of other machines. Raises
    :class:`midigpt_server.protocol.fields.BadValueError` for a default that cannot be set.
    """

    def __init__(
        self,
        info: ModelInfo,
        submit: Submit,
        clock: Clock,
        defaults: Mapping[str, Any] | None = None,
        reply_port: int | None = None,
        token: str | None = None,
        slots: int = 1,
        foresee: Submit = lambda job: None,
        capacity: Capacity = USUAL_CAPACITY,
    ) -> None:
        def make_session(session_id: str) -> Session:
            return Session(info, defaults, session_id)

        make_session("")  # refuses bad defaults now
        self.counters: Counter[str] = Counter()
        self.statistics = Statistics()
        self._admission = Admission(slots)
        self.observers: list[SessionObserver] = [self.statistics, self._admission]
        self._submit = submit
        self._foresee = foresee
        self._clock = clock
        self._reply_port = reply_port
        self._access = Access(token)
        self._registry = Registry(make_session, capacity)
        self._running: dict[Job, Connection] = {}
        self.desk = Desk(
            *(self._registry, clock, self.counters, self.statistics, make_session),
            generating=lambda: len(self._running),
            go_on=lambda: self._guarded(self._dispatch),
        )
        self._turn = 0

    @property
    def next_tick(self) -> float | None:
        """When :meth:`tick` is due, on the clock; None: not before something else happens."""
        wakeups = [connection.session.wakeup for connection in self._registry]
        moments = [*wakeups, self._registry.next_expiry]
        return min((moment for moment in moments if moment is not None), default=None)

    # --- in --------------------------------------------------------------------------------

    def receive(self, messages: Sequence[Message], peer: Peer) -> None:
        """Take the messages of one packet, in order."""
        if self._reply_port is not None:
            peer = peer.on_port(self._reply_port)
        for message in messages:
            self._guarded(self._on_message, message, peer)
        self._guarded(self._dispatch)

    def on_event(self, event: GenerationEvent) -> None:
        """Take an event of the generation thread."""
        self._guarded(self._on_generation, event)
        self._guarded(self._dispatch)

    def tick(self) -> None:
        """Time has passed."""
        now = self._clock.now()
        for connection in self._registry:
            self._guarded(self._advance, connection)
        for connection in self._registry.idle(now):
            self._guarded(self._close, connection, now)
        self._guarded(self._dispatch)

    def tell(self, messages: Sequence[Message], session_id: str | None = None) -> None:
        """Tell the players of a session, or of all, something that is not part of the music."""
        for connection in self._registry:
            if session_id in (None, connection.session.id):
                for player in connection.players:
                    player.send(messages)

    def close(self) -> None:
        """Cancel what runs."""
        for job in self._running:
            job.cancel.set()

    # --- messages --------------------------------------------------------------------------

    def _on_message(self, message: Message, peer: Peer) -> None:
        try:
            rows = inbound.rows_of(message.address)
        except osc.UndecodableError as problem:
            self.counters["undecodable"] += 1
            log.debug("%s", problem)
            return
        if not rows:
            self.counters["unknown_address"] += 1
            log.debug("unknown address %s from %s", message.address, peer.key)
        for row in rows:
            try:
                arguments = self._access.check(row, message.arguments, peer)
                log.debug("<- %s %s", row.address, arguments)
                if row.of_server:
                    row.method_of(self.desk)(peer, *row.parse(arguments))
                else:
                    self._perform(row, message._replace(arguments=arguments), peer)
            except (ProtocolError, BadValueError) as refusal:
                self._refuse(row, refusal, peer)

    def _perform(self, row: Inbound, message: Message, peer: Peer) -> None:
        now = self._clock.now()
        if row.address == INIT:
            session_id = row.parse(message.arguments)[2]
            connection = self._registry.begun_by(peer, session_id, now)
        else:
            connection = self._registry.used_by(peer, now)
        session = connection.session
        self._advance(connection)
        if session.state not in row.states:
            raise ProtocolError(
                Code.WRONG_STATE, f"{row.address} is not legal in state {session.state.value}"
            )
        arguments = row.parse(message.arguments)
        session.timekeeper.meant = self._moment_of(message, now)
        row.method_of(session)(*arguments)
        if row.private:
            port = session.reply_port
            (peer.on_port(port) if port else peer).send(session.take_replies())
            return
        accepted = Message(row.address, tuple(arguments))
        self._observe("on_inbound", connection, accepted, now)
        self._mirror(connection, "in", [accepted])
        self._flush(connection)

    def _moment_of(self, message: Message, now: float) -> float:
        """When something happened: as its bundle is dated, if that is about now."""
        if message.time is None:
            return now
        moment = now + message.time - self._clock.unix(now)
        return moment if abs(moment - now) <= _BELIEVED_SECONDS else now

    def _refuse(self, row: Inbound, refusal: ProtocolError | BadValueError, peer: Peer) -> None:
        code = refusal.code if isinstance(refusal, ProtocolError) else Code.BAD_ARGUMENT
        text = str(refusal)
        if isinstance(refusal, BadValueError):
            text = f"{row.address}: {text}"
        self.counters[f"error_{code.value}"] += 1
        log.info("error=%d %s", code, text)
        connection = self._registry.find(peer)
        port = connection.session.reply_port if connection else None
        (peer.on_port(port) if port else peer).send([error(code, text)])

    # --- generation ------------------------------------------------------------------------

    def _on_generation(self, event: GenerationEvent) -> None:
        job = event.job
        connection = self._running[job]
        session = connection.session
        self._advance(connection)
        if isinstance(event, Prompted):
            session.answers.on_prompt_state(job, event.prompt)
        elif isinstance(event, Sampled):
            session.answers.on_notes(job, event.attempt, event.bar, event.notes)
        else:
            del self._running[job]
            if isinstance(event, Succeeded):
                session.answers.on_result(job, event.result)
            elif isinstance(event, Failed):
                session.answers.on_failure(job, event.reason)
        self._flush(connection)

    def _dispatch(self) -> None:
        """Start the most urgent wanted generations, as long as there are slots.

        The earliest deadline goes first; those that can hardly be met come last, and of them the
        latest first; among those without one, the session served least recently.
        """
        while len(self._running) < self._admission.limit:
            waiting = [c for c in self._registry if c.session.answers.is_waiting]
            if not waiting:
                break
            urgent = min(waiting, key=self._urgency)
            self._advance(urgent)
            if not urgent.session.answers.is_waiting:
                continue  # its time was over
            urgent.served = self._turn = self._turn + 1
            job = urgent.session.answers.begin()
            self._running[job] = urgent
            self._flush(urgent)
            self._submit(job)
        for connection in self._registry:
            if (likely := connection.session.foreseen_job()) is not None:
                self._foresee(likely)

    def _urgency(self, connection: Connection) -> tuple[bool, float, int]:
        wanted = connection.session.answers.owed.next()
        if wanted is None:
            return True, math.inf, connection.served
        hopeless = not self._admission.can_be_met(wanted, self._clock.now())
        deadline = math.inf if wanted.deadline is None else wanted.deadline
        return hopeless, -deadline if hopeless else deadline, connection.served

    # --- out -------------------------------------------------------------------------------

    def _advance(self, connection: Connection) -> None:
        """Tell a session the time, and send what that brings."""
        connection.session.advance(self._clock.now())
        self._flush(connection)

    def _flush(self, connection: Connection) -> None:
        """Send what the session has to say."""
        session, now = connection.session, self._clock.now()
        for timing in session.take_timings():
            self._observe("on_job", connection, timing, now)
        messages = session.take_replies()
        if not messages:
            return
        for message in messages:
            log.debug("-> %s %s", message.address, message.arguments)
        on_wire = [self._on_wire(connection, message) for message in messages]
        for player in connection.players:
            player.send(on_wire)
        self._observe("on_outbound", connection, messages, now)
        self._mirror(connection, "out", messages)

    def _on_wire(self, connection: Connection, message: Message) -> Message:
        """Dated by the time of day, numbered if the players want it."""
        if message.time is not None:
            message = message._replace(time=self._clock.unix(message.time))
        if connection.session.numbered:
            connection.count += 1
            message = message._replace(number=connection.count)
            connection.sent.append(message)
        return message

    def _mirror(self, connection: Connection, direction: str, messages: Sequence[Message]) -> None:
        first = connection.revision + 1
        connection.revision += len(messages)
        if not connection.watchers:
            return
        copies = [
            reply(
                "session/mirror",
                *(connection.session.id, revision, direction, message.address),
                json.dumps(message.arguments, default=str),
            )
            for revision, message in enumerate(messages, first)
        ]
        for watcher in connection.watchers.values():
            watcher.send(copies)

    def _observe(self, event: str, connection: Connection, *arguments: Any) -> None:
        for observer in self.observers:
            self._guarded(getattr(observer, event), connection.session.id, *arguments)

    def _close(self, connection: Connection, now: float) -> None:
        connection.session.stop()
        self._flush(connection)
        self._registry.forget(connection)
        self._observe("on_closed", connection, now)

    def _guarded(self, action: Callable[..., None], *arguments: Any) -> None:
        """Whatever goes wrong in one action, the server goes on."""
        try:
            action(*arguments)
        except Exception:
            self.counters["internal_errors"] += 1
            log.exception("internal error; the server goes on")
