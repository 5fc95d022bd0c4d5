"""Keeps generated bars in the meter of the piece."""

from __future__ import annotations

from collections.abc import Iterable

from midigpt._native import TokenType, Vocabulary
from midigpt.inference.config import TrackPrompt
from midigpt.inference.token_masks import BLOCK_END, NOTE_CONTENT, IdMask, ids_of
from midigpt.score import Score


class MeterKeeper:
    """Lets every generated bar have one time signature, and have it before its notes.

    Args:
        vocabulary: of the checkpoint.
        signature_id: token id of the time signature.
    """

    def __init__(self, vocabulary: Vocabulary, signature_id: int) -> None:
        self.signature_id = signature_id
        self.bar_id = vocabulary.encode_val(TokenType.Bar, 0)
        self.signatures = ids_of(vocabulary, [TokenType.TimeSig])
        self.content = ids_of(vocabulary, [*NOTE_CONTENT, *BLOCK_END])
        self._waits = False  # a bar is open that has no time signature yet

    @classmethod
    def for_piece(
        cls, score: Score, prompts: Iterable[TrackPrompt], vocabulary: Vocabulary
    ) -> MeterKeeper | None:
        """The keeper of a piece in one known meter; None if it has several, or one is asked for."""
        if any("time_signature" in prompt.controls for prompt in prompts):
            return None
        meters = {
            (bar.ts_numerator, bar.ts_denominator) for track in score.tracks for bar in track.bars
        }
        known = vocabulary.config().time_signatures
        meter = meters.pop()
        if meters or meter not in known:
            return None
        return cls(vocabulary, vocabulary.encode_val(TokenType.TimeSig, known.index(meter)))

    def observe(self, token: int) -> None:
        """Take note of a sampled token."""
        if token == self.bar_id:
            self._waits = True
        elif self.signatures[token]:
            self._waits = False

    def narrow(self, allowed: IdMask) -> None:
        """Clear what does not keep the meter."""
        if allowed[self.signature_id]:
            allowed[self.signatures] = False
            allowed[self.signature_id] = True
            if self._waits:
                allowed[self.content] = False
