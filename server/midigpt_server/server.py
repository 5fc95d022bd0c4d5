"""The server: a conductor, the transports in front of it and the generation thread behind it.

One asyncio loop, on the server thread, receives, keeps time and sends; it never computes music.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

from midigpt_server.conductor import Conductor
from midigpt_server.generation.job import Backend, Job
from midigpt_server.generation.thread import GenerationEvent, GenerationThread
from midigpt_server.journal.journal import Journal
from midigpt_server.protocol.osc import Message
from midigpt_server.session.registry import USUAL_CAPACITY, Capacity
from midigpt_server.timing.clock import WallClock
from midigpt_server.timing.slice import shorten_slice
from midigpt_server.transports.transport import Peer, Transport

#: For ``sys.setswitchinterval`` where a server runs: its thread gives up the GIL at every datagram;
#: while another prepares a prompt it would wait Python's 5 ms each time to get it back.
SWITCH_SECONDS = 2e-4


class Server:
    """An OSC server around one backend; arguments as for :class:`Conductor`.

    ``journal`` is the file that all sessions are written to; None: they are not.

    ``with Server(backend, [UdpTransport(port=7400)]):`` works on a thread of its own;
    :meth:`serve` on the calling one.
    """

    def __init__(
        self,
        backend: Backend,
        transports: Sequence[Transport],
        defaults: Mapping[str, Any] | None = None,
        reply_port: int | None = None,
        token: str | None = None,
        journal: Path | None = None,
        capacity: Capacity = USUAL_CAPACITY,
    ) -> None:
        self._clock = WallClock()
        self.conductor = Conductor(
            *(backend.info, self._submit, self._clock, defaults, reply_port, token),
            slots=backend.slots,
            foresee=self._foresee,
            capacity=capacity,
        )
        self._journal_path = journal
        self._transports = transports
        self._generation = GenerationThread(backend, self._post)
        self._loop: asyncio.AbstractEventLoop
        self._end: asyncio.Event
        self._ready = Event()
        self._timer: asyncio.TimerHandle | None = None
        self._thread: Thread | None = None

    @property
    def counters(self) -> Counter[str]:
        """What was received, sent and refused."""
        return self.conductor.counters

    @property
    def port(self) -> int:
        """The port of the first transport."""
        return self._transports[0].port

    def serve(self) -> None:
        """Work until closed, on the calling thread."""
        asyncio.run(self._serve())

    def start(self) -> Server:
        """Work on a thread of its own; returns when the transports are open."""
        self._thread = Thread(target=self.serve, name="midigpt-server", daemon=True)
        self._thread.start()
        self._ready.wait()
        return self

    def close(self) -> None:
        """End both threads; after :meth:`serve` has returned, or from another thread."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()
        self.conductor.close()
        self._generation.close()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the receiver of the transports ----------------------------------------------------

    def receive(self, messages: Sequence[Message], peer: Peer) -> None:
        """Take the messages of one packet; on the loop."""
        self.conductor.receive(messages, peer)
        self._set_timer()

    # --- on the loop -----------------------------------------------------------------------

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        journal = self._open_journal()
        shorten_slice()
        for transport in self._transports:
            await transport.open(self)
        self._ready.set()
        try:
            await self._end.wait()
        finally:
            for transport in self._transports:
                transport.close()
            if journal is not None:
                journal.close()

    def _open_journal(self) -> Journal | None:
        if self._journal_path is None:
            return None
        return Journal(self._journal_path, self.conductor, self._clock, self._call)

    def _on_event(self, event: GenerationEvent) -> None:
        self.conductor.on_event(event)
        self._set_timer()

    def _tick(self) -> None:
        self._timer = None
        self.conductor.tick()
        self._set_timer()

    def _set_timer(self) -> None:
        due = self.conductor.next_tick
        if self._timer is not None:
            if self._timer.when() == due:
                return
            self._timer.cancel()
        self._timer = None if due is None else self._loop.call_at(due, self._tick)

    # --- between the threads ---------------------------------------------------------------

    def _submit(self, job: Job) -> None:
        self._generation.submit(job)

    def _foresee(self, job: Job) -> None:
        self._generation.foresee(job)

    def _post(self, event: GenerationEvent) -> None:
        self._call(self._on_event, event)

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(function, *arguments)
