"""What writes events after a prompt: the interface of all backends, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from midigpt import _native, events
from midigpt.compose.key import key_bias
from midigpt.compose.tempo import checked_tempo

#: Told now and then: seconds of music written so far, and share of all that is to be written; means
#: over a batch.
Progress: TypeAlias = Callable[[float, float], None]

#: Context kept for a prompt and its piece, where the model has more than anybody needs.
USUAL_CONTEXT = 4096


@dataclass(frozen=True)
class Sampling:
    """How ids are drawn.

    Args:
        temperature: at least 0; 0 takes the likeliest id.
        top_p: only the likeliest ids that make up this share, in (0, 1].
        max_tokens: most ids in a piece, three for each event.
        key: that the pitches drawn are held to, 0..23 as in :func:`midigpt.compose.key.key_named`.
        hold_key: how strongly, at least 0; see :func:`midigpt.compose.key.key_bias`.
        hold_tempo: in BPM, 20..400: pieces of other tempos are written at this one and stretched,
            see :mod:`midigpt.compose.tempo`; 0: none are; None: as the model's folder says.
    """

    temperature: float = 1.0
    top_p: float = 0.98
    max_tokens: int = 2046
    key: int | None = None
    hold_key: float = 0.0
    hold_tempo: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise ValueError(f"temperature is {self.temperature}; at least 0 is wanted")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p is {self.top_p}; above 0 and at most 1 is wanted")
        if self.max_tokens < events.IDS_PER_EVENT:
            raise ValueError(
                f"max_tokens is {self.max_tokens}; at least {events.IDS_PER_EVENT} is wanted"
            )
        if not 0 <= self.hold_key < float("inf"):
            raise ValueError(f"hold_key is {self.hold_key}; at least 0 is wanted")
        checked_tempo(self.hold_tempo or 0.0)

    def sampler(self, seed: int) -> _native.SliceSampler:
        """One that draws by these rules."""
        return _native.SliceSampler(temperature=self.temperature, top_p=self.top_p, seed=seed)

    def note_bias(self) -> NDArray[np.float32]:
        """What is added to the logits of the notes: one for each, or none where no key is held."""
        if self.key is None or self.hold_key == 0:
            return np.empty(0, np.float32)
        return key_bias(self.key, self.hold_key)

    def within(self, room: int) -> int:
        """Most ids in a piece when the context has ``room``, in whole events.

        Raises:
            ValueError: there is room for none.
        """
        if room < events.IDS_PER_EVENT:
            raise ValueError("the prompt fills the model's context; a shorter one is wanted")
        return min(self.max_tokens, room) // events.IDS_PER_EVENT * events.IDS_PER_EVENT


@dataclass(frozen=True)
class Batch:
    """The pieces written after one prompt, as event ids; ``stopped``: by Ctrl-C."""

    pieces: list[list[int]]
    stopped: bool = False


class Backend(Protocol):
    """A text-to-music model that is ready to write."""

    @property
    def context(self) -> int:
        """Positions that it has room for: a prompt and its piece."""

    def generate(
        self,
        prompt: Sequence[int],
        first_event: int,
        seeds: Sequence[int],
        sampling: Sampling,
        progress: Progress,
    ) -> Batch:
        """Write one piece for each seed, all after the same prompt, as one batch.

        Args:
            prompt: model ids: text, the mode token, whole events that are there already.
            first_event: the model's id of event id 0.
            seeds: of the random draws, 0 .. 2**32 - 1.
            sampling: how ids are drawn.
            progress: told while it goes on, from the calling thread.

        Raises:
            ValueError: the prompt leaves no room for an event.
        """


def written_in(prompt: Sequence[int], first_event: int) -> list[int]:
    """The event ids that stand in a prompt, behind its mode token."""
    modes = (first_event + events.AUTOREGRESS, first_event + events.ANTICIPATE)
    mode = next(place for place, token in enumerate(prompt) if token in modes)
    return [token - first_event for token in prompt[mode + 1 :]]


def seeds_of(seed: int, prompt: int, count: int) -> list[int]:
    """Seeds of the pieces of one prompt: no two alike, the same for the same numbers."""
    state = np.random.SeedSequence([seed, prompt]).generate_state(count)
    return [int(word) for word in state]


def context_for(n_positions: int, max_tokens: int) -> int:
    """Positions to keep room for, in a model that has ``n_positions``."""
    return min(n_positions, max(USUAL_CONTEXT, max_tokens + USUAL_CONTEXT // 4))
