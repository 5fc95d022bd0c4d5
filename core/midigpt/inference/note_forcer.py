"""Forces onsets, and where wanted pitches and durations, upon the bars that are generated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from midigpt._native import TokenType, Vocabulary
from midigpt.inference.remix import RemixGroup, RemixNote
from midigpt.inference.token_masks import (
    BLOCK_END,
    NOTE_START,
    IdMask,
    clamped_id,
    ids_of,
)


class NoteForcer:
    """Follows one schedule per generated bar.

    At an onset only notes are legal until it has its number; then only the move to the next onset
    is; after the last onset only the end of the bar. What other limits have already forbidden is
    passed over. A bar with an empty schedule is free.

    Args:
        vocabulary: of the checkpoint.
        schedules: in the order in which the bars are generated.
        first_bar_is_open: the prompt ends inside the first bar (its FillInStart).
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        schedules: Sequence[Sequence[RemixGroup]],
        first_bar_is_open: bool,
    ) -> None:
        self._vocabulary = vocabulary
        self._notes = ids_of(vocabulary, NOTE_START)
        self._positions = ids_of(vocabulary, [TokenType.TimeAbsolutePos])
        self._ends = ids_of(vocabulary, BLOCK_END)
        self._content = self._notes | self._positions | self._ends
        self._onsets = ids_of(vocabulary, [TokenType.NoteOnset])
        self._durations = ids_of(vocabulary, [TokenType.NoteDuration])
        self._starts = ids_of(vocabulary, [TokenType.Bar, TokenType.FillInStart])
        self._schedules = list(schedules)
        self._schedule: Sequence[RemixGroup] = ()
        self._group = 0
        self._arrived = False  # at the onset of the group
        self._count = 0  # notes at it
        if first_bar_is_open:
            self._open_bar()

    def observe(self, token: int) -> None:
        """Take note of a sampled token."""
        if self._starts[token]:
            self._open_bar()
        elif self._ends[token]:
            self._schedule = ()
        elif self._positions[token]:
            self._move_to(self._vocabulary.decode(token)[1])
        elif self._onsets[token]:
            self._count += 1

    def narrow(self, allowed: IdMask) -> None:
        """Clear what the schedule does not want, as far as something is left."""
        if not self._schedule:
            return
        for wanted in self._wanted():
            if (allowed & wanted).any():
                allowed &= wanted | ~self._content
                break
        note = self._note(self._count)
        if note is not None and note.pitch is not None:
            self._force(allowed, self._onsets, TokenType.NoteOnset, note.pitch)
        last = self._note(self._count - 1)
        if last is not None and last.duration is not None:
            self._force(allowed, self._durations, TokenType.NoteDuration, last.duration - 1)

    def _open_bar(self) -> None:
        self._schedule = self._schedules.pop(0) if self._schedules else ()
        self._group = 0
        self._arrived = bool(self._schedule) and self._schedule[0][0] == 0
        self._count = 0

    def _move_to(self, position: int) -> None:
        onsets = [onset for onset, _ in self._schedule]
        self._group = sum(onset < position for onset in onsets)
        self._arrived = position in onsets
        self._count = 0

    def _wanted(self) -> list[IdMask]:
        """What may come next, the best first."""
        wanted = []
        if self._arrived and self._count < len(self._schedule[self._group][1]):
            wanted.append(self._notes)
        following = self._group + 1 if self._arrived else self._group
        if following < len(self._schedule):
            wanted.append(self._only(TokenType.TimeAbsolutePos, self._schedule[following][0]))
        wanted.append(self._ends)
        return wanted

    def _note(self, index: int) -> RemixNote | None:
        if not self._arrived:
            return None
        notes = self._schedule[self._group][1]
        return notes[index] if 0 <= index < len(notes) else None

    def _force(self, allowed: IdMask, among: IdMask, kind: TokenType, value: int) -> None:
        forced = clamped_id(self._vocabulary, kind, value)
        if allowed[forced]:
            allowed[among] = False
            allowed[forced] = True

    def _only(self, kind: TokenType, value: int) -> IdMask:
        mask = np.zeros(self._vocabulary.size(), dtype=np.bool_)
        mask[clamped_id(self._vocabulary, kind, value)] = True
        return mask
