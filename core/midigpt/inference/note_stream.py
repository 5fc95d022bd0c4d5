"""Tells the notes and bars of an attempt while they are written."""

from __future__ import annotations

import time
from collections.abc import Sequence

from midigpt import _native
from midigpt.inference.hooks import SessionHooks
from midigpt.inference.prompt import StepPrompt
from midigpt.tokenizer.tokenizer import Tokenizer


class NoteStream:
    """Follows the state of one attempt and calls ``note_sink`` and ``bar_sink``.

    Args:
        hooks: with the sinks.
        prompt: of the step.
        numbers: the caller's number of each track.
        tokenizer: of the checkpoint.
    """

    def __init__(
        self,
        hooks: SessionHooks,
        prompt: StepPrompt,
        numbers: Sequence[int],
        tokenizer: Tokenizer,
    ) -> None:
        self._hooks = hooks
        self._targets = sorted(prompt.step.bars)
        self._first_bar = prompt.step.start_bar
        self._numbers = numbers
        self._tokenizer = tokenizer
        self._notes_told = 0
        self._bars_told = 0
        self._last_time = time.monotonic()

    @staticmethod
    def wanted(hooks: SessionHooks) -> bool:
        """Whether anybody listens."""
        return hooks.note_sink is not None or hooks.bar_sink is not None

    def update(self, state: _native.SessionState) -> None:
        """Tell what is new, if a bar is complete or enough time has passed."""
        if state.bars_done > self._bars_told:
            self.flush(state)
        elif time.monotonic() - self._last_time >= self._hooks.note_interval:
            self._tell_notes(state)

    def flush(self, state: _native.SessionState) -> None:
        """Tell everything that is new."""
        self._tell_notes(state)
        for track, bar in self._targets[self._bars_told : state.bars_done]:
            if self._hooks.bar_sink is not None:
                self._hooks.bar_sink(self._numbers[track], bar)
        self._bars_told = state.bars_done

    def _tell_notes(self, state: _native.SessionState) -> None:
        self._last_time = time.monotonic()
        notes = state.notes_since(self._notes_told)
        if not notes or self._hooks.note_sink is None:
            return
        self._notes_told += len(notes)
        self._hooks.note_sink(
            [
                {
                    "track": self._numbers[new.track],
                    "bar": self._first_bar + new.bar,
                    "pitch": note.pitch,
                    "onset_ticks": note.onset_ticks,
                    "duration_ticks": note.duration_ticks,
                    "velocity": note.velocity,
                }
                for new, note in zip(notes, self._resampled(notes), strict=True)
            ]
        )

    def _resampled(self, notes: Sequence[_native.GeneratedNote]) -> list[_native.Note]:
        config = self._tokenizer.config
        pool = _native.Score()
        pool.notes = [
            _native.Note(n.pitch, n.velocity, n.onset, n.duration, n.delta) for n in notes
        ]
        _native.resample(
            pool, config.resolution, config.decode_resolution, config.emit_delta_tokens
        )
        return pool.notes
