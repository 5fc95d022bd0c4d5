"""What a session tells and counts while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from midigpt.inference.errors import CancelRequested
from midigpt.inference.token_logger import TokenLogger

#: Tokens between two calls of ``progress_sink``.
PROGRESS_EVERY = 32
#: Seconds between two calls of ``note_sink``, unless ``note_interval`` says otherwise.
STREAM_EVERY_S = 0.25


@dataclass
class SessionHooks:
    """Callbacks, to be set before a run, and counters, to be read at any time.

    Attributes:
        note_sink: gets lists of new notes ``{"track", "bar", "pitch", "onset_ticks",
            "duration_ticks", "velocity"}`` of the attempt under way, with the caller's track
            numbers and at ``decode_resolution``; every ``note_interval`` seconds and at each
            step's end. A refused attempt's notes are void: ``attempt`` goes up then.
        note_interval: least time between two such lists in seconds; 0 = every note at once.
        bar_sink: gets ``(track, bar)`` when a generated bar is complete, after its notes.
        prompt_state_sink: gets, once per run, what :func:`midigpt.inference.prompt.prompt_state`
            describes.
        progress_sink: called every ``PROGRESS_EVERY`` tokens.
        cancel_event: ends the run with GenerationCancelled; asked before every token.
        token_logger: writes every choice to a file.
        enable_profiling: measure the three times below.
        gen_count: tokens sampled, all attempts counted.
        context_len: tokens of the newest prompt.
        max_context_len: the model's context in tokens.
        attempt: number of the attempt under way, from 1.
        truncated: a step ended because the context was full.
        encode_time: seconds spent on prompts.
        model_forward_time: seconds spent in the model.
        decode_time: seconds spent on decoding results.
    """

    note_sink: Callable[[list[dict[str, int]]], None] | None = None
    note_interval: float = STREAM_EVERY_S
    bar_sink: Callable[[int, int], None] | None = None
    prompt_state_sink: Callable[[dict[str, Any]], None] | None = None
    progress_sink: Callable[[], None] | None = None
    cancel_event: Event | None = None
    token_logger: TokenLogger | None = None
    enable_profiling: bool = False
    gen_count: int = 0
    context_len: int = 0
    max_context_len: int = 0
    attempt: int = 1
    truncated: bool = False
    encode_time: float = 0.0
    model_forward_time: float = 0.0
    decode_time: float = 0.0

    _written: int = field(default=0, repr=False)
    _peak_window: int = field(default=0, repr=False)

    def window_tokens(self) -> int:
        """Tokens of the newest prompt and of what has been written after it."""
        return self.context_len + self._written

    def peak_window_tokens(self) -> int:
        """The most tokens, prompt and generated, that a step has held."""
        return self._peak_window

    def check_cancelled(self) -> None:
        """Raise CancelRequested if somebody has cancelled."""
        if self.cancel_event is not None and self.cancel_event.is_set():
            raise CancelRequested

    def begin_attempt(self, number: int, prompt_length: int) -> None:
        """Note the start of an attempt."""
        self.attempt = number
        self.context_len = prompt_length
        self._written = 0

    def count_token(self, written: int) -> None:
        """Note a sampled token, the ``written``-th of its attempt."""
        self.gen_count += 1
        self._written = written
        self._peak_window = max(self._peak_window, self.window_tokens())
        if self.progress_sink is not None and self.gen_count % PROGRESS_EVERY == 0:
            self.progress_sink()

    @contextmanager
    def timed(self, counter: str) -> Iterator[None]:
        """Add the time of a block to a counter, if profiling is enabled."""
        if not self.enable_profiling:
            yield
            return
        started = time.perf_counter()
        try:
            yield
        finally:
            setattr(self, counter, getattr(self, counter) + time.perf_counter() - started)
