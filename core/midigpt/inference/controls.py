"""What narrows and weighs the choices of one step beyond the grammar and its limits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from midigpt._native import TokenType, Vocabulary
from midigpt.inference.config import GenerationRequest, TrackPrompt
from midigpt.inference.kick_lock import onset_weight
from midigpt.inference.note_forcer import NoteForcer
from midigpt.inference.pitch_mask import pitch_shape_weight, resolve_pitch_allow_set
from midigpt.inference.remix import RemixGroup, RemixNote, remix_schedules
from midigpt.inference.rhythm_mask import resolve_rhythm_schedule, rhythm_grid_weight
from midigpt.inference.token_masks import IdMask, ids_of
from midigpt.score import Bar

_log = logging.getLogger(__name__)


class Narrowing(Protocol):
    """Something that follows the sampled tokens and forbids some of the next ones."""

    def observe(self, token: int) -> None:
        """Take note of a sampled token."""

    def narrow(self, allowed: IdMask) -> None:
        """Clear entries of ``allowed``; never set one."""


class StepControls:
    """The controls of one attempt of one step.

    Args:
        forbidden: ids that never occur.
        weights: factors on the probabilities, or None.
        narrowings: asked in this order.
    """

    def __init__(
        self,
        forbidden: IdMask,
        weights: NDArray[np.float32] | None,
        narrowings: Sequence[Narrowing],
    ) -> None:
        self.permitted = ~forbidden
        self.weights = weights
        self.narrowings = narrowings

    def observe(self, token: int) -> None:
        """Take note of a sampled token."""
        for narrowing in self.narrowings:
            narrowing.observe(token)

    def narrow(self, allowed: IdMask) -> None:
        """Clear what the controls do not want."""
        allowed &= self.permitted
        for narrowing in self.narrowings:
            narrowing.narrow(allowed)


def forbidden_ids(
    request: GenerationRequest,
    prompts: Sequence[TrackPrompt],
    vocabulary: Vocabulary,
    parity: bool = False,
) -> IdMask:
    """Ids of switched-off velocity and microtiming, and of pitches outside the pitch mask.

    And, other than in MIDI-GPT 0.4.2 (``parity``), of MaskBar: a generated bar is not hidden.
    """
    off = [] if parity else [TokenType.MaskBar]
    if request.controls.get("microtiming") is False:
        off += [TokenType.Delta, TokenType.DeltaDirection]
    if request.controls.get("velocity") is False:
        off.append(TokenType.VelocityLevel)
    forbidden = ids_of(vocabulary, off)
    allowed = resolve_pitch_allow_set(shared_control("pitch_mask", prompts))
    if allowed is not None:
        for kind in (TokenType.NoteOnset, TokenType.NotePitch):
            first, _ = vocabulary.range(kind)
            for pitch in range(vocabulary.domain_size(kind)):
                forbidden[first + pitch] |= pitch not in allowed
    return forbidden


def probability_weights(
    prompts: Sequence[TrackPrompt],
    vocabulary: Vocabulary,
    kicks: frozenset[int] = frozenset(),
    follow_kick: float = 0.0,
) -> NDArray[np.float32] | None:
    """Factors of the pitch shape, the rhythm grid and the kicks, 1 elsewhere; None without any.

    ``kicks`` are the ticks of a kick drum for onsets to follow, ``follow_kick`` (0..1) says how
    strongly.
    """
    shape = (shared_control("pitch_mask", prompts) or {}).get("shape")
    grid = (shared_control("rhythm_mask", prompts) or {}).get("grid")
    if shape is None and grid is None and not kicks:
        return None
    weights = np.ones(vocabulary.size(), dtype=np.float32)
    resolution = vocabulary.config().resolution

    def weigh(kind: TokenType, factor: Callable[[int], float]) -> None:
        first, _ = vocabulary.range(kind)
        for value in range(vocabulary.domain_size(kind)):
            weights[first + value] *= factor(value)

    if shape is not None:
        for kind in (TokenType.NoteOnset, TokenType.NotePitch):
            weigh(kind, lambda pitch: pitch_shape_weight(shape, pitch))
    if grid is not None:
        weigh(TokenType.TimeAbsolutePos, lambda tick: rhythm_grid_weight(grid, resolution, tick))
    if kicks:
        weigh(TokenType.TimeAbsolutePos, lambda tick: onset_weight(tick, kicks, follow_kick))
    return weights


def note_forcer(
    prompts: Sequence[TrackPrompt],
    bars: Sequence[Bar],
    vocabulary: Vocabulary,
    seed: int,
    first_bar_is_open: bool,
) -> NoteForcer | None:
    """The forcer that a rhythm of positions or a remix asks for.

    Args:
        prompts: of the tracks of the step.
        bars: what is to be generated, with its present content on the model grid, in order.
        vocabulary: of the checkpoint.
        seed: of the notes that a remix leaves free.
        first_bar_is_open: see :class:`NoteForcer`.
    """
    remix = shared_control("remix", prompts)
    rhythm = shared_control("rhythm_mask", prompts) or {}
    if remix is not None:
        return NoteForcer(vocabulary, remix_schedules(bars, remix, seed), first_bar_is_open)
    if "positions" in rhythm:
        schedule: list[RemixGroup] = [
            (position, (RemixNote(None, None),) * count)
            for position, count in resolve_rhythm_schedule(rhythm)
        ]
        return NoteForcer(vocabulary, [schedule] * len(bars), first_bar_is_open)
    return None


def shared_control(name: str, prompts: Iterable[TrackPrompt]) -> dict[str, Any] | None:
    """A control that all tracks of a step set alike; a warning and None if they disagree."""
    values = [prompt.controls.get(name) for prompt in prompts]
    if not values or all(value is None for value in values):
        return None
    if any(value != values[0] for value in values):
        _log.warning("%s is left out of a step whose tracks disagree on it", name)
        return None
    return values[0]
